#include "proxy/handshake_limits.hpp"

#include <algorithm>

namespace ftpsgate::proxy {

std::variant<session_limits::slot, limit_reason> handshake_limits::admit(config::limits_settings const& limits,
                                                                         boost::asio::ip::address const& client) {
    config::limits_settings bounds;
    bounds.sessions = most;
    // Of few sessions each may be in its handshake: who may have two may begin them together.
    bounds.sessions_per_client = std::clamp(limits.sessions_per_client * 3 / 4,
                                            std::min(limits.sessions_per_client, always_allowed), most_of_one_client);
    return counted_.admit(bounds, client);
}

}  // namespace ftpsgate::proxy
