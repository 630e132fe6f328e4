# sextant_add_kernels(target): the SIMD kernels, one source per instruction set; the only place with -m flags.
#
# Every kernel source is optimised in every build type (a kernel at -O0 leaves helper functions behind that other code
# could be linked against) and never fuses a multiplication with an addition unless the source says so (the integer
# kernels promise the same bits on every CPU). Link-time optimisation would blur the borders between instruction sets.
set(SEXTANT_KERNEL_COMMON_OPTIONS -O3 -ffp-contract=off -fno-builtin -fno-exceptions -fno-lto)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # g++ 12 and 13 warn about the deliberately undefined registers in their own avx512fintrin.h (GCC bug 105593).
  list(APPEND SEXTANT_KERNEL_COMMON_OPTIONS -Wno-maybe-uninitialized -Wno-uninitialized)
endif()
set(SEXTANT_KERNEL_AVX2_OPTIONS -mavx2 -mfma -mf16c -mbmi -mbmi2)
set(SEXTANT_KERNEL_AVX512_OPTIONS ${SEXTANT_KERNEL_AVX2_OPTIONS} -mavx512f -mavx512bw -mavx512dq -mavx512vl)

function(sextant_add_kernels target)
  set(directory "${CMAKE_CURRENT_FUNCTION_LIST_DIR}/../src/kernel")
  target_sources(${target} PRIVATE "${directory}/dispatch.cpp" "${directory}/half_dispatch.cpp"
    "${directory}/packed_dispatch.cpp" "${directory}/product_dispatch.cpp" "${directory}/rotation_dispatch.cpp"
    "${directory}/scalar4_dispatch.cpp" "${directory}/cpu_features.cpp")
  # Its headers only: Debian's target also wants to link xtl, which nothing here uses and nobody has.
  target_include_directories(${target} SYSTEM PRIVATE
    $<BUILD_INTERFACE:$<TARGET_PROPERTY:xsimd,INTERFACE_INCLUDE_DIRECTORIES>>)

  sextant_add_kernel_source(${target} "${directory}/baseline.cpp")
  sextant_add_kernel_source(${target} "${directory}/packed_baseline.cpp")
  sextant_add_kernel_source(${target} "${directory}/product_baseline.cpp")
  sextant_add_kernel_source(${target} "${directory}/rotation_baseline.cpp")
  sextant_add_kernel_source(${target} "${directory}/scalar4_baseline.cpp")
  sextant_add_kernel_source(${target} "${directory}/half_baseline.cpp")
  if(CMAKE_SYSTEM_PROCESSOR MATCHES "^(x86_64|AMD64|amd64)$")
    sextant_add_kernel_source(${target} "${directory}/avx2.cpp" ${SEXTANT_KERNEL_AVX2_OPTIONS})
    sextant_add_kernel_source(${target} "${directory}/avx512.cpp" ${SEXTANT_KERNEL_AVX512_OPTIONS})
    sextant_add_kernel_source(${target} "${directory}/packed_avx2.cpp" ${SEXTANT_KERNEL_AVX2_OPTIONS})
    sextant_add_kernel_source(${target} "${directory}/product_avx2.cpp" ${SEXTANT_KERNEL_AVX2_OPTIONS})
    sextant_add_kernel_source(${target} "${directory}/rotation_avx2.cpp" ${SEXTANT_KERNEL_AVX2_OPTIONS})
    sextant_add_kernel_source(${target} "${directory}/packed_avx512.cpp" ${SEXTANT_KERNEL_AVX512_OPTIONS})
    sextant_add_kernel_source(${target} "${directory}/product_avx512.cpp" ${SEXTANT_KERNEL_AVX512_OPTIONS})
    sextant_add_kernel_source(${target} "${directory}/rotation_avx512.cpp" ${SEXTANT_KERNEL_AVX512_OPTIONS})
    sextant_add_kernel_source(${target} "${directory}/packed_avx512_popcnt.cpp" ${SEXTANT_KERNEL_AVX512_OPTIONS}
      -mavx512vnni -mavx512vpopcntdq)
    sextant_add_kernel_source(${target} "${directory}/scalar4_avx2.cpp" ${SEXTANT_KERNEL_AVX2_OPTIONS})
    sextant_add_kernel_source(${target} "${directory}/scalar4_avx512.cpp" ${SEXTANT_KERNEL_AVX512_OPTIONS})
    sextant_add_kernel_source(${target} "${directory}/half_avx2.cpp" ${SEXTANT_KERNEL_AVX2_OPTIONS})
    sextant_add_kernel_source(${target} "${directory}/half_avx512.cpp" ${SEXTANT_KERNEL_AVX512_OPTIONS})
    foreach(kind "" scalar4_)
      sextant_add_kernel_source(${target} "${directory}/${kind}avx512_vnni.cpp" ${SEXTANT_KERNEL_AVX512_OPTIONS}
        -mavx512vnni)
    endforeach()
  elseif(CMAKE_SYSTEM_PROCESSOR MATCHES "^(aarch64|arm64|ARM64)$")
    sextant_add_kernel_source(${target} "${directory}/neon.cpp")
    sextant_add_kernel_source(${target} "${directory}/packed_neon.cpp")
    sextant_add_kernel_source(${target} "${directory}/product_neon.cpp")
    sextant_add_kernel_source(${target} "${directory}/rotation_neon.cpp")
    sextant_add_kernel_source(${target} "${directory}/half_neon.cpp")
    sextant_add_kernel_source(${target} "${directory}/neon_dot.cpp" -march=armv8.2-a+dotprod)
    sextant_add_kernel_source(${target} "${directory}/packed_neon_dot.cpp" -march=armv8.2-a+dotprod)
    sextant_add_kernel_source(${target} "${directory}/scalar4_neon.cpp")
    sextant_add_kernel_source(${target} "${directory}/scalar4_neon_dot.cpp" -march=armv8.2-a+dotprod)
  endif()
endfunction()

function(sextant_add_kernel_source target source)
  target_sources(${target} PRIVATE "${source}")
  set_property(SOURCE "${source}" PROPERTY COMPILE_OPTIONS ${SEXTANT_KERNEL_COMMON_OPTIONS} ${ARGN})
  set_property(SOURCE "${source}" PROPERTY SKIP_PRECOMPILE_HEADERS ON)
  set_property(SOURCE "${source}" PROPERTY SKIP_UNITY_BUILD_INCLUSION ON)
endfunction()
