/// fast_scan: 4-bit product codes in blocks of 32 rows, scanned with tables of bytes that stay in registers (André,
/// Kermarrec, Le Scouarnec 2017).
///
///     block   u8 [subvectors][16]: the low half of byte j of sub-vector s is the code of row j, the high half of row j + 16
///
/// Cost: half a byte a sub-vector and row, as in rows; a scan is bound by the shuffle unit or by memory, not by tables.
/// Lifetime: tables live in the scratch they were made in.
/// Threads: pure functions; FastScanBlocks is const-safe.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "sextant/core/query_scratch.hpp"
#include "sextant/core/types.hpp"
#include "sextant/kernel/product_kernel_table.hpp"

namespace sextant::inline v1 {

/// A query's distances to the centroids, as bytes: one step for all tables, one sum of their least entries.
struct FastScanTables {
    FastScanQuery query = {};
    float error = 0.0F;  ///< a distance differs from that of the float tables by at most this

    /// `tables` are [subvectors][16]; a row's distance is offset + scale * Σ tables[s][code s]. `spared`: an entry that
    /// does not widen the step, and is taken for the nearest that fits; SIZE_MAX: none.
    [[nodiscard]] static FastScanTables make(std::span<const float> tables, std::size_t subvectors, float scale,
                                             float offset, std::size_t spared, QueryScratch& scratch);
};

[[nodiscard]] constexpr std::size_t fast_scan_block_size(std::size_t subvectors) noexcept { return 16 * subvectors; }

/// Up to 32 rows of 4-bit codes into one block; rows that are missing become code 0.
/// REQUIRES: row_count <= fast_scan_rows; block.size() >= fast_scan_block_size(subvectors).
void pack_fast_scan_block(RowSource rows, RowId first, std::size_t row_count, std::size_t subvectors,
                          std::span<std::byte> block) noexcept;
/// The same for rows that do not follow one another: the neighbours of a node.
void pack_fast_scan_block(RowSource rows, std::span<const RowId> listed, std::size_t subvectors,
                          std::span<std::byte> block) noexcept;

/// Distances of the 32 rows of one block.
inline void scan_fast_scan_block(const FastScanTables& tables, std::span<const std::byte> block,
                                 std::span<float, fast_scan_rows> out) noexcept {
    product_kernels().fast_scan(tables.query, block.data(), block.size(), 1, out.data());
}

/// Rows of codes as consecutive blocks, for exhaustive scans.
class FastScanBlocks {
public:
    /// Throws std::bad_alloc.
    FastScanBlocks(RowSource rows, std::size_t row_count, std::size_t subvectors);

    [[nodiscard]] std::size_t row_count() const noexcept { return row_count_; }
    [[nodiscard]] std::size_t block_count() const noexcept {
        return (row_count_ + fast_scan_rows - 1) / fast_scan_rows;
    }
    /// Distances of all rows of blocks [first, first + count). REQUIRES: out.size() >= count * fast_scan_rows.
    void scan(const FastScanTables& tables, std::size_t first, std::size_t count, std::span<float> out) const noexcept;

private:
    std::size_t row_count_;
    std::size_t block_size_;
    std::vector<std::byte> blocks_;
};

}  // namespace sextant::inline v1
