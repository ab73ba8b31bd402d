// UTF-8 as it comes from peers: the next character, or a byte that is none (RFC 3629), and whether it deceives a
// reader. For whatever shows hostile text: the log, the status page, /sessions.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace ftpsgate::metrics {

struct symbol {
    std::uint32_t code = 0;  ///< the byte's value where it is not valid
    std::size_t bytes = 1;
    bool valid = true;
};

/// `text` is not empty. No overlong forms, no surrogates, nothing above U+10FFFF.
inline symbol first_symbol(std::string_view text) {
    auto const lead = static_cast<unsigned char>(text[0]);
    if (lead < 0x80) return {lead, 1, true};
    std::size_t const size = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
    if (lead < 0xC2 || lead > 0xF4 || text.size() < size) return {lead, 1, false};
    std::uint32_t code = lead & (0xFFU >> (size + 1));
    for (std::size_t i = 1; i < size; ++i) {
        auto const next = static_cast<unsigned char>(text[i]);
        if ((next & 0xC0) != 0x80) return {lead, 1, false};
        code = code << 6 | (next & 0x3FU);
    }
    bool const overlong = (size == 3 && code < 0x800) || (size == 4 && code < 0x10000);
    bool const outside = (code >= 0xD800 && code <= 0xDFFF) || code > 0x10FFFF;
    if (overlong || outside) return {lead, 1, false};
    return {code, size, true};
}

/// Characters that are not seen, or that change how the text around them is seen.
inline bool is_deceptive(std::uint32_t code) {
    return code < 0x20 || (code >= 0x7F && code < 0xA0) || code == 0xAD || code == 0x61C || code == 0x180E ||
           (code >= 0x200B && code <= 0x200F) || (code >= 0x2028 && code <= 0x202E) ||
           (code >= 0x2060 && code <= 0x206F) || code == 0xFEFF || (code >= 0xFFF0 && code <= 0xFFFB) ||
           (code >= 0xE0000 && code <= 0xE0FFF);
}

inline void append_hex(std::string& out, std::uint32_t value, unsigned digits) {
    static constexpr char alphabet[] = "0123456789abcdef";
    while (digits-- > 0)
        out += alphabet[value >> (4 * digits) & 0xF];
}

/// JSON's escape, \uXXXX; beyond U+FFFF two of them, a surrogate pair.
inline void append_escaped_code(std::string& out, std::uint32_t code) {
    if (code > 0xFFFF) {
        append_escaped_code(out, 0xD800 + ((code - 0x10000) >> 10));
        code = 0xDC00 + ((code - 0x10000) & 0x3FF);
    }
    out += "\\u";
    append_hex(out, code, 4);
}

}  // namespace ftpsgate::metrics
