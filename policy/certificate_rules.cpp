#include "policy/certificate_rules.hpp"

#include "policy/signature_algorithm.hpp"

#include <algorithm>
#include <string_view>
#include <vector>

namespace ftpsgate::policy {

namespace {

constexpr int least_rsa_bits = 2048;
constexpr int most_rsa_bits = 8192;
constexpr unsigned most_exponent_bits = 32;
constexpr int most_serial_bytes = 20;  // RFC 5280 4.1.2.2

bool is_sane_rsa(EVP_PKEY const* key) {
    int const bits = EVP_PKEY_bits(key);
    RSA const* const rsa = EVP_PKEY_get0_RSA(key);
    BIGNUM const* const exponent = RSA_get0_e(rsa);
    return bits >= least_rsa_bits && bits <= most_rsa_bits && BN_is_odd(RSA_get0_n(rsa)) == 1 &&
           BN_is_odd(exponent) == 1 && BN_is_one(exponent) == 0 && BN_num_bits(exponent) <= most_exponent_bits;
}

bool is_known_curve(EVP_PKEY const* key) {
    int const curve = EC_GROUP_get_curve_name(EC_KEY_get0_group(EVP_PKEY_get0_EC_KEY(key)));
    return curve == NID_X9_62_prime256v1 || curve == NID_secp384r1 || curve == NID_secp521r1;
}

// Extension flags are worked out at the first question and kept in the certificate.
X509* readable(X509 const& certificate) {
    return const_cast<X509*>(&certificate);
}

bool may_be_client(X509 const& certificate) {
    std::uint32_t const flags = X509_get_extension_flags(readable(certificate));
    if ((flags & EXFLAG_XKUSAGE) == 0) return true;
    return (X509_get_extended_key_usage(readable(certificate)) & (XKU_SSL_CLIENT | XKU_ANYEKU)) != 0;
}

// RFC 5280 4.2. BoringSSL minds only where it reads the extension itself.
bool has_extension_twice(X509 const& certificate) {
    std::vector<std::string_view> seen;
    for (int i = 0; i < X509_get_ext_count(&certificate); ++i) {
        auto const* const oid = X509_EXTENSION_get_object(X509_get_ext(&certificate, i));
        seen.emplace_back(reinterpret_cast<char const*>(OBJ_get0_data(oid)), OBJ_length(oid));
    }
    std::sort(seen.begin(), seen.end());
    return std::adjacent_find(seen.begin(), seen.end()) != seen.end();
}

bool may_sign_handshakes(X509 const& certificate) {
    std::uint32_t const flags = X509_get_extension_flags(readable(certificate));
    return (flags & EXFLAG_KUSAGE) == 0 ||
           (X509_get_key_usage(readable(certificate)) & X509v3_KU_DIGITAL_SIGNATURE) != 0;
}

}  // namespace

bool is_strong_key(X509 const& certificate) {
    bssl::UniquePtr<EVP_PKEY> const key(X509_get_pubkey(readable(certificate)));
    ERR_clear_error();
    if (!key) return false;
    switch (EVP_PKEY_id(key.get())) {
        case EVP_PKEY_RSA: return is_sane_rsa(key.get());
        case EVP_PKEY_EC: return is_known_curve(key.get());
        case EVP_PKEY_ED25519: return true;
        default: return false;
    }
}

bool is_strong_signature(X509 const& certificate) {
    X509_ALGOR const* algorithm = nullptr;
    X509_get0_signature(nullptr, &algorithm, &certificate);
    std::uint8_t* der = nullptr;
    int const size = i2d_X509_ALGOR(const_cast<X509_ALGOR*>(algorithm), &der);
    bssl::UniquePtr<std::uint8_t> const owner(der);
    // RSA-PSS has its digest in the parameters: the name alone says nothing.
    return size > 0 && parse_signature_algorithm({der, static_cast<std::size_t>(size)}).has_value();
}

std::string form_fault(certificate_list const& path) {
    for (std::size_t i = 0; i + 1 < path.size(); ++i) {
        X509 const& one = *path[i];
        // The number itself: a zero in front of it, which only says that it is positive, does not count.
        bool const long_serial = ASN1_STRING_length(X509_get0_serialNumber(&one)) > most_serial_bytes;
        if (!long_serial && !has_extension_twice(one)) continue;
        return (long_serial ? "the serial number is longer than 20 bytes (" : "an extension is there twice (") +
               name_text(X509_get_subject_name(&one)) + ")";
    }
    return {};
}

std::string constraint_fault(certificate_list const& path) {
    long authorities = 0;
    for (std::size_t i = 0; i < path.size(); ++i) {
        X509* const one = path[i].get();
        auto const who = i + 1 == path.size() ? "the anchor" : name_text(X509_get_subject_name(one));
        std::uint32_t const flags = X509_get_extension_flags(one);
        if ((flags & EXFLAG_CRITICAL) != 0) return who + " has an unknown critical extension";
        if (X509_get_ext_by_NID(one, NID_proxyCertInfo, -1) >= 0) return who + " is a proxy certificate";
        if (i == 0) continue;  // a client's own certificate may be an anchor, for nobody but itself
        if ((flags & EXFLAG_V1) != 0) return who + " is X.509 v1, which does not say who is a CA";
        if ((flags & EXFLAG_CA) == 0) return who + " is no CA";
        long const most = X509_get_pathlen(one);
        if (most >= 0 && authorities > most) return "more CAs below " + who + " than its path length allows";
        if ((flags & EXFLAG_SI) == 0) ++authorities;
    }
    return {};
}

std::string usage_fault(certificate_list const& path, usage_check check) {
    X509 const& leaf = *path.front();
    if ((X509_get_extension_flags(readable(leaf)) & EXFLAG_CA) != 0) return "the certificate of a CA, not of a client";
    if (check == usage_check::lifted) return {};
    if (!may_be_client(leaf)) return "its extended key usage does not include client authentication";
    if (!may_sign_handshakes(leaf)) return "its key usage does not include digitalSignature";
    for (std::size_t i = 1; i + 1 < path.size(); ++i) {
        if (!may_be_client(*path[i]))
            return "the extended key usage of CA " + name_text(X509_get_subject_name(path[i].get())) +
                   " does not include client authentication";
    }
    return {};
}

}  // namespace ftpsgate::policy
