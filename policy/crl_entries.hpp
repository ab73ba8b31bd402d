// Who is on a CRL. Lists of one CA are looked up by BoringSSL; where entries are about certificates of several issuers
// (RFC 5280 5.3.3), which it no longer tells apart since 2023, they are sorted here.
#pragma once

#include "policy/certificate.hpp"

#include <vector>

namespace ftpsgate::policy {

enum class entry_kind { none, revoked, removed };  ///< `removed`: removeFromCRL, which deltas have

class crl_entries {
public:
    /// For no list.
    crl_entries() = default;
    /// Of `list` as it was parsed: in the order in which its entries came. Sorts it.
    explicit crl_entries(X509_CRL& list);

    /// `list` is the one that it was made of.
    entry_kind look_up(X509_CRL& list, X509 const& certificate) const;

private:
    struct entry {
        X509_REVOKED const* found;
        GENERAL_NAMES const* issuer;  // null: that of the list
    };

    entry_kind look_up_all(X509_CRL& list, X509 const& certificate) const;

    std::vector<bssl::UniquePtr<GENERAL_NAMES>> issuers_;
    std::vector<entry> entries_;  // by serial number; empty where no entry names an issuer
};

}  // namespace ftpsgate::policy
