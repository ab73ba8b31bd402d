// Text of others as UTF-8, checked. Pure.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace ftpsgate::config {

constexpr char32_t no_character = 0xFFFF'FFFF;

/// The character at `at`, which moves behind it; no_character, and `at` one byte on, when it is not UTF-8.
char32_t next_character(std::string_view text, std::size_t& at);

void append_character(std::string& text, char32_t character);

/// On one line, of so many bytes at most: control characters become blanks, what is not UTF-8 U+FFFD.
std::string fit_on_line(std::string_view text, std::size_t most);

enum class byte_order { little, big };

/// Half a character at the end, or half a pair, becomes U+FFFD.
std::string from_utf16(std::string_view bytes, byte_order order);

}  // namespace ftpsgate::config
