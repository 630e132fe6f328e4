# sextant_add_test_program(<floor>): the program sextant_test_<floor> and its ctest entries
#   <floor>                    everything but [soak] and, where there is the next, [durable]
#   <floor>.durable            [durable], where a source has that tag
#   <floor>.threads            [threads], where a source has that tag: what the thread sanitizer tree runs
#   <floor>.kernel.<name>      [kernel] under SEXTANT_KERNEL=<name>; skipped where the CPU lacks it
#   soak.<floor>               [soak]
# Entries that would match no test are not made: a run of nothing must not count as passed.

# Sets `out` to the test sources of `floor` that carry a tag, less those whose every such test is [soak].
function(sextant_sources_with_tag out tag)
  set(found "")
  foreach(source IN LISTS ARGN)
    file(STRINGS "${source}" lines REGEX "\\[${tag}\\]")
    if(NOT tag STREQUAL "soak")
      list(FILTER lines EXCLUDE REGEX "\\[soak\\]")
    endif()
    if(lines)
      list(APPEND found "${source}")
    endif()
  endforeach()
  set(${out} "${found}" PARENT_SCOPE)
endfunction()

# Tests are built with -O1 also in a Release build: half the time to compile, and g++ 12 at -O3 warns of overflows in
# string code that are not there. Under sanitizers the test cases are built with -O0, again half the time. What is tested,
# the library, and what the tests spend their time in keep their own flags: the disk in memory, and the plain loops that
# kernels and codes are compared with.
function(sextant_set_test_options target)
  sextant_set_warnings(${target})
  target_compile_options(${target} PRIVATE $<$<CONFIG:Release>:-O1>)
  if(SEXTANT_SANITIZE AND NOT target MATCHES "^sextant_(sim|test_kernel|test_quantizer)$")
    target_compile_options(${target} PRIVATE -O0)
  endif()
endfunction()

function(sextant_add_test_program floor)
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS "${CMAKE_CURRENT_SOURCE_DIR}/${floor}/*_test.cpp")
  if(NOT sources)
    return()
  endif()
  set(name sextant_test_${floor})
  add_executable(${name} ${sources})
  target_link_libraries(${name} PRIVATE sextant sextant_test_main)
  target_include_directories(${name} PRIVATE "${PROJECT_SOURCE_DIR}/tests" "${PROJECT_SOURCE_DIR}/src")
  if(NOT (SEXTANT_SANITIZE AND floor MATCHES "^(kernel|quantizer)$"))  # a precompiled header is of one way to optimize
    target_precompile_headers(${name} REUSE_FROM sextant_test_pch)
  endif()
  target_compile_definitions(${name} PRIVATE SEXTANT_TEST_DATA_DIR="${PROJECT_SOURCE_DIR}/tests")
  sextant_set_test_options(${name})

  # Tests of durable collections take as long as all others: an entry of their own, so that both run at once. What takes
  # longest begins first (COST), or one processor waits for it at the end.
  sextant_sources_with_tag(durable durable ${sources})
  if(durable)
    add_test(NAME ${floor} COMMAND ${name} "~[soak]~[durable]")
    add_test(NAME ${floor}.durable COMMAND ${name} "[durable]~[soak]")
    set_tests_properties(${floor}.durable PROPERTIES LABELS unit TIMEOUT 1800 COST 2000)
  else()
    add_test(NAME ${floor} COMMAND ${name} "~[soak]")
  endif()
  set_tests_properties(${floor} PROPERTIES LABELS unit TIMEOUT 1800 COST 1000)

  sextant_sources_with_tag(threads threads ${sources})
  if(threads)
    add_test(NAME ${floor}.threads COMMAND ${name} "[threads]~[soak]")
    set_tests_properties(${floor}.threads PROPERTIES LABELS threads TIMEOUT 900)
    if(NOT TARGET sextant_threads_tests)
      add_custom_target(sextant_threads_tests)  # all that the thread sanitizer's tree has to build
    endif()
    add_dependencies(sextant_threads_tests ${name})
  endif()

  sextant_sources_with_tag(kernel kernel ${sources})
  if(kernel)
    foreach(kernel_name baseline avx2 avx512 neon)
      add_test(NAME ${floor}.kernel.${kernel_name}
        COMMAND sh "${PROJECT_SOURCE_DIR}/tests/support/under_kernel.sh" ${kernel_name}
                $<TARGET_FILE:sextant_kernel_name> $<TARGET_FILE:${name}> "[kernel]~[soak]")
      set_tests_properties(${floor}.kernel.${kernel_name} PROPERTIES
        LABELS kernel SKIP_RETURN_CODE 77 TIMEOUT 900)
    endforeach()
  endif()

  sextant_sources_with_tag(soak soak ${sources})
  if(soak)
    add_test(NAME soak.${floor} COMMAND ${name} "[soak]")
    set_tests_properties(soak.${floor} PROPERTIES LABELS soak TIMEOUT 7200)
  endif()
endfunction()
