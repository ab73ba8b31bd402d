// What the gate asks of certificates besides a correct path: strength, and what they were issued for. Pure predicates.
#pragma once

#include "policy/certificate.hpp"

#include <string>

namespace ftpsgate::policy {

/// `lifted` = no-usage-check: B-186 and B-187 are not applied, B-188 always is.
enum class usage_check { applied, lifted };

/// B-273: RSA of 2048 to 8192 bits with an odd exponent above 1 and of 32 bits at most, P-256, P-384, P-521, Ed25519.
bool is_strong_key(X509 const& certificate);
/// B-273: signed with SHA-256 or better. Not asked of trust anchors, whose signature nobody relies on.
bool is_strong_signature(X509 const& certificate);

/// What RFC 5280 forbids and BoringSSL accepts in certificates below the anchor: serial numbers of more than 20 bytes
/// and an extension that is there twice. In words, "" = nothing is wrong.
std::string form_fault(certificate_list const& path);

/// What certificates say of those below them, for a whole path, leaf first, anchor last: that they are CAs (X.509 v1
/// does not say so, A-096), how many CAs may follow, and no critical extension that nobody knows. BoringSSL asks some
/// of it, but of no anchor. No proxy certificates either. In words, "" = nothing is wrong.
std::string constraint_fault(certificate_list const& path);

/// B-186 .. B-188 for a path, leaf first, anchor last; in words, "" = may authenticate a client. BoringSSL's own
/// purpose check rejects anyExtendedKeyUsage and accepts a CA's certificate as a leaf, hence our own.
std::string usage_fault(certificate_list const& path, usage_check check);

}  // namespace ftpsgate::policy
