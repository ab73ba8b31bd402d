#include "proxy/ftp/reply.hpp"

#include <algorithm>
#include <utility>

namespace ftpsgate::ftp {
namespace {

constexpr std::size_t code_length = 3;
constexpr std::size_t kept_capacity = 512;

bool is_digit(char byte) {
    return byte >= '0' && byte <= '9';
}

bool has_code(std::string_view text) {
    return text.size() >= code_length && std::all_of(text.begin(), text.begin() + code_length, is_digit);
}

int code_of(std::string_view text) {
    return (text[0] - '0') * 100 + (text[1] - '0') * 10 + (text[2] - '0');
}

// What stands behind the code; a reply of three digits alone counts as one with an empty text (B-016).
char separator_of(std::string_view text) {
    return text.size() == code_length ? ' ' : text[code_length];
}

bool ends_reply(std::string_view text, int code) {
    return has_code(text) && code_of(text) == code && separator_of(text) == ' ';
}

std::string_view text_of(std::string_view text) {
    return text.substr(std::min(text.size(), code_length + 1));
}

bool is_blank(std::string_view text) {
    return text.find_first_not_of(" \t") == std::string_view::npos;
}

char shown(char byte) {
    if (byte == '\t') return ' ';
    bool const control = static_cast<unsigned char>(byte) < ' ' || byte == '\x7f';
    return control ? '?' : byte;
}

void append_clean(std::string& out, std::string_view text) {
    std::size_t const from = out.size();
    out.resize(from + text.size());
    std::transform(text.begin(), text.end(), out.begin() + static_cast<std::ptrdiff_t>(from), shown);
}

void append_line(std::string& out, int code, char separator, std::string_view text) {
    int const number = std::clamp(code, 0, 999);
    out += static_cast<char>('0' + number / 100);
    out += static_cast<char>('0' + number / 10 % 10);
    out += static_cast<char>('0' + number % 10);
    out += separator;
    append_clean(out, text);
    out += "\r\n";
}

// RFC 959 section 4.2: a line inside a reply that could be taken for its end is padded. What clients take for the end
// differs: curl any code with a space behind it, Python's ftplib the right code with anything but '-' behind it.
bool looks_like_end(std::string_view text, int code) {
    if (!has_code(text)) return false;
    return shown(separator_of(text)) == ' ' || (code_of(text) == code && separator_of(text) != '-');
}

}  // namespace

std::string without_controls(std::string_view text) {
    std::string clean;
    append_clean(clean, text);
    return clean;
}

std::string render(reply const& answer) {
    if (answer.lines.empty()) return render(answer.code, "");
    if (answer.lines.size() == 1) return render(answer.code, answer.lines.front());
    std::string out;
    append_line(out, answer.code, '-', answer.lines.front());
    for (std::size_t i = 1; i + 1 < answer.lines.size(); ++i) {
        if (looks_like_end(answer.lines[i], answer.code)) out += ' ';
        append_clean(out, answer.lines[i]);
        out += "\r\n";
    }
    append_line(out, answer.code, ' ', answer.lines.back());
    return out;
}

std::string render(int code, std::string_view text) {
    std::string out;
    append_line(out, code, ' ', text);
    return out;
}

void reply_parser::feed(std::string_view bytes) {
    if (!gave_up_) buffer_.append(bytes);
}

std::variant<std::monostate, reply, reply_fault> reply_parser::next() {
    while (parsed_ < buffer_.size()) {
        std::string_view const rest = std::string_view(buffer_).substr(parsed_);
        std::size_t const end = rest.find('\n');
        if (std::min(end, rest.size()) > limits_.line) return give_up();
        if (end == std::string_view::npos) break;

        // Some servers end their lines with a bare LF, some with CR CR LF.
        std::size_t const text_end = rest.substr(0, end).find_last_not_of('\r') + 1;
        parsed_ += end + 1;
        result taken = take_line(rest.substr(0, text_end));
        if (!std::holds_alternative<std::monostate>(taken)) return taken;
    }
    drop_parsed();
    return std::monostate{};
}

// An idle session keeps no large buffer.
void reply_parser::drop_parsed() {
    buffer_.erase(0, parsed_);
    parsed_ = 0;
    if (buffer_.empty() && buffer_.capacity() > kept_capacity) buffer_.shrink_to_fit();
}

void reply_parser::reset() {
    *this = reply_parser(limits_);
}

reply_parser::result reply_parser::take_line(std::string_view text) {
    current_size_ = (multi_line_ ? current_size_ : 0) + text.size() + 1;
    if (current_size_ > limits_.total) return give_up();
    if (multi_line_) {
        if (ends_reply(text, current_.code)) return finish(text_of(text));
        current_.lines.push_back(without_controls(text));
        return std::monostate{};
    }
    if (is_blank(text)) return std::monostate{};  // B-019
    if (!has_code(text)) return reply_fault::not_a_reply;
    current_ = reply();
    current_.code = code_of(text);
    if (separator_of(text) == ' ') return finish(text_of(text));
    if (separator_of(text) != '-') return reply_fault::not_a_reply;
    current_.lines.push_back(without_controls(text_of(text)));
    multi_line_ = true;
    return std::monostate{};
}

reply_parser::result reply_parser::finish(std::string_view last_line) {
    current_.lines.push_back(without_controls(last_line));
    multi_line_ = false;
    return std::exchange(current_, reply());
}

reply_fault reply_parser::give_up() {
    reset();
    gave_up_ = true;
    return reply_fault::too_large;
}

}  // namespace ftpsgate::ftp
