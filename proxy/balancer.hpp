// Which of several servers the next session goes to. Arithmetic only: what is up, and how many sessions there are, is
// told with each question, so a test needs no clock and no socket. Not thread-safe: backend_pool has the lock.
//
// Servers that come back get a part of their share first (slow start), and one that was found down may have a single
// session to prove itself (a trial). Backups count only while no other server can be used.
#pragma once

#include "config/settings.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

namespace ftpsgate::proxy {

/// How a server stands at the moment.
struct server_standing {
    unsigned share = 100;      ///< percent of its weight that counts; 0 = not to be used
    std::size_t sessions = 0;  ///< that it has, those that are being connected included
    bool on_trial = false;     ///< down, and this session would find out whether it still is
};

/// The same for every gate and every run, so that all gates send a user to the same server.
std::uint64_t stable_hash(std::string_view text);

class balancer {
public:
    struct member {
        std::uint64_t id = 0;  ///< stable_hash() of its name: what its keys depend on, not its place in the list
        unsigned weight = 1;
        bool backup = false;
    };

    balancer(config::balance_method method, std::vector<member> members);

    /// Index by index the members. `key` is stable_hash() of the user or the client; of no meaning to methods that do
    /// not look at it. Nothing: none can be used.
    ///
    /// round_robin: smooth weighted round-robin, as nginx has it: of weights 3 and 1, a a b a. least_sessions: the
    /// smallest (sessions + 1) / weight, equals in turn. per_user, per_client: weighted rendezvous hashing; when a
    /// server comes or goes, only keys of that server move. first: the first of the list.
    std::optional<std::size_t> choose(std::vector<server_standing> const& now, std::uint64_t key);

private:
    using indexes = std::vector<std::size_t>;

    indexes usable(std::vector<server_standing> const& now) const;
    std::uint64_t weight_of(std::size_t index, std::vector<server_standing> const& now) const;
    std::size_t in_turn(indexes const& among, std::vector<server_standing> const& now);
    std::size_t least_loaded(indexes const& among, std::vector<server_standing> const& now);
    std::size_t owner_of(std::uint64_t key, indexes const& among, std::vector<server_standing> const& now) const;
    std::size_t first_of(indexes const& among, std::vector<server_standing> const& now);

    config::balance_method method_;
    std::vector<member> members_;
    std::vector<std::int64_t> credit_;  // of round-robin and slow start, index by index
};

}  // namespace ftpsgate::proxy
