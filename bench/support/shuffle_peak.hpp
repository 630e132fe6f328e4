/// shuffle_peak: how many bytes the shuffle unit looks up a second when nothing else is asked of it: the bound of every
/// fast scan.
/// Threads: pure functions.
#pragma once

#include <cstddef>

namespace sextant_bench {

/// Bytes of a register that a kernel of this name shuffles; 0 where it has no such instruction.
[[nodiscard]] std::size_t shuffle_width(const char* kernel_name) noexcept;

/// Shuffles registers of `width` bytes `count` times, eight chains beside each other, without memory; returns something
/// that depends on all of them. REQUIRES: a width this CPU has.
unsigned shuffle_registers(std::size_t width, std::size_t count) noexcept;

}  // namespace sextant_bench
