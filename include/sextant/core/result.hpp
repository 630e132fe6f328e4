/// Result<T>: a value or the reason there is none. Names follow std::expected, which C++20 does not have.
/// Invariants: holds exactly one of value and error, as long as moving a T does not throw.
/// Threads: const-safe.
/// Why not std::variant<T, Error>: it made the compiler allocate a sixth more for the part of a first program that is not JSON.
/// Why not an alias for std::expected where it exists: a C++20 library and a C++23 program would see two types.
#pragma once

#include <exception>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>

#include "sextant/core/config.hpp"
#include "sextant/core/error.hpp"

namespace sextant::inline v1 {

/// What `.value()` throws: catch it as `sextant::Error` or as `std::exception`.
class ErrorException : public std::exception, public Error {
public:
    explicit ErrorException(Error error) : Error(std::move(error)) {}
    [[nodiscard]] const char* what() const noexcept override { return message.c_str(); }
};

namespace detail {
[[noreturn]] inline void throw_error(const Error& error) {
#if SEXTANT_HAS_EXCEPTIONS
    throw ErrorException(error);
#else
    (void)error;
    std::terminate();
#endif
}
}  // namespace detail

template <class T>
class [[nodiscard]] Result {
    static_assert(!std::is_reference_v<T>, "Result holds values; use a pointer for a reference");

public:
    using value_type = T;

    Result(T value) : value_(std::move(value)) {}      // NOLINT: implicit on purpose
    Result(Error error) : error_(std::move(error)) {}  // NOLINT: implicit on purpose

    [[nodiscard]] bool has_value() const noexcept { return value_.has_value(); }
    [[nodiscard]] explicit operator bool() const noexcept { return has_value(); }

    /// The value, or throws ErrorException (terminates where exceptions are off).
    [[nodiscard]] const T& value() const& {
        require_value();
        return *value_;
    }
    [[nodiscard]] T& value() & {
        require_value();
        return *value_;
    }
    /// By value, not T&&: `for (auto& hit : c.search(…).value())` then extends the life of the range.
    T value() && {
        require_value();
        return std::move(*value_);
    }

    /// REQUIRES: has_value().
    [[nodiscard]] T& operator*() & noexcept { return *value_; }
    [[nodiscard]] const T& operator*() const& noexcept { return *value_; }
    [[nodiscard]] T* operator->() noexcept { return &*value_; }
    [[nodiscard]] const T* operator->() const noexcept { return &*value_; }

    /// REQUIRES: !has_value().
    [[nodiscard]] const Error& error() const& noexcept { return error_; }
    [[nodiscard]] Error error() && noexcept { return std::move(error_); }

    template <class U>
    [[nodiscard]] T value_or(U&& otherwise) && {
        return has_value() ? std::move(*value_) : static_cast<T>(std::forward<U>(otherwise));
    }

    /// Says in writing, where it can be searched for, why a failure does not matter here.
    void ignore(const char* /*why*/) const noexcept {}

private:
    void require_value() const {
        if (SEXTANT_UNLIKELY(!has_value())) detail::throw_error(error_);
    }

    std::optional<T> value_;
    Error error_;  ///< means nothing beside a value
};

template <>
class [[nodiscard]] Result<void> {
public:
    using value_type = void;

    Result() = default;
    Result(Error error) : error_(std::move(error)), failed_(true) {}  // NOLINT: implicit on purpose

    [[nodiscard]] bool has_value() const noexcept { return !failed_; }
    [[nodiscard]] explicit operator bool() const noexcept { return has_value(); }
    void value() const {
        if (SEXTANT_UNLIKELY(failed_)) detail::throw_error(error_);
    }
    /// REQUIRES: !has_value().
    [[nodiscard]] const Error& error() const& noexcept { return error_; }
    [[nodiscard]] Error error() && noexcept { return std::move(error_); }
    void ignore(const char* /*why*/) const noexcept {}

private:
    Error error_;
    bool failed_ = false;
};

[[nodiscard]] inline Error invalid_argument(std::string message) {
    return Error{ErrorCode::invalid_argument, std::move(message)};
}

}  // namespace sextant::inline v1

#define SEXTANT_CONCAT_INNER(a, b) a##b
#define SEXTANT_CONCAT(a, b) SEXTANT_CONCAT_INNER(a, b)

/// Leaves the enclosing function with the error of an expression, if it has one. Variadic only for commas in it.
#define SEXTANT_TRY(...)                                                                                               \
    do {                                                                                                               \
        auto sextant_result = (__VA_ARGS__);                                                                           \
        if (SEXTANT_UNLIKELY(!sextant_result.has_value())) return ::sextant::Error(std::move(sextant_result).error()); \
    } while (false)

/// SEXTANT_TRY_ASSIGN(auto x, f()): declares x from f()'s value, or leaves with its error.
#define SEXTANT_TRY_ASSIGN(declaration, ...) \
    SEXTANT_TRY_ASSIGN_IMPL(SEXTANT_CONCAT(sextant_result_, __LINE__), declaration, __VA_ARGS__)
#define SEXTANT_TRY_ASSIGN_IMPL(name, declaration, ...)                                        \
    auto name = (__VA_ARGS__);                                                                 \
    if (SEXTANT_UNLIKELY(!name.has_value())) return ::sextant::Error(std::move(name).error()); \
    declaration = std::move(name).value()
