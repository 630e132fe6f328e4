/// posix_error: what errno means in the library's own codes; and calls that a signal may cut short.
#pragma once

#include <cerrno>
#include <string>
#include <string_view>

#include "sextant/core/result.hpp"

namespace sextant::inline v1::detail {

/// "path: doing: No space left on device".
[[nodiscard]] Error posix_error(std::string_view path, std::string_view doing, int number);

/// invalid_argument when a path is empty or holds a zero byte, where the system would see another, shorter path.
[[nodiscard]] Result<void> check_path(const std::string& path);

/// Calls again while a signal interrupts.
template <class Call>
[[nodiscard]] auto retry_interrupted(Call call) {
    auto result = call();
    while (result == -1 && errno == EINTR) result = call();
    return result;
}

}  // namespace sextant::inline v1::detail
