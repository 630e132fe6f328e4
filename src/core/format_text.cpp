// {fmt} is compiled here and nowhere else: GCC keeps a private copy of its float printing, 11 KB, in each object that
// includes it, 60 of them in a first program.
#define FMT_HEADER_ONLY
#include "core/format_text.hpp"

#include <fmt/format.h>

namespace sextant::inline v1 {

std::string format_text_of(fmt::string_view format, fmt::format_args arguments) {
    return fmt::vformat(format, arguments);
}

}  // namespace sextant::inline v1
