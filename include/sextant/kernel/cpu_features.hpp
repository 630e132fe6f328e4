/// CpuFeatures: what this CPU, and the operating system on it, allow. Reading it is the only use of CPUID in the
/// library.
/// Threads: immutable.
#pragma once

namespace sextant::inline v1 {

struct CpuFeatures {
    bool avx2_fma = false;          ///< AVX2, FMA, F16C, BMI1, BMI2, and the system saves the 256-bit registers
    bool avx512 = false;            ///< F, BW, DQ, VL and all of avx2_fma, and the system saves the 512-bit registers
    bool avx512_vnni = false;       ///< 8-bit dot products
    bool avx512_vpopcntdq = false;  ///< population counts of whole vectors
    bool neon = false;
    bool neon_dotprod = false;  ///< 8-bit dot products
};

[[nodiscard]] CpuFeatures detect_cpu_features() noexcept;

}  // namespace sextant::inline v1
