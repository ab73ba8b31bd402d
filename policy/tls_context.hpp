// Settings -> SSL_CTX. The only file that configures a context: versions, ciphers, certificates, tickets, session
// cache. Every fault of the files (missing, no PEM, key of another certificate, key type too weak) is reported as a
// config::problem at the position of the value that names the file.
#pragma once

#include "config/problem.hpp"
#include "config/settings.hpp"
#include "policy/boringssl.hpp"

#include <chrono>
#include <memory>
#include <string>

namespace ftpsgate::policy {

struct tls_context {
    bssl::UniquePtr<SSL_CTX> context;      ///< null: the site has no certificate, AUTH is answered 534 (B-035)
    std::string certificate_id;            ///< digest over all certificates: two sites with the same id serve the same
                                           ///< ones (B-085)
    std::chrono::system_clock::time_point not_after{};  ///< of the certificate that expires first
    config::problems faults;               ///< not empty: not usable
};

/// TLS 1.2 and 1.3 only, ECDHE and AEAD only, no renegotiation, no compression, no 0-RTT (B-045, A-009, A-010).
tls_context build_tls_context(config::tls_settings const& settings, std::string const& site);

}  // namespace ftpsgate::policy
