// Single words that follow a rule: host names, address literals, FTP verbs. Each comes back in the one spelling that
// the rest of the program compares with. Pure.
#pragma once

#include "config/units.hpp"

#include <string>
#include <string_view>

namespace ftpsgate::config {

/// RFC 1123 host name, underscores tolerated; comes back in lower case.
parsed<std::string> parse_host_name(std::string_view text);

/// Dotted quad, nothing abbreviated.
parsed<std::string> parse_ipv4(std::string_view text);

/// RFC 4291 text without brackets, perhaps with "%ZONE"; comes back compressed (RFC 5952).
parsed<std::string> parse_ipv6(std::string_view text);

/// Either of the two.
parsed<std::string> parse_ip(std::string_view text);

/// Letters, digits and '@' (P@SW), at most 16; comes back in upper case.
parsed<std::string> parse_verb(std::string_view text);

/// ASCII only, whatever the locale.
std::string to_lower(std::string_view text);

/// True for C0 control characters and DEL: what may not stand in a reply line or a log.
bool has_control_character(std::string_view text);

}  // namespace ftpsgate::config
