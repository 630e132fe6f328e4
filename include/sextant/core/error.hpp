/// error: what went wrong, as a code a program can switch on and a sentence a person can act on.
/// Threads: values; share them as any value.
/// Why a plain struct: it travels inside Result<T> by value and is what `.value()` throws for those who like exceptions.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace sextant::inline v1 {

/// Numbers are part of the C ABI and of the wire modules: never reuse one.
enum class ErrorCode : std::uint8_t {
    invalid_argument = 1,
    not_found = 2,
    already_exists = 3,
    version_conflict = 4,
    corruption = 5,
    io_error = 6,
    unsupported = 7,
    resource_exhausted = 8,
    read_only = 9,
    busy = 10,
    closed = 11,
    cancelled = 12,
    deadline_exceeded = 13,
};

/// "invalid_argument", "not_found", …; "unknown" for a number that names no code.
[[nodiscard]] constexpr std::string_view to_string(ErrorCode code) noexcept {
    switch (code) {
        case ErrorCode::invalid_argument: return "invalid_argument";
        case ErrorCode::not_found: return "not_found";
        case ErrorCode::already_exists: return "already_exists";
        case ErrorCode::version_conflict: return "version_conflict";
        case ErrorCode::corruption: return "corruption";
        case ErrorCode::io_error: return "io_error";
        case ErrorCode::unsupported: return "unsupported";
        case ErrorCode::resource_exhausted: return "resource_exhausted";
        case ErrorCode::read_only: return "read_only";
        case ErrorCode::busy: return "busy";
        case ErrorCode::closed: return "closed";
        case ErrorCode::cancelled: return "cancelled";
        case ErrorCode::deadline_exceeded: return "deadline_exceeded";
    }
    return "unknown";
}

/// Error: the message names the field, file or offset, what was got and what was expected.
struct Error {
    ErrorCode code = ErrorCode::invalid_argument;
    std::string message = {};

    friend bool operator==(const Error&, const Error&) = default;
};

}  // namespace sextant::inline v1
