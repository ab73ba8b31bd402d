// CRLs and OCSP answers with every kind of content and defect. test_certificate.hpp has the certificates.
//
// Usage: auto crl = make_crl({.revoked = {{.serial = serial_of(*leaf.certificate)}}}, root);
//        auto answer = make_ocsp_response({.answers = {{.certificate = leaf.certificate.get()}}}, root, root);
// Sources: test_revocation.cpp (CRLs), test_ocsp_response.cpp, and those of test_certificate.hpp.
#pragma once

#include "tests/support/test_certificate.hpp"

#include <optional>
#include <string>
#include <vector>

namespace ftpsgate::test {

struct revoked_entry {
    bytes serial{};   ///< serial_of(certificate)
    int reason = -1;  ///< CRL_REASON_*; -1: no extension
    time_point at = days_from_now(-1);
    name_spec certificate_issuer{};  ///< for indirect CRLs
    std::vector<raw_extension> raw{};
};

/// issuingDistributionPoint, critical.
struct issuing_point {
    distribution_point name{};  ///< its reasons are onlySomeReasons; crl_issuer has no meaning here
    bool only_user = false;
    bool only_authority = false;
    bool only_attribute = false;
    bool indirect = false;
};

/// As it stands: a base CRL with number 1 and nobody on it, since an hour, until tomorrow.
struct crl_request {
    std::vector<revoked_entry> revoked{};
    time_point this_update = hours_from_now(-1);
    std::optional<time_point> next_update = days_from_now(1);
    std::optional<std::uint64_t> number = 1;
    std::optional<std::uint64_t> base{};  ///< deltaCRLIndicator, critical: this is a delta to that number
    std::optional<issuing_point> point{};
    std::vector<distribution_point> freshest{};
    name_spec issuer{};  ///< empty: the signer's subject
    EVP_MD const* digest = EVP_sha256();
    std::vector<raw_extension> raw{};
};

bssl::UniquePtr<X509_CRL> make_crl(crl_request const& request, identity const& signer);
bytes der_of(X509_CRL const& crl);
std::string pem_of(X509_CRL const& crl);
/// nullptr: cannot be parsed.
bssl::UniquePtr<X509_CRL> crl_from(bytes const& der);

enum class ocsp_word { good, revoked, unknown };

/// SingleResponse.
struct ocsp_single {
    X509 const* certificate = nullptr;  ///< whose serial goes into the certID
    ocsp_word status = ocsp_word::good;
    time_point this_update = hours_from_now(-1);
    std::optional<time_point> next_update = hours_from_now(1);
    time_point revoked_at = days_from_now(-1);
    int reason = -1;
    X509 const* issuer = nullptr;  ///< of the certID; null: the issuer that make_ocsp_response() got
    EVP_MD const* hash = EVP_sha1();
    bytes serial{};  ///< instead of the certificate's
    std::vector<raw_extension> raw{};
};

enum class responder_id { by_key, by_name };
enum class ocsp_damage { none, signature, no_signature };

/// As it stands: successful, produced an hour ago, signed by `signer` with SHA-256 and named by its key.
struct ocsp_response_request {
    std::vector<ocsp_single> answers{};
    int status = 0;  ///< OCSPResponseStatus; other than 0: no body
    std::string type = "1.3.6.1.5.5.7.48.1.1";
    std::optional<std::uint64_t> version{};  ///< of ResponseData; absent is v1 (0)
    responder_id named_by = responder_id::by_key;
    X509 const* named = nullptr;  ///< null: the signer
    time_point produced_at = hours_from_now(-1);
    bytes nonce{};                     ///< empty: none
    std::vector<X509 const*> certs{};  ///< that go along, such as the delegate's
    EVP_MD const* digest = EVP_sha256();
    bool pss = false;                  ///< RSA-PSS, salt as long as the digest
    std::vector<raw_extension> raw{};  ///< responseExtensions
    ocsp_damage damage = ocsp_damage::none;
};

/// DER of an OCSPResponse about certificates of `issuer`. An answer without digest for RSA or ECDSA cannot be made.
bytes make_ocsp_response(ocsp_response_request const& request, identity const& issuer, identity const& signer);

/// A delegate: OCSPSigning, id-pkix-ocsp-nocheck. Change what is to be wrong, then make_certificate().
certificate_request delegate_request(std::string const& name = "OCSP delegate");
raw_extension ocsp_nocheck();

}  // namespace ftpsgate::test
