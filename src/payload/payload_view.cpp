#include "sextant/payload/payload_view.hpp"

#include <cmath>
#include <limits>

#include "core/format_text.hpp"
#include "payload/detail/payload_decode.hpp"
#include "payload/detail/text.hpp"
#include "sextant/payload/payload_limits.hpp"

namespace sextant::inline v1 {
namespace {

/// Checks each rule of docs/format/payload.md, byte by byte; the first that is broken stays in `error`.
class Validator {
public:
    explicit Validator(std::span<const std::byte> blob) : begin_(blob.data()) {}

    /// The members between `at` and `end` of an object at `depth`.
    bool check_members(const std::byte* at, const std::byte* end, std::size_t depth) {
        std::string_view previous;
        for (bool first = true; at != end; first = false) {
            const std::byte* const start = at;
            std::string_view key;
            at = detail::read_payload_key(at, end, key);
            if (at == nullptr) return refuse(start, "a key reaches beyond its object");
            const bool wide = std::to_integer<std::uint8_t>(*start) == payload_wide_key;
            if (wide && key.size() < payload_wide_key) return refuse(start, "a short key with a wide size");
            if (!detail::is_valid_utf8(key)) return refuse(start, "a key that is not UTF-8");
            if (!first && previous.compare(key) >= 0) return refuse(start, "keys that do not ascend");
            previous = key;
            at = check_value(at, end, depth);
            if (at == nullptr) return false;
        }
        return true;
    }

    [[nodiscard]] const Error& error() const { return error_; }

private:
    const std::byte* check_value(const std::byte* at, const std::byte* end, std::size_t depth) {
        PayloadValue value;
        const std::byte* const behind = detail::read_payload_value(at, end, value);
        if (behind == nullptr) {
            refuse(at, at == end ? "a key without a value" : "an unknown tag, or a value beyond its container");
            return nullptr;
        }
        return check_body(at, value, depth) ? behind : nullptr;
    }

    bool check_body(const std::byte* at, const PayloadValue& value, std::size_t depth) {
        const std::byte* const body = value.body().data();
        const std::size_t size = value.body().size();
        const PayloadTag tag = detail::PayloadAccess::tag(value);
        switch (tag) {
            case PayloadTag::integer16: return check_width<std::int16_t, std::int8_t>(at, body);
            case PayloadTag::integer32: return check_width<std::int32_t, std::int16_t>(at, body);
            case PayloadTag::integer64: return check_width<std::int64_t, std::int32_t>(at, body);
            case PayloadTag::unsigned64:
                if (value.unsigned_integer() > static_cast<std::uint64_t>(INT64_MAX)) return true;
                return refuse(at, "a number wider than it needs to be");
            case PayloadTag::floating64:
                return std::isfinite(value.floating()) || refuse(at, "a number that is not finite");
            case PayloadTag::string32:
            case PayloadTag::array32:
            case PayloadTag::object32:
                if (size < payload_wide_size) return refuse(at, "a small size in four bytes");
                break;
            default: break;
        }
        if (value.kind() == PayloadKind::string) {
            const std::size_t valid = detail::valid_utf8_size(value.string());
            return valid == size || refuse(body + valid, "a string that is not UTF-8");
        }
        if (!value.is_array() && !value.is_object()) return true;
        if (depth == limits::max_payload_depth) return refuse(at, "more levels than the limit");
        return value.is_object() ? check_members(body, body + size, depth + 1)
                                 : check_elements(body, body + size, depth + 1);
    }

    bool check_elements(const std::byte* at, const std::byte* end, std::size_t depth) {
        while (at != end) {
            at = check_value(at, end, depth);
            if (at == nullptr) return false;
        }
        return true;
    }

    template <class T, class Narrower>
    bool check_width(const std::byte* at, const std::byte* body) {
        const T number = detail::load_payload_number<T>(body);
        if (number < std::numeric_limits<Narrower>::min() || number > std::numeric_limits<Narrower>::max()) return true;
        return refuse(at, "a number wider than it needs to be");
    }

    bool refuse(const std::byte* at, std::string_view what) {
        error_ = Error{ErrorCode::corruption, format_text("payload: offset {}: {}", at - begin_, what)};
        return false;
    }

