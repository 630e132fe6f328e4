# cmake -D ROOT=<project> -D CLANG_FORMAT=<program> -P check_format.cmake: the layout is clang-format 14's.
# Other versions lay out differently: then this says "skipped", which ctest shows as such.
cmake_minimum_required(VERSION 3.23)
include("${CMAKE_CURRENT_LIST_DIR}/LintFiles.cmake")

if(NOT CLANG_FORMAT)
  message(STATUS "skipped: clang-format 14 is not installed")
  return()
endif()
execute_process(COMMAND "${CLANG_FORMAT}" --version OUTPUT_VARIABLE version)
if(NOT version MATCHES "version 14\\.")
  message(STATUS "skipped: ${CLANG_FORMAT} is not version 14 but ${version}")
  return()
endif()

sextant_lint_files(files "*.hpp" "*.cpp" "*.inc")
set(findings "")
if(files)
  execute_process(COMMAND "${CLANG_FORMAT}" --dry-run -Werror ${files} WORKING_DIRECTORY "${ROOT}"
    RESULT_VARIABLE status ERROR_VARIABLE words)
  if(NOT status EQUAL 0)
    string(REGEX MATCHALL "[^\n]*: error: [^\n]*" findings "${words}")
    if(NOT findings)
      set(findings "${words}")
    endif()
  endif()
endif()
sextant_lint_report("format")
