#include "proxy/ftp/line_reader.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace ftpsgate::ftp {
namespace {

// RFC 854. Codes below SE are no commands: an IAC before them is part of a file name.
constexpr unsigned char telnet_se = 240;
constexpr unsigned char telnet_sb = 250;
constexpr unsigned char telnet_will = 251;
constexpr unsigned char telnet_iac = 255;

constexpr std::array<bool, 256> special_bytes() {
    std::array<bool, 256> special{};
    for (char const byte : std::string_view("\0\n\r\xff", 4))
        special[static_cast<unsigned char>(byte)] = true;
    return special;
}
constexpr auto is_special = special_bytes();

// How many bytes of the front are plain text: the common case, which is copied as a block.
std::size_t plain_length(std::string_view bytes) {
    auto const stop = std::find_if(bytes.begin(), bytes.end(),
                                   [](char byte) { return is_special[static_cast<unsigned char>(byte)]; });
    return static_cast<std::size_t>(stop - bytes.begin());
}

}  // namespace

line_reader::line_reader(std::size_t limit) : limit_(limit) {
}

void line_reader::feed(std::string_view bytes) {
    while (!bytes.empty()) {
        if (telnet_ == telnet::none && !carriage_return_) {
            std::size_t const length = plain_length(bytes);
            partial_raw_ += length;
            take_text(bytes.substr(0, length));
            bytes.remove_prefix(length);
            if (bytes.empty()) return;
        }
        ++partial_raw_;
        take_telnet(static_cast<unsigned char>(bytes.front()));
        bytes.remove_prefix(1);
    }
}

std::optional<line> line_reader::next() {
    if (lines_.empty()) return std::nullopt;
    line first = std::move(lines_.front());
    lines_.pop_front();
    waiting_bytes_ -= first.text.size();
    return first;
}

bool line_reader::empty() const {
    return lines_.empty() && partial_raw_ == 0;
}

void line_reader::reset() {
    *this = line_reader(limit_);
}

void line_reader::take_telnet(unsigned char byte) {
    switch (telnet_) {
        case telnet::none:
            if (byte == telnet_iac) {
                telnet_ = telnet::iac;
            } else {
                take(byte);
            }
            return;
        case telnet::iac: take_telnet_command(byte); return;
        case telnet::option: telnet_ = telnet::none; return;
        case telnet::subnegotiation:
        case telnet::subnegotiation_iac: skip_subnegotiation(byte); return;
    }
}

void line_reader::take_telnet_command(unsigned char byte) {
    telnet_ = telnet::none;
    if (byte == telnet_iac) {
        take(telnet_iac);
    } else if (byte == telnet_sb) {
        telnet_ = telnet::subnegotiation;
    } else if (byte >= telnet_will) {
        telnet_ = telnet::option;
    } else if (byte < telnet_se) {
        take(telnet_iac);
        take(byte);
    }
}

// Without an end of its own a subnegotiation would swallow the connection, so all of a line's together may
// be as long as a line; then the line is bad and its end is looked for in what follows.
void line_reader::skip_subnegotiation(unsigned char byte) {
    if (telnet_ == telnet::subnegotiation_iac && byte == telnet_se) {
        telnet_ = telnet::none;
        return;
    }
    bool const escape = telnet_ == telnet::subnegotiation && byte == telnet_iac;
    telnet_ = escape ? telnet::subnegotiation_iac : telnet::subnegotiation;
    if (++subnegotiated_ > limit_) {
        telnet_ = telnet::none;
        spoil(line_fault::bad_byte);
    }
}

void line_reader::take(unsigned char byte) {
    bool const after_return = std::exchange(carriage_return_, false);
    if (byte == '\n') {
        end_line();
        return;
    }
    if (after_return) spoil(line_fault::bad_byte);  // CR NUL and CR x (B-004, B-005)
    if (byte == '\r') {
        carriage_return_ = true;
    } else if (byte == '\0') {
        spoil(line_fault::bad_byte);
    } else {
        char const text = static_cast<char>(byte);
        take_text({&text, 1});
    }
}

void line_reader::take_text(std::string_view text) {
    if (fault_ != line_fault::none) return;
    if (text.size() > limit_ - partial_.size()) {
        spoil(line_fault::too_long);
    } else {
        partial_.append(text);
    }
}

// The first fault names the line; its text is worth no memory any more.
void line_reader::spoil(line_fault fault) {
    if (fault_ != line_fault::none) return;
    fault_ = fault;
    std::string().swap(partial_);
}

void line_reader::end_line() {
    waiting_bytes_ += partial_.size();
    lines_.push_back({std::exchange(partial_, {}), std::exchange(fault_, line_fault::none)});
    partial_raw_ = 0;
    subnegotiated_ = 0;
}

}  // namespace ftpsgate::ftp
