#include "config/units.hpp"

#include "config/words.hpp"

#include <algorithm>
#include <charconv>
#include <limits>
#include <optional>
#include <span>

namespace ftpsgate::config {

namespace {

struct unit {
    std::string_view name;
    std::uint64_t factor;
};

// Ascending: to_text takes the last one that divides the value.
constexpr unit duration_units[] = {{"ms", 1}, {"s", 1000}, {"m", 60'000}, {"h", 3'600'000}};
constexpr unit size_units[] = {{"B", 1}, {"KiB", 1U << 10U}, {"MiB", 1U << 20U}, {"GiB", 1U << 30U}};

constexpr std::uint64_t largest_quantity = std::numeric_limits<std::int64_t>::max();
constexpr std::uint16_t first_unprivileged_port = 1024;

/// Decimal digits only; from_chars alone would let a sign pass.
template <typename Number>
std::optional<Number> whole_number(std::string_view digits) {
    Number number{};
    auto const* const end = digits.data() + digits.size();
    auto const [rest, failure] = std::from_chars(digits.data(), end, number);
    if (digits.empty() || digits.front() == '-' || failure != std::errc{} || rest != end) return std::nullopt;
    return number;
}

parsed<std::uint64_t> parse_quantity(std::string_view text, std::span<unit const> units, complaint const& malformed) {
    auto const split = std::min(text.find_first_not_of("0123456789"), text.size());
    auto const named = [&](unit const& one) { return one.name == text.substr(split); };
    auto const found = std::find_if(units.begin(), units.end(), named);
    if (split == 0 || found == units.end()) return malformed;
    auto const number = whole_number<std::uint64_t>(text.substr(0, split));
    if (!number || *number > largest_quantity / found->factor) return complaint{shown(text) + " is too large"};
    return *number * found->factor;
}

std::string quantity_to_text(std::uint64_t value, std::span<unit const> units) {
    auto const divides = [&](unit const& one) { return value != 0 && value % one.factor == 0; };
    auto const largest = std::find_if(units.rbegin(), units.rend(), divides);
    auto const& chosen = largest == units.rend() ? units.front() : *largest;
    return std::to_string(value / chosen.factor) + std::string(chosen.name);
}

/// Host and port as written, before either is judged.
struct host_and_port {
    std::string_view host;
    std::string_view port;
    bool bracketed = false;
};

parsed<host_and_port> split_endpoint(std::string_view text) {
    static constexpr auto example = R"(like "0.0.0.0:21", "[::]:21" or "name:21")";
    if (text.starts_with('[')) {
        auto const close = text.find("]:");
        if (close == std::string_view::npos) return complaint{shown(text) + " has no port", example};
        return host_and_port{text.substr(1, close - 1), text.substr(close + 2), true};
    }
    auto const colon = text.rfind(':');
    if (colon == std::string_view::npos) return complaint{shown(text) + " has no port", example};
    if (text.find(':') != colon) return complaint{shown(text) + ": an IPv6 address stands in brackets", example};
    if (colon == 0) return complaint{shown(text) + " has no address", example};
    return host_and_port{text.substr(0, colon), text.substr(colon + 1)};
}

bool is_digits_and_dots(std::string_view text) {
    return text.find_first_not_of("0123456789.") == text.npos;
}

/// What looks like an IPv4 address must be one: a resolver would make something unexpected of "10.1" or "256.0.0.1".
parsed<std::string> parse_host(host_and_port const& written) {
    if (written.bracketed) return parse_ipv6(written.host);
    if (is_digits_and_dots(written.host)) return parse_ipv4(written.host);
    return parse_host_name(written.host);
}

}  // namespace

parsed<milliseconds> parse_duration(std::string_view text) {
    auto const quantity =
        parse_quantity(text, duration_units,
                       {shown(text) + " is not a duration", R"(one whole number and one of ms, s, m, h, like "30s")"});
    if (!quantity) return quantity.fault();
    return milliseconds(static_cast<milliseconds::rep>(*quantity));
}

parsed<std::uint64_t> parse_size(std::string_view text) {
    return parse_quantity(
        text, size_units,
        {shown(text) + " is not a size", R"(one whole number and one of B, KiB, MiB, GiB, like "64KiB")"});
}

parsed<std::uint16_t> parse_port(std::string_view text, zero_port zero) {
    auto const port = whole_number<std::uint16_t>(text);
    if (!port) return complaint{shown(text) + " is not a port", "0 to 65535"};
    if (*port == 0 && zero == zero_port::refused) return complaint{"port 0 cannot be connected to"};
    return *port;
}

parsed<endpoint> parse_endpoint(std::string_view text, zero_port zero) {
    auto const split = split_endpoint(text);
    if (!split) return split.fault();
    auto const host = parse_host(*split);
    if (!host) return host.fault();
    auto const port = parse_port((*split).port, zero);
    if (!port) return port.fault();
    return endpoint{*host, *port, {}};
}

parsed<port_range> parse_port_range(std::string_view text) {
    auto const dash = text.find('-');
    if (dash == std::string_view::npos) return complaint{shown(text) + " is not a port range", R"(like "50000-50999")"};
    auto const first = whole_number<std::uint16_t>(text.substr(0, dash));
    auto const last = whole_number<std::uint16_t>(text.substr(dash + 1));
    if (!first || !last) return complaint{shown(text) + " is not a port range", R"(like "50000-50999", up to 65535)"};
    if (*first > *last) return complaint{shown(text) + ": the first port is above the last"};
    if (*first < first_unprivileged_port) return complaint{shown(text) + ": ports below 1024 cannot be used for data"};
    return port_range{*first, *last};
}

std::string to_text(milliseconds duration) {
    return quantity_to_text(static_cast<std::uint64_t>(duration.count()), duration_units);
}

std::string size_to_text(std::uint64_t bytes) {
    return quantity_to_text(bytes, size_units);
}

std::string to_text(endpoint const& address) {
    bool const is_ipv6 = address.host.find(':') != std::string::npos;
    return (is_ipv6 ? "[" + address.host + "]" : address.host) + ":" + std::to_string(address.port);
}

std::string shown(std::string_view text) {
    static constexpr std::size_t longest = 60;
    if (text.size() <= longest) return '"' + std::string(text) + '"';
    auto cut = longest;
    auto const inside_a_character = [&] { return (static_cast<unsigned char>(text[cut]) & 0xC0U) == 0x80U; };
    while (cut > 0 && inside_a_character())
        --cut;
    return '"' + std::string(text.substr(0, cut)) + R"(...")";
}

}  // namespace ftpsgate::config
