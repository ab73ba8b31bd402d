// The clocks of a session. Time enters the core as data: it arms a deadline and gets deadline_passed, so no test waits.
#pragma once

#include <chrono>
#include <cstddef>

namespace ftpsgate::ftp {

enum class deadline_kind : unsigned char {
    login,      ///< absolute, from the connection to the login (A-055)
    handshake,  ///< control TLS (A-056)
    idle,       ///< between commands; not during transfers (B-207)
    reply,      ///< the backend owes a reply
    rest,       ///< the backend owes the rest of a reply that has begun (B-018)
    settle,     ///< replies of an aborted transfer that are still to be swallowed (B-228)
    start,      ///< the 1xx of an upload is held back a moment (see transfer_machine)
    verdict,    ///< a data leg ended: what does the backend say about it (B-216, B-210)
    linger,     ///< the backend said 226 and does not end its data connection (B-205)
    drain,      ///< while the gate shuts down: the client said nothing for a moment
};
inline constexpr std::size_t deadline_kinds = 10;

/// Fixed waits of PROTOCOL.md that are not worth a key.
namespace waits {
using namespace std::chrono_literals;
inline constexpr std::chrono::milliseconds rest = 5s;    // B-018 reply_idle
inline constexpr std::chrono::milliseconds settle = 5s;  // B-228 abor_timeout
inline constexpr std::chrono::milliseconds start = 300ms;
inline constexpr std::chrono::milliseconds verdict = 1s;     // how long a clean end waits for a refusal (B-168)
inline constexpr std::chrono::milliseconds linger = 2500ms;  // twice without a byte between: B-205 data_linger, 5 s
inline constexpr std::chrono::milliseconds drain = 1s;       // who is silent for so long is between two tasks (B-222)
}  // namespace waits

}  // namespace ftpsgate::ftp
