// How many TLS handshakes may be under way on control connections, for each client and on the whole gate.
// Whoever is over it gets 431, or is closed on the implicit port; established sessions and their data connections,
// which resume, are not counted.
//
// There is no key for it: a client may have three quarters of its sessions (limits.sessions_per_client) in a handshake
// at once, up to 16 all of them, and 512 at most; the gate has 4096. How fast they are done is a matter of
// handshake_turns. Thread-safe.
#pragma once

#include "config/settings.hpp"
#include "proxy/limits.hpp"

#include <boost/asio/ip/address.hpp>

#include <cstddef>
#include <variant>

namespace ftpsgate::proxy {

class handshake_limits {
public:
    static constexpr std::size_t most_of_one_client = 512;
    static constexpr std::size_t always_allowed = 16;
    static constexpr std::size_t most = 4096;

    /// To be kept while the handshake is under way. `limits`: those of the site that the client came to.
    std::variant<session_limits::slot, limit_reason> admit(config::limits_settings const& limits,
                                                           boost::asio::ip::address const& client);
    std::size_t under_way() const { return counted_.sessions(); }

private:
    session_limits counted_;
};

}  // namespace ftpsgate::proxy
