# Tests of the kernels that are no Catch2 program: the NEON kernels under an emulator, and what the object code holds.
# Included by tests/CMakeLists.txt; needs the target `sextant`.
option(SEXTANT_AARCH64_TESTS "Cross-compile the kernel tests for aarch64 and run them under qemu-user (required if ON)"
       ${PROJECT_IS_TOP_LEVEL})

if(SEXTANT_AARCH64_TESTS)
  find_program(SEXTANT_AARCH64_CXX NAMES aarch64-linux-gnu-g++ aarch64-linux-gnu-g++-12)
  find_program(SEXTANT_QEMU_AARCH64 NAMES qemu-aarch64 qemu-aarch64-static)
  mark_as_advanced(SEXTANT_AARCH64_CXX SEXTANT_QEMU_AARCH64)
  if(NOT SEXTANT_AARCH64_CXX OR NOT SEXTANT_QEMU_AARCH64)
    message(WARNING "SEXTANT_AARCH64_TESTS is ON but aarch64-linux-gnu-g++ or qemu-aarch64 is missing: the test "
      "kernel.aarch64 will fail. Debian: g++-aarch64-linux-gnu qemu-user.")
  endif()
  get_target_property(SEXTANT_XSIMD_INCLUDE xsimd INTERFACE_INCLUDE_DIRECTORIES)
  add_test(NAME kernel.aarch64
    COMMAND "${CMAKE_COMMAND}"
      "-DSOURCE=${PROJECT_SOURCE_DIR}/tests/aarch64" "-DBINARY=${CMAKE_CURRENT_BINARY_DIR}/aarch64"
      "-DXSIMD=${SEXTANT_XSIMD_INCLUDE}" "-DCXX=${SEXTANT_AARCH64_CXX}" "-DQEMU=${SEXTANT_QEMU_AARCH64}"
      "-DSYSROOT=/usr/aarch64-linux-gnu" "-DLAUNCHER=${CMAKE_CXX_COMPILER_LAUNCHER}"
      -P "${PROJECT_SOURCE_DIR}/tests/aarch64/run.cmake")
  set_tests_properties(kernel.aarch64 PROPERTIES LABELS kernel TIMEOUT 900)
endif()

# Instrumented code calls into the sanitizer's run time and keeps helper functions: nothing to check there.
if(NOT SEXTANT_SANITIZE AND CMAKE_SYSTEM_PROCESSOR MATCHES "^(x86_64|AMD64|amd64)$")
  set(kernel_symbols_arguments
    "-DOBJECTS=$<JOIN:$<FILTER:$<TARGET_OBJECTS:sextant>,EXCLUDE,[.][gp]ch$>,|>"
    "-DNM=${CMAKE_NM}" "-DOBJDUMP=${CMAKE_OBJDUMP}")
  add_test(NAME lint.kernel_symbols
    COMMAND "${CMAKE_COMMAND}" ${kernel_symbols_arguments} -P "${PROJECT_SOURCE_DIR}/cmake/check_kernel_symbols.cmake")
  add_test(NAME lint.kernel_symbols.self_test
    COMMAND "${CMAKE_COMMAND}" ${kernel_symbols_arguments} "-DCOMPILER=${CMAKE_CXX_COMPILER}"
      "-DPROJECT=${PROJECT_SOURCE_DIR}" "-DWORK=${CMAKE_CURRENT_BINARY_DIR}/kernel_symbols.self_test"
      -P "${PROJECT_SOURCE_DIR}/tests/kernel/symbols_self_test.cmake")
  set_tests_properties(lint.kernel_symbols lint.kernel_symbols.self_test PROPERTIES LABELS lint TIMEOUT 600)
endif()
