# SEXTANT_SANITIZE = address | thread: instruments every target of this build (never exported).
# SEXTANT_FUZZ: also instruments for libFuzzer (clang only) and builds the fuzz targets.
option(SEXTANT_FUZZ "Build the fuzz targets; needs clang" OFF)

if(SEXTANT_SANITIZE STREQUAL "address")
  add_compile_options(-fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer)
  add_link_options(-fsanitize=address,undefined)
elseif(SEXTANT_SANITIZE STREQUAL "thread")
  add_compile_options(-fsanitize=thread -fno-omit-frame-pointer)
  add_link_options(-fsanitize=thread)
elseif(SEXTANT_SANITIZE)
  message(FATAL_ERROR "SEXTANT_SANITIZE is '${SEXTANT_SANITIZE}'; it may be empty, address or thread")
endif()

if(SEXTANT_FUZZ)
  if(NOT CMAKE_CXX_COMPILER_ID MATCHES "Clang")
    message(FATAL_ERROR "SEXTANT_FUZZ needs clang; the compiler is ${CMAKE_CXX_COMPILER_ID}")
  endif()
  add_compile_options(-fsanitize=fuzzer-no-link)
endif()
