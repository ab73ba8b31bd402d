#include "config/unicode.hpp"

#include <boost/locale/utf.hpp>

#include <iterator>

namespace ftpsgate::config {

namespace {

namespace utf = boost::locale::utf;

constexpr char32_t replacement = 0xFFFD;

bool is_character(utf::code_point found) {
    return found != utf::illegal && found != utf::incomplete;
}

}  // namespace

char32_t next_character(std::string_view text, std::size_t& at) {
    auto const* const begin = text.data() + at;
    auto const* here = begin;
    auto const found = utf::utf_traits<char>::decode(here, text.data() + text.size());
    at += is_character(found) ? static_cast<std::size_t>(here - begin) : 1;
    return is_character(found) ? static_cast<char32_t>(found) : no_character;
}

void append_character(std::string& text, char32_t character) {
    utf::utf_traits<char>::encode(character, std::back_inserter(text));
}

std::string fit_on_line(std::string_view text, std::size_t most) {
    std::string line;
    for (std::size_t at = 0; at < text.size();) {
        auto const found = next_character(text, at);
        std::string one;
        append_character(one, found == no_character ? replacement : found < 0x20 || found == 0x7F ? U' ' : found);
        if (line.size() + one.size() > most) break;
        line += one;
    }
    return line;
}

std::string from_utf16(std::string_view bytes, byte_order order) {
    std::u16string units;
    auto const at = [&](std::size_t index) { return static_cast<unsigned>(static_cast<unsigned char>(bytes[index])); };
    for (std::size_t i = 0; i + 1 < bytes.size(); i += 2)
        units += static_cast<char16_t>(order == byte_order::little ? at(i) | at(i + 1) << 8U : at(i) << 8U | at(i + 1));
    std::string text;
    for (char16_t const *here = units.data(), *const end = here + units.size(); here != end;) {
        auto const* next = here;
        auto const found = utf::utf_traits<char16_t>::decode(next, end);
        here = is_character(found) ? next : here + 1;
        append_character(text, is_character(found) ? static_cast<char32_t>(found) : replacement);
    }
    if (bytes.size() % 2 != 0) append_character(text, replacement);
    return text;
}

}  // namespace ftpsgate::config
