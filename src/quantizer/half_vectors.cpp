#include "sextant/quantizer/half_vectors.hpp"

#include <cmath>
#include <cstdint>
#include <cstring>

#include "sextant/core/half.hpp"
#include "sextant/kernel/half_kernel_table.hpp"

namespace sextant::inline v1::detail {

bool round_to_halves(VectorView vector, float* out) noexcept {
    const float* const given = vector.data();
    std::uint32_t beyond = 0;
    for (std::size_t i = 0; i < vector.size(); ++i) {
        const float value = given[i];
        beyond |= std::fabs(value) < beyond_halves ? 0U : 1U;
        out[i] = rounded_to_half(value);
    }
    return beyond == 0;
}

std::size_t first_beyond_halves(VectorView vector) noexcept {
    std::size_t i = 0;
    while (i < vector.size() && std::fabs(vector[i]) < beyond_halves) ++i;
    return i;
}

void store_halves(VectorView vector, std::byte* out) noexcept {
    for (std::size_t i = 0; i < vector.size(); ++i) {
        const std::uint16_t half = half_of_float(vector[i]);
        std::memcpy(out + 2 * i, &half, sizeof half);
    }
}

void load_halves(const std::byte* halves, std::span<float> out) noexcept {
    half_kernels().widen(halves, out.size(), out.data());
}

void store_raw(VectorView vector, RawPrecision precision, std::byte* out) noexcept {
    if (precision == RawPrecision::F16) return store_halves(vector, out);
    std::memcpy(out, vector.data(), vector.size_bytes());
}

}  // namespace sextant::inline v1::detail
