#include "proxy/log_escape.hpp"

#include "proxy/log.hpp"

#include <cstddef>
#include <cstdint>

namespace ftpsgate::proxy {

namespace {

struct symbol {
    std::uint32_t code = 0;
    std::size_t bytes = 1;
    bool valid = true;
};

bool is_continuation(std::string_view text, std::size_t at) {
    return at < text.size() && (static_cast<unsigned char>(text[at]) & 0xC0) == 0x80;
}

// RFC 3629: no overlong forms, no surrogates, nothing above U+10FFFF.
symbol first_symbol(std::string_view text) {
    auto const lead = static_cast<unsigned char>(text[0]);
    if (lead < 0x80) return {lead, 1, true};
    std::size_t const size = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
    if (lead < 0xC2 || lead > 0xF4) return {lead, 1, false};
    std::uint32_t code = lead & (0xFFU >> (size + 1));
    for (std::size_t i = 1; i < size; ++i) {
        if (!is_continuation(text, i)) return {lead, 1, false};
        code = code << 6 | (static_cast<unsigned char>(text[i]) & 0x3FU);
    }
    bool const overlong = (size == 3 && code < 0x800) || (size == 4 && code < 0x10000);
    bool const outside = (code >= 0xD800 && code <= 0xDFFF) || code > 0x10FFFF;
    if (overlong || outside) return {lead, 1, false};
    return {code, size, true};
}

// Characters that are not seen, or that change how the text around them is seen.
bool is_deceptive(std::uint32_t code) {
    return code < 0x20 || (code >= 0x7F && code < 0xA0) || code == 0xAD || code == 0x61C || code == 0x180E ||
           (code >= 0x200B && code <= 0x200F) || (code >= 0x2028 && code <= 0x202E) ||
           (code >= 0x2060 && code <= 0x206F) || code == 0xFEFF || (code >= 0xFFF0 && code <= 0xFFFB) ||
           (code >= 0xE0000 && code <= 0xE0FFF);
}

void append_hex(std::string& out, std::uint32_t value, unsigned digits) {
    static constexpr char alphabet[] = "0123456789abcdef";
    while (digits-- > 0)
        out += alphabet[value >> (4 * digits) & 0xF];
}

// JSON's form, in text too, so that both read the same. Beyond U+FFFF: a surrogate pair.
void append_code(std::string& out, std::uint32_t code) {
    if (code > 0xFFFF) {
        append_code(out, 0xD800 + ((code - 0x10000) >> 10));
        code = 0xDC00 + ((code - 0x10000) & 0x3FF);
    }
    out += "\\u";
    append_hex(out, code, 4);
}

void append_symbol(std::string& out, symbol const& next, std::string_view source, config::log_format format) {
    if (!next.valid) {
        out += format == config::log_format::json ? "\\\\x" : "\\x";
        return append_hex(out, next.code, 2);
    }
    switch (next.code) {
        case '\n': out += "\\n"; return;
        case '\r': out += "\\r"; return;
        case '\t': out += "\\t"; return;
        case '"':
        case '\\': out += '\\'; break;
        default:
            if (is_deceptive(next.code)) return append_code(out, next.code);
    }
    out += source.substr(0, next.bytes);
}

bool needs_quotes(std::string_view rendered) {
    return rendered.empty() || rendered.find_first_of(" =\\") != std::string_view::npos;
}

}  // namespace

void append_value(std::string& line, std::string_view value, config::log_format format) {
    static constexpr std::string_view ellipsis = "...";
    std::size_t const begin = line.size();
    std::size_t cut = begin;  // where to end if the rest turns out too long
    while (!value.empty() && line.size() - begin <= log_value_limit) {
        symbol const next = first_symbol(value);
        append_symbol(line, next, value, format);
        value.remove_prefix(next.bytes);
        if (line.size() - begin <= log_value_limit - ellipsis.size()) cut = line.size();
    }
    if (!value.empty() || line.size() - begin > log_value_limit) line.replace(cut, line.npos, ellipsis);
    if (format == config::log_format::text && !needs_quotes(std::string_view(line).substr(begin))) return;
    line.insert(begin, 1, '"');
    line += '"';
}

void append_name(std::string& line, std::string_view value) {
    if (value.empty()) line += '_';
    for (std::size_t left = log_value_limit; !value.empty() && left >= 4;) {
        symbol const next = first_symbol(value);
        bool const shown = next.valid && next.code != ' ' && next.code != 0x3000 && !is_deceptive(next.code);
        line += shown ? value.substr(0, next.bytes) : std::string_view("_");
        left -= shown ? next.bytes : 1;
        value.remove_prefix(next.bytes);
    }
}

}  // namespace ftpsgate::proxy
