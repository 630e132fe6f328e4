/// float_kernels: squared L2 and inner product of float vectors, one to one and one query to listed rows.
/// Cost: one to one keeps four sums, which covers the latency of four cycles of a multiply-add at one vector per cycle
/// (two loads a cycle). A list reads each part of the query once for four rows.
/// Threads: pure functions: what they read and write is the caller's.
#pragma once

#include "sextant/kernel/detail/float_simd.hpp"
#include "sextant/kernel/detail/row_access.hpp"

namespace sextant::inline v1 {
namespace {

struct SquaredDifference {
    template <class Simd, class Batch>
    SEXTANT_KERNEL_INLINE static Batch step(Batch sum, Batch a, Batch b) noexcept {
        const Batch difference = a - b;
        return Simd::multiply_add(difference, difference, sum);
    }
};

struct Product {
    template <class Simd, class Batch>
    SEXTANT_KERNEL_INLINE static Batch step(Batch sum, Batch a, Batch b) noexcept {
        return Simd::multiply_add(a, b, sum);
    }
};

template <class Simd, class Step>
SEXTANT_KERNEL_INLINE float pair_f32(const float* a, const float* b, std::size_t dimension) noexcept {
    using Batch = typename Simd::Batch;
    constexpr std::size_t width = Simd::width;
    Batch sums[4] = {Simd::zero(), Simd::zero(), Simd::zero(), Simd::zero()};
    std::size_t i = 0;
    for (; i + 4 * width <= dimension; i += 4 * width) {
        sums[0] = Step::template step<Simd>(sums[0], Simd::load(a + i), Simd::load(b + i));
        sums[1] = Step::template step<Simd>(sums[1], Simd::load(a + i + width), Simd::load(b + i + width));
        sums[2] = Step::template step<Simd>(sums[2], Simd::load(a + i + 2 * width), Simd::load(b + i + 2 * width));
        sums[3] = Step::template step<Simd>(sums[3], Simd::load(a + i + 3 * width), Simd::load(b + i + 3 * width));
    }
    for (; i + width <= dimension; i += width) {
        sums[0] = Step::template step<Simd>(sums[0], Simd::load(a + i), Simd::load(b + i));
    }
    if (i < dimension) {
        sums[1] = Step::template step<Simd>(sums[1], Simd::load_tail(a + i, dimension - i),
                                            Simd::load_tail(b + i, dimension - i));
    }
    return Simd::sum((sums[0] + sums[1]) + (sums[2] + sums[3]));
}

/// One query against RowCount <= 4 rows of floats, or of what else Simd loads as floats; writes RowCount floats.
template <class Simd, class Step, int RowCount, class Element, class Next>
SEXTANT_KERNEL_INLINE void pass_f32(const float* query, std::size_t dimension, const Element* const* rows, Next next,
                                    float* out) noexcept {
    using Batch = typename Simd::Batch;
    constexpr std::size_t width = Simd::width;
    Batch even[4] = {Simd::zero(), Simd::zero(), Simd::zero(), Simd::zero()};
    Batch odd[4] = {Simd::zero(), Simd::zero(), Simd::zero(), Simd::zero()};
    std::size_t i = 0;
    for (; i + 2 * width <= dimension; i += 2 * width) {
        const Batch first = Simd::load(query + i);
        const Batch second = Simd::load(query + i + width);
        next.template fetch<2 * width * sizeof(Element)>(i * sizeof(Element));
        for (int r = 0; r < RowCount; ++r) {
            even[r] = Step::template step<Simd>(even[r], first, Simd::load(rows[r] + i));
            odd[r] = Step::template step<Simd>(odd[r], second, Simd::load(rows[r] + i + width));
        }
    }
    if (i + width <= dimension) {
        const Batch part = Simd::load(query + i);
        for (int r = 0; r < RowCount; ++r) even[r] = Step::template step<Simd>(even[r], part, Simd::load(rows[r] + i));
        i += width;
    }
    if (i < dimension) {
        const Batch part = Simd::load_tail(query + i, dimension - i);
        for (int r = 0; r < RowCount; ++r) {
            odd[r] = Step::template step<Simd>(odd[r], part, Simd::load_tail(rows[r] + i, dimension - i));
        }
    }
    if constexpr (RowCount == 4) {
        Simd::sum4(even[0] + odd[0], even[1] + odd[1], even[2] + odd[2], even[3] + odd[3], out);
    } else {
        // Lanes are added as for four rows: what a row's sum is does not depend on the rows beside it.
        float sums[4];
        Simd::sum4(even[0] + odd[0], even[1] + odd[1], even[2] + odd[2], even[3] + odd[3], sums);
        for (int r = 0; r < RowCount; ++r) out[r] = sums[r];
    }
}

template <class Simd, class Step, class Element = float, class Rows>
SEXTANT_KERNEL_INLINE void rows_f32(const float* query, std::size_t dimension, Rows rows, std::size_t count,
                                    float* out) noexcept {
    const auto row_at = [rows](std::size_t index) noexcept { return reinterpret_cast<const Element*>(rows.at(index)); };
    for_each_pass(
        rows, dimension * sizeof(Element), count,
        [&](std::size_t i, auto next) noexcept {
            const Element* const row[4] = {row_at(i), row_at(i + 1), row_at(i + 2), row_at(i + 3)};
            pass_f32<Simd, Step, 4>(query, dimension, row, next, out + i);
        },
        [&](std::size_t i) noexcept {
            const std::size_t rest = count - i;
            const Element* const row[3] = {row_at(i), row_at(rest > 1 ? i + 1 : i), row_at(rest > 2 ? i + 2 : i)};
            if (rest == 3) pass_f32<Simd, Step, 3>(query, dimension, row, NoNextRows{}, out + i);
            if (rest == 2) pass_f32<Simd, Step, 2>(query, dimension, row, NoNextRows{}, out + i);
            if (rest == 1) pass_f32<Simd, Step, 1>(query, dimension, row, NoNextRows{}, out + i);
        });
}

}  // namespace
}  // namespace sextant::inline v1
