#include "proxy/tls/client_hello.hpp"

#include <algorithm>
#include <cstdint>
#include <span>
#include <vector>

namespace ftpsgate::tls {

namespace {

using code_points = std::vector<std::uint16_t>;

code_points read_all(CBS list) {
    code_points found;
    std::uint16_t value = 0;
    while (CBS_get_u16(&list, &value))
        found.push_back(value);
    return found;
}

code_points read_extension(SSL_CLIENT_HELLO const& hello, std::uint16_t type, unsigned length_bytes) {
    std::uint8_t const* data = nullptr;
    std::size_t size = 0;
    if (!SSL_early_callback_ctx_extension_get(&hello, type, &data, &size)) return {};
    CBS body, list;
    CBS_init(&body, data, size);
    bool const whole = length_bytes == 1 ? CBS_get_u8_length_prefixed(&body, &list) == 1
                                         : CBS_get_u16_length_prefixed(&body, &list) == 1;
    return whole ? read_all(list) : code_points{};
}

bool contains_any(code_points const& offered, std::span<std::uint16_t const> wanted) {
    return std::find_first_of(offered.begin(), offered.end(), wanted.begin(), wanted.end()) != offered.end();
}

constexpr std::uint16_t ecdsa_schemes[] = {SSL_SIGN_ECDSA_SECP256R1_SHA256, SSL_SIGN_ECDSA_SECP384R1_SHA384,
                                           SSL_SIGN_ECDSA_SECP521R1_SHA512};
constexpr std::uint16_t rsa_pss_schemes[] = {SSL_SIGN_RSA_PSS_RSAE_SHA256, SSL_SIGN_RSA_PSS_RSAE_SHA384,
                                             SSL_SIGN_RSA_PSS_RSAE_SHA512};
constexpr std::uint16_t rsa_pkcs1_schemes[] = {SSL_SIGN_RSA_PKCS1_SHA256, SSL_SIGN_RSA_PKCS1_SHA384,
                                               SSL_SIGN_RSA_PKCS1_SHA512};
// ECDHE with AES-128-GCM, AES-256-GCM, ChaCha20-Poly1305: what policy/tls_context lets through under TLS 1.2.
constexpr std::uint16_t ecdsa_suites[] = {0xc02b, 0xc02c, 0xcca9};
constexpr std::uint16_t rsa_suites[] = {0xc02f, 0xc030, 0xcca8};

// TLS 1.3 ties the curve to the scheme; TLS 1.2 names it among the groups instead (RFC 8422 section 5.1).
struct curve_codes {
    int nid;
    std::uint16_t scheme;
    std::uint16_t group;
};
constexpr curve_codes curves[] = {{NID_X9_62_prime256v1, SSL_SIGN_ECDSA_SECP256R1_SHA256, SSL_CURVE_SECP256R1},
                                  {NID_secp384r1, SSL_SIGN_ECDSA_SECP384R1_SHA384, SSL_CURVE_SECP384R1},
                                  {NID_secp521r1, SSL_SIGN_ECDSA_SECP521R1_SHA512, SSL_CURVE_SECP521R1}};

curve_codes const* curve_of(EVP_PKEY const* key) {
    EC_KEY const* const ec = EVP_PKEY_get0_EC_KEY(key);
    int const nid = ec == nullptr ? NID_undef : EC_GROUP_get_curve_name(EC_KEY_get0_group(ec));
    auto const* const found = std::ranges::find(curves, nid, &curve_codes::nid);
    return found == std::end(curves) ? nullptr : found;
}

bool supports_ecdsa(SSL_CLIENT_HELLO const& hello, EVP_PKEY const* key, bool tls13) {
    auto const* const curve = curve_of(key);
    if (curve == nullptr) return false;
    auto const schemes = read_extension(hello, TLSEXT_TYPE_signature_algorithms, 2);
    if (tls13) return contains_any(schemes, std::span(&curve->scheme, 1));
    auto const groups = read_extension(hello, TLSEXT_TYPE_supported_groups, 2);
    CBS suites;
    CBS_init(&suites, hello.cipher_suites, hello.cipher_suites_len);
    return contains_any(schemes, ecdsa_schemes) && contains_any(groups, std::span(&curve->group, 1)) &&
           contains_any(read_all(suites), ecdsa_suites);
}

bool supports_rsa(SSL_CLIENT_HELLO const& hello, bool tls13) {
    auto const schemes = read_extension(hello, TLSEXT_TYPE_signature_algorithms, 2);
    if (tls13) return contains_any(schemes, rsa_pss_schemes);
    CBS suites;
    CBS_init(&suites, hello.cipher_suites, hello.cipher_suites_len);
    return (contains_any(schemes, rsa_pss_schemes) || contains_any(schemes, rsa_pkcs1_schemes)) &&
           contains_any(read_all(suites), rsa_suites);
}

bool will_be_tls13(SSL_CLIENT_HELLO const& hello, SSL_CTX const* context) {
    constexpr std::uint16_t tls13 = TLS1_3_VERSION;
    return SSL_CTX_get_max_proto_version(context) >= TLS1_3_VERSION &&
           contains_any(read_extension(hello, TLSEXT_TYPE_supported_versions, 1), std::span(&tls13, 1));
}

}  // namespace

bool reads_only_downloads(SSL_CLIENT_HELLO const& hello) {
    constexpr std::uint16_t record_size_limit = 28;
    std::uint8_t const* data = nullptr;
    std::size_t size = 0;
    return SSL_early_callback_ctx_extension_get(&hello, record_size_limit, &data, &size) == 1;
}

bool supports_certificate(SSL_CLIENT_HELLO const& hello, SSL_CTX const* context) {
    EVP_PKEY const* const key = SSL_CTX_get0_privatekey(context);
    if (key == nullptr) return false;
    bool const tls13 = will_be_tls13(hello, context);
    switch (EVP_PKEY_id(key)) {
        case EVP_PKEY_EC: return supports_ecdsa(hello, key, tls13);
        case EVP_PKEY_RSA: return supports_rsa(hello, tls13);
        default: return false;
    }
}

}  // namespace ftpsgate::tls
