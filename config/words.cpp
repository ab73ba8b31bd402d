#include "config/words.hpp"

#include <algorithm>
#include <arpa/inet.h>

namespace ftpsgate::config {

namespace {

constexpr std::size_t longest_host_name = 253;  // RFC 1035 section 2.3.4, without the root's dot
constexpr std::size_t longest_label = 63;
constexpr std::size_t longest_verb = 16;

bool is_lower(char c) {
    return c >= 'a' && c <= 'z';
}
bool is_upper(char c) {
    return c >= 'A' && c <= 'Z';
}
bool is_digit(char c) {
    return c >= '0' && c <= '9';
}
bool is_alphanumeric(char c) {
    return is_lower(c) || is_upper(c) || is_digit(c);
}

bool is_label(std::string_view label) {
    auto const is_allowed = [](char c) { return is_alphanumeric(c) || c == '-' || c == '_'; };
    return !label.empty() && label.size() <= longest_label && label.front() != '-' && label.back() != '-' &&
           std::all_of(label.begin(), label.end(), is_allowed);
}

bool is_host_name(std::string_view name) {
    if (name.size() > longest_host_name) return false;
    for (;;) {
        auto const dot = name.find('.');
        if (!is_label(name.substr(0, dot))) return false;
        if (dot == std::string_view::npos) return true;
        name.remove_prefix(dot + 1);
    }
}

/// Empty when the text is no address of this family.
std::string canonical(int family, std::string const& text) {
    unsigned char binary[sizeof(in6_addr)] = {};
    char canonical_text[INET6_ADDRSTRLEN] = {};
    // A NUL inside would end the text early for inet_pton.
    if (text.find('\0') != std::string::npos || inet_pton(family, text.c_str(), binary) != 1) return {};
    return inet_ntop(family, binary, canonical_text, sizeof canonical_text);
}

}  // namespace

parsed<std::string> parse_host_name(std::string_view text) {
    if (is_host_name(text)) return to_lower(text);
    auto const is_ascii = [](char c) { return static_cast<signed char>(c) >= 0; };
    if (!std::all_of(text.begin(), text.end(), is_ascii))
        return complaint{shown(text) + " is not a host name", "write international names in their xn-- form"};
    return complaint{shown(text) + " is not a host name", "letters, digits, '-', '_' and dots"};
}

parsed<std::string> parse_ipv4(std::string_view text) {
    auto address = canonical(AF_INET, std::string(text));
    if (address.empty()) return complaint{shown(text) + " is not an IPv4 address", R"(like "192.0.2.1")"};
    return address;
}

parsed<std::string> parse_ipv6(std::string_view text) {
    auto const percent = std::min(text.find('%'), text.size());
    auto const zone = text.substr(percent);
    auto const address = canonical(AF_INET6, std::string(text.substr(0, percent)));
    bool const zone_is_good = zone.empty() || is_label(zone.substr(1));
    if (address.empty() || !zone_is_good)
        return complaint{shown(text) + " is not an IPv6 address", R"(like "2001:db8::1")"};
    return address + std::string(zone);
}

parsed<std::string> parse_ip(std::string_view text) {
    if (auto ipv4 = parse_ipv4(text)) return ipv4;
    if (auto ipv6 = parse_ipv6(text)) return ipv6;
    return complaint{shown(text) + " is not an IP address", R"(like "192.0.2.1" or "2001:db8::1", without a port)"};
}

parsed<std::string> parse_verb(std::string_view text) {
    auto const is_allowed = [](char c) { return is_alphanumeric(c) || c == '@'; };
    if (text.empty() || text.size() > longest_verb || !std::all_of(text.begin(), text.end(), is_allowed))
        return complaint{shown(text) + " is not an FTP verb", "one word of letters and digits, like \"SITE\""};
    std::string upper(text);
    for (char& c : upper)
        if (is_lower(c)) c = static_cast<char>(c - 'a' + 'A');
    return upper;
}

std::string to_lower(std::string_view text) {
    std::string lower(text);
    for (char& c : lower)
        if (is_upper(c)) c = static_cast<char>(c - 'A' + 'a');
    return lower;
}

bool has_control_character(std::string_view text) {
    auto const is_control = [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; };
    return std::any_of(text.begin(), text.end(), is_control);
}

}  // namespace ftpsgate::config
