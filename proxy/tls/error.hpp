// Why a TLS step failed, as a value: for logs and counters, never for the peer.
#pragma once

#include <string>

namespace ftpsgate::tls {

enum class failure_kind {
    none,
    protocol,           ///< bytes that are no TLS, bad records, bad MAC
    no_shared_version,  ///< nothing in common (A-010)
    no_shared_cipher,
    no_application_protocol,  ///< ALPN without ftp (B-044, A-011)
    unusable_name,            ///< SNI that is no host name (A-016)
    certificate_absent,       ///< no client certificate where one is required (B-183)
    certificate_malformed,    ///< the library could not read the client's certificates, or they were too many
    certificate_refused,      ///< the client's certificate was not accepted
    peer_alert,               ///< the peer sent a fatal alert
    truncated,                ///< the connection ended inside the handshake or without close_notify
    other,
};

struct failure {
    failure_kind kind = failure_kind::none;
    std::string text;  ///< library's reason, one line; never shown to the peer
};

/// Fixed word for logs and metric labels.
char const* to_string(failure_kind kind);

/// Empties the thread's error queue into one value.
failure drain_errors();

}  // namespace ftpsgate::tls
