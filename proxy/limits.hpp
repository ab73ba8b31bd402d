// How many sessions there are at once, on a site and per client, and who may still come in. A client is an IPv4 address
// or an IPv6 /64 network, as one host commands all addresses of its /64; IPv4-mapped addresses count as IPv4. Memory is
// bounded by the sessions that were admitted: a client without sessions is forgotten.
//
// One object per site, kept across reloads: the limits in force are told with every call. Thread-safe.
#pragma once

#include "config/settings.hpp"

#include <boost/asio/ip/address.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <variant>

namespace ftpsgate::proxy {

/// What is counted as one client.
struct client_key {
    std::uint64_t network = 0;  ///< the upper half of an IPv6 address; 0 for IPv4
    std::uint64_t host = 0;     ///< IPv4: ffff:a.b.c.d; 0 for IPv6
    bool operator==(client_key const&) const = default;
};

client_key key_of(boost::asio::ip::address const& address);

/// Seeded, as clients choose the keys.
class client_key_hash {
public:
    client_key_hash();
    std::size_t operator()(client_key const& key) const;

private:
    std::uint64_t seed_;
};

enum class limit_reason {
    site_full,    ///< limits.sessions
    client_full,  ///< limits.sessions_per_client
};

class session_limits {
    struct counters;

public:
    /// One admitted session; gives its place back when destroyed, whichever thread that is. May outlive the counters'
    /// owner.
    class slot {
    public:
        slot() = default;  // holds no place
        slot(slot&& other) noexcept = default;
        slot& operator=(slot&& other) noexcept;
        ~slot() { release(); }
        void release() noexcept;
        explicit operator bool() const { return counted_in_ != nullptr; }

    private:
        friend class session_limits;
        slot(std::shared_ptr<counters> counted_in, client_key client)
            : counted_in_(std::move(counted_in)), client_(client) {}

        std::shared_ptr<counters> counted_in_;
        client_key client_;
    };

    session_limits();

    std::variant<slot, limit_reason> admit(config::limits_settings const& limits,
                                           boost::asio::ip::address const& client);
    std::size_t sessions() const;
    /// Clients that are remembered, for tests and the status page.
    std::size_t clients() const;

private:
    std::shared_ptr<counters> counters_;
};

}  // namespace ftpsgate::proxy
