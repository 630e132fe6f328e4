# Plants violations among the library's own objects and expects lint.kernel_symbols to name each.
# Needs OBJECTS (joined by |), NM, OBJDUMP, COMPILER, PROJECT, WORK.
cmake_minimum_required(VERSION 3.23)
file(REMOVE_RECURSE "${WORK}")
file(MAKE_DIRECTORY "${WORK}/src/kernel")
string(REPLACE "|" ";" objects "${OBJECTS}")

file(WRITE "${WORK}/planted.cpp" "
struct Shared { int value; Shared(); };
Shared shared;
inline int doubled(int* v, int n) { for (int i = 0; i < n; ++i) v[i] *= 2; return v[0]; }
int (*volatile keep)(int*, int) = doubled;
")

# compile(<object> flags...)
function(compile object)
  execute_process(COMMAND "${COMPILER}" -O3 ${ARGN} -c "${WORK}/planted.cpp" -o "${object}" RESULT_VARIABLE result)
  if(NOT result EQUAL 0)
    message(FATAL_ERROR "cannot compile the planted source")
  endif()
endfunction()

# expect(<objects> patterns...): the lint fails and its words match every pattern; without patterns it passes.
function(expect list)
  list(JOIN list "|" joined)
  execute_process(COMMAND ${CMAKE_COMMAND} "-DOBJECTS=${joined}" "-DNM=${NM}" "-DOBJDUMP=${OBJDUMP}"
                          -P "${PROJECT}/cmake/check_kernel_symbols.cmake"
                  RESULT_VARIABLE result OUTPUT_VARIABLE words ERROR_VARIABLE words)
  if(NOT ARGN)
    if(NOT result EQUAL 0)
      message(FATAL_ERROR "the lint fails on the library itself:\n${words}")
    endif()
  elseif(result EQUAL 0)
    message(FATAL_ERROR "the lint passed where it had to fail with ${ARGN}")
  endif()
  foreach(pattern IN LISTS ARGN)
    if(NOT words MATCHES "${pattern}")
      message(FATAL_ERROR "the lint does not say /${pattern}/ but:\n${words}")
    endif()
  endforeach()
endfunction()

expect("${objects}")

compile("${WORK}/src/leak.cpp.o" -mavx2)
set(with_leak ${objects} "${WORK}/src/leak.cpp.o")
expect("${with_leak}" "leak.cpp.o: an AVX instruction outside the AVX kernels")

compile("${WORK}/src/kernel/avx2.cpp.o" -mavx2)
set(with_bad_kernel ${objects})
list(FILTER with_bad_kernel EXCLUDE REGEX "/kernel/avx2\\.cpp")
list(APPEND with_bad_kernel "${WORK}/src/kernel/avx2.cpp.o")
expect("${with_bad_kernel}" "avx2.cpp.o: defines [^ ]*doubled[^ ]* .W. for all to see" "avx2.cpp.o: calls [^ ]*Shared"
       "avx2.cpp.o: has static initialisers" "avx2.cpp.o: 0 kernel tables, expected 1"
       "avx2.cpp.o: 0 prefetch instructions in 12FloatEntries")

set(without_kernels ${objects})
list(FILTER without_kernels EXCLUDE REGEX "/kernel/avx")
expect("${without_kernels}" "the lint looks in the wrong place")
