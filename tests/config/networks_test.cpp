#include "config/networks.hpp"

#include <catch2/catch.hpp>

#include <arpa/inet.h>

using namespace ftpsgate::config;

namespace {

std::array<std::uint8_t, 16> address(std::string const& text) {
    std::array<std::uint8_t, 16> bytes{};
    auto const as_ipv6 = text.find(':') == text.npos ? "::ffff:" + text : text;
    REQUIRE(inet_pton(AF_INET6, as_ipv6.c_str(), bytes.data()) == 1);
    return bytes;
}

std::string outcome(parsed<url_permission> const& result) {
    if (!result) return result.fault().message;
    auto const& [network, host, port] = *result;
    return (network ? "network/" + std::to_string(network->prefix) : host) + " " + std::to_string(port);
}

}  // namespace

TEST_CASE("networks: a network contains what shares its prefix", "[config][networks]") {
    auto const [text, inside, outside] = GENERATE(table<char const*, char const*, char const*>({
        {"10.0.0.0/8", "10.255.255.255", "11.0.0.0"},
        {"172.16.0.0/12", "172.31.0.1", "172.32.0.1"},
        {"192.0.2.128/25", "192.0.2.128", "192.0.2.127"},
        {"192.0.2.1", "192.0.2.1", "192.0.2.0"},
        {"192.0.2.1/32", "192.0.2.1", "192.0.2.3"},
        {"0.0.0.0/0", "255.255.255.255", "::1"},
        {"::/0", "ffff::1", "10.0.0.1"},
        {"::/80", "::1", "10.0.0.1"},
        {"::ffff:10.0.0.0/104", "10.1.2.3", "11.1.2.3"},
        {"::1", "::1", "::"},
        {"2001:db8::/33", "2001:db8:7fff::1", "2001:db8:8000::1"},
        {"fe80::/10", "febf::1", "fec0::1"},
        {"::fffe:0:0/95", "::fffe:0:1", "192.0.2.1"},
    }));
    CAPTURE(text, inside, outside);
    auto const network = parse_network(text);
    REQUIRE(network);
    CHECK((*network).contains(address(inside)));
    CHECK_FALSE((*network).contains(address(outside)));
}

TEST_CASE("networks: IPv4 is held as mapped IPv6", "[config][networks]") {
    CHECK(*parse_network("10.0.0.0/8") == ip_network{address("10.0.0.0"), 104});
    CHECK(*parse_network("10.0.0.0/8") == *parse_network("::ffff:10.0.0.0/104"));
    CHECK(*parse_network("FD00::/8") == ip_network{address("fd00::"), 8});
    CHECK(*parse_network("::1") == ip_network{address("::1"), 128});
}

TEST_CASE("networks: what is no network is refused in words", "[config][networks]") {
    auto const [text, message, hint] = GENERATE(table<char const*, char const*, char const*>({
        {"10.0.0.1/8", R"("10.0.0.1/8" has bits behind its prefix)", "the network is 10.0.0.0/8"},
        {"10.0.0.1/31", R"("10.0.0.1/31" has bits behind its prefix)", "the network is 10.0.0.0/31"},
        {"fd00::1/8", R"("fd00::1/8" has bits behind its prefix)", "the network is fd00::/8"},
        {"1.2.3.4/0", R"("1.2.3.4/0" has bits behind its prefix)", "the network is 0.0.0.0/0"},
        {"10.0.0.0/33", R"("/33" is not a prefix length)", "/0 to /32"},
        {"fd00::/129", R"("/129" is not a prefix length)", "/0 to /128"},
        {"10.0.0.0/", R"("/" is not a prefix length)", "/0 to /32"},
        {"10.0.0.0/-1", R"("/-1" is not a prefix length)", "/0 to /32"},
        {"10.0.0.0/+8", R"("/+8" is not a prefix length)", "/0 to /32"},
        {"10.0.0.0/8/8", R"("/8/8" is not a prefix length)", "/0 to /32"},
        {"10.0.0.0/99999999999", R"("/99999999999" is not a prefix length)", "/0 to /32"},
        {"10.0.0/8", R"("10.0.0" is not an IP address)", R"(like "192.0.2.1" or "2001:db8::1")"},
        {"/8", R"("" is not an IP address)", R"(like "192.0.2.1" or "2001:db8::1")"},
        {"fe80::1%eth0", R"("fe80::1%eth0": an address with a zone cannot be used here)", ""},
    }));
    CAPTURE(text);
    auto const result = parse_network(text);
    REQUIRE_FALSE(result);
    CHECK(result.fault().message == message);
    CHECK(result.fault().hint == hint);
}

TEST_CASE("networks: URLs may lead to a network or a name, on a port or on any", "[config][networks]") {
    auto const [text, expected] = GENERATE(table<char const*, char const*>({
        {"10.0.0.0/8", "network/104 0"},
        {"10.0.0.0/8:8080", "network/104 8080"},
        {"127.0.0.1", "network/128 0"},
        {"127.0.0.1:65535", "network/128 65535"},
        {"::1", "network/128 0"},
        {"fd00::/8", "network/8 0"},
        {"[::1]", "network/128 0"},
        {"[::1]:80", "network/128 80"},
        {"[fd00::/8]:80", "network/8 80"},
        {"[fd00::]/8:80", "network/8 80"},
        {"[fd00::]/8", "network/8 0"},
        {"CRL.Plant.example", "crl.plant.example 0"},
        {"crl.plant.example:8080", "crl.plant.example 8080"},
        {"localhost:1", "localhost 1"},
    }));
    CAPTURE(text);
    CHECK(outcome(parse_url_permission(text)) == expected);
}

TEST_CASE("networks: what URLs cannot lead to is refused in words", "[config][networks]") {
    auto const [text, expected] = GENERATE(table<char const*, char const*>({
        {"", R"("" is not an IP address)"},
        {"a:0", "port 0 cannot be connected to"},
        {"a:", R"("" is not a port)"},
        {"a:65536", R"("65536" is not a port)"},
        {"a:http", R"("http" is not a port)"},
        {":80", R"("" is not an IP address)"},
        {"*.example.com", R"("*.example.com" is not a host name)"},
        {"http://a", R"("//a" is not a port)"},
        {"a/8", R"("a" is not an IP address)"},
        {"10.1", R"("10.1" is not an IP address)"},
        {"10.0.0.1/8:80", R"("10.0.0.1/8" has bits behind its prefix)"},
        {"fd00::/8:80", R"("/8:80" is not a prefix length)"},
        {"[::1", R"("[::1" has a bracket that is not closed)"},
        {"[::1]80", R"("[::1]80" has no port behind the bracket)"},
        {"[::1]:", R"("" is not a port)"},
        {"[fd00::/8]/8", R"("/8/8" is not a prefix length)"},
        {"[name]:80", R"("name" is not an IP address)"},
        {"a b", R"("a b" is not a host name)"},
    }));
    CAPTURE(text);
    CHECK(outcome(parse_url_permission(text)) == expected);
}
