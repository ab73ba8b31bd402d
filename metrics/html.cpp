#include "metrics/html.hpp"

#include "metrics/utf8.hpp"

namespace ftpsgate::metrics {

namespace {

void append(std::string& out, symbol const& next, std::string_view source) {
    if (!next.valid) {
        out += "\\x";
        return append_hex(out, next.code, 2);
    }
    switch (next.code) {
        case '&': out += "&amp;"; return;
        case '<': out += "&lt;"; return;
        case '>': out += "&gt;"; return;
        case '"': out += "&quot;"; return;
        case '\'': out += "&#39;"; return;
        default: break;
    }
    if (is_deceptive(next.code)) return append_escaped_code(out, next.code);
    out += source.substr(0, next.bytes);
}

}  // namespace

html& html::operator<<(plain what) {
    auto value = what.text;
    for (std::size_t count = 0; !value.empty(); ++count) {
        if (count == text_limit) {
            out_ += "…";
            break;
        }
        auto const next = first_symbol(value);
        append(out_, next, value);
        value.remove_prefix(next.bytes);
    }
    return *this;
}

}  // namespace ftpsgate::metrics
