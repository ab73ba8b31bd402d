// The core's complete I/O vocabulary: what the driver is to do, in order. Performing an action never waits; its outcome
// comes back as an event.
#pragma once

#include "proxy/ftp/deadline_kind.hpp"
#include "proxy/ftp/host_port.hpp"
#include "proxy/ftp/verbs.hpp"

#include <chrono>
#include <cstdint>
#include <string>
#include <variant>
#include <vector>

namespace ftpsgate::ftp {

// --- the client's control connection
struct send_client {
    std::string bytes;
};
struct start_tls {  ///< after what was sent before is flushed -> client_secured / client_gone
    std::size_t site = 0;
    bool fixed = false;  ///< the site was chosen by HOST: SNI does not change it
};
struct stop_tls {};  ///< close_notify, wait for the peer's -> client_cleared / client_gone

// --- policy
struct decide_access {  ///< -> access_decided
    std::size_t site = 0;
    std::string user;
};

// --- the backend's control connection
struct connect_backend {};                    ///< -> backend_connected / backend_unreachable
enum class urgency { normal, telnet_synch };  ///< IAC IP, and IAC DM as TCP urgent data, first (B-229)
enum class sensitivity { plain, secret };
struct send_backend {
    std::string bytes;
    sensitivity content = sensitivity::plain;  ///< secret: wiped once it is sent
    urgency how = urgency::normal;
};
struct drop_backend {};                ///< QUIT if it can take it, then close; no event follows
struct pass_over_backend {};           ///< close it; another one -> backend_connected / backend_unreachable
struct learn_backend_refuses_epsv {};  ///< for later sessions (B-137)

// --- data connections; at most one leg on each side
enum class protection { clear, tls };
struct listen_client {
    protection level = protection::tls;
};  ///< -> client_listening / client_listen_failed
struct target_client {
    ip_endpoint where;
    protection level = protection::tls;
};
struct protect_client {
    protection level = protection::tls;
};                         ///< PROT between set-up and transfer (B-056)
struct listen_backend {};  ///< -> backend_listening / backend_listen_failed
struct target_backend {
    ip_endpoint where;
};
enum class copy_direction { to_client, to_backend };
struct begin_data {
    copy_direction way = copy_direction::to_client;
};                              ///< both legs -> client_data_up/_failed, backend_data_up/_failed
struct start_relay {};          ///< -> relay_done
struct finish_client_data {};   ///< close_notify and FIN -> client_data_finished
struct finish_backend_data {};  ///< FIN, then close
struct abort_data {};           ///< both legs: RST where connected, closed where not; no event follows
struct ask_progress {};         ///< -> progress

// --- time
struct arm_deadline {
    deadline_kind kind;
    std::chrono::milliseconds after;
};
struct cancel_deadline {
    deadline_kind kind;
};

// --- for the log and the counters
struct note_command {
    verb_row const* row = nullptr;
};
struct note_denied {
    std::string command;
};  ///< rendered for the log
struct note_login {
    std::string user;  ///< as the client gave it
    bool accepted = false;
    std::string reason;
    bool by_certificate = false;
    std::string mapped_user;         ///< who it is at the backend; only by certificate
    bool wrong_credentials = false;  ///< the client's own name and password, which the backend did not take (A-059)
};
/// What the first words of a backend were worth; told once for each that was connected to, unless the client left
/// before.
enum class greeting { good, bad, missing };
struct note_greeting {
    greeting how = greeting::good;
    std::string words{};  ///< what was wrong
};
enum class transfer_result { ok, refused, aborted, client_failed, backend_failed, truncated, not_protected, timeout };
/// As TYPE has it (RFC 959 section 3.1.1); images include local bytes.
enum class representation { ascii, image };
struct note_transfer {
    direction way = direction::none;
    std::string path;
    transfer_result result = transfer_result::ok;
    bool stored_anyway = false;  ///< the backend said 2yz for a cut upload (B-223)
    bool begun = false;          ///< bytes could move
    representation type = representation::ascii;
};
enum class attack_kind { starttls_injection, bounce, data_theft, reply_injection, cross_protocol, proxy_header };
struct note_attack {
    attack_kind kind;
};

enum class end_reason {
    closed,
    client_gone,
    login_timeout,
    idle_timeout,
    handshake,
    refused,  ///< there was no room for its TLS handshake (A-057)
    backend_unreachable,
    backend_gone,
    backend_desync,
    failed_logins,
    protocol,
    shutdown
};
struct finish {
    end_reason reason = end_reason::closed;
};  ///< flush (bounded), close_notify, close; always last

using action = std::variant<send_client, start_tls, stop_tls, decide_access, connect_backend, send_backend,
                            drop_backend, pass_over_backend, learn_backend_refuses_epsv, listen_client, target_client,
                            protect_client, listen_backend, target_backend, begin_data, start_relay, finish_client_data,
                            finish_backend_data, abort_data, ask_progress, arm_deadline, cancel_deadline, note_command,
                            note_denied, note_greeting, note_login, note_transfer, note_attack, finish>;
using actions = std::vector<action>;

/// Fixed words for logs and metric labels.
char const* to_string(transfer_result result);
char const* to_string(attack_kind kind);
char const* to_string(end_reason reason);

}  // namespace ftpsgate::ftp
