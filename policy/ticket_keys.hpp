// The keys that session tickets are sealed with. The library's own change every two days and are forgotten two days
// later: a client that shows its first ticket for ever (B-161) would stop resuming in the middle of a long session.
// These last as long as sessions do (B-162) and are one set for the process, so a reload of the configuration costs no
// live session its resumption. Which control session a ticket belongs to is not the keys' business but that of
// the session-id context inside it (B-157).
#pragma once

#include "policy/boringssl.hpp"

#include <array>
#include <chrono>
#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <span>

namespace ftpsgate::policy {

/// Of sessions and tickets: longer than control sessions last, and the most that TLS 1.3 allows (RFC 8446 4.6.1).
constexpr std::chrono::hours session_lifetime{7 * 24};

struct ticket_key {
    std::array<std::uint8_t, SSL_TICKET_KEY_NAME_LEN> name{};  ///< public, random
    std::array<std::uint8_t, 16> cipher{};                     ///< AES-128-CBC
    std::array<std::uint8_t, 32> authentication{};             ///< HMAC-SHA-256
};

/// Thread-safe.
class ticket_keys {
public:
    using clock = std::chrono::steady_clock;
    using clock_source = std::function<clock::time_point()>;

    explicit ticket_keys(clock_source now = clock::now);

    /// For a new ticket. Replaced after session_lifetime, then still found for as long again.
    ticket_key current();
    std::optional<ticket_key> find(std::span<std::uint8_t const> name);

private:
    void rotate();

    clock_source now_;
    std::mutex mutex_;
    ticket_key newest_;
    std::optional<ticket_key> previous_;
    clock::time_point newest_since_;
};

/// Makes the context seal and open tickets with the process's keys.
void use_shared_ticket_keys(SSL_CTX* context);

}  // namespace ftpsgate::policy
