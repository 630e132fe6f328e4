// Messages, and the only door to {fmt}: text is made in one translation unit, not in every one that words an error.
#pragma once

#include <fmt/core.h>

#include <string>

namespace sextant::inline v1 {

std::string format_text_of(fmt::string_view format, fmt::format_args arguments);

// `format` filled with `arguments`, as {fmt} does it; checked by the compiler.
template <class... Arguments>
std::string format_text(fmt::format_string<Arguments...> format, const Arguments&... arguments) {
    return format_text_of(format, fmt::make_format_args(arguments...));
}

}  // namespace sextant::inline v1
