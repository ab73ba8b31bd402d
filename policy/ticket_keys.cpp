#include "policy/ticket_keys.hpp"

#include <algorithm>
#include <utility>

namespace ftpsgate::policy {

namespace {

ticket_key draw() {
    ticket_key drawn;
    RAND_bytes(drawn.name.data(), drawn.name.size());
    RAND_bytes(drawn.cipher.data(), drawn.cipher.size());
    RAND_bytes(drawn.authentication.data(), drawn.authentication.size());
    return drawn;
}

// The library does not tell its callbacks which context the connection was made from, so the set is the process's.
ticket_keys& shared_keys() {
    static ticket_keys keys;
    return keys;
}

int init_mac(HMAC_CTX* mac, ticket_key const& key) {
    return HMAC_Init_ex(mac, key.authentication.data(), key.authentication.size(), EVP_sha256(), nullptr);
}

int seal_with_newest(std::uint8_t* name, std::uint8_t* iv, EVP_CIPHER_CTX* cipher, HMAC_CTX* mac) {
    auto const key = shared_keys().current();
    std::copy(key.name.begin(), key.name.end(), name);
    RAND_bytes(iv, EVP_CIPHER_iv_length(EVP_aes_128_cbc()));
    bool const ready =
        EVP_EncryptInit_ex(cipher, EVP_aes_128_cbc(), nullptr, key.cipher.data(), iv) == 1 && init_mac(mac, key) == 1;
    return ready ? 1 : -1;
}

int open_with_named(std::uint8_t const* name, std::uint8_t const* iv, EVP_CIPHER_CTX* cipher, HMAC_CTX* mac) {
    auto const key = shared_keys().find({name, SSL_TICKET_KEY_NAME_LEN});
    if (!key) return 0;  // too old, or of another process: a full handshake follows
    bool const ready =
        EVP_DecryptInit_ex(cipher, EVP_aes_128_cbc(), nullptr, key->cipher.data(), iv) == 1 && init_mac(mac, *key) == 1;
    return ready ? 1 : -1;
}

int ticket_callback(SSL*, std::uint8_t* name, std::uint8_t* iv, EVP_CIPHER_CTX* cipher, HMAC_CTX* mac, int encrypt) {
    return encrypt == 1 ? seal_with_newest(name, iv, cipher, mac) : open_with_named(name, iv, cipher, mac);
}

}  // namespace

ticket_keys::ticket_keys(clock_source now) : now_(std::move(now)), newest_(draw()), newest_since_(now_()) {
}

ticket_key ticket_keys::current() {
    std::lock_guard const guard(mutex_);
    rotate();
    return newest_;
}

std::optional<ticket_key> ticket_keys::find(std::span<std::uint8_t const> name) {
    std::lock_guard const guard(mutex_);
    rotate();
    if (std::ranges::equal(name, newest_.name)) return newest_;
    if (previous_ && std::ranges::equal(name, previous_->name)) return previous_;
    return std::nullopt;
}

void ticket_keys::rotate() {
    auto const age = now_() - newest_since_;
    if (age < session_lifetime) return;
    // Nothing was asked for so long that even the newest key is past its time.
    bool const both_too_old = age >= 2 * session_lifetime;
    previous_ = both_too_old ? std::nullopt : std::optional(newest_);
    newest_ = draw();
    newest_since_ = both_too_old ? now_() : newest_since_ + session_lifetime;
}

void use_shared_ticket_keys(SSL_CTX* context) {
    SSL_CTX_set_tlsext_ticket_key_cb(context, ticket_callback);
}

}  // namespace ftpsgate::policy
