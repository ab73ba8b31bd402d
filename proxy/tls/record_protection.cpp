#include "proxy/tls/record_protection.hpp"

#include <algorithm>
#include <string_view>

namespace ftpsgate::tls {

namespace {

struct suite {
    EVP_MD const* hash = nullptr;
    EVP_AEAD const* cipher = nullptr;
};

// Appendix B.4. EVP_aead_..._tls13 would refuse nonces that do not begin with the sequence number 0.
suite find_suite(SSL const* ssl) {
    SSL_CIPHER const* const chosen = SSL_get_current_cipher(ssl);
    if (chosen == nullptr) return {};
    switch (SSL_CIPHER_get_protocol_id(chosen)) {
        case 0x1301: return {EVP_sha256(), EVP_aead_aes_128_gcm()};
        case 0x1302: return {EVP_sha384(), EVP_aead_aes_256_gcm()};
        case 0x1303: return {EVP_sha256(), EVP_aead_chacha20_poly1305()};
        default: return {};
    }
}

}  // namespace

std::unique_ptr<record_protection> record_protection::take_over(SSL const* ssl, side sealing) {
    if (SSL_version(ssl) != TLS1_3_VERSION || SSL_in_init(ssl) == 1) return nullptr;
    bssl::Span<std::uint8_t const> client, server;
    if (!bssl::SSL_get_traffic_secrets(ssl, &client, &server)) return nullptr;
    if (SSL_is_server(ssl) != 1) std::swap(client, server);  // what is read comes first
    auto const secret = sealing == side::client ? client : server;
    auto const [hash, cipher] = find_suite(ssl);
    std::unique_ptr<record_protection> made(new record_protection);
    if (cipher == nullptr || secret.size() != EVP_MD_size(hash)) return nullptr;
    made->hash_ = hash;
    made->cipher_ = cipher;
    std::ranges::copy(secret, made->secret_.begin());
    made->secret_size_ = secret.size();
    if (!made->derive()) return nullptr;
    bool const reads = (sealing == side::client) == (SSL_is_server(ssl) == 1);
    made->sequence_ = made->records_ = reads ? SSL_get_read_sequence(ssl) : SSL_get_write_sequence(ssl);
    return made;
}

record_protection::~record_protection() {
    OPENSSL_cleanse(secret_.data(), secret_.size());
    OPENSSL_cleanse(iv_.data(), iv_.size());
}

bool record_protection::seal(std::uint8_t type, std::span<std::uint8_t const> text, std::uint8_t* into) {
    auto const size = text.size() + 1 + tag_size;
    std::uint8_t* const sealed = into + header_size;
    std::array<std::uint8_t, header_size> const header{
        SSL3_RT_APPLICATION_DATA, 3, 3, static_cast<std::uint8_t>(size >> 8U), static_cast<std::uint8_t>(size)};
    std::ranges::copy(header, into);
    auto const once = nonce();
    std::size_t behind = 0;
    if (EVP_AEAD_CTX_seal_scatter(key_.get(), sealed, sealed + text.size(), &behind, 1 + tag_size, once.data(),
                                  once.size(), text.data(), text.size(), &type, 1, header.data(), header.size()) != 1)
        return false;
    ++sequence_;
    ++records_;
    return behind == 1 + tag_size;
}

bool record_protection::open(std::span<std::uint8_t const, header_size> header, std::span<std::uint8_t const> sealed,
                             std::uint8_t* into) {
    if (sealed.size() < tag_size) return false;
    auto const content = sealed.size() - tag_size;
    auto const once = nonce();
    if (EVP_AEAD_CTX_open_gather(key_.get(), into, once.data(), once.size(), sealed.data(), content,
                                 sealed.data() + content, tag_size, header.data(), header.size()) != 1)
        return false;
    ++sequence_;
    ++records_;
    return true;
}

bool record_protection::next_key() {
    std::array<std::uint8_t, EVP_MAX_MD_SIZE> next{};
    if (!expand("traffic upd", std::span(next).first(secret_size_))) return false;
    secret_ = next;
    OPENSSL_cleanse(next.data(), next.size());
    sequence_ = records_ = 0;
    return derive();
}

bool record_protection::derive() {
    std::array<std::uint8_t, 32> key{};
    auto const size = EVP_AEAD_key_length(cipher_);
    bool const made = expand("key", std::span(key).first(size)) && expand("iv", iv_);
    key_.Reset();
    bool const ready =
        made && EVP_AEAD_CTX_init(key_.get(), cipher_, key.data(), size, EVP_AEAD_DEFAULT_TAG_LENGTH, nullptr) == 1;
    OPENSSL_cleanse(key.data(), key.size());
    return ready;
}

// HKDF-Expand-Label with an empty context (7.1).
bool record_protection::expand(char const* label, std::span<std::uint8_t> into) const {
    static constexpr std::string_view prefix = "tls13 ";
    std::string_view const name(label);
    std::array<std::uint8_t, 32> info{0, static_cast<std::uint8_t>(into.size()),
                                      static_cast<std::uint8_t>(prefix.size() + name.size())};
    auto* at = std::ranges::copy(prefix, info.begin() + 3).out;
    at = std::ranges::copy(name, at).out;
    auto const size = static_cast<std::size_t>(at + 1 - info.begin());  // and the context's length, 0
    return HKDF_expand(into.data(), into.size(), hash_, secret_.data(), secret_size_, info.data(), size) == 1;
}

// 5.3: the sequence number, padded on the left, in the IV.
record_protection::nonce_bytes record_protection::nonce() const {
    nonce_bytes made = iv_;
    for (std::size_t i = 0; i < sizeof(sequence_); ++i)
        made[nonce_size - 1 - i] ^= static_cast<std::uint8_t>(sequence_ >> (8 * i));
    return made;
}

}  // namespace ftpsgate::tls
