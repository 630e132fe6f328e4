/// FilterValue: a value a condition compares with: a boolean, a whole number, a floating number or a string.
/// Threads: a value.
/// Why constrained constructors: `bool` must not become 1, nor a pointer true, nor 'x' 120. What is not exactly one of
/// the four kinds does not compile.
#pragma once

#include <bit>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <type_traits>

namespace sextant::inline v1 {

namespace detail {
template <class T>
concept CharacterType = std::same_as<T, char> || std::same_as<T, wchar_t> || std::same_as<T, char8_t> ||
    std::same_as<T, char16_t> || std::same_as<T, char32_t>;
template <class T>
inline constexpr bool is_boolean = std::is_same_v<std::remove_cv_t<T>, bool>;
}  // namespace detail

template <class T>
concept FilterBoolean = detail::is_boolean<T>;

/// Integers of up to 64 bits; characters are not numbers.
template <class T>
concept FilterInteger = std::integral<T> && !FilterBoolean<T> && !detail::CharacterType<std::remove_cv_t<T>> &&
                        sizeof(T) <= sizeof(std::int64_t);

/// `long double` is left out: its digits would be lost.
template <class T>
concept FilterFloating = std::floating_point<T> && sizeof(T) <= sizeof(double);

template <class T>
concept FilterNumber = FilterInteger<T> || FilterFloating<T>;

template <class T>
concept FilterString = std::convertible_to<const T&, std::string_view> && !std::same_as<T, std::nullptr_t>;

template <class T>
concept FilterOperand = FilterBoolean<T> || FilterNumber<T> || FilterString<T>;

class FilterValue {
public:
    enum class Kind : std::uint8_t { null_pointer, boolean, integer, unsigned_integer, floating, string };

    template <FilterOperand T>
    FilterValue(const T& value) {  // NOLINT: implicit on purpose, so that lists of values read as such
        if constexpr (FilterBoolean<T>) {
            kind_ = Kind::boolean;
            bits_ = value ? 1 : 0;
        } else if constexpr (FilterFloating<T>) {
            kind_ = Kind::floating;
            bits_ = std::bit_cast<std::uint64_t>(static_cast<double>(value));
        } else if constexpr (FilterInteger<T>) {
            const bool above = std::is_unsigned_v<T> && static_cast<std::uint64_t>(value) >> 63U != 0;
            kind_ = above ? Kind::unsigned_integer : Kind::integer;
            bits_ = static_cast<std::uint64_t>(value);
        } else if constexpr (std::is_pointer_v<T>) {
            // A null pointer is a mistake that only shows at run time: kept, and refused with the filter.
            kind_ = value == nullptr ? Kind::null_pointer : Kind::string;
            if (value != nullptr) text_ = std::string_view(value);
        } else {
            kind_ = Kind::string;
            text_ = static_cast<std::string_view>(value);
        }
    }

    [[nodiscard]] Kind kind() const noexcept { return kind_; }
    /// Each REQUIRES the kind it names. `unsigned_integer` are whole numbers above 2^63 - 1.
    [[nodiscard]] bool boolean() const noexcept { return bits_ != 0; }
    [[nodiscard]] std::int64_t integer() const noexcept { return static_cast<std::int64_t>(bits_); }
    [[nodiscard]] std::uint64_t unsigned_integer() const noexcept { return bits_; }
    [[nodiscard]] double floating() const noexcept { return std::bit_cast<double>(bits_); }
    [[nodiscard]] const std::string& string() const noexcept { return text_; }

private:
    Kind kind_ = Kind::null_pointer;
    std::uint64_t bits_ = 0;
    std::string text_;
};

}  // namespace sextant::inline v1
