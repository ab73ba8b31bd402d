// A command line -> verb and argument (B-011, B-012). The verb's own checks are the machines'.
#pragma once

#include "proxy/ftp/verbs.hpp"

#include <string>
#include <string_view>

namespace ftpsgate::ftp {

struct command {
    verb_row const* row = nullptr;  ///< never null after parse_command
    std::string name;               ///< upper case, as it came, also for unknown verbs; at most 16 bytes, "" = unusable
    std::string argument;           ///< everything behind the one separating space
    bool malformed = false;         ///< leading white space, an empty line or no usable verb: 500

    verb id() const { return row->id; }
};

command parse_command(std::string_view text);

/// "VERB argument CR LF" for the backend, 0xFF doubled (B-010). The command must hold no CR, LF, NUL (B-280).
std::string to_wire(std::string_view verb, std::string_view argument);

/// For logs: secrets hidden, controls escaped, at most 256 bytes.
std::string for_log(command const& what);

}  // namespace ftpsgate::ftp
