#include "quantizer/scalar_codes.hpp"

#include <algorithm>

namespace sextant::inline v1::detail {

void encode_halves(std::span<const float> offset, float inverse_step, const float* v, std::byte* out) noexcept {
    const float zeros[i4_block] = {};
    I8Trailer trailer{0, 0};
    for (std::size_t base = 0; base < offset.size(); base += i4_block) {
        const std::size_t count = std::min(i4_block, offset.size() - base);
        const std::size_t size = i4_block_size(count);
        std::int8_t values[i4_block];
        std::uint8_t halves[i4_block] = {};
        active_kernels().encode_i8(v == nullptr ? zeros : v + base, offset.data() + base, inverse_step, count, values);
        for (std::size_t i = 0; i < count; ++i) {
            halves[i] = static_cast<std::uint8_t>(std::clamp<int>(values[i], -8, 7) + 8);
            trailer.sum += halves[i];
            trailer.square_sum += 256U * halves[i] * halves[i];
        }
        for (std::size_t i = 0; i < size; ++i) *out++ = static_cast<std::byte>(halves[i] | halves[size + i] << 4U);
    }
    std::memcpy(out, &trailer, sizeof(trailer));
}

void decode_halves(std::span<const float> offset, float step, const std::byte* code, float* out) noexcept {
    for (std::size_t base = 0; base < offset.size(); base += i4_block) {
        const std::size_t count = std::min(i4_block, offset.size() - base);
        const std::size_t size = i4_block_size(count);
        for (std::size_t i = 0; i < count; ++i) {
            const auto byte = std::to_integer<int>(code[i < size ? i : i - size]);
            const int half = i < size ? byte & 15 : byte >> 4;
            out[base + i] = offset[base + i] + step * static_cast<float>(half - 8);
        }
        code += size;
    }
}

}  // namespace sextant::inline v1::detail
