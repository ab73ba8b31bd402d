// Guard in front of toml++ 3.3: it limits nested values, but not the parts of a dotted key, and takes its tables down
// by recursion, so that one line "a.a.a.a..." exhausts the stack. Looks at the text only; no TOML errors here.
#pragma once

#include "config/settings.hpp"

#include <optional>
#include <string_view>

namespace ftpsgate::config {

/// Parts a dotted key may have; the deepest of ours has three.
inline constexpr unsigned most_key_parts = 16;

/// Position (line and column, in bytes) of the first dotted key with more parts; `file` stays empty.
std::optional<location> overlong_key(std::string_view toml);

}  // namespace ftpsgate::config
