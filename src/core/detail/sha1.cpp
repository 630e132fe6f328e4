#include "core/detail/sha1.hpp"

#include <bit>
#include <cstddef>

namespace sextant::inline v1::detail {
namespace {

constexpr std::size_t block_size = 64;

class Sha1 {
public:
    void add(std::uint8_t byte) noexcept {
        block_[used_++] = byte;
        ++size_;
        if (used_ == block_size) compress();
    }

    [[nodiscard]] std::array<std::uint8_t, 20> finish() noexcept {
        const std::uint64_t bit_count = size_ * 8;
        add(0x80);
        while (used_ != block_size - 8) add(0);
        for (unsigned shift = 64; shift != 0; shift -= 8) add(static_cast<std::uint8_t>(bit_count >> (shift - 8)));
        std::array<std::uint8_t, 20> digest{};
        for (std::size_t i = 0; i < digest.size(); ++i) {
            digest[i] = static_cast<std::uint8_t>(state_[i / 4] >> (24 - 8 * (i % 4)));
        }
        return digest;
    }

private:
    void compress() noexcept {
        std::array<std::uint32_t, 80> w{};
        for (std::size_t t = 0; t < 16; ++t) {
            for (std::size_t i = 0; i < 4; ++i) w[t] = w[t] << 8U | block_[4 * t + i];
        }
        for (std::size_t t = 16; t < 80; ++t) w[t] = std::rotl(w[t - 3] ^ w[t - 8] ^ w[t - 14] ^ w[t - 16], 1);
        auto [a, b, c, d, e] = state_;
        for (std::size_t t = 0; t < 80; ++t) {
            const std::uint32_t mixed = t < 20   ? ((b & c) | (~b & d)) + 0x5a827999U
                                        : t < 40 ? (b ^ c ^ d) + 0x6ed9eba1U
                                        : t < 60 ? ((b & c) | (b & d) | (c & d)) + 0x8f1bbcdcU
                                                 : (b ^ c ^ d) + 0xca62c1d6U;
            const std::uint32_t next = std::rotl(a, 5) + mixed + e + w[t];
            e = d;
            d = c;
            c = std::rotl(b, 30);
            b = a;
            a = next;
        }
        state_[0] += a;
        state_[1] += b;
        state_[2] += c;
        state_[3] += d;
        state_[4] += e;
        used_ = 0;
    }

    std::array<std::uint32_t, 5> state_{0x67452301U, 0xefcdab89U, 0x98badcfeU, 0x10325476U, 0xc3d2e1f0U};
    std::array<std::uint8_t, block_size> block_{};
    std::size_t used_ = 0;
    std::uint64_t size_ = 0;
};

}  // namespace

std::array<std::uint8_t, 20> sha1(std::span<const std::uint8_t> first, std::string_view second) noexcept {
    Sha1 state;
    for (const std::uint8_t byte : first) state.add(byte);
    for (const char c : second) state.add(static_cast<std::uint8_t>(c));
    return state.finish();
}

}  // namespace sextant::inline v1::detail
