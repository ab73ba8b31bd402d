// Bytes of a control connection -> command lines (PROTOCOL.md section 2). Framing only: it knows line ends, the
// length limit and Telnet, and nothing of verbs.
//
// Flow: feed(bytes) any number of times, then next() until it is empty. Lines end at CR LF or a bare LF (B-003).
// Telnet sequences are taken out (B-008, B-009), IAC IAC becomes one 0xFF byte (B-010), an IAC before a byte that
// is no Telnet command stays as it is (file names of clients that do not speak Telnet). Memory is bounded by the
// limit for the line that is being read, and by what the caller feeds for complete ones: stop feeding when
// waiting_lines() or waiting_bytes() say so (B-013).
#pragma once

#include <cstddef>
#include <deque>
#include <optional>
#include <string>
#include <string_view>

namespace ftpsgate::ftp {

enum class line_fault {
    none,
    too_long,  ///< longer than the limit; the line was dropped to its end (B-007)
    bad_byte,  ///< CR without LF, CR NUL or NUL inside (B-004 .. B-006); the line was dropped
};

struct line {
    std::string text;  ///< without line end; empty when there is a fault
    line_fault fault = line_fault::none;
};

class line_reader {
public:
    explicit line_reader(std::size_t limit);

    void feed(std::string_view bytes);
    std::optional<line> next();

    /// True when not one byte has come since the end of the last line taken by next(): nothing is pipelined.
    bool empty() const;
    std::size_t waiting_lines() const { return lines_.size(); }
    std::size_t waiting_bytes() const { return waiting_bytes_; }

    /// Forgets everything, as a new connection (after AUTH).
    void reset();

private:
    enum class telnet { none, iac, option, subnegotiation, subnegotiation_iac };

    void take_telnet(unsigned char byte);
    void take_telnet_command(unsigned char byte);
    void skip_subnegotiation(unsigned char byte);
    void take(unsigned char byte);  // one byte after Telnet was removed
    void take_text(std::string_view text);
    void spoil(line_fault fault);
    void end_line();

    std::size_t limit_;
    std::string partial_;
    std::size_t partial_raw_ = 0;          // bytes received for the line being read, whatever became of them
    std::size_t subnegotiated_ = 0;        // bytes of Telnet subnegotiations in it
    bool carriage_return_ = false;         // the last byte was CR
    line_fault fault_ = line_fault::none;  // of the line being read
    telnet telnet_ = telnet::none;
    std::deque<line> lines_;
    std::size_t waiting_bytes_ = 0;
};

}  // namespace ftpsgate::ftp
