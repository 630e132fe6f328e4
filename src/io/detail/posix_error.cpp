#include "io/detail/posix_error.hpp"

#include <system_error>

#include "core/format_text.hpp"

namespace sextant::inline v1::detail {
namespace {

ErrorCode code_of(int number) noexcept {
    switch (number) {
        case ENOENT: return ErrorCode::not_found;
        case EEXIST: return ErrorCode::already_exists;
        case ENOSPC:
        case EDQUOT:
        case EFBIG:
        case EMFILE:
        case ENFILE:
        case ENOMEM: return ErrorCode::resource_exhausted;
        case EROFS: return ErrorCode::read_only;
        default: return ErrorCode::io_error;
    }
}

}  // namespace

Error posix_error(std::string_view path, std::string_view doing, int number) {
    // Not strerror(): it may share one buffer between threads.
    return Error{code_of(number), format_text("{}: {}: {}", path, doing, std::generic_category().message(number))};
}

Result<void> check_path(const std::string& path) {
    if (path.empty()) return invalid_argument("path: it is empty");
    if (path.find('\0') == std::string::npos) return {};
    return invalid_argument(format_text("path: a zero byte after '{}'", path.c_str()));
}

}  // namespace sextant::inline v1::detail
