/// packed_support: packed codes as the layout describes them, one dimension at a time, for tests of the kernels.
#pragma once

#include <cstring>
#include <random>
#include <vector>

#include "sextant/kernel/packed_kernel_table.hpp"

namespace sextant::test {

inline std::vector<const PackedKernelTable*> packed_tables() {
    const KernelList list = runnable_kernels();
    std::vector<const PackedKernelTable*> all;
    for (std::size_t i = 0; i < list.count; ++i) all.push_back(&packed_kernels(*list.tables[i]));
    return all;
}

/// Where the bits of dimension j of a block of 64 lie: byte, shift, width, and which bits of the code they are.
struct PackedPlace {
    std::size_t byte;
    unsigned shift;
    unsigned width;
    unsigned low;
};

inline std::vector<PackedPlace> packed_places(std::size_t j, std::size_t bits) {
    if (bits == 8) return {{j, 0, 8, 0}};
    std::vector<PackedPlace> places;
    std::size_t start = 0;
    auto low = static_cast<unsigned>(bits);
    for (const unsigned width : {4U, 2U, 1U}) {
        if ((bits & width) == 0) continue;
        low -= width;
        const std::size_t bytes = 8 * width;
        if (width == 1) {
            places.push_back({start + j / 8, static_cast<unsigned>(j % 8), 1, low});
        } else {
            places.push_back({start + j % bytes, static_cast<unsigned>(width * (j / bytes)), width, low});
        }
        start += bytes;
    }
    return places;
}

inline unsigned packed_code(const std::byte* row, std::size_t j, std::size_t bits) {
    const std::byte* const block = row + j / 64 * 8 * bits;
    unsigned code = 0;
    for (const PackedPlace& place : packed_places(j % 64, bits)) {
        const auto byte = static_cast<unsigned>(block[place.byte]);
        code |= ((byte >> place.shift) & ((1U << place.width) - 1U)) << place.low;
    }
    return code;
}

/// a * b rounded, whatever the compiler of this test may fuse.
inline float rounded_product(float a, float b) {
    volatile float product = a * b;
    return product;
}

inline float any_value(std::mt19937& random) { return static_cast<float>(random() % 20001U) / 5000.0F - 2.0F; }

}  // namespace sextant::test
