// What the core has to know of a site and of the connection, as plain values; made by proxy/runtime from the settings.
// Several sites may share a listener: HOST, then SNI, then the first in the list (RFC 7151, INTERFACE.md).
#pragma once

#include "proxy/ftp/host_port.hpp"
#include "proxy/ftp/verbs.hpp"

#include <bitset>
#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace ftpsgate::ftp {

using milliseconds = std::chrono::milliseconds;

/// IIS controlChannelPolicy and dataChannelPolicy (B-172 .. B-179).
enum class control_rule { require, require_credentials_only, allow };
enum class data_rule { require, allow, deny };
/// How data connections with the backend are opened; client = the way the client used (B-136).
enum class backend_mode { passive, active, client };
/// What becomes of an upload that ends without close_notify (D-07).
enum class truncation { reject, accept };

using verb_set = std::bitset<128>;

struct site_rules {
    std::string name;
    std::vector<std::string> hosts;  ///< lower case
    std::string banner;
    control_rule control = control_rule::require;
    data_rule data = data_rule::require;
    std::string tls_id;  ///< what a client meets in TLS, as a digest; "" = no certificate, AUTH is answered 534
    backend_mode data_mode = backend_mode::passive;
    bool trust_backend_address = false;         ///< B-140
    std::vector<std::string> backend_names;     ///< as configured; hidden from clients (A-032)
    std::optional<ip_address> passive_address;  ///< announced in 227 instead of the gate's own (B-110)
    bool allow_active = true;                   ///< B-135
    truncation truncated_uploads = truncation::reject;
    verb_set denied;                  ///< by verb group; answered 502 (A-052)
    bool pass_unknown = false;        ///< D-10
    std::size_t command_line = 4096;  ///< B-007
    unsigned failed_logins = 3;
    milliseconds handshake_timeout{10'000};
    milliseconds login_timeout{30'000};
    milliseconds idle_timeout{300'000};
    milliseconds reply_timeout{60'000};

    bool denies(verb_row const& row) const { return denied.test(static_cast<std::size_t>(row.group)); }
};

enum class tls_start { explicit_tls, implicit_tls };

struct core_settings {
    std::shared_ptr<std::vector<site_rules> const> sites;  ///< those behind this listener; never empty
    tls_start tls = tls_start::explicit_tls;
    ip_address client;  ///< peer of the control connection
    ip_address gate;    ///< the address that the client connected to
    /// Asked before each TLS handshake; false: there are too many under way. Unset: there never are.
    std::function<bool(std::size_t site)> may_secure{};
};

}  // namespace ftpsgate::ftp
