# sextant_set_warnings(target): the warnings every target of this project is built with; SEXTANT_WERROR makes them
# errors. PRIVATE, always: a consumer chooses its own warnings.
option(SEXTANT_WERROR "Treat warnings as errors" OFF)

function(sextant_set_warnings target)
  target_compile_options(${target} PRIVATE -Wall -Wextra -Wpedantic -Wshadow -Wconversion)
  if(SEXTANT_WERROR)
    target_compile_options(${target} PRIVATE -Werror)
  endif()
endfunction()
