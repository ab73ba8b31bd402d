// Clients that are kept out for a while because their passwords were wrong too often (limits.ban_after, ban_window,
// ban_time; A-059). A client is counted as in limits.hpp. Only logins with a password count, and a site where
// certificates log in still lets the banned ones connect: whoever shares an address with an attacker can log in with
// his certificate.
//
// Memory is bounded: who failed longest ago is forgotten first. One object per site, kept across reloads. Thread-safe.
#pragma once

#include "config/settings.hpp"
#include "proxy/limits.hpp"

#include <boost/asio/ip/address.hpp>

#include <chrono>
#include <cstddef>
#include <memory>

namespace ftpsgate::proxy {

class login_bans {
public:
    using clock = std::chrono::steady_clock;

    login_bans();

    /// A login of this client failed. True: it is banned from now on.
    bool failed(config::limits_settings const& limits, boost::asio::ip::address const& client, clock::time_point now);
    bool is_banned(boost::asio::ip::address const& client, clock::time_point now) const;
    /// Clients that are remembered, for tests.
    std::size_t clients() const;

private:
    struct book;
    std::shared_ptr<book> book_;  // shared by the snapshots before and after a reload
};

}  // namespace ftpsgate::proxy
