# cmake -D ROOT=<project> -D CLANG_TIDY=<program> -D "INCLUDES=dir|dir" [-D ONLY=<regex>] -P check_clang_tidy.cmake:
# the checks of .clang-tidy over src/ and, through it, the public headers.
cmake_minimum_required(VERSION 3.23)
include("${CMAKE_CURRENT_LIST_DIR}/LintFiles.cmake")

file(GLOB_RECURSE files RELATIVE "${ROOT}" "${ROOT}/src/*.cpp")
# Kernels are written for one instruction set each, with intrinsics and flags of their own.
list(FILTER files EXCLUDE REGEX "^src/kernel/((half|packed|product|rotation|scalar4)_)?(avx|neon|baseline)")
if(ONLY)
  list(FILTER files INCLUDE REGEX "${ONLY}")
endif()
list(JOIN files "\n" list_of_files)
file(WRITE "${CMAKE_CURRENT_BINARY_DIR}/clang_tidy_files.txt" "${list_of_files}\n")

sextant_lint_includes(includes)
list(JOIN includes " " includes)
cmake_host_system_information(RESULT jobs QUERY NUMBER_OF_LOGICAL_CORES)
execute_process(
  COMMAND xargs -P ${jobs} -I {} sh -c "'${CLANG_TIDY}' --quiet {} -- -std=c++20 -Iinclude -Isrc ${includes}"
  WORKING_DIRECTORY "${ROOT}" INPUT_FILE "${CMAKE_CURRENT_BINARY_DIR}/clang_tidy_files.txt"
  RESULT_VARIABLE status ERROR_VARIABLE ignored OUTPUT_VARIABLE words)
set(findings "")
if(NOT status EQUAL 0)
  string(REPLACE ";" "" words "${words}")
  string(REGEX MATCHALL "[^\n]* error: [^\n]*" findings "${words}")
  list(REMOVE_DUPLICATES findings)
  if(NOT findings)
    set(findings "clang-tidy ended with status ${status}: ${words}")
  endif()
endif()
sextant_lint_report("clang-tidy")
