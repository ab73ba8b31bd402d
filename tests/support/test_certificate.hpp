// Certificates with every kind of content and defect, for tests of chains and revocation.
//
// Usage: auto root = make_self_signed(authority_request("Root"));
//        auto leaf = make_certificate({.subject = common_name("anna"), .crl_points = {{.urls = {url}}}}, root);
// Subject and authority key identifiers are always there. Strings of extensions are those of openssl.cnf
// (x509v3_config).
// Sources: test_certificate.cpp, test_certificate_parts.cpp, test_pki.cpp.
#pragma once

#include "tests/support/test_pki.hpp"

#include <openssl/asn1.h>
#include <openssl/x509v3.h>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace ftpsgate::test {

using bytes = std::vector<std::uint8_t>;
using time_point = std::chrono::system_clock::time_point;

time_point hours_from_now(int hours);  ///< whole seconds, as ASN.1 has no others
inline time_point days_from_now(int days) {
    return hours_from_now(24 * days);
}

/// RDNs in order of the encoding: {{"C", "DE"}, {"O", "Example"}, {"CN", "anna"}}. "+CN" joins the RDN before it.
using name_spec = std::vector<std::pair<std::string, std::string>>;
inline name_spec common_name(std::string name) {
    return {{"CN", std::move(name)}};
}

/// An extension as it stands: OID in digits, DER (or rubbish) of extnValue's content.
struct raw_extension {
    std::string oid;
    bool critical = false;
    bytes der;
};
/// One that nobody knows; 1.3.6.1.4.1.99999.1 with an ASN.1 NULL in it.
raw_extension unknown_extension(bool critical);
/// proxyCertInfo (RFC 3820), which today's BoringSSL does not know any more: inheritAll, path length 0.
raw_extension proxy_extension(bool critical);

/// For crlDistributionPoints and freshestCRL of certificates and CRLs, and in issuingDistributionPoint. What is empty
/// is left out.
struct distribution_point {
    std::vector<std::string> urls{};
    name_spec directory{};       ///< fullName with one directoryName, behind the URLs
    name_spec relative{};        ///< nameRelativeToCRLIssuer; instead of the two above
    std::vector<int> reasons{};  ///< bits of ReasonFlags: 1 keyCompromise ... 8 aACompromise
    name_spec crl_issuer{};      ///< cRLIssuer, one directoryName
};

/// As it stands: an end entity's for TLS clients, valid from a year ago for 30 days from now.
struct certificate_request {
    name_spec subject{{"CN", "client"}};
    key_kind key = key_kind::ecdsa_p256;
    EVP_PKEY* own_key = nullptr;  ///< instead of a new one: rollover, cross certificates
    bytes serial{};               ///< content of the INTEGER, two's complement; empty: random, positive, 8 bytes
    time_point not_before = days_from_now(-365);
    time_point not_after = days_from_now(30);
    EVP_MD const* digest = EVP_sha256();                  ///< of the signature; Ed25519 has none
    std::string basic_constraints = "critical,CA:FALSE";  ///< "critical,CA:TRUE,pathlen:0"; empty: none, as below
    std::string key_usage = "critical,digitalSignature";  ///< keyCertSign, cRLSign, keyEncipherment ...
    std::string extended_key_usage = "clientAuth";        ///< serverAuth, OCSPSigning, anyExtendedKeyUsage, 1.2.3
    std::string alternative_names{};                      ///< "DNS:a,email:b@c,URI:d" + "," + upn("e@f")
    std::string name_constraints{};                       ///< "critical,permitted;DNS:example,excluded;email:b@c"
    std::string policies{};                               ///< "2.5.29.32.0,1.2.3"
    std::vector<distribution_point> crl_points{};
    std::vector<distribution_point> freshest{};
    std::vector<std::string> ocsp_urls{};
    std::vector<std::string> issuer_urls{};                   ///< caIssuers
    std::vector<std::pair<std::string, std::string>> more{};  ///< by name: {"policyConstraints", "critical,..."}
    std::string sections{};                                   ///< for "dirName:x", "@x": "[x]\nCN=anna\n"
    std::vector<raw_extension> raw{};
};

/// An authority's: CA:TRUE, keyCertSign and cRLSign, no extended key usage, valid for ten years.
certificate_request authority_request(std::string const& name, std::optional<int> path_length = std::nullopt);

identity make_self_signed(certificate_request const& request);
/// Signed by `issuer`, be it an authority or not.
identity make_certificate(certificate_request const& request, identity const& issuer);

/// A user principal name as an entry of alternative_names.
inline std::string upn(std::string const& name) {
    return "otherName:1.3.6.1.4.1.311.20.2.3;UTF8:" + name;
}

bytes der_of(X509 const& certificate);
bytes serial_of(X509 const& certificate);  ///< content of the INTEGER
/// A certificate or CRL whose last byte, the signature's, is another.
bytes with_bad_signature(bytes der);
bssl::UniquePtr<X509> with_bad_signature(X509 const& certificate);

// For the makers of CRLs and OCSP answers.
void require_made(bool done, char const* what);  ///< throws std::runtime_error
bssl::UniquePtr<X509_NAME> make_name(name_spec const& spec);
bssl::UniquePtr<X509_EXTENSION> make_extension(raw_extension const& spec);
bssl::UniquePtr<X509_EXTENSION> make_points_extension(int nid, std::vector<distribution_point> const& points);
DIST_POINT_NAME* make_point_name(distribution_point const& point);  ///< owned by the caller; null for an empty one
ASN1_BIT_STRING* make_reasons(std::vector<int> const& bits);        ///< owned by the caller; null for none
GENERAL_NAMES* make_directory_names(name_spec const& spec);         ///< owned by the caller; null for none
bssl::UniquePtr<ASN1_TIME> make_time(time_point when);
/// The name of a signature with `key` that today's BoringSSL makes no longer: MD5, and RSA-PSS with SHA-1, which is
/// what RSA-PSS without parameters stands for. Such names are put on signatures that are others.
bssl::UniquePtr<X509_ALGOR> make_old_algorithm(EVP_PKEY const& key, EVP_MD const* digest, bool pss = false);
bssl::UniquePtr<ASN1_INTEGER> make_integer(bytes const& content);

}  // namespace ftpsgate::test
