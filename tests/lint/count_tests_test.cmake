# cmake -D PROJECT=<project> -D WORK=<scratch> -P count_tests_test.cmake: the counts that scripts/test ends with are right
# for each way a ctest entry can end.
cmake_minimum_required(VERSION 3.23)

file(REMOVE_RECURSE "${WORK}")
file(WRITE "${WORK}/CMakeLists.txt" [=[
cmake_minimum_required(VERSION 3.23)
project(count NONE)
enable_testing()
add_test(NAME cases COMMAND ${CMAKE_COMMAND} -E echo "All tests passed (10 assertions in 3 test cases)")
add_test(NAME mixed COMMAND sh -c "echo 'test cases: 10 | 7 passed | 2 failed | 1 failed as expected'; exit 2")
add_test(NAME plain COMMAND ${CMAKE_COMMAND} -E true)
add_test(NAME broken COMMAND ${CMAKE_COMMAND} -E false)
add_test(NAME skipped_by_status COMMAND sh -c "exit 77")
add_test(NAME skipped_by_words COMMAND ${CMAKE_COMMAND} -E echo "-- skipped:")
add_test(NAME slow COMMAND ${CMAKE_COMMAND} -E sleep 30)
add_test(NAME missing COMMAND no_such_program)
add_test(NAME crashed COMMAND sh -c "kill -SEGV $$$$")
set_tests_properties(skipped_by_status PROPERTIES SKIP_RETURN_CODE 77)
set_tests_properties(skipped_by_words PROPERTIES SKIP_REGULAR_EXPRESSION "-- skipped:")
set_tests_properties(slow PROPERTIES TIMEOUT 1)
]=])
execute_process(COMMAND "${CMAKE_COMMAND}" -S "${WORK}" -B "${WORK}/build" OUTPUT_QUIET COMMAND_ERROR_IS_FATAL ANY)
execute_process(COMMAND "${CMAKE_CTEST_COMMAND}" --test-dir "${WORK}/build" OUTPUT_FILE "${WORK}/output.txt" ERROR_QUIET)
execute_process(
  COMMAND awk -f "${PROJECT}/scripts/lib/count_tests.awk" "${WORK}/build/Testing/Temporary/LastTest.log"
          "${WORK}/output.txt"
  OUTPUT_VARIABLE counts OUTPUT_STRIP_TRAILING_WHITESPACE COMMAND_ERROR_IS_FATAL ANY)
# 3 + 7 + 1 passed; 2 cases of `mixed` and one each of the four others failed; two skipped count as neither.
set(expected "11 6  mixed broken slow missing crashed")
if(NOT counts STREQUAL expected)
  message(FATAL_ERROR "counted '${counts}', expected '${expected}'")
endif()
