// One client, from accept to close: owns the sockets, the clocks and the core, and moves events in and actions out. No
// word of FTP is in here: what to do is decided by ftp::control_core, this only does it.
//
// All of a session runs on its worker's thread. Events that come up while actions are being performed wait in the
// inbox, so the core is never entered from within itself.
#pragma once

#include "proxy/backend.hpp"
#include "proxy/control_channel.hpp"
#include "proxy/data/proxy_protocol.hpp"
#include "proxy/data_connection.hpp"
#include "proxy/deadlines.hpp"
#include "proxy/ftp/control_core.hpp"
#include "proxy/handshake_limits.hpp"
#include "proxy/runtime.hpp"
#include "proxy/session_journal.hpp"
#include "proxy/tls/session_binding.hpp"

#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace ftpsgate::proxy {

class session {
public:
    struct surroundings {
        worker& home;
        session_journal::logs logs;
        std::shared_ptr<listener_group const> group;
        session_limits::slot place;                    ///< of the group's first site, where the client was admitted
        handshake_limits& handshakes;                  ///< of all sessions
        std::optional<data::connection_ends> proxied;  ///< what a PROXY header said; unset: the socket's own ends
        std::function<void(session*)> on_over;         ///< posted once; the owner may then destroy the session
    };

    /// `peer`: the other end of the socket, which may be a balancer.
    session(surroundings around, net::socket socket, boost::asio::ip::tcp::endpoint const& peer);
    ~session();
    session(session const&) = delete;
    session& operator=(session const&) = delete;

    void start();
    void shut_down(ftp::shutdown_kind kind) { deliver(ftp::shutdown{kind}); }

    bool is_over() const { return over_; }
    /// As it is now, for /sessions and the status page; session_report.cpp.
    metrics::session_row report() const;

private:
    void deliver(ftp::event const& what);
    void perform(ftp::actions todo);
    void after_events();

    void perform(ftp::send_client& action);
    void perform(ftp::start_tls const& action);
    void perform(ftp::stop_tls const&);
    void perform(ftp::decide_access const& action);
    void perform(ftp::connect_backend const&);
    void perform(ftp::send_backend& action);
    void perform(ftp::drop_backend const&);
    void perform(ftp::pass_over_backend const&);
    void perform(ftp::learn_backend_refuses_epsv const&);
    void perform(ftp::listen_client const& action);
    void perform(ftp::target_client const& action);
    void perform(ftp::protect_client const& action);
    void perform(ftp::listen_backend const&);
    void perform(ftp::target_backend const& action);
    void perform(ftp::begin_data const& action);
    void perform(ftp::start_relay const&);
    void perform(ftp::finish_client_data const&);
    void perform(ftp::finish_backend_data const&);
    void perform(ftp::abort_data const&);
    void perform(ftp::ask_progress const&);
    void perform(ftp::arm_deadline const& action);
    void perform(ftp::cancel_deadline const& action);
    void perform(ftp::note_command const& action);
    void perform(ftp::note_denied const& action);
    void perform(ftp::note_greeting const& action);
    void perform(ftp::note_login const& action);
    void perform(ftp::note_transfer const& action);
    void perform(ftp::note_attack const& action);
    void perform(ftp::finish const& action);

    control_channel::handlers client_handlers();
    control_channel::handlers backend_handlers();
    data_connection::handlers data_handlers();
    data_connection::settings data_settings();
    tls::server_options tls_options(ftp::start_tls const& action);
    tls::server_options data_tls_options();
    std::string header_for_backend() const;
    void heard_from_client(std::string_view bytes);
    void check_peer(std::vector<std::string> chain);
    void peer_checked(policy::peer_verdict const& verdict);
    void secured(tls::session_facts const& facts);
    void secure_failed(tls::failure const& why);
    void backend_decided(backend_outcome outcome);
    std::uint64_t balance_key() const;
    void leave_backend(std::chrono::milliseconds limit);
    std::string const& backend_name() const { return site().backends->name(backend_place_.server()); }
    bool has_place_on(std::size_t index);
    bool may_secure(std::size_t index);
    ftp::core_settings core_settings();
    ftp::access_decided decide_password(ftp::decide_access const& action) const;
    ftp::access_decided decide_mapped(ftp::decide_access const& action, policy::identity_decision const& identity);

    std::string const& user() const;
    site_runtime& site() const { return *group_->sites[core_.state().site]; }

    worker& home_;
    std::shared_ptr<listener_group const> group_;
    session_limits::slot place_;
    std::size_t place_site_ = 0;
    handshake_limits& handshakes_;
    session_limits::slot handshake_place_;  // while a handshake is under way
    std::function<void(session*)> on_over_;
    data::connection_ends ends_;  // as the client sees them
    address_pair client_addresses_;
    bool heard_ = false;  // of the client
    std::shared_ptr<control_channel> client_;
    std::shared_ptr<control_channel> backend_;
    std::unique_ptr<backend_connector> connector_;  // until the backend has greeted
    backend_pool::lease backend_place_;             // while backend_ is set
    deadlines deadlines_;
    data_connection data_;
    tls::session_binding binding_;
    std::size_t sni_site_ = 0;
    std::chrono::steady_clock::time_point const began_ = std::chrono::steady_clock::now();
    std::chrono::steady_clock::time_point handshake_began_{};
    policy::peer_verifier::pending verification_;
    policy::identity_resolver::pending identification_;
    std::shared_ptr<policy::verified_peer const> peer_;  // null: no certificate was asked for, or none was sent
    bool peer_refused_ = false;                          // by the verifier, which has been told of
    ftp::control_core core_;
    session_journal journal_;
    std::deque<ftp::event> inbox_;
    bool performing_ = false;
    bool over_ = false;
};

}  // namespace ftpsgate::proxy
