#include "proxy/limits.hpp"

#include <boost/asio/ip/address_v6.hpp>

#include <mutex>
#include <random>
#include <unordered_map>
#include <utility>

namespace ftpsgate::proxy {

namespace {

std::uint64_t mix(std::uint64_t value) {
    value = (value ^ (value >> 30)) * 0xbf58476d1ce4e5b9ULL;
    value = (value ^ (value >> 27)) * 0x94d049bb133111ebULL;
    return value ^ (value >> 31);
}

}  // namespace

client_key_hash::client_key_hash() : seed_(std::uint64_t{std::random_device{}()} << 32 | std::random_device{}()) {
}

std::size_t client_key_hash::operator()(client_key const& key) const {
    return static_cast<std::size_t>(mix(mix(key.network ^ seed_) ^ key.host));
}

struct session_limits::counters {
    mutable std::mutex guard;
    std::size_t sessions = 0;
    std::unordered_map<client_key, std::size_t, client_key_hash> clients;

    void leave(client_key const& client) noexcept {
        std::lock_guard const lock(guard);
        --sessions;
        auto const found = clients.find(client);
        if (--found->second == 0) clients.erase(found);
    }
};

client_key key_of(boost::asio::ip::address const& address) {
    if (address.is_v4()) return {0, 0xFFFF'0000'0000ULL | address.to_v4().to_uint()};
    auto const v6 = address.to_v6();
    if (v6.is_v4_mapped()) return key_of(boost::asio::ip::make_address_v4(boost::asio::ip::v4_mapped, v6));
    client_key key;
    auto const bytes = v6.to_bytes();
    for (std::size_t i = 0; i < 8; ++i)
        key.network = key.network << 8 | bytes[i];
    return key;
}

session_limits::session_limits() : counters_(std::make_shared<counters>()) {
}

std::variant<session_limits::slot, limit_reason> session_limits::admit(config::limits_settings const& limits,
                                                                       boost::asio::ip::address const& client) {
    auto const key = key_of(client);
    std::lock_guard const lock(counters_->guard);
    if (counters_->sessions >= limits.sessions) return limit_reason::site_full;
    auto const found = counters_->clients.find(key);
    std::size_t const present = found == counters_->clients.end() ? 0 : found->second;
    if (present >= limits.sessions_per_client) return limit_reason::client_full;
    counters_->clients[key] = present + 1;
    ++counters_->sessions;
    return slot(counters_, key);
}

std::size_t session_limits::sessions() const {
    std::lock_guard const lock(counters_->guard);
    return counters_->sessions;
}

std::size_t session_limits::clients() const {
    std::lock_guard const lock(counters_->guard);
    return counters_->clients.size();
}

session_limits::slot& session_limits::slot::operator=(slot&& other) noexcept {
    if (this == &other) return *this;
    release();
    counted_in_ = std::move(other.counted_in_);
    client_ = other.client_;
    return *this;
}

void session_limits::slot::release() noexcept {
    if (auto const counted_in = std::exchange(counted_in_, nullptr)) counted_in->leave(client_);
}

}  // namespace ftpsgate::proxy
