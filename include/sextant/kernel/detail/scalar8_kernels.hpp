/// scalar8_kernels: one 8-bit query against listed or consecutive 8-bit rows with trailers.
/// Cost: rows of up to four vectors keep the whole query in registers for the list; longer ones share every load of
/// the query between four rows. The trailer lies in the row's last cache line, which is fetched anyway.
/// Threads: pure functions: what they read and write is the caller's.
#pragma once

#include "sextant/kernel/detail/byte_simd_arm.hpp"
#include "sextant/kernel/detail/byte_simd_x86.hpp"
#include "sextant/kernel/detail/row_access.hpp"

namespace sextant::inline v1 {
namespace {

struct FinishL2 {
    template <class Simd>
    SEXTANT_KERNEL_INLINE static void finish(const typename Simd::Sum* sums, const std::byte* const* trailers,
                                             const I8Query& query, float* out) noexcept {
        Simd::finish_l2(sums, trailers, query, out);
    }
};
struct FinishDot {
    template <class Simd>
    SEXTANT_KERNEL_INLINE static void finish(const typename Simd::Sum* sums, const std::byte* const* trailers,
                                             const I8Query& query, float* out) noexcept {
        Simd::finish_dot(sums, trailers, query, out);
    }
};

/// Adds RowCount rows of exactly `Blocks` vectors, the last of `last` bytes, to `sums`.
template <class Simd, int RowCount, int Blocks>
SEXTANT_KERNEL_INLINE void add_blocks(const std::uint8_t* query, const std::byte* const* rows, std::size_t last,
                                      typename Simd::Sum* sums) noexcept {
    for (int block = 0; block < Blocks; ++block) {
        const std::size_t at = static_cast<std::size_t>(block) * Simd::width;
        const auto part = Simd::load_query(query + at);
        for (int r = 0; r < RowCount; ++r) {
            const auto row =
                block + 1 < Blocks ? Simd::load_row(rows[r] + at) : Simd::load_row_tail(rows[r] + at, last);
            sums[r] = Simd::accumulate(sums[r], part, row);
        }
    }
}

/// Adds RowCount rows of `size` bytes, padding included, to `sums`.
template <class Simd, int RowCount, class Next>
SEXTANT_KERNEL_INLINE void add_rows(const std::uint8_t* query, const std::byte* const* rows, std::size_t size,
                                    Next next, typename Simd::Sum* sums) noexcept {
    std::size_t i = 0;
    for (; i + Simd::width <= size; i += Simd::width) {
        const auto part = Simd::load_query(query + i);
        next.template fetch<Simd::width>(i);
        for (int r = 0; r < RowCount; ++r) sums[r] = Simd::accumulate(sums[r], part, Simd::load_row(rows[r] + i));
    }
    if (i < size) {
        const auto part = Simd::load_query(query + i);
        for (int r = 0; r < RowCount; ++r) {
            sums[r] = Simd::accumulate(sums[r], part, Simd::load_row_tail(rows[r] + i, size - i));
        }
    }
}

/// Scores RowCount <= 4 rows; Blocks = 0 stands for any number of vectors.
template <class Simd, class Finish, int RowCount, int Blocks, class Next>
SEXTANT_KERNEL_INLINE void pass_i8(const I8Query& query, std::size_t size, const std::byte* const* rows, Next next,
                                   float* out) noexcept {
    typename Simd::Sum sums[4] = {Simd::zero(), Simd::zero(), Simd::zero(), Simd::zero()};
    if constexpr (Blocks > 0) {
        add_blocks<Simd, RowCount, Blocks>(query.biased, rows, size - (Blocks - 1) * Simd::width, sums);
    } else {
        add_rows<Simd, RowCount>(query.biased, rows, size, next, sums);
    }
    const std::byte* trailers[4];
    for (int r = 0; r < 4; ++r) trailers[r] = rows[r < RowCount ? r : 0] + size;
    if constexpr (RowCount == 4) {
        Finish::template finish<Simd>(sums, trailers, query, out);
    } else {
        float quad[4];
        Finish::template finish<Simd>(sums, trailers, query, quad);
        for (int r = 0; r < RowCount; ++r) out[r] = quad[r];
    }
}

template <class Simd, class Finish, int Blocks, class Rows>
SEXTANT_KERNEL_INLINE void list_i8(const I8Query& shared_query, Rows rows, std::size_t count, float* out) noexcept {
    const I8Query query = shared_query;  // a copy: stores to `out` could otherwise change it behind the compiler's back
    const std::size_t size = i8_trailer_offset(query.dimension);
    for_each_pass(
        rows, i8_row_size(query.dimension), count,
        [&](std::size_t i, auto next) noexcept {
            const std::byte* const row[4] = {rows.at(i), rows.at(i + 1), rows.at(i + 2), rows.at(i + 3)};
            pass_i8<Simd, Finish, 4, Blocks>(query, size, row, next, out + i);
        },
        [&](std::size_t i) noexcept {
            const std::size_t rest = count - i;
            const std::byte* const row[3] = {rows.at(i), rows.at(rest > 1 ? i + 1 : i), rows.at(rest > 2 ? i + 2 : i)};
            if (rest == 3) pass_i8<Simd, Finish, 3, Blocks>(query, size, row, NoNextRows{}, out + i);
            if (rest == 2) pass_i8<Simd, Finish, 2, Blocks>(query, size, row, NoNextRows{}, out + i);
            if (rest == 1) pass_i8<Simd, Finish, 1, Blocks>(query, size, row, NoNextRows{}, out + i);
        });
}

template <class Simd, class Finish, class Rows>
SEXTANT_KERNEL_INLINE void score_i8(const I8Query& query, Rows rows, std::size_t count, float* out) noexcept {
    if constexpr (Simd::static_blocks >= 4) {
        switch ((query.dimension + Simd::width - 1) / Simd::width) {
            case 1: list_i8<Simd, Finish, 1>(query, rows, count, out); return;
            case 2: list_i8<Simd, Finish, 2>(query, rows, count, out); return;
            case 3: list_i8<Simd, Finish, 3>(query, rows, count, out); return;
            case 4: list_i8<Simd, Finish, 4>(query, rows, count, out); return;
            default: break;
        }
    }
    list_i8<Simd, Finish, 0>(query, rows, count, out);
}

}  // namespace
}  // namespace sextant::inline v1
