/// Scalar4KernelTable: the SIMD kernels of 4-bit scalar codes of one instruction set as plain function pointers. Apart
/// from KernelTable because a linker then leaves them out of a program that has no such codes.
/// Invariants: every table gives the same bits: exact integers, one rounding, nothing fused. No kernel allocates, locks,
/// throws or calls into std.
/// Threads: immutable. Lifetime: static, constant-initialised.
#pragma once

#include <cstddef>
#include <cstdint>

#include "sextant/core/row_id.hpp"
#include "sextant/kernel/kernel_table.hpp"

namespace sextant::inline v1 {

/// Dimensions that share 64 bytes of a row of halves c, 0 .. 15: the low half of byte j is dimension j of the block, the
/// high half dimension 64 + j. The last block of a row may have fewer dimensions, r: it has h = i4_block_size(r) bytes,
/// and the high half of byte j is dimension h + j, or 0 where there is none. The trailer follows: Σ c, and 256 · Σ c².
inline constexpr std::size_t i4_block = 128;

[[nodiscard]] constexpr std::size_t i4_block_size(std::size_t dimensions) noexcept {
    return (dimensions + 7U) / 8U * 4U;
}
[[nodiscard]] constexpr std::size_t i4_trailer_offset(std::size_t dimension) noexcept {
    return dimension / i4_block * i4_block_size(i4_block) + i4_block_size(dimension % i4_block);
}
[[nodiscard]] constexpr std::size_t i4_row_size(std::size_t dimension) noexcept {
    return i4_trailer_offset(dimension) + sizeof(I8Trailer);
}
[[nodiscard]] constexpr std::size_t i4_query_size(std::size_t dimension) noexcept {
    return (dimension + i4_block - 1) / i4_block * i4_block;
}

/// An 8-bit query against such rows: bytes Q of sixteen times their resolution, i4_query_size() of them, 64-byte aligned.
/// Each block has 64 bytes for the low halves and 64 for the high ones, zero where the block has no dimension.
/// out[i] = offset + scale * float(n), where n is exact:
///   squared distance  Σ (Q - 16c)²   = constant + 256·Σ c² - 32·Σ Q·c,   constant = Σ Q²   (u32)
///   dot product       Σ (Q-128)(c-8) = constant - 128·Σ c + Σ Q·c,       constant = -8·Σ   (i32)
struct I4Query {
    const std::uint8_t* bytes = nullptr;
    std::size_t dimension = 0;
    std::uint32_t constant = 0;
    float scale = 1.0F;
    float offset = 0.0F;
    bool dot = false;
};

struct Scalar4KernelTable {
    const char* name;  ///< "baseline", "avx2", "avx512", "neon"

    /// Listed rows: row r at base + r * stride (bytes, multiple of 4). Prefetches ahead.
    void (*rows)(const I4Query& query, const std::byte* base, std::size_t stride, const RowId* rows, std::size_t count,
                 float* out) noexcept;
    /// row_count consecutive rows.
    void (*range)(const I4Query& query, const std::byte* rows, std::size_t stride, std::size_t row_count,
                  float* out) noexcept;
};

/// The table of the same instruction set as `kernels`.
[[nodiscard]] const Scalar4KernelTable& scalar4_kernels(const KernelTable& kernels = active_kernels()) noexcept;

}  // namespace sextant::inline v1
