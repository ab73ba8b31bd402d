// Which certificates a client can verify, read from its ClientHello: this BoringSSL has one certificate per context,
// so ECDSA and RSA side by side means picking a context before the library looks at its certificate.
#pragma once

#include "proxy/tls/boringssl.hpp"

namespace ftpsgate::tls {

/// Does the client offer what the context's key needs: a signature scheme of its kind (RFC 8446 section 4.2.3), and
/// under TLS 1.2 also a cipher suite with that authentication? A hello that cannot be read supports nothing.
bool supports_certificate(SSL_CLIENT_HELLO const& hello, SSL_CTX const* context);

}  // namespace ftpsgate::tls
