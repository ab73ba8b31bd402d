#include "proxy/login_bans.hpp"

#include <deque>
#include <list>
#include <mutex>
#include <unordered_map>

namespace ftpsgate::proxy {

namespace {

constexpr std::size_t most_clients = 100'000;

struct offender {
    client_key client;
    std::deque<login_bans::clock::time_point> failures;  // within the window; the latest last
    login_bans::clock::time_point banned_until = login_bans::clock::time_point::min();
};

}  // namespace

struct login_bans::book {
    using entries = std::list<offender>;

    std::mutex guard;
    entries by_last_failure;
    std::unordered_map<client_key, entries::iterator, client_key_hash> clients;

    offender& entry_of(client_key const& client) {
        auto const found = clients.find(client);
        if (found != clients.end()) {
            by_last_failure.splice(by_last_failure.end(), by_last_failure, found->second);
            return *found->second;
        }
        if (clients.size() >= most_clients) forget_first();
        by_last_failure.push_back({client, {}});
        clients[client] = std::prev(by_last_failure.end());
        return by_last_failure.back();
    }

    // Who is remembered for nothing any more.
    void forget_old(clock::time_point now, config::milliseconds window) {
        while (!by_last_failure.empty()) {
            auto const& first = by_last_failure.front();
            bool const counts = !first.failures.empty() && first.failures.back() + window > now;
            if (counts || first.banned_until > now) return;
            forget_first();
        }
    }

    void forget_first() {
        clients.erase(by_last_failure.front().client);
        by_last_failure.pop_front();
    }
};

login_bans::login_bans() : book_(std::make_shared<book>()) {
}

bool login_bans::failed(config::limits_settings const& limits, boost::asio::ip::address const& client,
                        clock::time_point now) {
    if (limits.ban_after == 0) return false;
    std::lock_guard const lock(book_->guard);
    book_->forget_old(now, limits.ban_window);
    auto& one = book_->entry_of(key_of(client));
    one.failures.push_back(now);
    while (one.failures.front() + limits.ban_window <= now)
        one.failures.pop_front();
    if (one.failures.size() < limits.ban_after) return false;
    bool const fresh = one.banned_until <= now;
    one.failures.clear();
    one.banned_until = now + limits.ban_time;
    return fresh;
}

bool login_bans::is_banned(boost::asio::ip::address const& client, clock::time_point now) const {
    std::lock_guard const lock(book_->guard);
    if (book_->clients.empty()) return false;
    auto const found = book_->clients.find(key_of(client));
    return found != book_->clients.end() && found->second->banned_until > now;
}

std::size_t login_bans::clients() const {
    std::lock_guard const lock(book_->guard);
    return book_->clients.size();
}

}  // namespace ftpsgate::proxy
