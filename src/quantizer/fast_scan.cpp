#include "sextant/quantizer/fast_scan.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace sextant::inline v1 {
namespace {

std::uint8_t code_of(const std::byte* row, std::size_t subvector) noexcept {
    const auto both = static_cast<std::uint8_t>(row[subvector / 2]);
    return static_cast<std::uint8_t>(subvector % 2 == 0 ? both & 15U : both >> 4U);
}

/// `row_at(i)` for i < row_count.
template <class RowAt>
void pack(RowAt row_at, std::size_t row_count, std::size_t subvectors, std::byte* block) noexcept {
    std::fill_n(block, fast_scan_block_size(subvectors), std::byte{0});
    for (std::size_t i = 0; i < row_count; ++i) {
        const std::byte* const row = row_at(i);
        for (std::size_t s = 0; s < subvectors; ++s) {
            const unsigned code = code_of(row, s);
            block[16 * s + i % 16] |= static_cast<std::byte>(i < 16 ? code : code << 4U);
        }
    }
}

}  // namespace

FastScanTables FastScanTables::make(std::span<const float> tables, std::size_t subvectors, float scale, float offset,
                                    std::size_t spared, QueryScratch& scratch) {
    const auto lowest = scratch.take<float>(subvectors);
    const auto bytes = scratch.take<std::uint8_t>(16 * subvectors);
    float widest = 0.0F;
    double bias = 0.0;
    for (std::size_t s = 0; s < subvectors; ++s) {
        float least = std::numeric_limits<float>::max();
        float most = std::numeric_limits<float>::lowest();
        for (std::size_t i = 16 * s; i < 16 * s + 16; ++i) {
            if (i == spared) continue;
            least = std::min(least, tables[i]);
            most = std::max(most, tables[i]);
        }
        lowest[s] = least;
        widest = std::max(widest, most - least);
        bias += double{least};
    }
    // Normal, so that its inverse is a number; where all entries of each table are equal, any step does.
    const float step = std::max(widest / 255.0F, std::numeric_limits<float>::min() * 4.0F);
    const float inverse = 1.0F / step;
    for (std::size_t s = 0; s < subvectors; ++s) {
        for (std::size_t i = 16 * s; i < 16 * s + 16; ++i) {
            // Adding a half and cutting off: lrint is a call, and this runs for every entry of every query.
            const float steps = std::clamp((tables[i] - lowest[s]) * inverse + 0.5F, 0.0F, 255.0F);
            bytes[i] = static_cast<std::uint8_t>(static_cast<std::int32_t>(steps));
        }
    }
    FastScanTables made;
    made.query = {bytes.data(), subvectors, scale * step, static_cast<float>(double{offset} + double{scale} * bias)};
    // Half a step for each table, and what rounding of floats adds to the sums.
    const double rounding = std::fabs(double{made.query.offset}) +
                            255.0 * double{step} * std::fabs(double{scale}) * static_cast<double>(subvectors);
    made.error = static_cast<float>(0.502 * double{step} * std::fabs(double{scale}) * static_cast<double>(subvectors) +
                                    4e-7 * rounding);
    return made;
}

void pack_fast_scan_block(RowSource rows, RowId first, std::size_t row_count, std::size_t subvectors,
                          std::span<std::byte> block) noexcept {
    pack([&](std::size_t i) { return rows.row(RowId{to_index(first) + static_cast<std::uint32_t>(i)}); }, row_count,
         subvectors, block.data());
}

void pack_fast_scan_block(RowSource rows, std::span<const RowId> listed, std::size_t subvectors,
                          std::span<std::byte> block) noexcept {
    pack([&](std::size_t i) { return rows.row(listed[i]); }, listed.size(), subvectors, block.data());
}

FastScanBlocks::FastScanBlocks(RowSource rows, std::size_t row_count, std::size_t subvectors)
    : row_count_(row_count), block_size_(fast_scan_block_size(subvectors)), blocks_(block_count() * block_size_) {
    for (std::size_t b = 0; b < block_count(); ++b) {
        const std::size_t first = b * fast_scan_rows;
        pack_fast_scan_block(rows, RowId{static_cast<std::uint32_t>(first)},
                             std::min(fast_scan_rows, row_count - first), subvectors,
                             std::span(blocks_).subspan(b * block_size_, block_size_));
    }
}

void FastScanBlocks::scan(const FastScanTables& tables, std::size_t first, std::size_t count,
                          std::span<float> out) const noexcept {
    product_kernels().fast_scan(tables.query, blocks_.data() + first * block_size_, block_size_, count, out.data());
}

}  // namespace sextant::inline v1
