// The immutable snapshot that sessions run on: settings, TLS contexts, rules for the core, counters. Built whole or not
// at all; a session keeps the one it began with.
#pragma once

#include "config/problem.hpp"
#include "config/settings.hpp"
#include "metrics/metrics.hpp"
#include "policy/access.hpp"
#include "policy/identity_resolver.hpp"
#include "policy/peer_verifier.hpp"
#include "policy/tls_context.hpp"
#include "proxy/backend.hpp"
#include "proxy/data/port_allocator.hpp"
#include "proxy/ftp/site_rules.hpp"
#include "proxy/limits.hpp"
#include "proxy/login_bans.hpp"
#include "proxy/tls/client_ca_names.hpp"

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace ftpsgate::proxy {

/// What the sessions of one site share. Thread-safe where it changes.
struct site_runtime {
    config::site_settings settings;
    policy::tls_context tls;
    std::shared_ptr<policy::peer_verifier const> verifier;  ///< null: the site ignores client certificates
    tls::client_ca_names ca_names;
    std::optional<policy::password_only> password_only;           ///< unset: nobody without a certificate
    std::shared_ptr<policy::identity_resolver const> identities;  ///< null: there is nobody to ask
    std::shared_ptr<backend_pool> backends;
    std::shared_ptr<data::port_allocator> ports;
    session_limits limits;
    login_bans bans;
    std::unique_ptr<metrics::site_metrics> counters;

    bool certificates_log_in() const { return identities && settings.authentication.client_certificate; }
};

/// One listening address and the sites behind it, in the order of the configuration: the first is the default.
struct listener_group {
    config::endpoint address;
    config::tls_mode tls = config::tls_mode::explicit_tls;
    std::vector<config::ip_network> proxy_from;  ///< who has to send a PROXY header
    std::vector<std::shared_ptr<site_runtime>> sites;
    std::shared_ptr<std::vector<ftp::site_rules> const> rules;  ///< index by index those of `sites`
    /// Where tickets and session ids of all connections of this listener live; null = no site has a certificate.
    SSL_CTX* tickets = nullptr;
};

/// Whether connections from this address, data connections too, have to begin with a PROXY header.
bool expects_proxy_header(listener_group const& group, boost::asio::ip::address const& from);

struct runtime {
    config::settings settings;
    std::vector<std::shared_ptr<site_runtime>> sites;
    std::vector<std::shared_ptr<listener_group const>> listeners;
};

struct runtime_result {
    std::shared_ptr<runtime const> value;  ///< null when there are faults
    config::problems faults;
};

/// Opens no socket. Faults are those of the files that the settings name. After a reload the places that sessions hold,
/// the passive ports and what is known of backends are those of `previous`.
runtime_result build_runtime(config::settings settings, metrics::registry& counters,
                             std::shared_ptr<policy::verification_service> const& verification,
                             runtime const* previous = nullptr);

/// What the core has to know of a site. `tls_id`: sites with the same one are the same to TLS (B-085, B-277).
ftp::site_rules rules_of(config::site_settings const& site, std::string tls_id);

}  // namespace ftpsgate::proxy
