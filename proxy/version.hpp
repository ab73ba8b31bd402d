// What this build is made of, for --version and ftpsgate_build_info.
#pragma once

#include <string>

namespace ftpsgate::proxy {

std::string version();
std::string boringssl_version();
std::string boost_version();
std::string version_text();  ///< all of it in one line

}  // namespace ftpsgate::proxy
