// Reads a file that the configuration names.
#pragma once

#include "config/problem.hpp"
#include "config/settings.hpp"

#include <optional>
#include <string>

namespace ftpsgate::policy {

/// Its bytes; nullopt with a problem at the file's place in the configuration if it is missing, may not be read, is no
/// regular file, or is larger than `limit` bytes. `key` is the configuration key that names it.
std::optional<std::string> read_input_file(config::file_path const& file, std::string const& key,
                                           config::problems& faults, std::size_t limit = 1U << 20U);

}  // namespace ftpsgate::policy
