// All of a file that the operator names.
#pragma once

#include "config/units.hpp"

#include <cstddef>
#include <string>

namespace ftpsgate::config {

/// The content, or the system's reason. Not only regular files: a pipe is a fine source. Reading stops a little behind
/// `enough` bytes, for the caller to find that it is too much.
parsed<std::string> read_file(std::string const& file, std::size_t enough);

}  // namespace ftpsgate::config
