# house.layers: who may include what, and the spellings that g++ 12 or the house cannot bear. Called with
# -DROOT=<source folder>; prints every breach as FILE:LINE: rule, and fails if there is one.
cmake_minimum_required(VERSION 3.25)
set(shipped config policy metrics proxy)
set(breaches "")

# ---- rules on includes ----------------------------------------------------------------------------------------------
# rule(FILES INCLUDES EXCEPT TEXT): in files whose path matches FILES and not EXCEPT, no include may match INCLUDES. The
# expressions are CMake's; an include is matched with its quotes or brackets.
set(rules "")
macro(rule files includes except text)
  list(APPEND rules "${files}" "${includes}" "${except}" "${text}")
endmacro()
set(all "^(config|policy|metrics|proxy)/")
set(none "^$")

rule("." "boost/asio/ssl" ${none} "boost/asio/ssl brings OpenSSL's headers")
rule(${all} "^\"" ${none} "project headers are included from the source root")  # those that are, never get this far
rule(${all} "[<\"]tests/" ${none} "shipped code includes no test")
rule(${all} "[<\"]openssl/" "^(proxy/tls|policy)/boringssl[.]hpp$" "BoringSSL comes through .../boringssl.hpp only")
rule(${all} "[<\"]prometheus/" "^metrics/" "prometheus-cpp is for metrics/ only")
rule(${all} "[<\"](ldap|lber|openldap|ldif|ldap_[a-z]+)[.]h[>\"]" "^policy/ldap_(connection|deadline)[.]cpp$"
     "libldap is for policy/ldap_connection and ldap_deadline only")
rule(${all} "[<\"]toml([+][+])?[./]" "^config/[^/]*[.]cpp$" "toml++ is for config/*.cpp only")
rule(${all} "[<\"]pugi(xml|config)[.]hpp" "^config/iis_xml[.]cpp$" "pugixml is for config/iis_xml.cpp only")

rule("^config/" "[<\"](policy|proxy|metrics)/" ${none} "config includes neither policy nor proxy nor metrics")
rule("^config/" "[<\"](boost/(asio|beast)|openssl)/" ${none} "config opens no socket and knows no TLS")
rule("^policy/" "[<\"](proxy|metrics)/" ${none} "policy may include config, not proxy or metrics")
rule("^policy/" "[<\"]boost/(asio|beast)"
     "^policy/(active_directory|http_fetch|http_fetch_message|identity_resolver|peer_verification|peer_verifier|revocation_fetcher|verification_service)[.]"
     "in policy, Asio is only where something is awaited")
rule("^metrics/" "[<\"](config|policy|proxy)/" ${none} "metrics includes nothing of the project but itself")

rule("^proxy/ftp/" "[<\"](config|policy|metrics|proxy/tls|proxy/data|proxy/[^/]*[.]hpp)" ${none}
     "the core includes proxy/ftp and the standard library only")
rule("^proxy/ftp/" "<[^>]*[./]" "^proxy/ftp/host_port[.]cpp$" "the core includes the standard library only")
rule("^proxy/ftp/host_port[.]cpp$" "<([^a]|a[^r])[^>]*[./]" ${none} "besides the standard library, <arpa/inet.h> only")
rule("^proxy/(net|tls|data)/" "[<\"](policy|config|metrics)/" ${none}
     "proxy/net, proxy/tls and proxy/data include nothing of policy, config and metrics")
rule("^proxy/net/" "[<\"]proxy/(tls/|data/|ftp/|[^/]*[.]hpp)" ${none} "proxy/net includes nothing else of proxy")
rule("^proxy/tls/" "[<\"]proxy/(data/|ftp/|[^/]*[.]hpp)" ${none} "proxy/tls may include proxy/net, nothing else of proxy")
rule("^proxy/tls/(engine|buffer_pool|error|session_binding)[^/]*$" "[<\"]boost/" ${none} "the TLS engine has no Boost")
rule("^proxy/data/" "[<\"]proxy/(ftp/|[^/]*[.]hpp)" ${none} "proxy/data may include proxy/net and proxy/tls, nothing else of proxy")

