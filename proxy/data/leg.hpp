// What both legs of a data connection have in common: how they fail. "Leg" is one of the two halves of a transfer,
// client-gate or gate-backend.
#pragma once

namespace ftpsgate::data {

enum class leg_failure {
    connect,       ///< refused, unreachable, or no connection in time
    handshake,     ///< TLS failed, or took longer than the handshake time-out (B-155, A-035)
    not_resumed,   ///< TLS without resumption of this control session where that is required (B-156)
};

/// Fixed word for logs and metric labels.
char const* to_string(leg_failure failure);

}  // namespace ftpsgate::data
