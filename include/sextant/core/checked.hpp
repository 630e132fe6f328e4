/// checked: arithmetic on sizes that come from outside, where wrapping round would become a wrong size.
/// Two forms each: without a name it gives std::optional; with the name of the field, a Result whose message says it.
/// Threads: pure functions.
#pragma once

#include <concepts>
#include <cstdint>
#include <limits>
#include <optional>
#include <utility>

#include "sextant/core/result.hpp"

namespace sextant::inline v1 {

template <std::unsigned_integral T>
[[nodiscard]] constexpr std::optional<T> checked_add(T a, T b) noexcept {
    if (b > std::numeric_limits<T>::max() - a) return std::nullopt;
    return static_cast<T>(a + b);
}

template <std::unsigned_integral T>
[[nodiscard]] constexpr std::optional<T> checked_mul(T a, T b) noexcept {
    if (a != 0 && b > std::numeric_limits<T>::max() / a) return std::nullopt;
    return static_cast<T>(a * b);
}

template <std::integral To, std::integral From>
[[nodiscard]] constexpr std::optional<To> checked_narrow(From value) noexcept {
    if (!std::in_range<To>(value)) return std::nullopt;
    return static_cast<To>(value);
}

/// `value` rounded up to a multiple of `unit`. REQUIRES: unit > 0.
template <std::unsigned_integral T>
[[nodiscard]] constexpr std::optional<T> checked_round_up(T value, T unit) noexcept {
    const T rest = static_cast<T>(value % unit);
    return rest == 0 ? std::optional<T>(value) : checked_add<T>(value, static_cast<T>(unit - rest));
}

namespace detail {
[[nodiscard]] Error overflow_error(const char* field, std::uint64_t a, char operation, std::uint64_t b,
                                   std::uint64_t most);
[[nodiscard]] Error narrow_error(const char* field, std::int64_t value, std::uint64_t most);
[[nodiscard]] Error narrow_error(const char* field, std::uint64_t value, std::uint64_t most);
}  // namespace detail

template <std::unsigned_integral T>
[[nodiscard]] constexpr Result<T> checked_add(T a, T b, const char* field) {
    if (const auto sum = checked_add(a, b)) return *sum;
    return detail::overflow_error(field, a, '+', b, std::numeric_limits<T>::max());
}

template <std::unsigned_integral T>
[[nodiscard]] constexpr Result<T> checked_mul(T a, T b, const char* field) {
    if (const auto product = checked_mul(a, b)) return *product;
    return detail::overflow_error(field, a, '*', b, std::numeric_limits<T>::max());
}

template <std::integral To, std::integral From>
[[nodiscard]] constexpr Result<To> checked_narrow(From value, const char* field) {
    if (const auto narrow = checked_narrow<To>(value)) return *narrow;
    constexpr auto most = static_cast<std::uint64_t>(std::numeric_limits<To>::max());
    if constexpr (std::is_signed_v<From>) {
        return detail::narrow_error(field, static_cast<std::int64_t>(value), most);
    } else {
        return detail::narrow_error(field, static_cast<std::uint64_t>(value), most);
    }
}

}  // namespace sextant::inline v1
