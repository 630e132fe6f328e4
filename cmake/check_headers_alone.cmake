# cmake -D ROOT=<project> -D COMPILER=c++ -D "INCLUDES=dir|dir" -D WORK=<scratch> [-D "FLAGS=…"] [-D ONLY=<header>]
#       -P check_headers_alone.cmake
# Each public header compiles alone, twice in a row, without a warning; with ONLY, just that one.
cmake_minimum_required(VERSION 3.23)
include("${CMAKE_CURRENT_LIST_DIR}/LintFiles.cmake")

if(ONLY)
  set(files "${ONLY}")
else()
  file(GLOB_RECURSE files RELATIVE "${ROOT}/include" "${ROOT}/include/*.hpp")
  list(FILTER files EXCLUDE REGEX "/kernel/detail/")  # not installed
endif()

file(REMOVE_RECURSE "${WORK}")
file(MAKE_DIRECTORY "${WORK}")
set(units "")
foreach(file IN LISTS files)
  string(REPLACE "/" "." unit "${file}")
  file(WRITE "${WORK}/${unit}.cpp" "#include \"${file}\"\n#include \"${file}\"\n")
  string(APPEND units "${WORK}/${unit}.cpp\n")
endforeach()
file(WRITE "${WORK}/units.txt" "${units}")

sextant_lint_includes(includes)
list(JOIN includes " " includes)
cmake_host_system_information(RESULT jobs QUERY NUMBER_OF_LOGICAL_CORES)
execute_process(
  COMMAND xargs -P ${jobs} -I {} sh -c
          "${COMPILER} -std=c++20 -fsyntax-only -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Werror ${FLAGS} \
           -I'${ROOT}/include' ${includes} {}"
  INPUT_FILE "${WORK}/units.txt" RESULT_VARIABLE status ERROR_VARIABLE words OUTPUT_VARIABLE words)
set(findings "")
if(NOT status EQUAL 0)
  string(REPLACE ";" "" findings "${words}")
endif()
sextant_lint_report("headers alone")
