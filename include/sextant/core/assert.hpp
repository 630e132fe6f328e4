/// assert: what must hold unless this code is wrong. Never for input, file bytes or limits: those are Result errors.
/// SEXTANT_ASSERT holds in debug builds only; SEXTANT_CHECK always, for where going on would damage data.
/// Threads: any. Cost: a predicted branch; the message is made out of line.
/// Why not <cassert>: NDEBUG would turn off the checks that protect data, and abort() skips std::terminate's handler.
#pragma once

#include "sextant/core/config.hpp"

namespace sextant::inline v1::detail {

/// Writes "file:line: what: condition" to stderr and calls std::terminate.
[[noreturn]] void fail_check(const char* what, const char* condition, const char* file, int line) noexcept;

}  // namespace sextant::inline v1::detail

#define SEXTANT_CHECK(...)                                \
    (SEXTANT_LIKELY((__VA_ARGS__)) ? static_cast<void>(0) \
                                   : ::sextant::detail::fail_check("check failed", #__VA_ARGS__, __FILE__, __LINE__))

#ifdef NDEBUG
/// Not evaluated, but still has to compile.
#define SEXTANT_ASSERT(...) static_cast<void>(sizeof(!(__VA_ARGS__)))
#else
#define SEXTANT_ASSERT(...)        \
    (SEXTANT_LIKELY((__VA_ARGS__)) \
         ? static_cast<void>(0)    \
         : ::sextant::detail::fail_check("assertion failed", #__VA_ARGS__, __FILE__, __LINE__))
#endif
