# house.sizes: a source file has at most 400 lines (600 in tests/), a function at most 80. Called with -DROOT=<source
# folder>; prints every breach as FILE:LINE: rule, and fails if there is one.
cmake_minimum_required(VERSION 3.25)

function(check result limit)
  list(TRANSFORM ARGN PREPEND "${ROOT}/")
  file(GLOB_RECURSE files RELATIVE ${ROOT} ${ARGN})
  list(FILTER files EXCLUDE REGEX "/(__pycache__|[.][^/]*)/|[.](pyc|md|toml|txt)$")
  if(NOT files)
    return()
  endif()
  execute_process(COMMAND awk -v file_limit=${limit} -v function_limit=80 -f tests/lengths.awk ${files}
                  WORKING_DIRECTORY ${ROOT} OUTPUT_VARIABLE output ERROR_VARIABLE trouble RESULT_VARIABLE status)
  if(status OR trouble)
    message(FATAL_ERROR "lengths.awk: ${status} ${trouble}")
  endif()
  set(${result} "${${result}}${output}" PARENT_SCOPE)
endfunction()

if(NOT EXISTS ${ROOT}/CMakeLists.txt)
  message(FATAL_ERROR "no sources below ROOT='${ROOT}'")
endif()
set(breaches "")
check(breaches 400 config/* policy/* metrics/* proxy/* deploy/*)
check(breaches 600 tests/*)

if(breaches)
  message("${breaches}")
  message(FATAL_ERROR "files or functions that are too long")
endif()
