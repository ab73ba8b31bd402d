#include "proxy/ftp/host_port.hpp"

#include <algorithm>

// The one exception to "standard library only" in this folder: these two are pure conversions of text, without a
// socket, and the text forms of IPv6 are worth no second implementation.
#include <arpa/inet.h>

namespace ftpsgate::ftp {
namespace {

constexpr std::size_t numbers_in_port = 6;

bool is_digit(char byte) {
    return byte >= '0' && byte <= '9';
}

std::string_view leading_digits(std::string_view text) {
    auto const stop = std::find_if_not(text.begin(), text.end(), is_digit);
    return text.substr(0, static_cast<std::size_t>(stop - text.begin()));
}

// The value of a string of digits; whatever is too large becomes one more than `largest`.
std::uint32_t value_of(std::string_view digits, std::uint32_t largest) {
    std::uint32_t value = 0;
    for (char const digit : digits) {
        value = std::min(value * 10 + static_cast<std::uint32_t>(digit - '0'), largest + 1);
    }
    return value;
}

// A port as the protocol writes it: one to five digits, 1..65535.
std::optional<std::uint16_t> port_from(std::string_view text) {
    if (text.empty() || text.size() > 5 || leading_digits(text).size() != text.size()) return std::nullopt;
    std::uint32_t const value = value_of(text, 65535);
    if (value == 0 || value > 65535) return std::nullopt;
    return static_cast<std::uint16_t>(value);
}

using six_numbers = std::array<std::uint32_t, numbers_in_port>;

std::optional<ip_endpoint> endpoint_from(six_numbers const& numbers) {
    std::array<std::uint8_t, numbers_in_port> bytes{};
    for (std::size_t i = 0; i < numbers_in_port; ++i) {
        if (numbers[i] > 255) return std::nullopt;
        bytes[i] = static_cast<std::uint8_t>(numbers[i]);
    }
    auto const port = static_cast<std::uint16_t>(bytes[4] << 8 | bytes[5]);
    if (port == 0) return std::nullopt;
    return ip_endpoint{ip_address::v4({bytes[0], bytes[1], bytes[2], bytes[3]}), port};
}

// Six numbers at the very front of `text`, which is left behind them. A number over 255 is read as 256.
std::optional<six_numbers> take_numbers(std::string_view& text, std::size_t longest_number, std::string_view padding) {
    six_numbers numbers{};
    for (std::size_t i = 0; i < numbers_in_port; ++i) {
        if (i > 0) {
            if (text.empty() || text.front() != ',') return std::nullopt;
            text.remove_prefix(1);
            text.remove_prefix(std::min(text.find_first_not_of(padding), text.size()));
        }
        std::string_view const digits = leading_digits(text);
        if (digits.empty() || digits.size() > longest_number) return std::nullopt;
        numbers[i] = value_of(digits, 255);
        text.remove_prefix(digits.size());
    }
    return numbers;
}

// "|family|address|port|" cut at its delimiters.
struct eprt_fields {
    std::string_view family;
    std::string_view address;
    std::string_view port;
};

std::optional<eprt_fields> split_eprt(std::string_view text) {
    if (text.size() < 2 || text.front() < 33 || text.front() > 126 || text.back() != text.front()) return std::nullopt;
    char const delimiter = text.front();
    text = text.substr(1, text.size() - 2);
    if (std::count(text.begin(), text.end(), delimiter) != 2) return std::nullopt;
    std::size_t const first = text.find(delimiter);
    std::size_t const second = text.find(delimiter, first + 1);
    return eprt_fields{text.substr(0, first), text.substr(first + 1, second - first - 1), text.substr(second + 1)};
}

// "|||port|" right behind an opening parenthesis.
std::optional<std::uint16_t> extended_port(std::string_view text) {
    if (text.empty() || text.front() < 33 || text.front() > 126 || is_digit(text.front())) return std::nullopt;
    char const delimiter = text.front();
    for (int field = 0; field < 3; ++field) {
        std::size_t const at = text.find(delimiter);
        if (at == std::string_view::npos) return std::nullopt;
        text.remove_prefix(at + 1);
    }
    std::string_view const digits = leading_digits(text);
    if (digits.size() == text.size() || text[digits.size()] != delimiter) return std::nullopt;
    return port_from(digits);
}

std::string numbers_text(ip_endpoint const& where) {
    std::string out;
    for (std::uint8_t const byte : where.address.v4_bytes())
        out += std::to_string(byte) + ',';
    return out + std::to_string(where.port >> 8) + ',' + std::to_string(where.port & 255);
}

}  // namespace

std::optional<ip_address> ip_address::parse(std::string_view text) {
    char terminated[INET6_ADDRSTRLEN] = {};
    if (text.size() >= sizeof terminated || text.find('\0') != std::string_view::npos) return std::nullopt;
    std::copy(text.begin(), text.end(), terminated);
    std::array<std::uint8_t, 4> four{};
    if (::inet_pton(AF_INET, terminated, four.data()) == 1) return v4(four);
    ip_address parsed;
    if (::inet_pton(AF_INET6, terminated, parsed.bytes_.data()) != 1) return std::nullopt;
    static constexpr std::uint8_t mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
    if (std::equal(std::begin(mapped), std::end(mapped), parsed.bytes_.begin())) {
        return v4({parsed.bytes_[12], parsed.bytes_[13], parsed.bytes_[14], parsed.bytes_[15]});
    }
    parsed.v4_ = false;
    return parsed;
}

ip_address ip_address::v4(std::array<std::uint8_t, 4> bytes) {
    ip_address made;
    std::copy(bytes.begin(), bytes.end(), made.bytes_.begin());
    return made;
}

std::array<std::uint8_t, 4> ip_address::v4_bytes() const {
    return {bytes_[0], bytes_[1], bytes_[2], bytes_[3]};
}

std::string ip_address::text() const {
    char out[INET6_ADDRSTRLEN] = {};
    ::inet_ntop(v4_ ? AF_INET : AF_INET6, bytes_.data(), out, sizeof out);
    return out;
}

host_port_result parse_port(std::string_view argument) {
    auto const numbers = take_numbers(argument, 3, "");
    if (!numbers || !argument.empty()) return host_port_fault::syntax;
    auto const where = endpoint_from(*numbers);
    if (!where) return host_port_fault::syntax;
    return *where;
}

host_port_result parse_eprt(std::string_view argument) {
    auto const fields = split_eprt(argument);
    if (!fields || fields->family.empty()) return host_port_fault::syntax;
    if (leading_digits(fields->family).size() != fields->family.size()) return host_port_fault::syntax;
    if (fields->family != "1" && fields->family != "2") return host_port_fault::family;
    // The spelling must be the one that the family says, also where ::ffff:192.0.2.1 means an IPv4 host.
    bool const spelt_v6 = fields->address.find(':') != std::string_view::npos;
    auto const address = ip_address::parse(fields->address);
    auto const port = port_from(fields->port);
    if (!address || !port || spelt_v6 != (fields->family == "2")) return host_port_fault::syntax;
    return ip_endpoint{*address, *port};
}

std::optional<ip_endpoint> parse_227(std::string_view text) {
    while (!text.empty()) {
        std::string_view behind = text;
        if (auto const numbers = take_numbers(behind, text.size(), " ")) return endpoint_from(*numbers);
        text.remove_prefix(std::max<std::size_t>(leading_digits(text).size(), 1));
    }
    return std::nullopt;
}

std::optional<std::uint16_t> parse_229(std::string_view text) {
    for (std::size_t open = text.find('('); open != std::string_view::npos; open = text.find('(', open + 1)) {
        if (auto const port = extended_port(text.substr(open + 1))) return port;
    }
    return std::nullopt;
}

std::string format_port(ip_endpoint const& where) {
    return numbers_text(where);
}

std::string format_eprt(ip_endpoint const& where) {
    return (where.address.is_v4() ? "|1|" : "|2|") + where.address.text() + '|' + std::to_string(where.port) + '|';
}

std::string format_227(ip_endpoint const& where) {
    return "Entering Passive Mode (" + numbers_text(where) + ").";
}

std::string format_229(std::uint16_t port) {
    return "Entering Extended Passive Mode (|||" + std::to_string(port) + "|)";
}

}  // namespace ftpsgate::ftp
