// Values as they stand in an applicationHost.config: IIS takes names and numbers for what can be one of several.
// nullopt = nothing that IIS would take. Pure.
#pragma once

#include "config/settings.hpp"

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string_view>
#include <utility>

namespace ftpsgate::config {

/// ASCII only, whatever the case.
bool is_same_word(std::string_view a, std::string_view b);

std::optional<bool> parse_iis_bool(std::string_view text);

/// Digits only.
std::optional<std::uint64_t> parse_iis_number(std::string_view text);

/// Seconds, or a time span "[DAYS.]HOURS:MINUTES:SECONDS[.FRACTION]".
std::optional<milliseconds> parse_iis_duration(std::string_view text);

/// A name with the number that may stand in its place.
struct iis_word {
    std::string_view name;
    std::uint64_t number;
};

/// One of the words: its number.
std::optional<std::uint64_t> parse_iis_word(std::string_view text, std::initializer_list<iis_word> words);

/// Of a flags attribute: names or numbers, with commas, bars or blanks between them.
struct iis_flags {
    std::uint64_t known = 0;  ///< the numbers of the words, together
    bool has_unknown = false;
};
iis_flags parse_iis_flags(std::string_view text, std::initializer_list<iis_word> words);

}  // namespace ftpsgate::config
