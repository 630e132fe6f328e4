# Cross-compiles tests/aarch64 and runs it under qemu-user, once as a CPU with the dot product extension and once as one
# without. Needs: SOURCE, BINARY, XSIMD (include directory), CXX, QEMU, SYSROOT; LAUNCHER may be empty.
foreach(tool CXX QEMU)
  if(NOT ${tool})
    message(FATAL_ERROR "the aarch64 kernel tests need aarch64-linux-gnu-g++ and qemu-aarch64 (Debian: "
      "g++-aarch64-linux-gnu qemu-user); install them, or configure with -DSEXTANT_AARCH64_TESTS=OFF to leave the NEON "
      "kernels untested")
  endif()
endforeach()

function(run)
  execute_process(COMMAND ${ARGN} RESULT_VARIABLE result OUTPUT_VARIABLE output ERROR_VARIABLE output)
  if(NOT result EQUAL 0)
    list(JOIN ARGN " " command)
    message(FATAL_ERROR "${command}\nfailed (${result}):\n${output}")
  endif()
  set(output "${output}" PARENT_SCOPE)
endfunction()

set(launcher)
if(LAUNCHER)
  set(launcher "-DCMAKE_CXX_COMPILER_LAUNCHER=${LAUNCHER}")
endif()
run("${CMAKE_COMMAND}" -S "${SOURCE}" -B "${BINARY}" "-DCMAKE_CXX_COMPILER=${CXX}" -DCMAKE_BUILD_TYPE=Release
    "-DSEXTANT_XSIMD_PARENT=${XSIMD}" ${launcher})
run("${CMAKE_COMMAND}" --build "${BINARY}" --parallel 2)

# run_on(cpu tables...): the tables are those the CPU must offer, best first.
function(run_on cpu)
  run("${CMAKE_COMMAND}" -E env --unset=SEXTANT_KERNEL
      "${QEMU}" -cpu ${cpu} -L "${SYSROOT}" "${BINARY}/kernel_tests" ${ARGN})
  message(STATUS "${cpu}: ${output}")
endfunction()
run_on(max neon neon baseline)
run_on(cortex-a53 neon baseline)
