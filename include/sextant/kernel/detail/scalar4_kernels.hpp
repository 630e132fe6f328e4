/// scalar4_kernels: one 8-bit query against listed or consecutive rows of 4-bit codes with trailers.
/// Cost: half the bytes of 8-bit rows; each load of the query is shared by four rows.
/// Threads: pure functions: what they read and write is the caller's.
#pragma once

#include "sextant/kernel/detail/nibble_simd.hpp"
#include "sextant/kernel/detail/row_access.hpp"
#include "sextant/kernel/scalar4_kernel_table.hpp"

namespace sextant::inline v1 {
namespace {

/// Adds four rows of `size` bytes, without their trailers, to `sums`.
template <class Simd, class Next>
SEXTANT_KERNEL_INLINE void add_halves(const std::uint8_t* query, const std::byte* const* rows, std::size_t size,
                                      Next next, typename Simd::Sum* sums) noexcept {
    constexpr std::size_t block = i4_block / 2;
    std::size_t i = 0;
    for (; i + block <= size; i += block, query += i4_block) {
        next.template fetch<block>(i);
        for (std::size_t at = 0; at < block; at += Simd::width) {
            const auto part = Simd::load_query(query + at, query + block + at);
            for (int r = 0; r < 4; ++r) sums[r] = Simd::accumulate(sums[r], part, Simd::load_row(rows[r] + i + at));
        }
    }
    for (std::size_t at = 0; i + at < size; at += Simd::width) {
        const auto part = Simd::load_query(query + at, query + block + at);
        const std::size_t left = size - i - at;
        for (int r = 0; r < 4; ++r) {
            const std::byte* const p = rows[r] + i + at;
            sums[r] =
                Simd::accumulate(sums[r], part, left >= Simd::width ? Simd::load_row(p) : Simd::load_row_tail(p, left));
        }
    }
}

/// Scores four rows.
template <class Simd, class Next>
SEXTANT_KERNEL_INLINE void pass_i4(const I4Query& query, std::size_t size, const std::byte* const* rows, Next next,
                                   float* out) noexcept {
    typename Simd::Sum sums[4] = {Simd::zero(), Simd::zero(), Simd::zero(), Simd::zero()};
    add_halves<Simd>(query.bytes, rows, size, next, sums);
    std::uint32_t products[4];
    Simd::store4(sums, products);
    for (int r = 0; r < 4; ++r) {
        I8Trailer trailer;
        __builtin_memcpy(&trailer, rows[r] + size, sizeof trailer);
        float exact;
        if (query.dot) {
            const std::uint32_t dot = query.constant + products[r] - 128U * static_cast<std::uint32_t>(trailer.sum);
            exact = static_cast<float>(static_cast<std::int32_t>(dot));
        } else {
            exact = static_cast<float>(query.constant + trailer.square_sum - 32U * products[r]);
        }
        out[r] = query.offset + query.scale * exact;
    }
}

template <class Simd, class Rows>
SEXTANT_KERNEL_INLINE void score_i4(const I4Query& shared_query, Rows rows, std::size_t count, float* out) noexcept {
    const I4Query query = shared_query;  // a copy: stores to `out` could otherwise change it behind the compiler's back
    const std::size_t size = i4_trailer_offset(query.dimension);
    for_each_pass(
        rows, i4_row_size(query.dimension), count,
        [&](std::size_t i, auto next) noexcept {
            const std::byte* const row[4] = {rows.at(i), rows.at(i + 1), rows.at(i + 2), rows.at(i + 3)};
            pass_i4<Simd>(query, size, row, next, out + i);
        },
        [&](std::size_t i) noexcept {
            // The first row stands in for those that are not there.
            const std::size_t rest = count - i;
            const std::byte* const row[4] = {rows.at(i), rows.at(rest > 1 ? i + 1 : i), rows.at(rest > 2 ? i + 2 : i),
                                             rows.at(i)};
            float quad[4];
            pass_i4<Simd>(query, size, row, NoNextRows{}, quad);
            for (std::size_t r = 0; r < rest; ++r) out[i + r] = quad[r];
        });
}

}  // namespace
}  // namespace sextant::inline v1
