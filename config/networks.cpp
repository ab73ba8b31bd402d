#include "config/networks.hpp"

#include "config/words.hpp"

#include <algorithm>
#include <arpa/inet.h>
#include <charconv>

namespace ftpsgate::config {

namespace {

using ip_bytes = std::array<std::uint8_t, 16>;

constexpr ip_bytes mapped_network{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF};  // ::ffff:0:0/96
constexpr unsigned mapped_bits = 96;
constexpr unsigned address_bits = 128;

constexpr char example[] = R"(like "10.0.0.0/8", "[fd00::/8]:80" or "crl.example.com:8080")";

bool is_same_up_to(unsigned bits, ip_bytes const& a, ip_bytes const& b) {
    auto const whole = bits / 8;
    if (!std::equal(a.begin(), a.begin() + whole, b.begin())) return false;
    return bits % 8 == 0 || ((a[whole] ^ b[whole]) >> (8 - bits % 8)) == 0;
}

bool is_mapped(ip_bytes const& address) {
    return is_same_up_to(mapped_bits, address, mapped_network);
}

ip_bytes with_zeros_behind(unsigned bits, ip_bytes address) {
    for (unsigned bit = bits; bit < address_bits; ++bit)
        address[bit / 8] = static_cast<std::uint8_t>(address[bit / 8] & ~(0x80U >> (bit % 8)));
    return address;
}

struct literal {
    ip_bytes address{};
    unsigned first_bit = 0;  ///< where the prefix that is written begins to count
};

parsed<literal> parse_literal(std::string_view text) {
    auto const canonical = parse_ip(text);
    if (!canonical) return complaint{canonical.fault().message, R"(like "192.0.2.1" or "2001:db8::1")"};
    literal found;
    if (inet_pton(AF_INET6, (*canonical).c_str(), found.address.data()) == 1) return found;
    found = {mapped_network, mapped_bits};
    if (inet_pton(AF_INET, (*canonical).c_str(), &found.address[mapped_bits / 8]) == 1) return found;
    return complaint{shown(text) + ": an address with a zone cannot be used here"};  // zones differ from host to host
}

std::optional<unsigned> parse_prefix(std::string_view digits, unsigned most) {
    unsigned bits = 0;
    auto const* const end = digits.data() + digits.size();
    auto const [rest, failure] = std::from_chars(digits.data(), end, bits);
    if (failure != std::errc{} || rest != end || bits > most) return std::nullopt;
    return bits;
}

std::string to_text(ip_network const& network, unsigned first_bit) {
    char text[INET6_ADDRSTRLEN] = {};
    auto const* const bytes = &network.address[first_bit / 8];
    inet_ntop(first_bit == 0 ? AF_INET6 : AF_INET, bytes, text, sizeof text);
    return std::string(text) + "/" + std::to_string(network.prefix - first_bit);
}

/// As written, before either is judged; brackets are gone.
struct place_and_port {
    std::string place;
    std::optional<std::string_view> port;
    bool is_network = false;  ///< it has what no name has: brackets, a slash, several colons
};

parsed<place_and_port> split_brackets(std::string_view text) {
    auto const close = text.find(']');
    if (close == std::string_view::npos) return complaint{shown(text) + " has a bracket that is not closed", example};
    auto const behind = text.substr(close + 1);
    auto const colon = std::min(behind.find(':'), behind.size());
    place_and_port found{std::string(text.substr(1, close - 1)) += behind.substr(0, colon), std::nullopt, true};
    if (colon != 0 && behind.front() != '/') return complaint{shown(text) + " has no port behind the bracket", example};
    if (colon < behind.size()) found.port = behind.substr(colon + 1);
    return found;
}

parsed<place_and_port> split_port(std::string_view text) {
    if (text.starts_with('[')) return split_brackets(text);
    auto const colon = text.find(':');
    bool const is_ipv6 = colon != text.rfind(':');
    auto const place = text.substr(0, is_ipv6 ? text.npos : colon);
    place_and_port found{std::string(place), std::nullopt, is_ipv6 || place.find('/') != place.npos};
    if (!is_ipv6 && colon != text.npos) found.port = text.substr(colon + 1);
    return found;
}

}  // namespace

/// IPv4 addresses are in IPv4 networks only: whoever writes ::/0 means IPv6.
bool ip_network::contains(std::array<std::uint8_t, 16> const& other) const {
    bool const is_ipv4 = prefix >= mapped_bits && is_mapped(address);
    return is_mapped(other) == is_ipv4 && is_same_up_to(prefix, address, other);
}

parsed<ip_network> parse_network(std::string_view text) {
    auto const slash = std::min(text.find('/'), text.size());
    auto const found = parse_literal(text.substr(0, slash));
    if (!found) return found.fault();
    auto const [address, first_bit] = *found;
    if (slash == text.size()) return ip_network{address, address_bits};
    auto const bits = parse_prefix(text.substr(slash + 1), address_bits - first_bit);
    if (!bits)
        return complaint{shown(text.substr(slash)) + " is not a prefix length",
                         "/0 to /" + std::to_string(address_bits - first_bit)};
    ip_network const network{with_zeros_behind(first_bit + *bits, address), first_bit + *bits};
    if (network.address == address) return network;
    return complaint{shown(text) + " has bits behind its prefix", "the network is " + to_text(network, first_bit)};
}

parsed<url_permission> parse_url_permission(std::string_view text) {
    auto const split = split_port(text);
    if (!split) return split.fault();
    url_permission found;
    if ((*split).port) {
        auto const port = parse_port(*(*split).port, zero_port::refused);
        if (!port) return complaint{port.fault().message, "1 to 65535"};
        found.port = *port;
    }
    auto const& place = (*split).place;
    if ((*split).is_network || place.find_first_not_of("0123456789.") == place.npos) {
        auto const network = parse_network(place);
        if (!network) return network.fault();
        found.network = *network;
        return found;
    }
    auto const name = parse_host_name(place);
    if (!name) return name.fault();
    found.host = *name;
    return found;
}

}  // namespace ftpsgate::config
