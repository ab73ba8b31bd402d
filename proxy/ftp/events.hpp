// Everything that can happen to a session, as data. The driver (proxy/session) turns I/O into these; the core turns
// them into actions. Every event is legal in every phase; one that means nothing there is ignored.
#pragma once

#include "proxy/ftp/deadline_kind.hpp"
#include "proxy/ftp/host_port.hpp"
#include "proxy/ftp/session_plan.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

namespace ftpsgate::ftp {

// --- the client's control connection
struct client_bytes {
    std::string_view bytes;
};                            ///< plain text; valid during handle() only
struct client_secured {       ///< the TLS handshake is done
    std::size_t site = 0;     ///< chosen by SNI, or the one that start_tls named
    std::string server_name;  ///< SNI, "" = none
    std::string version;      ///< "TLSv1.3"
};
struct client_cleared {};  ///< CCC is done: both close_notify were seen
struct client_gone {};     ///< ended or broke, handshake failures included

// --- the decision who may log in
enum class login_method { password, certificate };
struct access_decided {
    std::optional<session_plan> plan{};  ///< nullopt = refused
    std::string refusal{};               ///< why, for the log only
    login_method method = login_method::password;
};

// --- the backend's control connection
struct backend_connected {
    ip_address address;         ///< of the backend
    ip_address local;           ///< the gate's end
    bool refuses_epsv = false;  ///< learned by an earlier session (B-137)
    /// There is another backend to be asked when this one has not greeted after so long; unset: there is none.
    std::optional<std::chrono::milliseconds> greeting_limit{};
};
struct backend_unreachable {};
struct backend_bytes {
    std::string_view bytes;
};  ///< valid during handle() only
struct backend_gone {};

// --- data connections
struct client_listening {
    std::uint16_t port = 0;
};
struct client_listen_failed {};
struct backend_listening {
    ip_endpoint where;
};
struct backend_listen_failed {};
struct client_data_handshaking {};  ///< the client has sent its ClientHello
struct client_data_up {};           ///< belongs to this session, handshake done
enum class data_fault { connect, handshake, not_resumed };
struct client_data_failed {
    data_fault fault = data_fault::connect;
};
struct backend_data_up {};
struct backend_data_failed {};
enum class copy_result {
    clean,
    client_truncated,  ///< the client's TLS ended without close_notify
    client_failed,     ///< RST, early close
    backend_failed,    ///< RST, early close, data where none may come
    idle,              ///< neither leg moved
};
struct relay_done {
    copy_result result = copy_result::clean;
};
struct client_data_finished {
    bool sent = true;
};                 ///< close_notify and FIN are out (B-196)
struct progress {  ///< the answer to ask_progress
    std::uint64_t bytes = 0;
    bool starved = false;  ///< everything taken so far is delivered; the source is silent
};

// --- time and operator
struct deadline_passed {
    deadline_kind kind;
};
enum class shutdown_kind { drain, now };
struct shutdown {
    shutdown_kind kind = shutdown_kind::drain;
};

using event = std::variant<client_bytes, client_secured, client_cleared, client_gone, access_decided, backend_connected,
                           backend_unreachable, backend_bytes, backend_gone, client_listening, client_listen_failed,
                           backend_listening, backend_listen_failed, client_data_handshaking, client_data_up,
                           client_data_failed, backend_data_up, backend_data_failed, relay_done, client_data_finished,
                           progress, deadline_passed, shutdown>;

}  // namespace ftpsgate::ftp
