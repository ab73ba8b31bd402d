// The rules of [[site.identity]], parsed once at load; a look at a certificate is linear in its size.
//
// A value that a rule needs and that is doubtful - there twice, undecodable, with control characters, with a NUL in it
// (B-191, A-090, A-091) - refuses the client. A value that is not there lets the rule not match where a key asks for
// it; where `user` does, the rule is the client's all the same, and the client is refused: the next rule is for others.
#pragma once

#include "config/problem.hpp"
#include "config/settings.hpp"
#include "policy/identity.hpp"

#include <memory>
#include <string>
#include <vector>

namespace ftpsgate::policy {

struct client_view;
struct finding;

class identity_rules {
public:
    ~identity_rules();
    /// The first rule that matches decides. May read the password file of a rule with '%u' in its name. Where nobody
    /// logs in by certificate (authentication.client_certificate = false), a rule with a user is but looked at: it
    /// keeps its clients from the rules behind it, which may deny, and they are not_mapped. Doubt about it is no doubt
    /// then.
    identity_decision decide(verified_peer const& peer) const;

private:
    friend std::shared_ptr<identity_rules const> build_identity_rules(config::site_settings const& site,
                                                                      certificate_list const& anchors,
                                                                      config::problems& faults);
    struct rule;
    explicit identity_rules(config::authentication_settings const& logins);
    finding judge(rule const& asked, client_view const& client, backend_login& login) const;

    bool maps_;
    std::vector<rule> rules_;
};

/// Never null; with faults it is not to be used. `anchors` are those of ca_file (may be empty): where they have several
/// roots, the `issuer` of a rule that does not deny has to be among them (B-190, A-093). Reads the secrets that the
/// rules name, but for those of '%u'.
std::shared_ptr<identity_rules const> build_identity_rules(config::site_settings const& site,
                                                           certificate_list const& anchors, config::problems& faults);

}  // namespace ftpsgate::policy
