/// field_layout: how far rows lie apart. The same in memory and in files, so it is part of the format.
/// Threads: pure functions.
#pragma once

#include <cstddef>

#include "sextant/core/types.hpp"

namespace sextant::inline v1::detail {

[[nodiscard]] constexpr std::size_t round_up_to(std::size_t value, std::size_t unit) noexcept {
    return (value + unit - 1) / unit * unit;
}

[[nodiscard]] constexpr std::size_t component_size(RawPrecision precision) noexcept {
    return precision == RawPrecision::F16 ? 2 : sizeof(float);
}

/// Raw rows: whole cache lines where that costs at most an eighth. A row then touches one line fewer, as none is
/// shared.
[[nodiscard]] constexpr std::size_t raw_stride(std::size_t dimension, RawPrecision precision) noexcept {
    const std::size_t size = dimension * component_size(precision);
    const std::size_t lines = round_up_to(size, 64);
    return (lines - size) * 8 <= size ? lines : size;
}
[[nodiscard]] constexpr std::size_t float_stride(std::size_t dimension) noexcept {
    return raw_stride(dimension, RawPrecision::F32);
}

/// Rows of codes: 16 bytes, so that vector loads do not straddle lines needlessly; short rows whole lines where that
/// costs at most a fifth, since one line more of two is much and one of thirteen is little.
[[nodiscard]] constexpr std::size_t code_stride(std::size_t code_size) noexcept {
    const std::size_t lines = round_up_to(code_size, 64);
    if (code_size <= 256 && (lines - code_size) * 5 <= code_size) return lines;
    return round_up_to(code_size, 16);
}

}  // namespace sextant::inline v1::detail
