#include "proxy/log_escape.hpp"

#include "metrics/utf8.hpp"
#include "proxy/log.hpp"

#include <algorithm>
#include <cstddef>

namespace ftpsgate::proxy {

namespace {

using metrics::symbol;

void append_symbol(std::string& out, symbol const& next, std::string_view source, config::log_format format) {
    if (!next.valid) {
        out += format == config::log_format::json ? "\\\\x" : "\\x";
        return metrics::append_hex(out, next.code, 2);
    }
    switch (next.code) {
        case '\n': out += "\\n"; return;
        case '\r': out += "\\r"; return;
        case '\t': out += "\\t"; return;
        case '"':
        case '\\': out += '\\'; break;
        default:
            if (metrics::is_deceptive(next.code)) return metrics::append_escaped_code(out, next.code);
    }
    out += source.substr(0, next.bytes);
}

// Names, addresses, ciphers: shown as they are in either format.
bool is_plain_word(std::string_view value) {
    return !value.empty() && value.size() <= log_value_limit && std::all_of(value.begin(), value.end(), [](char each) {
        return each > ' ' && each <= '~' && each != '"' && each != '\\' && each != '=';
    });
}

bool needs_quotes(std::string_view rendered) {
    return rendered.empty() || rendered.find_first_of(" =\\") != std::string_view::npos;
}

}  // namespace

void append_value(std::string& line, std::string_view value, config::log_format format) {
    static constexpr std::string_view ellipsis = "...";
    if (is_plain_word(value)) {
        std::string_view const quote = format == config::log_format::json ? "\"" : "";
        line.append(quote).append(value).append(quote);
        return;
    }
    std::size_t const begin = line.size();
    std::size_t cut = begin;  // where to end if the rest turns out too long
    while (!value.empty() && line.size() - begin <= log_value_limit) {
        symbol const next = metrics::first_symbol(value);
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
        symbol const next = metrics::first_symbol(value);
        bool const shown = next.valid && next.code != ' ' && next.code != 0x3000 && !metrics::is_deceptive(next.code);
        line += shown ? value.substr(0, next.bytes) : std::string_view("_");
        left -= shown ? next.bytes : 1;
        value.remove_prefix(next.bytes);
    }
}

}  // namespace ftpsgate::proxy
