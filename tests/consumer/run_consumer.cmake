# cmake -D STEP=<step> -D WORK=… -D PROJECT=… -D BUILD=… … -P run_consumer.cmake: one step of tests/consumer.
cmake_minimum_required(VERSION 3.23)

set(moved "${WORK}/moved")
set(here "${CMAKE_CURRENT_LIST_DIR}")
set(common -G "${GENERATOR}" "-DCMAKE_CXX_COMPILER=${COMPILER}" "-DCMAKE_CXX_COMPILER_LAUNCHER=${LAUNCHER}"
  "-DCMAKE_BUILD_TYPE=${CONFIG}")

function(run what)
  execute_process(COMMAND ${ARGN} RESULT_VARIABLE status OUTPUT_VARIABLE words ERROR_VARIABLE words)
  if(NOT status EQUAL 0)
    message(FATAL_ERROR "${what} failed (${status}):\n${words}")
  endif()
endfunction()

# build_and_run(<name> <source> <option>…): configure, build and run a consumer project in a fresh directory.
function(build_and_run name source)
  file(REMOVE_RECURSE "${WORK}/${name}")
  run("configuring ${name}" "${CMAKE_COMMAND}" ${common} ${ARGN} -S "${source}" -B "${WORK}/${name}")
  string(TIMESTAMP begin "%s%f")
  run("building ${name}" "${CMAKE_COMMAND}" --build "${WORK}/${name}")
  string(TIMESTAMP end "%s%f")
  math(EXPR milliseconds "(${end} - ${begin}) / 1000")
  # Reported, not judged: machines differ, other tests run beside, and a compiler cache may have answered.
  message(STATUS "${name}: built in ${milliseconds} ms")
  run("running ${name}" "${WORK}/${name}/consumer")
  if(CONFIG STREQUAL "Release")
    file(SIZE "${WORK}/${name}/consumer" size)
    message(STATUS "${name}: the program has ${size} bytes")
    if(size GREATER 2097152)
      message(FATAL_ERROR "${name}: a first program has ${size} bytes; it must stay below 2 MiB")
    endif()
  endif()
endfunction()

# expect_refusal(<name> <components> <sentence>): configuring fails, and says why in these words.
function(expect_refusal name components sentence)
  file(REMOVE_RECURSE "${WORK}/${name}")
  execute_process(
    COMMAND "${CMAKE_COMMAND}" ${common} "-DCMAKE_PREFIX_PATH=${moved};${PREFIX_PATH}" "-DCOMPONENTS=${components}"
            -S "${here}/find_package" -B "${WORK}/${name}"
    RESULT_VARIABLE status OUTPUT_VARIABLE words ERROR_VARIABLE words)
  string(REGEX REPLACE "[ \n]+" " " flat "${words}")  # CMake breaks its lines
  string(FIND "${flat}" "${sentence}" position)
  if(status EQUAL 0 OR position EQUAL -1)
    message(FATAL_ERROR "expected a refusal with '${sentence}', got status ${status}:\n${words}")
  endif()
endfunction()

if(STEP STREQUAL "install")
  file(REMOVE_RECURSE "${WORK}/installed" "${moved}")
  run("installing" "${CMAKE_COMMAND}" --install "${BUILD}" --prefix "${WORK}/installed")
  file(RENAME "${WORK}/installed" "${moved}")
  # No path of this machine in what is installed as text.
  file(GLOB_RECURSE files "${moved}/*.cmake" "${moved}/*.pc" "${moved}/*.hpp")
  foreach(file IN LISTS files)
    file(READ "${file}" text)
    foreach(path "${WORK}" "${BUILD}" "${PROJECT}")
      string(FIND "${text}" "${path}" position)
      if(NOT position EQUAL -1)
        message(FATAL_ERROR "${file} names ${path}: an installed tree must be movable")
      endif()
    endforeach()
  endforeach()
  file(GLOB_RECURSE internal "${moved}/include/*/kernel/detail/*")
  if(NOT EXISTS "${moved}/include/sextant/sextant.hpp" OR internal)
    message(FATAL_ERROR "the installed headers are not the public ones: ${internal}")
  endif()
elseif(STEP STREQUAL "find_package")
  build_and_run(find_package "${here}/find_package" "-DCMAKE_PREFIX_PATH=${moved};${PREFIX_PATH}")
elseif(STEP STREQUAL "unknown_component")
  expect_refusal(unknown_component "core;teleport" "sextant has no component 'teleport'; the components are: core, ")
elseif(STEP STREQUAL "component_not_built")
  expect_refusal(component_not_built "raft" "This sextant was built without its component 'raft'; it holds: core")
elseif(STEP STREQUAL "optional_component")
  file(WRITE "${WORK}/optional_source/CMakeLists.txt" "cmake_minimum_required(VERSION 3.23)\nproject(x CXX)\n"
    "find_package(sextant CONFIG REQUIRED COMPONENTS core OPTIONAL_COMPONENTS raft)\n"
    "if(NOT sextant_core_FOUND OR sextant_raft_FOUND OR NOT TARGET sextant::sextant)\n"
    "  message(FATAL_ERROR \"an optional component must not decide\")\nendif()\n")
  file(REMOVE_RECURSE "${WORK}/optional")
  run("configuring with an optional component" "${CMAKE_COMMAND}" ${common}
    "-DCMAKE_PREFIX_PATH=${moved};${PREFIX_PATH}" -S "${WORK}/optional_source" -B "${WORK}/optional")
elseif(STEP STREQUAL "pkg_config")
  set(ENV{CXX} "${COMPILER}")
  set(ENV{PKG_CONFIG_PATH} "${moved}/${LIBDIR}/pkgconfig:$ENV{PKG_CONFIG_PATH}")
  set(ENV{LD_LIBRARY_PATH} "${moved}/${LIBDIR}")
  file(MAKE_DIRECTORY "${WORK}/pkg_config")
  run("building with pkg-config" sh "${here}/pkg_config/build.sh" "${here}/main.cpp" "${WORK}/pkg_config/consumer")
  run("running the pkg-config program" "${WORK}/pkg_config/consumer")
elseif(STEP STREQUAL "add_subdirectory")
  build_and_run(add_subdirectory "${here}/add_subdirectory" "-DSEXTANT_SOURCE_DIR=${PROJECT}"
    "-DSEXTANT_WERROR=${WERROR}" "-DCMAKE_PREFIX_PATH=${PREFIX_PATH}")
elseif(STEP STREQUAL "vcpkg_port")
  # portfile.cmake under stand-ins for vcpkg's functions, as a shared library; then a consumer of what it packaged.
  file(REMOVE_RECURSE "${WORK}/vcpkg")
  run("running portfile.cmake" "${CMAKE_COMMAND}" -D "PORT_DIR=${PROJECT}/ports/sextant" -D "WORK=${WORK}/vcpkg"
    -D "COMPILER=${COMPILER}" -D "LAUNCHER=${LAUNCHER}" -D "GENERATOR=${GENERATOR}" -D "PREFIX_PATH=${PREFIX_PATH}"
    -D "WERROR=${WERROR}" -P "${here}/vcpkg_port/shim.cmake")
  build_and_run(vcpkg_consumer "${here}/find_package"
    "-Dsextant_DIR=${WORK}/vcpkg/packages/share/sextant" "-DCMAKE_PREFIX_PATH=${PREFIX_PATH}")
else()
  message(FATAL_ERROR "no step named '${STEP}'")
endif()
