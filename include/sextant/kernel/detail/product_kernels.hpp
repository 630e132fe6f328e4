/// product_kernels: vectors against the columns of a small matrix (centroids, rotations), and scoring of product codes.
/// Invariant: the same bits for every instruction set: a column's sum runs over the dimensions in their order.
/// Cost: centroids lie transposed, so that a register holds the same component of 4 to 16 of them and no sum is ever
/// reduced; with the few dimensions of a sub-vector, distances never leave the registers before the least is known.
/// Threads: pure functions: what they read and write is the caller's.
#pragma once

#include "sextant/kernel/detail/product_simd.hpp"
#include "sextant/kernel/detail/row_access.hpp"
#include "sextant/kernel/product_kernel_table.hpp"

namespace sextant::inline v1 {
namespace {

struct ColumnMatrix {
    const float* values;
    std::size_t stride;
    std::size_t dimension;
    std::size_t column_count;
};

struct ColumnDifference {
    template <class Float>
    SEXTANT_KERNEL_INLINE static Float term(Float vector, Float column) noexcept {
        const Float difference = vector - column;
        return difference * difference;
    }
};
struct ColumnProduct {
    template <class Float>
    SEXTANT_KERNEL_INLINE static Float term(Float vector, Float column) noexcept {
        return vector * column;
    }
};

/// Adds to sums[v][c] of Vectors vectors, `stride` apart, and Columns registers of columns from `first` on.
template <class Simd, class Step, int Vectors, int Columns>
SEXTANT_KERNEL_INLINE void column_tile(const float* vectors, std::size_t stride, ColumnMatrix matrix, std::size_t first,
                                       typename Simd::Float (&sums)[Vectors][Columns]) noexcept {
    using Float = typename Simd::Float;
    const float* row = matrix.values + first;
    for (std::size_t j = 0; j < matrix.dimension; ++j, row += matrix.stride) {
        Float columns[Columns];
        for (int c = 0; c < Columns; ++c) columns[c] = Simd::load(row + static_cast<std::size_t>(c) * Simd::width);
        for (int v = 0; v < Vectors; ++v) {
            const Float value = Simd::splat(vectors[static_cast<std::size_t>(v) * stride + j]);
            for (int c = 0; c < Columns; ++c) sums[v][c] = sums[v][c] + Step::term(value, columns[c]);
        }
    }
}

template <class Float, int Vectors, int Columns>
SEXTANT_KERNEL_INLINE void clear(Float (&sums)[Vectors][Columns]) noexcept {
    for (int v = 0; v < Vectors; ++v) {
        for (int c = 0; c < Columns; ++c) sums[v][c] = Float{};
    }
}

/// The running minimum of Vectors vectors.
template <class Simd, int Vectors>
struct Nearest {
    typename Simd::Float best[Vectors];
    typename Simd::Word column[Vectors];

