// `ftpsgate import-iis FILE`: the FTP sites of an IIS configuration as TOML, see config/iis_import.hpp.
#pragma once

#include <string>

namespace ftpsgate::proxy {

struct import_answer {
    /// 0 everything came over, 3 something was left out, 2 the file cannot be read.
    int exit_status = 2;
    std::string output;        ///< for standard output
    std::string error_output;  ///< for standard error
};

import_answer import_iis_file(std::string const& file);

}  // namespace ftpsgate::proxy
