#include "support/shuffle_peak.hpp"

#include <cstdint>
#include <cstring>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace sextant_bench {

#if defined(__x86_64__)
namespace {

// In assembly: a compiler would see that shuffles of constants have a result.
__attribute__((target("avx512bw"))) unsigned shuffle_512(std::size_t count) noexcept {
    __m512i a[8];
    const __m512i table = _mm512_set1_epi64(0x0706050403020100);
    for (int i = 0; i < 8; ++i) a[i] = _mm512_set1_epi8(static_cast<char>(i));
    for (std::size_t n = 0; n < count; n += 8) {
        asm volatile(
            "vpshufb %0, %8, %0\n\tvpshufb %1, %8, %1\n\tvpshufb %2, %8, %2\n\tvpshufb %3, %8, %3\n\t"
            "vpshufb %4, %8, %4\n\tvpshufb %5, %8, %5\n\tvpshufb %6, %8, %6\n\tvpshufb %7, %8, %7"
            : "+v"(a[0]), "+v"(a[1]), "+v"(a[2]), "+v"(a[3]), "+v"(a[4]), "+v"(a[5]), "+v"(a[6]), "+v"(a[7])
            : "v"(table));
    }
    for (int i = 1; i < 8; ++i) a[0] = _mm512_add_epi8(a[0], a[i]);
    unsigned first = 0;
    std::memcpy(&first, a, sizeof first);
    return first;
}

__attribute__((target("avx2"))) unsigned shuffle_256(std::size_t count) noexcept {
    __m256i a[8];
    const __m256i table = _mm256_set1_epi64x(0x0706050403020100);
    for (int i = 0; i < 8; ++i) a[i] = _mm256_set1_epi8(static_cast<char>(i));
    for (std::size_t n = 0; n < count; n += 8) {
        asm volatile(
            "vpshufb %0, %8, %0\n\tvpshufb %1, %8, %1\n\tvpshufb %2, %8, %2\n\tvpshufb %3, %8, %3\n\t"
            "vpshufb %4, %8, %4\n\tvpshufb %5, %8, %5\n\tvpshufb %6, %8, %6\n\tvpshufb %7, %8, %7"
            : "+x"(a[0]), "+x"(a[1]), "+x"(a[2]), "+x"(a[3]), "+x"(a[4]), "+x"(a[5]), "+x"(a[6]), "+x"(a[7])
            : "x"(table));
    }
    for (int i = 1; i < 8; ++i) a[0] = _mm256_add_epi8(a[0], a[i]);
    unsigned first = 0;
    std::memcpy(&first, a, sizeof first);
    return first;
}

}  // namespace

std::size_t shuffle_width(const char* kernel_name) noexcept {
    if (std::strcmp(kernel_name, "avx512") == 0) return 64;
    return std::strcmp(kernel_name, "avx2") == 0 ? 32 : 0;
}

unsigned shuffle_registers(std::size_t width, std::size_t count) noexcept {
    return width == 64 ? shuffle_512(count) : shuffle_256(count);
}
#else
std::size_t shuffle_width(const char* /*kernel_name*/) noexcept { return 0; }
unsigned shuffle_registers(std::size_t /*width*/, std::size_t /*count*/) noexcept { return 0; }
#endif

}  // namespace sextant_bench
