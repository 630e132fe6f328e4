#include "sextant/core/checked.hpp"

#include "core/format_text.hpp"

namespace sextant::inline v1::detail {

Error overflow_error(const char* field, std::uint64_t a, char operation, std::uint64_t b, std::uint64_t most) {
    return invalid_argument(format_text("{}: {} {} {} is over {}", field, a, operation, b, most));
}

Error narrow_error(const char* field, std::int64_t value, std::uint64_t most) {
    return invalid_argument(format_text("{}: {} does not fit (largest is {})", field, value, most));
}

Error narrow_error(const char* field, std::uint64_t value, std::uint64_t most) {
    return invalid_argument(format_text("{}: {} does not fit (largest is {})", field, value, most));
}

}  // namespace sextant::inline v1::detail
