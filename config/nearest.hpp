// "Did you mean ...?": the candidate closest to a word that was probably mistyped. Pure.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace ftpsgate::config {

/// Empty when nothing is close: more than two slips (one in short words) apart, and neither a part of the other.
/// Case and '-' for '_' do not count.
std::string_view nearest(std::string_view word, std::span<std::string_view const> candidates);

/// The same as a hint, `did you mean "WORD"?`, or empty.
std::string suggestion(std::string_view word, std::span<std::string_view const> candidates);

}  // namespace ftpsgate::config
