// The keys of one identity rule that say whom it is for, each parsed once; held against certificates one by one.
#pragma once

#include "config/problem.hpp"
#include "config/settings.hpp"
#include "policy/certificate_values.hpp"
#include "policy/finding.hpp"
#include "policy/verdict.hpp"

#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace ftpsgate::policy {

/// What the rules look at, read once for all of them.
struct client_view {
    certificate_values values;
    distinguished_name subject;
    std::optional<distinguished_name> issuer;  ///< of the verified path; nullopt: the certificate is itself the anchor
    std::string spki_sha256;                   ///< hex, lower case
    path_facts path;
};
client_view view_of(verified_peer const& peer);

struct identity_matcher {
    std::string key;  ///< "subject"
    std::function<finding(client_view const&)> check;
    std::optional<name_kind> looks_at{};  ///< unset: something that no CA can choose
};

/// One for each key that is given; faulty ones are left out and added to `faults`. `key` is the rule's, for the faults.
/// `anchors` as for build_identity_rules().
std::vector<identity_matcher> build_matchers(config::identity_rule_settings const& rule,
                                             certificate_list const& anchors, std::string const& key,
                                             config::problems& faults);

}  // namespace ftpsgate::policy
