/// payload_decode: the steps of reading a blob, inline for the readers that run once per row.
/// Invariants: a step either stays inside [at, end) or says that it cannot.
/// Threads: pure functions.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>

#include "sextant/payload/payload_path.hpp"
#include "sextant/payload/payload_view.hpp"

namespace sextant::inline v1::detail {

/// Fixed-width little-endian number. REQUIRES: sizeof(T) readable bytes.
template <class T>
[[nodiscard]] inline T load_payload_number(const std::byte* at) noexcept {
    std::uint64_t bits = 0;
    if constexpr (std::endian::native == std::endian::little) {
        std::memcpy(&bits, at, sizeof(T));
    } else {
        for (std::size_t i = sizeof(T); i-- != 0;) bits = bits << 8U | std::to_integer<std::uint64_t>(at[i]);
    }
    if constexpr (std::is_same_v<T, double>) {
        return std::bit_cast<double>(bits);
    } else {
        return static_cast<T>(bits);
    }
}

[[nodiscard]] inline std::string_view as_text(std::span<const std::byte> bytes) noexcept {
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

struct PayloadAccess {
    static PayloadValue make(PayloadTag tag, const std::byte* body, std::uint32_t size) noexcept {
        PayloadValue value;
        value.tag_ = tag;
        value.body_ = body;
        value.size_ = size;
        return value;
    }
    static PayloadTag tag(const PayloadValue& value) noexcept { return value.tag_; }
    static PayloadElements elements(std::span<const std::byte> body) noexcept {
        PayloadElements out;
        out.rest_ = body;
        return out;
    }
    static PayloadMembers members(std::span<const std::byte> body) noexcept {
        PayloadMembers out;
        out.rest_ = body;
        return out;
    }
};

/// Reads the value at `at`: what lies behind it, or null when the bytes up to `end` hold none.
[[nodiscard]] inline const std::byte* read_payload_value(const std::byte* at, const std::byte* end,
                                                         PayloadValue& out) noexcept {
    if (at == end) return nullptr;
    const auto tag = static_cast<PayloadTag>(*at++);
    const auto left = static_cast<std::size_t>(end - at);
    std::size_t size = 0;
    switch (tag) {
        case PayloadTag::null:
        case PayloadTag::boolean_false:
        case PayloadTag::boolean_true: break;
        case PayloadTag::integer8: size = 1; break;
        case PayloadTag::integer16: size = 2; break;
        case PayloadTag::integer32: size = 4; break;
        case PayloadTag::integer64:
        case PayloadTag::unsigned64:
        case PayloadTag::floating64: size = 8; break;
        case PayloadTag::string8:
        case PayloadTag::array8:
        case PayloadTag::object8:
            if (left < 1) return nullptr;
            size = std::to_integer<std::size_t>(*at);
            at += 1;
            break;
        case PayloadTag::string32:
        case PayloadTag::array32:
        case PayloadTag::object32:
            if (left < 4) return nullptr;
            size = load_payload_number<std::uint32_t>(at);
            at += 4;
            break;
        default: return nullptr;
    }
    if (static_cast<std::size_t>(end - at) < size) return nullptr;
    out = PayloadAccess::make(tag, at, static_cast<std::uint32_t>(size));
    return at + size;
}

/// Reads the key at `at`, as read_payload_value does.
[[nodiscard]] inline const std::byte* read_payload_key(const std::byte* at, const std::byte* end,
                                                       std::string_view& out) noexcept {
    if (at == end) return nullptr;
    std::size_t size = std::to_integer<std::size_t>(*at++);
    if (size == payload_wide_key) {
        if (end - at < 4) return nullptr;
        size = load_payload_number<std::uint32_t>(at);
        at += 4;
    }
    if (static_cast<std::size_t>(end - at) < size) return nullptr;
    out = as_text({at, size});
    return at + size;
}

[[nodiscard]] inline PayloadValue payload_root(std::span<const std::byte> blob) noexcept {
    if (blob.empty() || std::to_integer<std::uint8_t>(blob[0]) != payload_version || blob.size() > UINT32_MAX) {
        return PayloadAccess::make(PayloadTag::object32, nullptr, 0);
    }
    return PayloadAccess::make(PayloadTag::object32, blob.data() + 1, static_cast<std::uint32_t>(blob.size() - 1));
}

/// Whether the object has `key`; keys ascend, so the search ends at the first that is not below it.
[[nodiscard]] inline bool find_payload_member(const PayloadValue& object, std::string_view key,
                                              PayloadValue& out) noexcept {
    const std::byte* at = object.body().data();
    const std::byte* const end = at + object.body().size();
    while (at != end) {
        std::string_view found;
        at = read_payload_key(at, end, found);
        if (at == nullptr) return false;
        PayloadValue value;
        at = read_payload_value(at, end, value);
        if (at == nullptr) return false;
        const int order = found.compare(key);
        if (order == 0) out = value;
        if (order >= 0) return order == 0;
    }
    return false;
}

/// Hands what `steps` yield from `value` on to `visit(const PayloadValue&) -> bool`, until it says true.
template <class Visit>
bool walk_payload_path(const PayloadValue& value, std::span<const PayloadPath::Step> steps, Visit& visit) {
    PayloadValue current = value;
    for (std::size_t i = 0; i < steps.size(); ++i) {
        const PayloadPath::Step& step = steps[i];
        if (step.kind == PayloadPath::StepKind::key) {
            if (!current.is_object() || !find_payload_member(current, step.key, current)) return false;
            continue;
        }
        if (!current.is_array()) return false;
        const std::byte* at = current.body().data();
        const std::byte* const end = at + current.body().size();
        PayloadValue element;
        if (step.kind == PayloadPath::StepKind::each) {
            while (at != end && (at = read_payload_value(at, end, element)) != nullptr) {
                if (walk_payload_path(element, steps.subspan(i + 1), visit)) return true;
            }
            return false;
        }
        for (std::uint64_t index = 0; index <= step.index; ++index) {
            if (at == end || (at = read_payload_value(at, end, element)) == nullptr) return false;
        }
        current = element;
    }
    return visit(current);
}

}  // namespace sextant::inline v1::detail