# ---- reading --------------------------------------------------------------------------------------------------------
# Runs a command in ROOT; its output as a list of lines, made safe for CMake's lists.
function(lines_of result)
  execute_process(COMMAND ${ARGN} WORKING_DIRECTORY ${ROOT}
                  OUTPUT_VARIABLE output ERROR_VARIABLE trouble RESULT_VARIABLE status)
  if(NOT status MATCHES "^[01]$" OR trouble)
    message(FATAL_ERROR "${ARGV1}: ${status} ${trouble}")
  endif()
  string(REGEX REPLACE "[][;\\]" "_" output "${output}")
  string(REGEX REPLACE "\n+$" "" output "${output}")
  string(REPLACE "\n" ";" output "${output}")
  set(${result} "${output}" PARENT_SCOPE)
endfunction()

# Sources below the folders, as paths from ROOT.
function(sources_of result)
  list(TRANSFORM ARGN APPEND "/*.hpp" OUTPUT_VARIABLE headers)
  list(TRANSFORM ARGN APPEND "/*.cpp" OUTPUT_VARIABLE bodies)
  list(TRANSFORM headers PREPEND "${ROOT}/")
  list(TRANSFORM bodies PREPEND "${ROOT}/")
  file(GLOB_RECURSE found RELATIVE ${ROOT} ${headers} ${bodies})
  set(${result} ${found} PARENT_SCOPE)
endfunction()

# Every line of the files that matches the extended regular expression is a breach.
macro(forbid text expression)
  lines_of(hits grep -nHE -e "${expression}" -- ${ARGN} /dev/null)
  foreach(hit IN LISTS hits)
    string(REGEX MATCH "^[^:]*:[0-9]+" where "${hit}")
    list(APPEND breaches "${where}: ${text}")
  endforeach()
endmacro()

sources_of(shipped_sources ${shipped})
sources_of(all_sources ${shipped} tests)
if(NOT shipped_sources)
  message(FATAL_ERROR "no sources below ROOT='${ROOT}'")
endif()

# ---- includes -------------------------------------------------------------------------------------------------------
function(check_include file where include)
  if(include MATCHES "^\"(config|policy|metrics|proxy|tests)/" AND NOT include MATCHES "[.][.]/")
    set(rooted ON)
  endif()
  set(remaining ${rules})
  while(remaining)
    list(POP_FRONT remaining files includes except text)
    if(rooted AND includes STREQUAL "^\"")
      continue()
    endif()
    if(file MATCHES "${files}" AND NOT file MATCHES "${except}" AND include MATCHES "${includes}")
      list(APPEND breaches "${where}: ${text}: ${include}")
    endif()
  endwhile()
  set(breaches "${breaches}" PARENT_SCOPE)
endfunction()

lines_of(includes grep -nHE -e "^[[:space:]]*#[[:space:]]*include" -- ${all_sources})
foreach(line IN LISTS includes)
  if(line MATCHES "^(([^:]*):[0-9]+):[ \t]*#[ \t]*include[ \t]*(<[^>]*>|\"[^\"]*\")")
    check_include("${CMAKE_MATCH_2}" "${CMAKE_MATCH_1}" "${CMAKE_MATCH_3}")
  endif()
endforeach()

# ---- spellings ------------------------------------------------------------------------------------------------------
# What g++ 12 miscompiles in coroutines (DESIGN.md section 10), looked for in whole statements.
lines_of(traps awk -f tests/coroutine_traps.awk ${all_sources})
list(APPEND breaches ${traps})

# An exception that leaves a detached coroutine vanishes without a trace; the one spawn function logs it.
list(FILTER shipped_sources EXCLUDE REGEX "^proxy/async[.](hpp|cpp)$")
forbid("detached: use the spawn function of proxy/async.hpp" "^([^/]|/[^/])*[^<_/[:alnum:]]detached[^_.[:alnum:]]"
       ${shipped_sources})

file(GLOB_RECURSE everything_shipped RELATIVE ${ROOT} ${ROOT}/config/* ${ROOT}/policy/* ${ROOT}/metrics/*
     ${ROOT}/proxy/* ${ROOT}/deploy/*)
list(FILTER everything_shipped EXCLUDE REGEX "/(__pycache__|[.][^/]*)/")
forbid("unfinished business" "(^|[^[:alnum:]_])(TODO|FIXME|XXX)([^[:alnum:]_]|$)" ${everything_shipped})

if(breaches)
  list(REMOVE_DUPLICATES breaches)
  list(LENGTH breaches count)
  list(JOIN breaches "\n" text)
  message("${text}")
  message(FATAL_ERROR "${count} breaches of the house rules")
endif()
