// FTP replies: the incremental parser for what a backend sends, and the writer for what a client gets.
// Multi-line replies follow RFC 959 section 4.2 (B-014 .. B-025); no reply is interpreted here.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace ftpsgate::ftp {

/// lines.front() and lines.back() without their code and separator, lines between as they came (controls replaced,
/// B-022). At least one line.
struct reply {
    int code = 0;
    std::vector<std::string> lines;

    reply() = default;
    reply(int reply_code, std::string text) : code(reply_code), lines{std::move(text)} {}

    bool is_preliminary() const { return code / 100 == 1; }
    bool is_completion() const { return code / 100 == 2; }
    bool is_intermediate() const { return code / 100 == 3; }
    bool is_negative() const { return code / 100 == 4 || code / 100 == 5; }
    bool is_final() const { return !is_preliminary(); }
};

/// Control characters and DEL become '?', TAB a space; everything else stays, bytes >= 0x80 too (B-022, B-024).
std::string without_controls(std::string_view text);

/// As bytes with CR LF, ready to be sent; controls in the text are replaced (no reply can be split, A-074).
std::string render(reply const& answer);

/// "ddd text CR LF" for the gate's own one-line replies.
std::string render(int code, std::string_view text);

enum class reply_fault {
    not_a_reply,  ///< a line outside a reply that does not begin with three digits (B-020)
    too_large,    ///< beyond the limits (B-023); the parser is useless afterwards
};

struct reply_limits {
    std::size_t line = 8 * 1024;
    std::size_t total = 64 * 1024;
};

/// Flow: feed(bytes), then next() until it is monostate. After too_large there is nothing but monostate.
class reply_parser {
public:
    explicit reply_parser(reply_limits limits = {}) : limits_(limits) {}

    void feed(std::string_view bytes);
    /// A reply carries whatever code it came with, 000..999: judging it is the caller's business (B-021).
    std::variant<std::monostate, reply, reply_fault> next();

    /// A multi-line reply has begun and not ended, or a line is incomplete (B-018: bound the wait for the rest).
    bool mid_reply() const { return multi_line_ || parsed_ < buffer_.size(); }
    void reset();

private:
    using result = std::variant<std::monostate, reply, reply_fault>;

    result take_line(std::string_view text);
    result finish(std::string_view last_line);
    reply_fault give_up();
    void drop_parsed();

    reply_limits limits_;
    std::string buffer_;      // bytes not yet parsed
    std::size_t parsed_ = 0;  // of buffer_
    bool multi_line_ = false;
    reply current_;
    std::size_t current_size_ = 0;
    bool gave_up_ = false;  // after too_large, until reset()
};

}  // namespace ftpsgate::ftp
