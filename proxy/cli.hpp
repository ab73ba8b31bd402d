// The command line (INTERFACE.md), read into a struct. Opens no file and prints nothing: the caller does, by what it
// is told.
#pragma once

#include <string>

namespace ftpsgate::proxy {

enum class cli_command {
    run,
    check,
    identity,
    import_iis,
    none,  ///< nothing to do but to print and to exit: --help, --version, usage errors
};

struct command_line {
    cli_command command = cli_command::none;
    std::string config_file;
    std::string site;              ///< identity
    std::string certificate_file;  ///< identity
    bool json = false;             ///< identity
    std::string iis_file;          ///< import_iis
    std::string output;            ///< for standard output
    std::string error_output;      ///< for standard error
    int exit_status = 0;           ///< with `none`: 0, or 2 on a usage error
};

/// `version` is the text of --version, without a line end.
command_line parse_command_line(int argc, char const* const* argv, std::string const& version);

}  // namespace ftpsgate::proxy
