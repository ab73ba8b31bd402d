// A client's way to a trust anchor, found here and checked by BoringSSL. BoringSSL would find one, too, but it takes
// the first issuer that fits by name and never looks back; and since 2023 it can no longer be told whom to take. So it
// gets the certificates of one path and nothing else. CPU only.
#pragma once

#include "policy/issuer_choice.hpp"

namespace ftpsgate::policy {

struct certification_path {
    certificate_list certificates;  ///< leaf first
    /// From here on there are anchors only; where none was reached, the number of certificates. 0: the leaf is one
    /// itself.
    std::size_t first_anchor = 0;

    bool is_anchored() const { return first_anchor < certificates.size(); }
};

/// By names, key identifiers and what `choice` knows of signatures; not to be believed before verify_path().
certification_path build_path(X509& leaf, certificate_list const& anchors, issuer_choice& choice);

struct path_fault {
    int error = X509_V_OK;    ///< X509_V_ERR_*
    certificate_ptr culprit;  ///< whose certificate ends the way; may be null

    explicit operator bool() const { return error != X509_V_OK; }
};

/// Signatures, dates and name constraints of every certificate; extensions, too, but for those of anchors, which
/// constraint_fault() (certificate_rules.hpp) looks at. A path that is not anchored has a fault.
path_fault verify_path(certification_path const& path, time_point now);

}  // namespace ftpsgate::policy
