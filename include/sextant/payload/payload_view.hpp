/// PayloadView: reads an encoded payload in place: no copy, no allocation, no exception.
/// Invariants: whatever the bytes are, nothing outside them is read. validate() says whether they are a payload; of
/// bytes that are not, the readers show an unspecified part.
/// Threads: immutable. Lifetime: views of the caller's bytes, as are the values, keys and strings they hand out.
/// Cost: find() walks the members in front of the key, skipping values by their size; validate() reads every byte.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "sextant/core/function_ref.hpp"
#include "sextant/core/result.hpp"
#include "sextant/payload/payload_format.hpp"
#include "sextant/payload/payload_path.hpp"

namespace sextant::inline v1 {

enum class PayloadKind : std::uint8_t { null, boolean, integer, unsigned_integer, floating, string, array, object };

/// "null", "boolean", …
[[nodiscard]] std::string_view to_string(PayloadKind kind) noexcept;

class PayloadElements;
class PayloadMembers;
namespace detail {
struct PayloadAccess;
}

/// One value inside a blob.
class PayloadValue {
public:
    /// null
    constexpr PayloadValue() noexcept = default;

    /// Every whole number that fits std::int64_t is an `integer`; `unsigned_integer` are those above.
    [[nodiscard]] PayloadKind kind() const noexcept;
    [[nodiscard]] bool is_null() const noexcept { return tag_ == PayloadTag::null; }
    [[nodiscard]] bool is_array() const noexcept { return tag_ == PayloadTag::array8 || tag_ == PayloadTag::array32; }
    [[nodiscard]] bool is_object() const noexcept {
        return tag_ == PayloadTag::object8 || tag_ == PayloadTag::object32;
    }

    /// Each asks for the kind it names; of another kind the answer is false, 0 or empty.
    [[nodiscard]] bool boolean() const noexcept { return tag_ == PayloadTag::boolean_true; }
    [[nodiscard]] std::int64_t integer() const noexcept;
    [[nodiscard]] std::uint64_t unsigned_integer() const noexcept;
    [[nodiscard]] double floating() const noexcept;
    [[nodiscard]] std::string_view string() const noexcept;
    [[nodiscard]] PayloadElements elements() const noexcept;
    [[nodiscard]] PayloadMembers members() const noexcept;

    /// The member of an object; nothing where there is none or this is no object.
    [[nodiscard]] std::optional<PayloadValue> find(std::string_view key) const noexcept;

    /// The bytes behind the tag and the size: the number, the characters, the elements or members.
    [[nodiscard]] std::span<const std::byte> body() const noexcept { return {body_, size_}; }

private:
    friend struct detail::PayloadAccess;

    const std::byte* body_ = nullptr;
    std::uint32_t size_ = 0;
    PayloadTag tag_ = PayloadTag::null;
};

/// `for (auto e = value.elements(); e.next();) use(e.value());`
class PayloadElements {
public:
    [[nodiscard]] bool next() noexcept;
    [[nodiscard]] const PayloadValue& value() const noexcept { return value_; }

private:
    friend struct detail::PayloadAccess;

    std::span<const std::byte> rest_;
    PayloadValue value_;
};

/// `for (auto m = value.members(); m.next();) use(m.key(), m.value());` in ascending order of the keys' bytes.
class PayloadMembers {
public:
    [[nodiscard]] bool next() noexcept;
    [[nodiscard]] std::string_view key() const noexcept { return key_; }
    [[nodiscard]] const PayloadValue& value() const noexcept { return value_; }
    /// The encoded member, key and value, that next() came to.
    [[nodiscard]] std::span<const std::byte> bytes() const noexcept { return bytes_; }

private:
    friend struct detail::PayloadAccess;

    std::span<const std::byte> rest_;
    std::span<const std::byte> bytes_;
    std::string_view key_;
    PayloadValue value_;
};

class PayloadView {
public:
    /// No bytes are the empty object.
    explicit PayloadView(std::span<const std::byte> blob) noexcept : blob_(blob) {}

    /// corruption, with the offset of the first byte that breaks a rule of docs/format/payload.md.
    [[nodiscard]] Result<void> validate() const;

    /// The payload as an object; empty where the bytes are of an unknown version.
    [[nodiscard]] PayloadValue root() const noexcept;

    /// Hands each value the path yields to `visit`, in the order they lie, until it returns true; whether it did.
    bool visit(const PayloadPath& path, FunctionRef<bool(const PayloadValue&)> visit) const;

private:
    std::span<const std::byte> blob_;
};

}  // namespace sextant::inline v1