    const std::byte* begin_;
    Error error_;
};

}  // namespace

std::string_view to_string(PayloadKind kind) noexcept {
    switch (kind) {
        case PayloadKind::null: return "null";
        case PayloadKind::boolean: return "boolean";
        case PayloadKind::integer: return "integer";
        case PayloadKind::unsigned_integer: return "unsigned integer";
        case PayloadKind::floating: return "floating";
        case PayloadKind::string: return "string";
        case PayloadKind::array: return "array";
        case PayloadKind::object: return "object";
    }
    return "unknown";
}

PayloadKind PayloadValue::kind() const noexcept {
    switch (tag_) {
        case PayloadTag::null: break;
        case PayloadTag::boolean_false:
        case PayloadTag::boolean_true: return PayloadKind::boolean;
        case PayloadTag::integer8:
        case PayloadTag::integer16:
        case PayloadTag::integer32:
        case PayloadTag::integer64: return PayloadKind::integer;
        case PayloadTag::unsigned64: return PayloadKind::unsigned_integer;
        case PayloadTag::floating64: return PayloadKind::floating;
        case PayloadTag::string8:
        case PayloadTag::string32: return PayloadKind::string;
        case PayloadTag::array8:
        case PayloadTag::array32: return PayloadKind::array;
        case PayloadTag::object8:
        case PayloadTag::object32: return PayloadKind::object;
    }
    return PayloadKind::null;
}

std::int64_t PayloadValue::integer() const noexcept {
    switch (tag_) {
        case PayloadTag::integer8: return detail::load_payload_number<std::int8_t>(body_);
        case PayloadTag::integer16: return detail::load_payload_number<std::int16_t>(body_);
        case PayloadTag::integer32: return detail::load_payload_number<std::int32_t>(body_);
        case PayloadTag::integer64: return detail::load_payload_number<std::int64_t>(body_);
        default: return 0;
    }
}

std::uint64_t PayloadValue::unsigned_integer() const noexcept {
    return tag_ == PayloadTag::unsigned64 ? detail::load_payload_number<std::uint64_t>(body_) : 0;
}

double PayloadValue::floating() const noexcept {
    return tag_ == PayloadTag::floating64 ? detail::load_payload_number<double>(body_) : 0.0;
}

std::string_view PayloadValue::string() const noexcept {
    if (kind() != PayloadKind::string) return {};
    return detail::as_text(body());
}

PayloadElements PayloadValue::elements() const noexcept {
    return detail::PayloadAccess::elements(is_array() ? body() : std::span<const std::byte>());
}

PayloadMembers PayloadValue::members() const noexcept {
    return detail::PayloadAccess::members(is_object() ? body() : std::span<const std::byte>());
}

std::optional<PayloadValue> PayloadValue::find(std::string_view key) const noexcept {
    PayloadValue found;
    if (!is_object() || !detail::find_payload_member(*this, key, found)) return std::nullopt;
    return found;
}

bool PayloadElements::next() noexcept {
    const std::byte* const end = rest_.data() + rest_.size();
    const std::byte* const behind = detail::read_payload_value(rest_.data(), end, value_);
    if (behind == nullptr) {
        rest_ = {};
        return false;
    }
    rest_ = {behind, end};
    return true;
}

bool PayloadMembers::next() noexcept {
    const std::byte* const start = rest_.data();
    const std::byte* const end = start + rest_.size();
    const std::byte* behind = detail::read_payload_key(start, end, key_);
    if (behind != nullptr) behind = detail::read_payload_value(behind, end, value_);
    if (behind == nullptr) {
        rest_ = {};
        return false;
    }
    bytes_ = {start, behind};
    rest_ = {behind, end};
    return true;
}

Result<void> PayloadView::validate() const {
    if (blob_.empty()) return {};
    if (blob_.size() > limits::max_payload_size) {
        return Error{ErrorCode::corruption,
                     format_text("payload: expected at most {} bytes, got {}", limits::max_payload_size, blob_.size())};
    }
    const auto version = std::to_integer<unsigned>(blob_[0]);
    if (version != payload_version) {
        return Error{version > payload_version ? ErrorCode::unsupported : ErrorCode::corruption,
                     format_text("payload: offset 0: expected version {}, got {}", payload_version, version)};
    }
    if (blob_.size() == 1) {
        return Error{ErrorCode::corruption, "payload: offset 1: no members; the empty object has no bytes at all"};
    }
    Validator validator(blob_);
    if (!validator.check_members(blob_.data() + 1, blob_.data() + blob_.size(), 1)) return validator.error();
    return {};
}

PayloadValue PayloadView::root() const noexcept { return detail::payload_root(blob_); }

bool PayloadView::visit(const PayloadPath& path, FunctionRef<bool(const PayloadValue&)> visit) const {
    return detail::walk_payload_path(root(), path.steps(), visit);
}

}  // namespace sextant::inline v1
