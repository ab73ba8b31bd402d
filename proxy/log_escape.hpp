// Rendering of one hostile value for a log line: what could end the line, drive a terminal or mislead a reader
// is escaped, and the length is capped. The result is valid UTF-8 whatever came in.
#pragma once

#include "config/settings.hpp"

#include <string>
#include <string_view>

namespace ftpsgate::proxy {

/// Appends the value, quoted where the format needs it: JSON always, text when it is empty or holds anything but
/// visible characters without quote, backslash and '='. Escaped are: C0 and C1 controls, DEL, quotes, backslashes,
/// bidirectional and invisible format characters, line separators (as \n, \r, \t or \uXXXX), and bytes that are not
/// UTF-8 (as \xXX; in JSON, which has no such escape, its backslash is escaped).
/// At most log_value_limit bytes between the quotes; a longer value ends in "...", never within an escape.
void append_value(std::string& line, std::string_view value, config::log_format format);

/// Appends the value as one word, for formats without quotes: white space, whatever append_value() escapes but quotes
/// and backslashes, and bytes that are not UTF-8 become '_'; "_" for an empty one. As long as append_value() makes it.
void append_name(std::string& line, std::string_view value);

}  // namespace ftpsgate::proxy
