# cmake -D ROOT=<project> -P check_words.cmake: the project speaks of itself alone. No path of somebody's machine, no
# package mirror, no number or name of a tracker, no unfinished business.
cmake_minimum_required(VERSION 3.23)
include("${CMAKE_CURRENT_LIST_DIR}/LintFiles.cmake")

set(before "(^|[^A-Za-z0-9_])")
set(after "([^A-Za-z0-9_]|$)")
set(forbidden
  "/work/|/tmp/helpers|/home/[a-z]|/root/"
  "shared/[A-Z]|${before}(DESIGN|STYLE|ALGORITHMS|FILTERS|RELIABILITY|PEERS|WIRE|ECOSYSTEM)\\.md"
  "deb\\.debian\\.org|snapshot\\.debian\\.org|pypi\\.org|registry\\.npmjs|proxy\\.golang|crates\\.io|artifactory"
  "${before}([Ii]ssue|[Tt]icket|[Bb]ug|PR|[Pp]ull request|[Cc]loses|[Ff]ixes|[Ss]ee) #[0-9]"
  "${before}[Mm]ilestones?${after}|work order"
  "${before}(TODO|FIXME|XXX|HACK)${after}"
  "[Cc]laude|[Aa]nthropic|ChatGPT|${before}LLM${after}|AI agent|helper session")

sextant_lint_files(files "*.hpp" "*.cpp" "*.inc" "*.cmake" "*.txt" "*.md" "*.json" "*.in" "*.sh" "*.py" "demo" "test"
  "usage" "run")
list(REMOVE_ITEM files cmake/check_words.cmake)
set(findings "")
foreach(file IN LISTS files)
  if(IS_DIRECTORY "${ROOT}/${file}")
    continue()
  endif()
  foreach(pattern IN LISTS forbidden)
    file(STRINGS "${ROOT}/${file}" lines REGEX "${pattern}")
    foreach(line IN LISTS lines)
      string(STRIP "${line}" line)
      string(REPLACE ";" "" line "${line}")  # would end a list element
      list(APPEND findings "${file}: ${line}")
    endforeach()
  endforeach()
endforeach()
sextant_lint_report("words")
