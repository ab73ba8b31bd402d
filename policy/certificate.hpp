// What can be read off an X.509 certificate, and the forms in which certificates come: PEM files and DER. Reads only;
// whether a certificate is to be believed is the business of chain.hpp.
#pragma once

#include "policy/boringssl.hpp"

#include <array>
#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace ftpsgate::policy {

using time_point = std::chrono::system_clock::time_point;
using certificate_ptr = bssl::UniquePtr<X509>;
using certificate_list = std::vector<certificate_ptr>;  ///< of a client: leaf first
using sha256_digest = std::array<std::uint8_t, 32>;
using der_view = std::span<std::uint8_t const>;

/// Values for people, logs and the fetchers. Names are RFC 4514 strings; not to be compared with anything.
struct certificate_facts {
    std::string subject;
    std::string issuer;
    std::string serial;  ///< hex, upper case, as in DER without leading zeros; "-" before a negative one
    std::string sha256;  ///< of the DER, hex, lower case
    time_point not_before{};
    time_point not_after{};
    std::vector<std::string> crl_urls;       ///< CRL distribution points (RFC 5280 4.2.1.13), in order
    std::vector<std::string> freshest_urls;  ///< freshest CRL (4.2.1.15)
    std::vector<std::string> ocsp_urls;      ///< authority information access (4.2.2.1)
    std::vector<std::string> issuer_urls;    ///< caIssuers of the same
};

certificate_facts facts_of(X509 const& certificate);
std::vector<std::string> urls_of(CRL_DIST_POINTS const* points);  ///< all full names that are URIs

/// nullptr: not one certificate in DER and nothing behind it.
certificate_ptr parse_certificate(der_view der);
/// Certificates in the order of the text; other PEM blocks are passed over. `fault` is set for malformed ones, and
/// where there is none.
certificate_list parse_certificates(std::string const& pem, std::string& fault);

std::string der_of(X509 const& certificate);
certificate_ptr share(X509* certificate);  ///< another reference to the same
sha256_digest sha256_of(X509 const& certificate);
sha256_digest key_sha256_of(X509 const& certificate);  ///< of the SubjectPublicKeyInfo
std::string to_hex(std::span<std::uint8_t const> bytes);
std::string name_text(X509_NAME const* name);  ///< RFC 4514
std::optional<time_point> to_time_point(ASN1_TIME const* time);
std::string to_text(time_point when);  ///< "2026-11-23T20:15:00Z"

}  // namespace ftpsgate::policy
