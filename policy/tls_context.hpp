// Settings -> SSL_CTX. The only file that configures a context: versions, ciphers, certificates, tickets, session
// cache. Every fault of the files (missing, no PEM, key of another certificate, key type too weak) is reported as a
// config::problem at the position of the value that names the file.
//
// This BoringSSL has one certificate per context, so a site with several has several contexts; the engine
// (proxy/tls/engine.hpp) picks one per ClientHello. Sessions and tickets live in the context that a connection was
// made from, whichever it is switched to: all connections of one control session must be made from the same.
#pragma once

#include "config/problem.hpp"
#include "config/settings.hpp"
#include "policy/boringssl.hpp"

#include <chrono>
#include <string>
#include <vector>

namespace ftpsgate::policy {

struct tls_context {
    /// One per certificate, ECDSA before RSA, otherwise in the order of the settings. Empty: the site has no
    /// certificate, AUTH is answered 534 (B-035). Immutable once built; to be shared by all threads.
    std::vector<bssl::UniquePtr<SSL_CTX>> contexts;
    std::string
        certificate_id;  ///< digest over all certificates: two sites with the same id serve the same ones (B-085)
    std::chrono::system_clock::time_point not_after{};  ///< of the certificate that expires first
    config::problems faults;                            ///< not empty: not usable
};

/// TLS 1.2 and 1.3 only, ECDHE and AEAD only, no renegotiation, no compression, no 0-RTT (B-045, A-009, A-010).
/// `site` is the site's name, for the faults.
tls_context build_tls_context(config::tls_settings const& settings, std::string const& site);

}  // namespace ftpsgate::policy
