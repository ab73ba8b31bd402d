// What a session leaves behind: log lines, counters, and refusals for the status page (INTERFACE.md, "Log events" and
// "Metrics"). The session tells what happened, this knows how it is written down.
#pragma once

#include "policy/identity.hpp"
#include "policy/verdict.hpp"
#include "proxy/data/leg.hpp"
#include "proxy/ftp/actions.hpp"
#include "proxy/limits.hpp"
#include "proxy/log.hpp"
#include "proxy/refusals.hpp"
#include "proxy/runtime.hpp"
#include "proxy/tls/engine.hpp"
#include "proxy/transfer_log.hpp"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace ftpsgate::proxy {

class session_journal {
public:
    using clock = std::chrono::steady_clock;

    struct logs {
        event_log& events;
        transfer_log& transfers;
        recent_refusals& refusals;
    };
    /// `via`: the balancer that the client came through, "" = none.
    session_journal(logs to, std::string client, std::string via);

    void opened(site_runtime& site);
    void closed(ftp::end_reason reason);
    /// The session belongs to another site from now on (SNI, HOST).
    void moved_to(site_runtime& site);

    void tls_established(tls::channel_kind channel, tls::session_facts const& facts, clock::duration took);
    /// What the certificate was found to be; refused ones are told here, accepted ones by peer_admitted().
    void peer_checked(policy::peer_verdict const& verdict);
    /// The handshake is done, with a certificate or (null) without.
    void peer_admitted(policy::verified_peer const* peer);
    void certificate_absent();                          ///< refused for that
    void certificate_malformed(std::string_view text);  ///< refused by the TLS library, which could not read it
    void certificate_unusable(std::string_view text);   ///< refused by the TLS library, for its usage
    void identified(policy::identity_decision const& identity);
    void tls_failed(tls::channel_kind channel, std::string_view reason, std::string_view text);
    /// One on the control connection was not begun: too many are under way.
    void handshake_refused(limit_reason why);
    void command(ftp::note_command const& what);
    void command_denied(ftp::note_denied const& what, std::string_view user);
    void login(ftp::note_login const& what, std::string_view backend);
    void banned(clock::duration time);  ///< the client, from now on
    void transfer(ftp::note_transfer const& what, std::uint64_t bytes, clock::duration took);
    void attack(ftp::attack_kind kind, std::string_view detail);
    void data_failed(data::leg_failure failure, std::string_view detail);

    void backend_connected(std::string_view backend);
    void backend_greeted(std::string_view backend);
    /// Up or down by what this session met; nothing: as before.
    void backend_changed(std::string_view backend, std::optional<backend_health::change> const& change) const;
    void backend_failed(std::string_view backend, std::string_view reason, std::string_view detail);
    void backend_left();

    /// Id, site, client, bytes of transfers that are over, and age.
    metrics::session_row report() const;

private:
    log_line& about(log_line& entry) const;
    void refused_by_library(policy::refusal reason, std::string_view detail, std::string_view text);
    void refused(std::string_view what, std::string_view who, std::string reason) const;
    void file_transferred(ftp::note_transfer const& what, std::uint64_t bytes, clock::duration took);

    event_log& log_;
    transfer_log& transfers_;
    recent_refusals& refusals_;
    std::string id_;
    std::string client_;
    std::string via_;
    site_runtime* site_ = nullptr;
    std::string backend_;             // connected to; "" = none
    std::string user_;                // logged in
    std::string certificate_;         // subject of the client's, "" = none
    std::string certificate_sha256_;  // hex
    clock::time_point opened_at_ = clock::now();
    std::uint64_t commands_ = 0;
    std::uint64_t bytes_ = 0;
};

}  // namespace ftpsgate::proxy
