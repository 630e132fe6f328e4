/// packed_kernels: one query against listed or consecutive rows of packed codes.
/// Cost: four rows share each load of the query; a row's trailer lies in its last cache line, which is fetched anyway.
/// Threads: pure functions: what they read and write is the caller's.
#pragma once

#include "sextant/kernel/detail/packed_simd_arm.hpp"
#include "sextant/kernel/detail/packed_simd_x86.hpp"
#include "sextant/kernel/detail/row_access.hpp"

namespace sextant::inline v1 {
namespace {

SEXTANT_KERNEL_INLINE float finish_packed(std::int32_t sum, const std::byte* trailer_bytes,
                                          const PackedQuery& query) noexcept {
    PackedTrailer trailer;
    __builtin_memcpy(&trailer, trailer_bytes, sizeof trailer);
    const float product = query.scale * static_cast<float>(sum - query.bias) + query.shift;
    const PackedGroup group = query.groups[trailer.group()];
    const float distance = (group.offset + group.add_scale * trailer.add) + trailer.ratio * product;
    return distance > query.floor ? distance : query.floor;
}

/// Σ q·u of four rows.
template <class Simd, int Bits, class Next>
SEXTANT_KERNEL_INLINE void sum_packed(const PackedQuery& query, const std::byte* const* rows, Next next,
                                      std::int32_t* out) noexcept {
    constexpr std::size_t block_size = PackedGroups<Bits>::block_size;
    typename Simd::Sum sums[4] = {Simd::zero(), Simd::zero(), Simd::zero(), Simd::zero()};
    const std::size_t blocks = query.dimension / 64;
    for (std::size_t block = 0; block < blocks; ++block) {
        const auto values = Simd::load_query(query.values + 64 * block);
        next.template fetch<block_size>(block * block_size);
        for (int r = 0; r < 4; ++r) {
            const auto codes = Simd::template load_codes<Bits>(rows[r] + block * block_size);
            sums[r] = Simd::template accumulate<Bits>(sums[r], codes, values);
        }
    }
    for (int r = 0; r < 4; ++r) out[r] = Simd::template total<Bits>(sums[r]);
}

template <class Simd, int Bits, class Next>
SEXTANT_KERNEL_INLINE void pass_packed(const PackedQuery& query, const std::byte* const* rows, Next next,
                                       float* out) noexcept {
    std::int32_t sums[4];
    if constexpr (Bits == 1) {
        Simd::Signs::weigh(query, rows, sums);
    } else {
        sum_packed<Simd, Bits>(query, rows, next, sums);
    }
    const std::size_t trailer = packed_trailer_offset(query.dimension, Bits);
    for (int r = 0; r < 4; ++r) out[r] = finish_packed(sums[r], rows[r] + trailer, query);
}

template <class Simd, int Bits, class Rows>
SEXTANT_KERNEL_INLINE void score_packed(const PackedQuery& shared_query, Rows rows, std::size_t count,
                                        float* out) noexcept {
    const PackedQuery query =
        shared_query;  // a copy: stores to `out` could otherwise change it behind the compiler's back
    for_each_pass(
        rows, packed_row_size(query.dimension, Bits), count,
        [&](std::size_t i, auto next) noexcept {
            const std::byte* const row[4] = {rows.at(i), rows.at(i + 1), rows.at(i + 2), rows.at(i + 3)};
            pass_packed<Simd, Bits>(query, row, next, out + i);
        },
        [&](std::size_t i) noexcept {
            // The last one to three: the last row stands in for those that are missing.
            const std::size_t rest = count - i;
            const std::byte* const last = rows.at(count - 1);
            const std::byte* const row[4] = {rows.at(i), rest > 1 ? rows.at(i + 1) : last,
                                             rest > 2 ? rows.at(i + 2) : last, last};
            float quad[4];
            pass_packed<Simd, Bits>(query, row, NoNextRows{}, quad);
            for (std::size_t r = 0; r < rest; ++r) out[i + r] = quad[r];
        });
}

}  // namespace
}  // namespace sextant::inline v1
