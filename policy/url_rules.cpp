#include "policy/url_rules.hpp"

#include "config/words.hpp"

#include <algorithm>
#include <arpa/inet.h>
#include <charconv>

namespace ftpsgate::policy {

namespace {

constexpr std::size_t longest_url = 2048;
constexpr std::string_view scheme = "http://";

using ipv4_bytes = std::array<std::uint8_t, 4>;

struct ipv4_network {
    ipv4_bytes address;
    unsigned prefix;
};

// IANA IPv4 Special-Purpose Address Registry: what is not globally reachable; also the 6to4 relays of old.
constexpr ipv4_network special_ipv4[] = {
    {{0, 0, 0, 0}, 8},      {{10, 0, 0, 0}, 8},     {{100, 64, 0, 0}, 10}, {{127, 0, 0, 0}, 8},
    {{169, 254, 0, 0}, 16}, {{172, 16, 0, 0}, 12},  {{192, 0, 0, 0}, 24},  {{192, 0, 2, 0}, 24},
    {{192, 88, 99, 0}, 24}, {{192, 168, 0, 0}, 16}, {{198, 18, 0, 0}, 15}, {{198, 51, 100, 0}, 24},
    {{203, 0, 113, 0}, 24}, {{224, 0, 0, 0}, 4},    {{240, 0, 0, 0}, 4},
};

struct ipv6_network {
    std::array<std::uint8_t, 12> address;  // of the longest prefix below
    unsigned prefix;
};

constexpr ipv6_network mapped{{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF}, 96};
constexpr ipv6_network nat64{{0, 0x64, 0xFF, 0x9B}, 96};
constexpr ipv6_network six_to_four{{0x20, 0x02}, 16};
constexpr ipv6_network global_unicast{{0x20}, 3};  // all else is loopback, private, link-local, multicast or unassigned
// Of global_unicast: IETF protocol assignments with Teredo (which holds an IPv4 address), and the documentation's.
constexpr ipv6_network special_ipv6[] = {
    {{0x20, 0x01, 0x00}, 23}, {{0x20, 0x01, 0x0D, 0xB8}, 32}, {{0x3F, 0xFF, 0x00}, 20}};

template <typename Address, typename Network>
bool is_in(Address const& address, Network const& network) {
    auto const whole = network.prefix / 8;
    if (!std::equal(network.address.begin(), network.address.begin() + whole, address.begin())) return false;
    auto const rest = network.prefix % 8;
    return rest == 0 || ((address[whole] ^ network.address[whole]) >> (8 - rest)) == 0;
}

bool is_public_ipv4(ipv4_bytes const& address) {
    auto const contains = [&](ipv4_network const& network) { return is_in(address, network); };
    return std::none_of(std::begin(special_ipv4), std::end(special_ipv4), contains);
}

ipv4_bytes embedded(ip_bytes const& address, std::size_t at) {
    return {address[at], address[at + 1], address[at + 2], address[at + 3]};
}

/// Nothing but what RFC 3986 allows: what is none of its characters, some other reader would take for something else.
bool is_uri_text(std::string_view text) {
    auto const is_allowed = [](char c) {
        bool const is_letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        return is_letter || (c >= '0' && c <= '9') ||
               std::string_view("-._~:/?@!$&'()*+,;=%[]").find(c) != std::string_view::npos;
    };
    return std::all_of(text.begin(), text.end(), is_allowed);
}

/// Path and query: no brackets, and percent signs in front of two hexadecimal digits only.
bool is_target(std::string_view text) {
    static constexpr std::string_view hex = "0123456789abcdefABCDEF";
    for (std::size_t at = 0; at < text.size(); ++at) {
        if (text[at] == '[' || text[at] == ']') return false;
        if (text[at] != '%') continue;
        auto const digits = text.substr(at + 1, 2);
        if (digits.size() != 2 || digits.find_first_not_of(hex) != digits.npos) return false;
    }
    return true;
}

std::optional<std::uint16_t> parse_port(std::string_view digits) {
    if (digits.empty()) return std::uint16_t{80};  // "http://host:/" (RFC 3986 section 3.2.3)
    static constexpr std::size_t most_digits = 5;
    if (digits.size() > most_digits || digits.find_first_not_of("0123456789") != digits.npos) return std::nullopt;
    std::uint16_t port = 0;
    auto const [rest, failure] = std::from_chars(digits.data(), digits.data() + digits.size(), port);
    if (failure != std::errc{} || port == 0) return std::nullopt;
    return port;
}

/// Host and port into `into`; false when it is no authority, or one with user information.
bool parse_authority(std::string_view text, http_url& into) {
    auto const is_bracketed = text.starts_with('[');
    auto const host_end = is_bracketed ? text.find(']') : std::min(text.find(':'), text.size());
    if (host_end == text.npos) return false;
    auto const host = is_bracketed ? text.substr(1, host_end - 1) : text.substr(0, host_end);
    auto const behind = text.substr(is_bracketed ? host_end + 1 : host_end);
    if (host.find('%') != host.npos || (!behind.empty() && behind.front() != ':')) return false;
    auto const name = is_bracketed ? config::parse_ipv6(host) : config::parse_host_name(host);
    auto const port = parse_port(behind.empty() ? behind : behind.substr(1));
    if (!name || !port) return false;
    into.host = *name;
    into.port = *port;
    return true;
}

std::optional<ip_bytes> literal_of(std::string const& host) {
    ip_bytes address{};
    if (inet_pton(AF_INET6, host.c_str(), address.data()) == 1) return address;
    std::copy(mapped.address.begin(), mapped.address.end(), address.begin());
    if (inet_pton(AF_INET, host.c_str(), &address[mapped.address.size()]) == 1) return address;
    return std::nullopt;
}

bool is_on_port(config::url_permission const& permission, http_url const& url) {
    return permission.port == 0 || permission.port == url.port;
}

bool is_by_default(http_url const& url, url_rules::origin from) {
    return from == url_rules::origin::verified && url.port == 80;
}

}  // namespace

std::optional<http_url> parse_http_url(std::string_view url) {
    if (url.size() > longest_url || !is_uri_text(url)) return std::nullopt;  // '#' is none of its characters
    if (config::to_lower(url.substr(0, scheme.size())) != scheme) return std::nullopt;
    auto const rest = url.substr(scheme.size());
    auto const authority = rest.substr(0, rest.find_first_of("/?"));
    auto const target = rest.substr(authority.size());
    http_url found;
    if (!is_target(target) || !parse_authority(authority, found)) return std::nullopt;
    found.target = (target.starts_with('/') ? "" : "/") + std::string(target);
    return found;
}

bool is_public(ip_bytes const& address) {
    if (is_in(address, mapped) || is_in(address, nat64)) return is_public_ipv4(embedded(address, 12));
    if (is_in(address, six_to_four)) return is_public_ipv4(embedded(address, 2));
    auto const contains = [&](ipv6_network const& network) { return is_in(address, network); };
    return contains(global_unicast) && std::none_of(std::begin(special_ipv6), std::end(special_ipv6), contains);
}

bool url_rules::may_connect(http_url const& url, ip_bytes const& address, origin from) const {
    auto const permits = [&](config::url_permission const& one) {
        return is_on_port(one, url) && (one.network ? one.network->contains(address) : one.host == url.host);
    };
    return (is_by_default(url, from) && is_public(address)) || std::any_of(allowed_.begin(), allowed_.end(), permits);
}

bool url_rules::may_resolve(http_url const& url, origin from) const {
    if (auto const address = literal_of(url.host)) return may_connect(url, *address, from);
    auto const may_permit = [&](config::url_permission const& one) {
        return is_on_port(one, url) && (one.network || one.host == url.host);
    };
    return is_by_default(url, from) || std::any_of(allowed_.begin(), allowed_.end(), may_permit);
}

}  // namespace ftpsgate::policy
