# cmake -D ROOT=<project> -P check_disk.cmake: only src/io opens files. Whatever else wants the disk goes through
# FileSystem, so that tests can put another in its place and count, refuse or tear every write.
cmake_minimum_required(VERSION 3.23)
include("${CMAKE_CURRENT_LIST_DIR}/LintFiles.cmake")

file(GLOB_RECURSE files RELATIVE "${ROOT}"
  "${ROOT}/include/sextant/*.hpp" "${ROOT}/src/*.hpp" "${ROOT}/src/*.cpp" "${ROOT}/src/*.inc")
list(FILTER files EXCLUDE REGEX "^src/io/")
# A name after a dot, an arrow, one namespace or a letter is somebody's member; `::open` is the system's.
set(calls "(^|[^a-zA-Z0-9_>.:])(::|std::)?(f?reopen|fopen|fdopen|openat|creat|mkstemp|opendir|unlink|mkdir|ftruncate) *\\(")
set(system_open "(^|[^a-zA-Z0-9_>])::open *\\(|= *open *\\([^)]*O_[A-Z]+")
set(headers "# *include *<(fstream|filesystem|fcntl\\.h|dirent\\.h|sys/file\\.h)>")
set(types "std::(filesystem|[io]?fstream|basic_[io]?fstream|filebuf)")
set(findings "")
foreach(file IN LISTS files)
  file(STRINGS "${ROOT}/${file}" lines REGEX "open|creat|mkstemp|unlink|mkdir|truncate|stream|filesystem|filebuf|mmap|include")
  foreach(line IN LISTS lines)
    string(REGEX REPLACE "//.*$" "" code "${line}")
    string(REPLACE ";" "" code "${code}")  # would end a list element
    if(code MATCHES "${calls}" OR code MATCHES "${system_open}" OR code MATCHES "${headers}" OR code MATCHES "${types}")
      string(STRIP "${code}" code)
      list(APPEND findings "${file}: ${code}: only src/io opens files")
    elseif(code MATCHES "mmap *\\(" AND NOT code MATCHES "MAP_ANONYMOUS")
      string(STRIP "${code}" code)
      list(APPEND findings "${file}: ${code}: only src/io maps files; other memory says MAP_ANONYMOUS in the same line")
    endif()
  endforeach()
endforeach()
sextant_lint_report("disk")
