/// target: the instruction sets a kernel can be written for, and the few words all kernels share.
/// Invariants: (1) everything under kernel/detail has internal linkage, so the linker can never hand code built for a
/// newer CPU to the rest of the program; (2) no function of the standard library is called.
/// Why one tag per instruction set: a kernel is a template on the tag; a tag exists only where the compiler flags of
/// the translation unit allow its instructions.
/// Threads: pure functions: what they read and write is the caller's.
#pragma once

#include <cstddef>
#include <cstdint>

#include "sextant/core/row_id.hpp"

#if defined(__x86_64__) || defined(__i386__)
#include <immintrin.h>
#define SEXTANT_KERNEL_X86 1
#else
#define SEXTANT_KERNEL_X86 0
#endif

#if defined(__aarch64__)
#include <arm_neon.h>
#define SEXTANT_KERNEL_NEON 1
#else
#define SEXTANT_KERNEL_NEON 0
#endif

/// A helper that must vanish into the kernel that uses it, in every build type.
#define SEXTANT_KERNEL_INLINE [[gnu::always_inline]] inline

namespace sextant::inline v1 {
namespace {  // NOLINT(google-build-namespaces): internal linkage is the point

/// Any CPU and compiler: vector extensions of the language, loops for integers.
struct Portable {};
#if SEXTANT_KERNEL_X86 && defined(__SSE2__)
struct Sse2 {};
#endif
#if SEXTANT_KERNEL_X86 && defined(__AVX2__) && defined(__FMA__)
struct Avx2 {};
#endif
#if SEXTANT_KERNEL_X86 && defined(__AVX512F__) && defined(__AVX512BW__) && defined(__AVX512DQ__) && \
    defined(__AVX512VL__)
struct Avx512 {};
#if defined(__AVX512VNNI__)
struct Avx512Vnni {};
#endif
#endif
#if SEXTANT_KERNEL_NEON
struct Neon {};
#if defined(__ARM_FEATURE_DOTPROD)
struct NeonDot {};
#endif
#endif

}  // namespace
}  // namespace sextant::inline v1
