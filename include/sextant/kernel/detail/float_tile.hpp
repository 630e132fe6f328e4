/// float_tile: many queries against consecutive rows, as exact search and batches of queries need it.
/// Cost: a tile of 4 queries × 4 rows (2 × 4 where there are 16 registers) does 16 distances with 8 loads per step
/// instead of 32. Rows come in blocks that stay in the first level cache while every query passes over them; meanwhile
/// the next block is fetched, so that memory is read once for all queries. One query alone is a streaming read.
/// Threads: pure functions: what they read and write is the caller's.
#pragma once

#include "sextant/kernel/detail/float_kernels.hpp"

namespace sextant::inline v1 {
namespace {

/// Bytes of rows that all queries pass over before the next rows: two thirds of a first level cache of 48 KiB.
inline constexpr std::size_t tile_block_size = 32U * 1024U;
/// Where one tile reads: stride in floats between queries, in bytes between rows.
struct TileInput {
    const float* queries;
    std::size_t query_stride;
    std::size_t dimension;
    const std::byte* rows;
    std::size_t stride;

    SEXTANT_KERNEL_INLINE const float* row(std::size_t index) const noexcept {
        return reinterpret_cast<const float*>(rows + index * stride);
    }
};

/// Queries × 4 rows: four floats at out + q * out_stride. Rows past `row_last` repeat it: every load stays inside.
template <class Simd, class Step, int Queries>
SEXTANT_KERNEL_INLINE void tile_f32(const TileInput& input, std::size_t first_query, std::size_t first_row,
                                    std::size_t row_last, float* out, std::size_t out_stride) noexcept {
    using Batch = typename Simd::Batch;
    constexpr std::size_t width = Simd::width;
    const float* query[Queries];
    for (int q = 0; q < Queries; ++q) {
        query[q] = input.queries + (first_query + static_cast<std::size_t>(q)) * input.query_stride;
    }
    const float* row[4];
    for (std::size_t r = 0; r < 4; ++r) row[r] = input.row(first_row + r < row_last ? first_row + r : row_last);

    Batch sums[Queries][4];
    for (int q = 0; q < Queries; ++q) {
        for (int r = 0; r < 4; ++r) sums[q][r] = Simd::zero();
    }
    std::size_t i = 0;
    for (; i + width <= input.dimension; i += width) {
        const Batch part[4] = {Simd::load(row[0] + i), Simd::load(row[1] + i), Simd::load(row[2] + i),
                               Simd::load(row[3] + i)};
        for (int q = 0; q < Queries; ++q) {
            const Batch value = Simd::load(query[q] + i);
            for (int r = 0; r < 4; ++r) sums[q][r] = Step::template step<Simd>(sums[q][r], value, part[r]);
        }
    }
    if (i < input.dimension) {
        const std::size_t rest = input.dimension - i;
        const Batch part[4] = {Simd::load_tail(row[0] + i, rest), Simd::load_tail(row[1] + i, rest),
                               Simd::load_tail(row[2] + i, rest), Simd::load_tail(row[3] + i, rest)};
        for (int q = 0; q < Queries; ++q) {
            const Batch value = Simd::load_tail(query[q] + i, rest);
            for (int r = 0; r < 4; ++r) sums[q][r] = Step::template step<Simd>(sums[q][r], value, part[r]);
        }
    }
    for (int q = 0; q < Queries; ++q) {
        Simd::sum4(sums[q][0], sums[q][1], sums[q][2], sums[q][3], out + static_cast<std::size_t>(q) * out_stride);
    }
}

/// `Queries` queries against rows [first_row, end_row).
template <class Simd, class Step, int Queries>
SEXTANT_KERNEL_INLINE void tile_block_f32(const TileInput& input, std::size_t first_query, std::size_t first_row,
                                          std::size_t end_row, float* out, std::size_t out_stride) noexcept {
    float* target = out + first_query * out_stride;
    std::size_t r = first_row;
    for (; r + 4 <= end_row; r += 4) {
        tile_f32<Simd, Step, Queries>(input, first_query, r, end_row - 1, target + r, out_stride);
    }
    if (r == end_row) return;
    float quad[Queries][4];
    tile_f32<Simd, Step, Queries>(input, first_query, r, end_row - 1, quad[0], 4);
    for (std::size_t q = 0; q < static_cast<std::size_t>(Queries); ++q) {
        for (std::size_t k = 0; r + k < end_row; ++k) target[q * out_stride + r + k] = quad[q][k];
    }
}

/// Asks for `size` bytes from `at` on; returns where they end.
SEXTANT_KERNEL_INLINE const std::byte* fetch_ahead(const std::byte* at, std::size_t size) noexcept {
    for (std::size_t line = 0; line < size; line += cache_line_size) prefetch_line(at + line);
    return at + size;
}

/// All queries against all rows, block by block; while a block is in work, the next one is on its way.
template <class Simd, class Step>
SEXTANT_KERNEL_INLINE void tiles_f32(const TileInput& input, std::size_t query_count, std::size_t row_count, float* out,
                                     std::size_t out_stride) noexcept {
    constexpr std::size_t group = static_cast<std::size_t>(Simd::tile_queries);
    if (query_count < 2) {
        const ConsecutiveRows rows{input.rows, input.stride};
        if (query_count == 1) rows_f32<Simd, Step>(input.queries, input.dimension, rows, row_count, out);
        return;
    }
    std::size_t block_rows = input.stride == 0 ? 4 : tile_block_size / input.stride / 4 * 4;
    if (block_rows < 4) block_rows = 4;
    if (block_rows > 64) block_rows = 64;
    const std::size_t step_count = query_count / group + query_count % group;
    for (std::size_t first = 0; first < row_count; first += block_rows) {
        const std::size_t end = row_count - first < block_rows ? row_count : first + block_rows;
        const std::size_t next_end = row_count - end < block_rows ? row_count : end + block_rows;
        const std::byte* next = input.rows + end * input.stride;
        const std::size_t share = ((next_end - end) * input.stride + step_count - 1) / step_count;
        std::size_t q = 0;
        for (; q + group <= query_count; q += group) {
            next = fetch_ahead(next, share);
            tile_block_f32<Simd, Step, Simd::tile_queries>(input, q, first, end, out, out_stride);
        }
        for (; q < query_count; ++q) {
            next = fetch_ahead(next, share);
            tile_block_f32<Simd, Step, 1>(input, q, first, end, out, out_stride);
        }
    }
}

}  // namespace
}  // namespace sextant::inline v1
