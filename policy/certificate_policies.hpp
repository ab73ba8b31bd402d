// Certificate policies along a path (RFC 5280 6.1) for a site that accepts any policy: then they only matter where a CA
// demands that one is valid throughout (requireExplicitPolicy). One set of policies per certificate, as RFC 9618 does
// it: the policy tree of RFC 5280, which BoringSSL builds, doubles with each mapping that a hostile CA adds (A-097,
// CVE-2023-0464).
#pragma once

#include "policy/certificate.hpp"

#include <string>

namespace ftpsgate::policy {

/// `path`: leaf first, anchor last; what the anchor says of policies is not asked. In words, "" = nothing is wrong.
/// Work: n log n in the number of policies and mappings.
std::string policies_fault(certificate_list const& path);

}  // namespace ftpsgate::policy
