// What the gate reads from a ClientHello before the library does. Which certificates a client can verify: this
// BoringSSL has one certificate per context, so ECDSA and RSA side by side means picking a context. And when to send
// tickets.
#pragma once

#include "proxy/tls/boringssl.hpp"

namespace ftpsgate::tls {

/// Does the client offer what the context's key needs: a signature scheme of its kind (RFC 8446 section 4.2.3), and
/// under TLS 1.2 also a cipher suite with that authentication? A hello that cannot be read supports nothing.
bool supports_certificate(SSL_CLIENT_HELLO const& hello, SSL_CTX const* context);

/// Some clients that close an upload do not read first (lftp): tickets that lie unread at their end make the kernel cut
/// the connection, and with it what was not sent yet. They are built on GnuTLS, which is known by this extension (RFC
/// 8449) and uses one ticket as often as it likes, so it does not miss new ones.
bool reads_only_downloads(SSL_CLIENT_HELLO const& hello);

}  // namespace ftpsgate::tls
