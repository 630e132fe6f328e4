# cmake -D ROOT=<project> -P check_public_symbols.cmake: manners of a library. In public headers: no macro without the
# SEXTANT_ prefix, no `using namespace`, no private dependency, nothing that g++ 12 and clang 14 do not both have.
# Anywhere in the library: no output, no abort.
cmake_minimum_required(VERSION 3.23)
include("${CMAKE_CURRENT_LIST_DIR}/LintFiles.cmake")

file(GLOB_RECURSE headers RELATIVE "${ROOT}" "${ROOT}/include/sextant/*.hpp")
list(FILTER headers EXCLUDE REGEX "^include/sextant/kernel/detail/")  # not installed: what kernels are made of
file(GLOB_RECURSE sources RELATIVE "${ROOT}" "${ROOT}/src/*.cpp" "${ROOT}/src/*.hpp")
set(files ${headers} ${sources})
set(findings "")

function(find_in_code out file pattern why)
  file(STRINGS "${ROOT}/${file}" lines REGEX "${pattern}")
  set(found ${${out}})
  foreach(line IN LISTS lines)
    string(REGEX REPLACE "//.*$" "" code "${line}")
    if(code MATCHES "${pattern}")
      string(STRIP "${code}" code)
      string(REPLACE ";" "" code "${code}")  # would end a list element
      list(APPEND found "${file}: ${code}: ${why}")
    endif()
  endforeach()
  set(${out} "${found}" PARENT_SCOPE)
endfunction()

foreach(file IN LISTS headers)
  file(STRINGS "${ROOT}/${file}" macros REGEX "^[ \t]*#[ \t]*define[ \t]+")
  foreach(line IN LISTS macros)
    if(NOT line MATCHES "define[ \t]+SEXTANT_[A-Z0-9_]+")
      list(APPEND findings "${file}: ${line}: macros of public headers start with SEXTANT_")
    endif()
  endforeach()
  file(STRINGS "${ROOT}/${file}" once REGEX "^#pragma once")
  if(NOT once)
    list(APPEND findings "${file}: has no #pragma once")
  endif()
  find_in_code(findings "${file}" "using namespace" "changes the meaning of the user's names")
  find_in_code(findings "${file}" "# *include *<(fmt|xsimd|xxhash|roaring|Eigen|[a-z0-9]*intrin|arm_neon)"
    "private dependencies stay in src/")
  find_in_code(findings "${file}" "# *include *<(iostream|format|expected|source_location|regex)>"
    "not in public headers: start-up code, or missing in one of the compilers")
  find_in_code(findings "${file}" "std::(expected|format|source_location)[^a-z_]|_Float16|__bf16"
    "not in both compilers")
endforeach()
foreach(file IN LISTS files)
  if(file MATCHES "^src/core/(assert|mutex)\\.cpp$")
    continue()  # the last words of a failed assertion
  endif()
  if(NOT file STREQUAL "include/sextant/core/result.hpp")  # value() of an error, where exceptions are off
    find_in_code(findings "${file}" "(std|[^a-zA-Z0-9_]|^)::(abort|terminate) *\\(|[^a-zA-Z0-9_:>.](abort|__builtin_trap) *\\("
      "a library does not end the program")
  endif()
  find_in_code(findings "${file}" "std::(cout|cerr|clog)|[^a-z_n]f?printf *\\(|std::puts"
    "a library does not print but tells its EventSink")
  find_in_code(findings "${file}" "std::(exit|quick_exit|_Exit)|[^a-z_]exit *\\(" "a library does not end the program")
endforeach()
sextant_lint_report("public symbols")
