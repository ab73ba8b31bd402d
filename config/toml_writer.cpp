#include "config/toml_writer.hpp"

#include "config/unicode.hpp"

#include <algorithm>

namespace ftpsgate::config {

namespace {

constexpr std::size_t widest = 118;
constexpr char32_t replacement = 0xFFFD;

/// U+0080 to U+009F too: some terminals obey them.
bool is_control(char32_t character) {
    return character < 0x20 || (character >= 0x7F && character < 0xA0);
}

void append_escaped(std::string& text, char32_t character) {
    static constexpr char digits[] = "0123456789ABCDEF";
    text += "\\u00";
    text += digits[character >> 4U & 0xFU];
    text += digits[character & 0xFU];
}

/// What is no character, or none to be seen, becomes U+FFFD: nothing ends a comment before its line does.
std::string visible(std::string_view text) {
    std::string line;
    for (std::size_t at = 0; at < text.size();) {
        auto const character = next_character(text, at);
        append_character(line, character == no_character || is_control(character) ? replacement : character);
    }
    return line;
}

std::size_t width_of(std::string_view utf8) {
    auto const begins = [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80; };
    return static_cast<std::size_t>(std::count_if(utf8.begin(), utf8.end(), begins));
}

}  // namespace

std::string toml_string(std::string_view text) {
    std::string quoted = "\"";
    for (std::size_t at = 0; at < text.size();) {
        auto const character = next_character(text, at);
        if (character == '"' || character == '\\') quoted += '\\';
        if (character == no_character)
            append_character(quoted, replacement);
        else if (is_control(character))
            append_escaped(quoted, character);
        else
            append_character(quoted, character);
    }
    return quoted + '"';
}

std::string toml_list(std::vector<std::string> const& texts) {
    std::string list;
    for (auto const& text : texts)
        list += (list.empty() ? "" : ", ") + toml_string(text);
    return "[" + list + "]";
}

void toml_section::set(std::string_view key, std::string_view value) {
    lines_.push_back(std::string(key).append(" = ").append(value));
}

void toml_section::comment(std::string_view text) {
    comments_.emplace_back(text);
    auto rest = visible(text);
    std::string line = "#";
    while (!rest.empty()) {
        auto const end = std::min(rest.find(' '), rest.size());
        auto const word = rest.substr(0, end);
        if (line != "#" && width_of(line) + 1 + width_of(word) > widest) {
            lines_.push_back(line);
            line = "#";
        }
        line += " " + word;
        rest.erase(0, end + 1);
    }
    lines_.push_back(line);
}

bool toml_section::has(std::string_view comment) const {
    return std::find(comments_.begin(), comments_.end(), comment) != comments_.end();
}

std::string toml_section::text() const {
    std::string all;
    if (lines_.empty()) return all;
    if (!header_.empty()) all = header_ + "\n";
    for (auto const& line : lines_)
        all += line + "\n";
    return all + "\n";
}

}  // namespace ftpsgate::config
