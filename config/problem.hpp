// One fault found in the configuration, and how it is shown: "FILE:LINE:COLUMN: error: KEY: MESSAGE (HINT)".
#pragma once

#include "config/settings.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace ftpsgate::config {

struct problem {
    location where;
    std::string key;  ///< dotted path, e.g. "site[0].ssl.certificate"; may be empty
    std::string message;
    std::string hint;  ///< may be empty
};

using problems = std::vector<problem>;

/// One line without a line end; the position is left out where it is unknown.
std::string render(problem const& fault, std::string_view severity = "error");

}  // namespace ftpsgate::config
