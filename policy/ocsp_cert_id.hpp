// CertID (RFC 6960 4.1.1): how a question and its answer name the certificate.
#pragma once

#include "policy/ocsp.hpp"

#include <cstdint>
#include <optional>
#include <vector>

namespace ftpsgate::policy {

struct ocsp_cert_id {
    int hash = NID_undef;                 ///< NID_sha1 ...
    std::vector<std::uint8_t> name_hash;  ///< of the DER of the certificate's issuer name
    std::vector<std::uint8_t> key_hash;   ///< of the issuer's public key, without tag, length and unused bits
    std::vector<std::uint8_t> serial;     ///< content of the INTEGER
};

/// Unset: the certificate or the issuer's key cannot be encoded.
std::optional<ocsp_cert_id> make_cert_id(ocsp_subject const& subject, EVP_MD const* hash);

/// The issuer's or a delegate's key as a CertID and a ResponderID name it.
std::vector<std::uint8_t> public_key_hash(X509 const& certificate, EVP_MD const* hash);

}  // namespace ftpsgate::policy
