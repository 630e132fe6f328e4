/// KernelTable: every SIMD kernel of one instruction set as plain function pointers.
/// Invariants: (1) the integer kernels give identical results in all tables; (2) the float kernels agree within 4·dimension·epsilon of a double-precision loop; (3) no kernel allocates, locks, throws or calls into std.
/// Threads: immutable. Lifetime: static, constant-initialised.
/// Why pointers: fetched once per query and called once per list of rows, their cost is not measurable
/// (docs/internals/kernels.md); and kernels must live in translation units of their own, or the linker may hand AVX-512
/// copies of shared inline functions to the whole program.
#pragma once

#include <cstddef>
#include <cstdint>

#include "sextant/core/row_id.hpp"

namespace sextant::inline v1 {

enum class KernelIsa : std::uint8_t { baseline = 0, avx2 = 1, avx512 = 2, neon = 3 };

/// An 8-bit row: int8 values[dimension], zero bytes up to a multiple of 4, then this trailer (offset i8_trailer_offset).
struct I8Trailer {
    std::int32_t sum;          ///< Σ v
    std::uint32_t square_sum;  ///< Σ v²
};

[[nodiscard]] constexpr std::size_t i8_trailer_offset(std::size_t dimension) noexcept {
    return (dimension + 3U) & ~static_cast<std::size_t>(3U);
}
[[nodiscard]] constexpr std::size_t i8_row_size(std::size_t dimension) noexcept {
    return i8_trailer_offset(dimension) + sizeof(I8Trailer);
}

/// An 8-bit query: the values with 128 added (so u8), zero-padded to a multiple of 64 bytes, 64-byte aligned.
/// out[i] = offset + scale * float(exact integer distance or dot product).
struct I8Query {
    const std::uint8_t* biased = nullptr;
    std::size_t dimension = 0;
    std::uint32_t square_sum = 0;  ///< Σ v² of the query's own values
    float scale = 1.0F;
    float offset = 0.0F;
};

struct KernelTable {
    KernelIsa isa;
    const char* name;  ///< as in SEXTANT_KERNEL: "baseline", "avx2", "avx512", "neon"

    // --- float, one to one. No alignment needed, any dimension ≥ 0.
    float (*l2_f32)(const float* a, const float* b, std::size_t dimension) noexcept;   ///< Σ (a-b)²
    float (*dot_f32)(const float* a, const float* b, std::size_t dimension) noexcept;  ///< Σ a·b

    // --- float, one query against listed rows: row r at base + r * stride (bytes, multiple of 4). Prefetches ahead.
    using F32Rows = void (*)(const float* query, std::size_t dimension, const std::byte* base, std::size_t stride,
                             const RowId* rows, std::size_t count, float* out) noexcept;
    F32Rows l2_f32_rows;
    F32Rows dot_f32_rows;

    // --- float, query_count queries against row_count consecutive rows: out[q * out_stride + r]. Register-tiled.
    // One query is the streaming scan; many queries read each row from memory once.
    using F32Tile = void (*)(const float* queries, std::size_t query_stride, std::size_t query_count,
                             std::size_t dimension, const std::byte* rows, std::size_t stride, std::size_t row_count,
                             float* out, std::size_t out_stride) noexcept;
    F32Tile l2_f32_tile;
    F32Tile dot_f32_tile;

    // --- 8 bit, one to one, plain int8 vectors: exact. dimension ≤ 65,536 cannot overflow.
    std::uint32_t (*l2_i8)(const std::int8_t* a, const std::int8_t* b, std::size_t dimension) noexcept;
    std::int32_t (*dot_i8)(const std::int8_t* a, const std::int8_t* b, std::size_t dimension) noexcept;

    // --- 8 bit, one query against listed rows with trailers.
    using I8Rows = void (*)(const I8Query& query, const std::byte* base, std::size_t stride, const RowId* rows,
                            std::size_t count, float* out) noexcept;
    I8Rows l2_i8_rows;
    I8Rows dot_i8_rows;

    // --- 8 bit, one query against row_count consecutive rows (the tail of a growing segment, exact scans of codes).
    using I8Range = void (*)(const I8Query& query, const std::byte* rows, std::size_t stride, std::size_t row_count,
                             float* out) noexcept;
    I8Range l2_i8_range;
    I8Range dot_i8_range;

    // --- helpers of the quantizer.
    /// out[j] = clamp(round_to_nearest_even((v[j] - offset[j]) * inverse_step), -128, 127); returns nothing else.
    void (*encode_i8)(const float* v, const float* offset, float inverse_step, std::size_t dimension,
                      std::int8_t* out) noexcept;
};

/// The best table this CPU can run, or the one named by SEXTANT_KERNEL; chosen once. An unknown or unrunnable name in
/// SEXTANT_KERNEL falls back to the best and is reported by kernel_override_error().
[[nodiscard]] const KernelTable& active_kernels() noexcept;

/// Null, or what is wrong with SEXTANT_KERNEL; a collection refuses to open while it is not null.
[[nodiscard]] const char* kernel_override_error() noexcept;

/// Tables this CPU can run, best first; the last is always "baseline".
struct KernelList {
    const KernelTable* tables[4];
    std::size_t count;
};
[[nodiscard]] KernelList runnable_kernels() noexcept;

}  // namespace sextant::inline v1
