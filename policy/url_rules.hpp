// Where revocation and AIA URLs may lead. URLs come out of certificates: without this, anybody who can
// get a certificate can make the gate talk to any host and port that it reaches.
#pragma once

#include "config/settings.hpp"

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace ftpsgate::policy {

/// An http URL, taken apart (RFC 3986, RFC 9110 4.2.1).
struct http_url {
    std::string host;  ///< lower case; IPv6 literals without brackets
    std::uint16_t port = 80;
    std::string target;  ///< path and query, never empty
};

/// nullopt: not http, with user information, without host, with a fragment, with bytes outside printable ASCII, longer
/// than 2048 bytes, or malformed.
std::optional<http_url> parse_http_url(std::string_view url);

/// IPv6; IPv4 as mapped (::ffff:0:0/96).
using ip_bytes = std::array<std::uint8_t, 16>;

class url_rules {
public:
    /// How far a URL is trusted: those of a verified chain may lead to public addresses on port 80 as well, those of
    /// a certificate that is not verified yet (AIA, B-265) to what the operator named only.
    enum class origin { verified, unverified };

    explicit url_rules(std::vector<config::url_permission> allowed) : allowed_(std::move(allowed)) {}

    /// May this address be connected to, which the URL's host was resolved to? Addresses are judged after resolving, so
    /// a name that leads to loopback is caught.
    bool may_connect(http_url const& url, ip_bytes const& address, origin from) const;
    /// False: no address could be acceptable, so the name need not even be resolved.
    bool may_resolve(http_url const& url, origin from) const;

private:
    std::vector<config::url_permission> allowed_;
};

/// Reachable from everywhere: not loopback, link-local, private, shared, documentation, multicast, or an IPv6 form of
/// such an IPv4 address (mapped, NAT64, 6to4).
bool is_public(ip_bytes const& address);

}  // namespace ftpsgate::policy
