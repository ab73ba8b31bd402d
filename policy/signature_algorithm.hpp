// The signature algorithms that may be relied on (B-273): RSA PKCS #1 v1.5 and RSA-PSS, ECDSA, each with SHA-256, -384
// or -512, and Ed25519. SHA-1 and MD5 are none of them, nor is RSA-PSS with its default parameters (SHA-1), which
// BoringSSL would accept.
#pragma once

#include "policy/certificate.hpp"

#include <optional>

namespace ftpsgate::policy {

struct signature_algorithm {
    enum class padding { none, pkcs1, pss };

    int key_type;          ///< EVP_PKEY_*
    EVP_MD const* digest;  ///< null: part of the algorithm
    padding scheme;
};

/// `der` is one AlgorithmIdentifier (RFC 5280 4.1.1.2). Unset: malformed, unknown, or not to be relied on.
std::optional<signature_algorithm> parse_signature_algorithm(der_view der);

/// False also for a key of another type.
bool verify_signature(signature_algorithm const& how, EVP_PKEY& key, der_view data, der_view signature);

}  // namespace ftpsgate::policy
