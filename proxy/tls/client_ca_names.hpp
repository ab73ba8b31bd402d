// The names of certificate authorities that a CertificateRequest lists, so that a client with several certificates
// knows which one to send (B-272). One list per site, shared by all its connections.
#pragma once

#include "proxy/tls/boringssl.hpp"

#include <span>
#include <string>

namespace ftpsgate::tls {

class client_ca_names {
public:
    /// Bytes of names; a longer list breaks some clients, and no list means "any authority" (RFC 8446 section 4.2.4).
    static constexpr std::size_t longest_list = 16 * 1024;

    client_ca_names() = default;  ///< no list
    /// DER of X.501 names. More than longest_list: no list.
    explicit client_ca_names(std::span<std::string const> names);

    /// As site_choice wants it; nullptr = no list.
    STACK_OF(CRYPTO_BUFFER) const* list() const { return list_.get(); }

private:
    bssl::UniquePtr<STACK_OF(CRYPTO_BUFFER)> list_;
};

/// Gives the connection a list of its own, which shares the bytes. nullptr: leaves it without one.
void offer_ca_names(SSL* ssl, STACK_OF(CRYPTO_BUFFER) const* names);

}  // namespace ftpsgate::tls
