/// config: what the compiler offers, in the library's own words.
/// Threads: nothing: macros.
#pragma once

#if defined(__cpp_exceptions) || defined(__EXCEPTIONS)
#define SEXTANT_HAS_EXCEPTIONS 1
#else
#define SEXTANT_HAS_EXCEPTIONS 0
#endif

#if defined(__GNUC__) || defined(__clang__)
#define SEXTANT_LIKELY(condition) __builtin_expect(static_cast<bool>(condition), 1)
#define SEXTANT_UNLIKELY(condition) __builtin_expect(static_cast<bool>(condition), 0)
#else
#define SEXTANT_LIKELY(condition) (condition)
#define SEXTANT_UNLIKELY(condition) (condition)
#endif

namespace sextant::inline v1 {}
