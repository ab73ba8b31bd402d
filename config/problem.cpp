#include "config/problem.hpp"

namespace ftpsgate::config {

namespace {

bool is_control(unsigned char c) {
    return c < 0x20 || c == 0x7F;
}

/// U+0080 to U+009F: some terminals obey them as they do ESC sequences.
bool is_c1_control(std::string_view text, std::size_t at) {
    return at + 1 < text.size() && static_cast<unsigned char>(text[at]) == 0xC2 &&
           static_cast<unsigned char>(text[at + 1]) < 0xA0;
}

void append_escaped(std::string& line, unsigned char c) {
    static constexpr char digits[] = "0123456789abcdef";
    line += "\\x";
    line += digits[c >> 4U];
    line += digits[c & 0xFU];
}

/// Messages quote what stood in the file: neither line ends nor terminal sequences may come out.
std::string one_line(std::string_view text) {
    std::string line;
    for (std::size_t at = 0; at < text.size(); ++at) {
        auto const c = static_cast<unsigned char>(text[at]);
        if (is_c1_control(text, at))
            append_escaped(line, static_cast<unsigned char>(text[++at]));
        else if (is_control(c))
            append_escaped(line, c);
        else
            line += text[at];
    }
    return line;
}

}  // namespace

std::string render(problem const& fault, std::string_view severity) {
    std::string line = fault.where.file;
    if (fault.where.line != 0) line += ":" + std::to_string(fault.where.line);
    if (fault.where.line != 0 && fault.where.column != 0) line += ":" + std::to_string(fault.where.column);
    if (!line.empty()) line += ": ";
    line.append(severity).append(": ");
    if (!fault.key.empty()) line += fault.key + ": ";
    line += fault.message;
    if (!fault.hint.empty()) line += " (" + fault.hint + ")";
    return one_line(line);
}

}  // namespace ftpsgate::config
