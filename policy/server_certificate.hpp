// One certificate of the gate with its chain and private key, from PEM files. Checks what can be checked without the
// world outside: that both are there, belong together and are strong enough. Does not build or verify the chain and
// does not look at the dates: an expired certificate is served, and shown by the metric of its end.
#pragma once

#include "config/problem.hpp"
#include "config/settings.hpp"
#include "policy/boringssl.hpp"
#include "policy/certificate.hpp"

#include <optional>
#include <string>

namespace ftpsgate::policy {

struct server_certificate {
    certificate_ptr leaf;
    certificate_list intermediates;  ///< in the order of the file
    bssl::UniquePtr<EVP_PKEY> key;

    bool is_ecdsa() const { return EVP_PKEY_id(key.get()) == EVP_PKEY_EC; }
    std::string sha256() const;  ///< of the leaf's DER, hex
    time_point not_after() const;
    /// The serial number as it stands in DER, to find it in an OCSP response.
    std::string serial_der() const;
};

/// Where a pair stands in the configuration.
struct certificate_files {
    config::file_path certificate;  ///< PEM, leaf first
    config::file_path key;          ///< PEM, not encrypted; may be the same file
    std::string site_key;           ///< how keys of the site begin in problems
};

/// nullopt: problems were added. Keys: ECDSA on P-256 or P-384, RSA of 2048 bits or more.
std::optional<server_certificate> load_server_certificate(certificate_files const& files, config::problems& faults);

}  // namespace ftpsgate::policy
