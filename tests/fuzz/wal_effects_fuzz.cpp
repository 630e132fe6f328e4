// Bytes as the effects of one frame: what is read, written again, is the same bytes.
// Input: the dimension, then the effects; every count of effects is tried up to the one that fits.
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <vector>

#include "sextant/format/wal_effects.hpp"

namespace {

namespace format = sextant::format;

void require(bool condition) {
    if (!condition) std::abort();
}

/// Whether `bytes` are `count` effects and nothing more.
bool read(const std::vector<std::byte>& bytes, std::uint32_t count, std::size_t dimension) {
    std::vector<std::byte> again;
    format::EffectsWriter writer(again);
    const auto result =
        format::read_effects(bytes, count, dimension, "log", 64, [&](const format::LoggedEffect& effect) {
            for (const float value : effect.vector) require(std::isfinite(value));
            writer.add(effect);
            return sextant::Result<void>{};
        });
    require(writer.count() <= count);
    if (result) {
        require(again == bytes);
    } else {
        require(result.error().message.rfind("log: offset ", 0) == 0);
    }
    return result.has_value();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) return 0;
    const std::size_t dimension = data[0] == 0 ? 1 : data[0];
    const auto* const first = reinterpret_cast<const std::byte*>(data);
    const std::vector<std::byte> bytes(first + 1, first + size);
    int fitting = 0;
    for (std::uint32_t count = 0; count < 8; ++count) fitting += read(bytes, count, dimension) ? 1 : 0;
    require(fitting <= 1);
    read(bytes, 0xFFFF'FFFFU, dimension);
    return 0;
}
