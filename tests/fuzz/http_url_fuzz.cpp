// Input: a URL, as certificates bring it. What is accepted can be sent in a request without saying anything else, is
// read the same way again, and leads nowhere that is not public.
#include "config/networks.hpp"
#include "policy/url_rules.hpp"
#include "tests/fuzz/input.hpp"

#include <algorithm>
#include <arpa/inet.h>
#include <optional>
#include <string>

using namespace ftpsgate;
using origin = policy::url_rules::origin;

namespace {

bool is_visible(std::string_view text) {
    return std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c < '\x7F'; });
}

std::string written(policy::http_url const& url) {
    bool const is_ipv6 = url.host.find(':') != std::string::npos;
    return "http://" + (is_ipv6 ? "[" + url.host + "]" : url.host) + ":" + std::to_string(url.port) + url.target;
}

void check_parts(policy::http_url const& url) {
    fuzz::require(!url.host.empty() && is_visible(url.host), "the host is a word");
    fuzz::require(url.host.find_first_of("@/?#\\[]%ABCXYZ") == std::string::npos, "the host is no more than a host");
    fuzz::require(url.port != 0, "the port can be connected to");
    fuzz::require(url.target.starts_with('/') && is_visible(url.target), "the target fits into a request line");
    fuzz::require(url.target.find('#') == std::string::npos, "fragments are not sent");
}

void check_survival(policy::http_url const& url) {
    auto const text = written(url);
    if (text.size() > 2048) return;  // the port or the slash that was not written
    auto const again = policy::parse_http_url(text);
    fuzz::require(again && again->host == url.host && again->port == url.port && again->target == url.target,
                  "a URL survives");
}

std::optional<policy::ip_bytes> literal(std::string const& host) {
    policy::ip_bytes address{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF};
    if (inet_pton(AF_INET, host.c_str(), &address[12]) == 1) return address;
    if (inet_pton(AF_INET6, host.c_str(), address.data()) == 1) return address;
    return std::nullopt;
}

void check_rules(policy::http_url const& url) {
    static policy::url_rules const nothing({});
    static policy::url_rules const one({*config::parse_url_permission("crl.example:8080")});
    fuzz::require(!nothing.may_resolve(url, origin::unverified), "unverified URLs lead nowhere by themselves");
    fuzz::require(url.port == 80 || !nothing.may_resolve(url, origin::verified), "other ports need a permission");
    auto const loopback = *literal("127.0.0.1");
    fuzz::require(!nothing.may_connect(url, loopback, origin::verified), "loopback needs a permission");
    bool const is_named = url.host == "crl.example" && url.port == 8080;
    fuzz::require(one.may_connect(url, loopback, origin::unverified) == is_named, "a permission is for one name");
    if (auto const address = literal(url.host))
        fuzz::require(nothing.may_resolve(url, origin::verified) == (url.port == 80 && policy::is_public(*address)),
                      "literals are judged as what they are");
}

/// The same bytes as an entry of url_allow: whatever is accepted permits no more than its own.
void check_permission(std::string_view text) {
    auto const permission = config::parse_url_permission(text);
    if (!permission) return;
    auto const& [network, host, port] = *permission;
    fuzz::require(network.has_value() == host.empty(), "a network or a name");
    fuzz::require(!network || network->prefix <= 128, "128 bits");
    fuzz::require(!network || network->contains(network->address), "a network contains its first address");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
    std::string_view const text = fuzz::input(data, size).rest();
    check_permission(text);
    auto const url = policy::parse_http_url(text);
    if (!url) return 0;
    check_parts(*url);
    check_survival(*url);
    check_rules(*url);
    return 0;
}
