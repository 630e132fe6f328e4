/// PackedKernelTable: the SIMD kernels of packed codes of 1 to 8 bits a dimension (RaBitQ) of one instruction set, as plain
/// function pointers. Apart from KernelTable because a linker then leaves them out of a program that has no such codes.
/// Invariants: every table gives the same bits: integer sums, and floats in one order of additions, nothing fused. No
/// kernel allocates, locks, throws or calls into std.
/// Threads: immutable. Lifetime: static, constant-initialised.
#pragma once

#include <cstddef>
#include <cstdint>

#include "sextant/core/row_id.hpp"
#include "sextant/kernel/kernel_table.hpp"

namespace sextant::inline v1 {

/// A packed row: codes u of 1 .. 8 bits, then this trailer (offset packed_trailer_offset). Dimensions come in blocks of
/// 64, a block in 8 · bits bytes: the code's highest 4, 2 and 1 bits, as its width needs them, in groups of 32, 16 and 8
/// bytes. Dimension j of 64 lies in byte j mod size of its group, at bit width · (j div size), but single bits in byte
/// j / 8 at bit j mod 8; 8-bit codes are bytes.
struct PackedTrailer {
    float add;    ///< what a distance has of the row alone
    float ratio;  ///< |r|² / Σ r·c of the vector r that was coded, where c = u - (2^bits - 1) / 2
    float mark;   ///< its lowest 8 bits: the row's group; as a float: how far ratio · c lies off in one direction

    [[nodiscard]] std::uint32_t group() const noexcept { return __builtin_bit_cast(std::uint32_t, mark) & 0xFFU; }
};

/// `dimension` is a multiple of 64, here and below.
[[nodiscard]] constexpr std::size_t packed_trailer_offset(std::size_t dimension, std::size_t bits) noexcept {
    return dimension / 8U * bits;
}
[[nodiscard]] constexpr std::size_t packed_row_size(std::size_t dimension, std::size_t bits) noexcept {
    return packed_trailer_offset(dimension, bits) + sizeof(PackedTrailer);
}

/// Bit planes of a query of 1-bit codes.
inline constexpr std::size_t sign_planes = 4;

/// What a query adds to the distances of rows of one group.
struct PackedGroup {
    float offset = 0.0F;
    float add_scale = 0.0F;
};
/// As many as a row can name.
inline constexpr std::size_t packed_groups = 256;

/// A query of packed rows:
///     out = max(floor, (groups[g].offset + groups[g].add_scale · add) + ratio · (scale · float(n - bias) + shift))
/// n is an integer. 2 bits and more: Σ q·u of `values`. One bit: Σ 2^p · popcount(row ^ plane p).
struct PackedQuery {
    const std::int8_t* values = nullptr;    ///< `dimension` of them, 64-byte aligned
    const std::uint64_t* planes = nullptr;  ///< sign_planes of plane_words each, then zeros; 64-byte aligned
    const PackedGroup* groups = nullptr;    ///< packed_groups of them, whatever the rows use
    std::size_t plane_words = 0;            ///< a multiple of 8, at least dimension / 64
    std::size_t dimension = 0;
    std::int32_t bias = 0;
    float scale = 1.0F;
    float shift = 0.0F;
    float floor = 0.0F;
};

/// What coding a vector r measured.
struct PackedFit {
    double product;      ///< Σ r·c
    double code_square;  ///< Σ c²
    double with_centre;  ///< Σ centre·c
};

/// Of a vector r, as it is left by residual().
struct PackedResidual {
    double square;       ///< Σ r²
    double with_centre;  ///< Σ centre·r
};

struct PackedKernelTable {
    const char* name;  ///< "baseline", "avx2", "avx512", "avx512_popcnt", "neon", "neon_dot"

    /// One query against listed and against consecutive rows; [bits - 1].
    using Rows = void (*)(const PackedQuery& query, const std::byte* base, std::size_t stride, const RowId* rows,
                          std::size_t count, float* out) noexcept;
    using Range = void (*)(const PackedQuery& query, const std::byte* rows, std::size_t stride, std::size_t row_count,
                           float* out) noexcept;
    Rows rows[8];
    Range range[8];

    /// out[j] = clamp((v[j] - origin[j]) * scale, -limit, limit) for `count` values, 0 from there to `dimension`. `origin`
    /// may be null: zeros.
    void (*centre)(const float* v, const float* origin, float scale, float limit, std::size_t count,
                   std::size_t dimension, float* out) noexcept;
    /// v -= from; sums of what is left, and of its products with `centre`.
    PackedResidual (*residual)(float* v, const float* from, const float* centre, std::size_t dimension) noexcept;
    /// u[j] = clamp(floor(v[j] * inverse_step + 2^(bits-1)), 0, 2^bits - 1), packed; NaN counts as the lowest. Writes the
    /// codes of a row, without its trailer.
    PackedFit (*encode)(const float* v, const float* centre, float inverse_step, std::size_t dimension,
                        std::size_t bits, std::byte* out) noexcept;
    /// out[j] = u[j] - (2^bits - 1) / 2.
    void (*decode)(const std::byte* row, std::size_t dimension, std::size_t bits, float* out) noexcept;
    /// The bit planes of clamp(floor(v[j] * inverse_step + 8), 0, 15); returns Σ v·c and Σ c² with c that less 7.5.
    PackedFit (*encode_planes)(const float* v, float inverse_step, std::size_t dimension, std::size_t plane_words,
                               std::uint64_t* out) noexcept;
};

/// The table that goes with `kernels`: of its instruction set, with bit counts in hardware where this CPU has them.
[[nodiscard]] const PackedKernelTable& packed_kernels(const KernelTable& kernels = active_kernels()) noexcept;

}  // namespace sextant::inline v1
