#include "config/iis_values.hpp"

#include "config/words.hpp"

#include <algorithm>
#include <charconv>
#include <vector>

namespace ftpsgate::config {

namespace {

constexpr char blanks[] = " \t\r\n";

std::string_view trimmed(std::string_view text) {
    auto const begin = std::min(text.find_first_not_of(blanks), text.size());
    auto const end = text.find_last_not_of(blanks);
    return text.substr(begin, end == text.npos ? 0 : end + 1 - begin);
}

/// Cut off at the separator and removed from the front; all of it when there is none.
std::string_view take_until(std::string_view& text, std::string_view separators) {
    auto const end = std::min(text.find_first_of(separators), text.size());
    auto const taken = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    return taken;
}

/// In seconds; small enough that milliseconds do not overflow.
std::optional<milliseconds> seconds(std::optional<std::uint64_t> count) {
    constexpr std::uint64_t most = std::uint64_t{1} << 40U;
    if (!count || *count > most) return std::nullopt;
    return milliseconds(static_cast<milliseconds::rep>(*count) * 1000);
}

/// "500" -> 500, "5" -> 500, "0001234" -> 0.
std::optional<std::uint64_t> parse_fraction(std::string_view digits) {
    if (!parse_iis_number(digits)) return std::nullopt;
    auto const padded = std::string(digits) + "00";
    return parse_iis_number(std::string_view(padded).substr(0, 3));
}

}  // namespace

bool is_same_word(std::string_view a, std::string_view b) {
    return to_lower(a) == to_lower(b);
}

std::optional<bool> parse_iis_bool(std::string_view text) {
    auto const word = to_lower(trimmed(text));
    if (word == "true" || word == "1") return true;
    if (word == "false" || word == "0") return false;
    return std::nullopt;
}

std::optional<std::uint64_t> parse_iis_number(std::string_view text) {
    text = trimmed(text);
    std::uint64_t number = 0;
    auto const* const end = text.data() + text.size();
    auto const [rest, failure] = std::from_chars(text.data(), end, number);
    if (failure != std::errc{} || rest != end) return std::nullopt;
    return number;
}

std::optional<milliseconds> parse_iis_duration(std::string_view text) {
    text = trimmed(text);
    if (text.find(':') == text.npos) return seconds(parse_iis_number(text));
    std::string_view hours = take_until(text, ":");
    std::uint64_t total = 0;
    if (auto const dot = hours.find('.'); dot != hours.npos) {
        auto const days = parse_iis_number(hours.substr(0, dot));
        if (!days || *days > 100'000) return std::nullopt;
        total = *days * 24;
        hours.remove_prefix(dot + 1);
    }
    auto const hour = parse_iis_number(hours);
    auto const minute = parse_iis_number(take_until(text, ":"));
    auto const second = parse_iis_number(take_until(text, "."));
    auto const fraction = text.empty() ? 0 : parse_fraction(text);
    if (!hour || !minute || !second || !fraction || *hour > 23 || *minute > 59 || *second > 59) return std::nullopt;
    auto const whole = seconds((total + *hour) * 3600 + *minute * 60 + *second);
    return *whole + milliseconds(static_cast<milliseconds::rep>(*fraction));
}

std::optional<std::uint64_t> parse_iis_word(std::string_view text, std::initializer_list<iis_word> words) {
    text = trimmed(text);
    auto const number = parse_iis_number(text);
    auto const is_meant = [&](iis_word const& word) {
        return number ? word.number == *number : is_same_word(word.name, text);
    };
    auto const* const found = std::find_if(words.begin(), words.end(), is_meant);
    if (found == words.end()) return std::nullopt;
    return found->number;
}

iis_flags parse_iis_flags(std::string_view text, std::initializer_list<iis_word> words) {
    std::uint64_t all = 0;
    for (auto const& word : words)
        all |= word.number;
    iis_flags found;
    while (!text.empty()) {
        auto const one = trimmed(take_until(text, ",|; \t\r\n"));
        if (one.empty()) continue;
        auto const number = parse_iis_number(one);
        auto const named = number ? number : parse_iis_word(one, words);
        found.has_unknown = found.has_unknown || !named || (*named & ~all) != 0;
        found.known |= named.value_or(0) & all;
    }
    return found;
}

}  // namespace ftpsgate::config
