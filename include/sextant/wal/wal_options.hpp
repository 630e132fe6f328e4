/// WalOptions: how large the files of a log are.
/// Threads: a value.
#pragma once

#include <cstdint>

#include "sextant/core/result.hpp"

namespace sextant::inline v1 {

/// For few to touch: the defaults cost at most 192 MiB of disk, and a log of small writes takes 1 MiB. A file is made a
/// sixth as large as what the log holds by then, within these bounds.
struct WalOptions {
    /// Bytes of the smallest file. At least 4 KiB.
    std::uint64_t min_file_size = std::uint64_t{1} << 20U;
    /// Bytes at which files stop growing. A file is larger only when one frame needs it. Larger files are changed less
    /// often, each time for the price of writing a whole file of zeros; what recovery reads is bounded by what was not
    /// flushed, not by this. At most 2^40.
    std::uint64_t max_file_size = std::uint64_t{64} << 20U;
    /// Files kept to be used again, so that changing files costs no writing of zeros.
    std::uint32_t keep_recycled = 2;

    /// invalid_argument that names the field.
    [[nodiscard]] Result<void> validate() const;
};

}  // namespace sextant::inline v1
