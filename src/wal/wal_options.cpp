#include "sextant/wal/wal_options.hpp"

#include "core/format_text.hpp"

namespace sextant::inline v1 {

Result<void> WalOptions::validate() const {
    constexpr std::uint64_t least = 4096;
    constexpr std::uint64_t most = std::uint64_t{1} << 40U;
    if (min_file_size < least || min_file_size > most) {
        return invalid_argument(format_text("min_file_size: got {}, expected {} to {}", min_file_size, least, most));
    }
    if (max_file_size < min_file_size || max_file_size > most) {
        return invalid_argument(
            format_text("max_file_size: got {}, expected {} to {}", max_file_size, min_file_size, most));
    }
    return {};
}

}  // namespace sextant::inline v1
