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
  # Version 14 sometimes reports the comment that closes a namespace and then leaves it as it is: so each file it
  # names is laid out and compared.
  string(REPLACE ";" "," words "${words}")
  string(REGEX MATCHALL "[^\n]+: error: [^\n]*" reports "${words}")
  if(NOT status EQUAL 0 AND NOT reports)
    set(findings "${words}")
  endif()
  set(suspect "")
  foreach(report IN LISTS reports)
    string(REGEX REPLACE ":[0-9]+:[0-9]+: error: .*$" "" file "${report}")
    if(NOT file STREQUAL suspect)
      set(suspect "${file}")
      execute_process(COMMAND sh -c "'${CLANG_FORMAT}' '${file}' | cmp -s - '${file}'"
        WORKING_DIRECTORY "${ROOT}" RESULT_VARIABLE differs)
    endif()
    if(NOT differs EQUAL 0)
      list(APPEND findings "${report}")
    endif()
  endforeach()
endif()
sextant_lint_report("format")
