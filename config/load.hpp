// Configuration file -> settings. Reports every fault that can be found in one run (syntax errors end the run,
// as nothing behind them can be trusted); a result with faults must not be used.
#pragma once

#include "config/problem.hpp"
#include "config/settings.hpp"

#include <string>
#include <string_view>

namespace ftpsgate::config {

struct load_result {
    settings values;
    problems faults;  ///< in file order; empty = usable
};

/// Reads and validates the file; unreadable file = one fault. Also checks that the files it names can be read.
load_result load_file(std::string const& path);

/// The same for text; `file` is the name shown in faults, its folder the base of relative paths.
load_result load_text(std::string_view toml, std::string const& file);

/// The sections and keys alone, without the cross-field rules; for use with `document` of toml_reader.hpp.
class section;
void read_settings(section& in, settings& out);

}  // namespace ftpsgate::config
