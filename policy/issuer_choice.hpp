// Whose certificate is to follow on a path where more than one could: an anchor or CA that was renewed, and CAs of one
// name. BoringSSL would take the first and never look back. The one whose key signed is taken, of those the one that is
// valid now, of those an anchor before what the client sent.
#pragma once

#include "policy/certificate.hpp"

#include <utility>
#include <vector>

namespace ftpsgate::policy {

/// For one client.
class issuer_choice {
public:
    /// All of them outlive this.
    issuer_choice(certificate_list const& anchors, certificate_list const& presented, certificate_list const& fetched,
                  time_point now);

    /// Whose names and key identifiers fit, and who may sign certificates. Null: none.
    X509* issuer_of(X509& subject);

    /// It led nowhere: no longer chosen for anybody.
    void exclude(X509& issuer);
    bool is_excluded(X509 const& issuer) const;

private:
    X509* choose(X509& subject);
    std::vector<X509*> plausible_issuers(X509& subject) const;
    int rank(X509& subject, X509& issuer);
    bool has_signed(X509& subject, X509& issuer);

    std::vector<X509*> known_;  // anchors first
    std::time_t now_;
    certificate_list excluded_;
    std::vector<std::pair<X509*, X509*>> chosen_;                       // subject, issuer or null
    std::vector<std::pair<std::pair<X509*, X509*>, bool>> signatures_;  // subject and issuer
};

}  // namespace ftpsgate::policy
