// applicationHost.config of IIS -> TOML for the gate. Everything that concerns FTP comes out: as a key, where the gate
// does the same, else as a comment at the place where it belongs, and in `left_out`. What only the operator knows
// (certificates as files, CAs, the backend's address) has a name to be filled in, under a comment "FILL IN"; then
// config/load.hpp takes the text. Pure.
#pragma once

#include "config/problem.hpp"

#include <string>
#include <string_view>

namespace ftpsgate::config {

struct iis_import {
    problems faults;    ///< not XML, or not of IIS, one at most; then nothing else is there
    std::string toml;   ///< valid TOML
    problems left_out;  ///< in file order, each once; empty = the gate will do what IIS did
};

/// `file` is the name that positions get.
iis_import import_iis(std::string_view content, std::string const& file);

}  // namespace ftpsgate::config
