#include "sextant/core/assert.hpp"

#include <cstdio>
#include <exception>

namespace sextant::inline v1::detail {

void fail_check(const char* what, const char* condition, const char* file, int line) noexcept {
    // The one place that writes to stderr: the process ends here, and no caller is left to be told.
    std::fprintf(stderr, "%s:%d: sextant: %s: %s\n", file, line, what, condition);
    std::terminate();
}

}  // namespace sextant::inline v1::detail