    SEXTANT_KERNEL_INLINE Nearest() noexcept {
        for (int v = 0; v < Vectors; ++v) {
            best[v] = Simd::splat(__builtin_inff());
            column[v] = Simd::splat_word(0);
        }
    }
    template <int Columns>
    SEXTANT_KERNEL_INLINE void look(const float* vectors, std::size_t stride, ColumnMatrix matrix,
                                    std::size_t first) noexcept {
        typename Simd::Float sums[Vectors][Columns];
        clear(sums);
        column_tile<Simd, ColumnDifference, Vectors, Columns>(vectors, stride, matrix, first, sums);
        auto number = Simd::counting() + static_cast<std::int32_t>(first);
        for (int c = 0; c < Columns; ++c) {
            for (int v = 0; v < Vectors; ++v) Simd::keep_less(sums[v][c], number, best[v], column[v]);
            number = number + static_cast<std::int32_t>(Simd::width);
        }
    }
};

template <class Simd, int Vectors>
SEXTANT_KERNEL_INLINE void nearest_of(const float* vectors, std::size_t stride, ColumnMatrix matrix,
                                      std::uint8_t* nearest, float* distances) noexcept {
    Nearest<Simd, Vectors> found;
    std::size_t first = 0;
    for (; first + 4 * Simd::width <= matrix.column_count; first += 4 * Simd::width) {
        found.template look<4>(vectors, stride, matrix, first);
    }
    for (; first < matrix.column_count; first += Simd::width) {
        found.template look<1>(vectors, stride, matrix, first);
    }
    for (int v = 0; v < Vectors; ++v) {
        std::int32_t column = 0;
        Simd::least(found.best[v], found.column[v], distances + v, &column);
        nearest[v] = static_cast<std::uint8_t>(column);
    }
}

template <class Simd>
SEXTANT_KERNEL_INLINE void nearest_columns(const float* vectors, std::size_t stride, std::size_t count,
                                           ColumnMatrix matrix, std::uint8_t* nearest, float* distances) noexcept {
    constexpr std::size_t group = static_cast<std::size_t>(Simd::tile_vectors);
    std::size_t v = 0;
    for (; v + group <= count; v += group) {
        nearest_of<Simd, Simd::tile_vectors>(vectors + v * stride, stride, matrix, nearest + v, distances + v);
    }
    for (; v < count; ++v) nearest_of<Simd, 1>(vectors + v * stride, stride, matrix, nearest + v, distances + v);
}

/// Where sums are kept, and whether they go on from what is there.
struct ColumnSums {
    float* out;
    std::size_t stride;
    bool go_on;
};

/// `matrix` begins at column `first` of the sums.
template <class Simd, class Step, int Vectors, int Columns>
SEXTANT_KERNEL_INLINE void map_tile(const float* vectors, std::size_t stride, ColumnMatrix matrix, std::size_t first,
                                    ColumnSums target) noexcept {
    typename Simd::Float sums[Vectors][Columns];
    clear(sums);
    const auto place = [&](int v, int c) noexcept {
        return target.out + static_cast<std::size_t>(v) * target.stride + first +
               static_cast<std::size_t>(c) * Simd::width;
    };
    if (target.go_on) {
        for (int v = 0; v < Vectors; ++v) {
            for (int c = 0; c < Columns; ++c) sums[v][c] = Simd::load(place(v, c));
        }
    }
    column_tile<Simd, Step, Vectors, Columns>(vectors, stride, matrix, 0, sums);
    for (int v = 0; v < Vectors; ++v) {
        for (int c = 0; c < Columns; ++c) Simd::store(place(v, c), sums[v][c]);
    }
}

template <class Simd, class Step, int Columns>
SEXTANT_KERNEL_INLINE void map_vectors(const float* vectors, std::size_t stride, std::size_t count, ColumnMatrix matrix,
                                       std::size_t first, ColumnSums target) noexcept {
    constexpr std::size_t group = static_cast<std::size_t>(Simd::tile_vectors);
    std::size_t v = 0;
    for (; v + group <= count; v += group, target.out += group * target.stride) {
        map_tile<Simd, Step, Simd::tile_vectors, Columns>(vectors + v * stride, stride, matrix, first, target);
    }
    for (; v < count; ++v, target.out += target.stride) {
        map_tile<Simd, Step, 1, Columns>(vectors + v * stride, stride, matrix, first, target);
    }
}

/// Dimensions in work at once, of as many columns as four registers hold: 8 to 32 KiB of the matrix.
inline constexpr std::size_t panel_dimensions = 128;
/// Vectors from which on it pays to copy that together. Rows that lie pages apart, all in the same few sets of the first
/// level cache, made products of 784 dimensions three times and of 8,192 nine times as slow.
inline constexpr std::size_t panel_vectors = 8;

template <class Simd, class Step, int Columns>
SEXTANT_KERNEL_INLINE void map_panel(const float* vectors, std::size_t stride, std::size_t count, ColumnMatrix matrix,
                                     std::size_t first, ColumnSums target) noexcept {
    constexpr std::size_t width = static_cast<std::size_t>(Columns) * Simd::width;
    const ColumnMatrix part{matrix.values + first, matrix.stride, matrix.dimension, width};
    if (count < panel_vectors) return map_vectors<Simd, Step, Columns>(vectors, stride, count, part, first, target);
    float panel[panel_dimensions * width];
    const float* row = part.values;
    for (float* to = panel; to < panel + part.dimension * width; row += matrix.stride) {
        for (int c = 0; c < Columns; ++c, to += Simd::width) {
            Simd::store(to, Simd::load(row + static_cast<std::size_t>(c) * Simd::width));
        }
    }
    map_vectors<Simd, Step, Columns>(vectors, stride, count, {panel, width, part.dimension, width}, first, target);
}

/// Sums of a part of the dimensions go on where those of the part before ended: the order of additions stays.
template <class Simd, class Step>
SEXTANT_KERNEL_INLINE void map_columns(const float* vectors, std::size_t stride, std::size_t count, ColumnMatrix matrix,
                                       float* out, std::size_t out_stride) noexcept {
    for (std::size_t at = 0; at < matrix.dimension || at == 0; at += panel_dimensions) {
        const std::size_t rest = matrix.dimension - at;
        const ColumnMatrix part{matrix.values + at * matrix.stride, matrix.stride,
                                rest < panel_dimensions ? rest : panel_dimensions, matrix.column_count};
        const ColumnSums target{out, out_stride, at > 0};
        std::size_t first = 0;
        for (; first + 4 * Simd::width <= part.column_count; first += 4 * Simd::width) {
            map_panel<Simd, Step, 4>(vectors + at, stride, count, part, first, target);
        }
        for (; first < part.column_count; first += Simd::width) {
            map_panel<Simd, Step, 1>(vectors + at, stride, count, part, first, target);
        }
    }
}

/// Sixteen partial sums, whatever the width of a register: 4, 2 or 1 of them a row.
template <class Simd, int Rows>
SEXTANT_KERNEL_INLINE void dot16_of(const float* vector, const float* rows, std::size_t stride, std::size_t dimension,
                                    float* out) noexcept {
    using Float = typename Simd::Float;
    constexpr int parts = static_cast<int>(16 / Simd::width);
    Float sums[Rows][parts];
    for (int r = 0; r < Rows; ++r) {
        for (int p = 0; p < parts; ++p) sums[r][p] = Float{};
    }
    for (std::size_t j = 0; j < dimension; j += 16) {
        for (int p = 0; p < parts; ++p) {
            const std::size_t at = j + static_cast<std::size_t>(p) * Simd::width;
            const Float value = Simd::load(vector + at);
            for (int r = 0; r < Rows; ++r) {
                sums[r][p] = sums[r][p] + value * Simd::load(rows + static_cast<std::size_t>(r) * stride + at);
            }
        }
    }
    for (int r = 0; r < Rows; ++r) {
        float lanes[16];
        for (int p = 0; p < parts; ++p) Simd::store(lanes + static_cast<std::size_t>(p) * Simd::width, sums[r][p]);
        for (int half = 8; half > 0; half /= 2) {
            for (int i = 0; i < half; ++i) lanes[i] = lanes[i] + lanes[i + half];
        }
        out[r] = lanes[0];
    }
}

template <class Simd>
SEXTANT_KERNEL_INLINE void dot16_rows(const float* vector, const float* rows, std::size_t stride, std::size_t row_count,
                                      std::size_t dimension, float* out) noexcept {
    constexpr int group = static_cast<int>(Simd::width / 4);  // four chains of additions, whatever the width
    std::size_t r = 0;
    for (; r + group <= row_count; r += group) {
        dot16_of<Simd, group>(vector, rows + r * stride, stride, dimension, out + r);
    }
    for (; r < row_count; ++r) dot16_of<Simd, 1>(vector, rows + r * stride, stride, dimension, out + r);
}

/// RowCount rows of codes: a load of a code byte and a load from its table each; the chains of additions of several rows
/// run beside each other.
template <int RowCount, class Next>
SEXTANT_KERNEL_INLINE void pass_product(const ProductQuery& query, const std::byte* const* rows, Next next,
                                        float* out) noexcept {
    float even[RowCount];
    float odd[RowCount];
    for (int r = 0; r < RowCount; ++r) even[r] = odd[r] = 0.0F;
    const float* table = query.tables;
    std::size_t b = 0;
    for (; b + 2 <= query.code_size; b += 2, table += 512) {
        next.template fetch<2>(b);
        for (int r = 0; r < RowCount; ++r) {
            even[r] = even[r] + table[static_cast<std::size_t>(rows[r][b])];
            odd[r] = odd[r] + table[256 + static_cast<std::size_t>(rows[r][b + 1])];
        }
    }
    if (b < query.code_size) {
        for (int r = 0; r < RowCount; ++r) even[r] = even[r] + table[static_cast<std::size_t>(rows[r][b])];
    }
    for (int r = 0; r < RowCount; ++r) out[r] = query.offset + query.scale * (even[r] + odd[r]);
}

template <class Rows>
SEXTANT_KERNEL_INLINE void score_product(const ProductQuery& shared_query, Rows rows, std::size_t count,
                                         float* out) noexcept {
    const ProductQuery query = shared_query;  // a copy: stores to `out` could otherwise change it
    for_each_pass(
        rows, query.code_size, count,
        [&](std::size_t i, auto next) noexcept {
            const std::byte* const row[4] = {rows.at(i), rows.at(i + 1), rows.at(i + 2), rows.at(i + 3)};
            pass_product<4>(query, row, next, out + i);
        },
        [&](std::size_t i) noexcept {
            for (; i < count; ++i) {
                const std::byte* const row[1] = {rows.at(i)};
                pass_product<1>(query, row, NoNextRows{}, out + i);
            }
        });
}

}  // namespace
}  // namespace sextant::inline v1
