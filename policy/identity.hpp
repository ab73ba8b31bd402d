// Who a verified client is at the backend: the rules of [[site.identity]], then Active Directory (IIS.md section d).
//
// Anything doubtful refuses (A-090 .. A-095): no unique value, a string that cannot be decoded, two matches, a
// directory that does not answer. "not_mapped" is said only when every source was asked and none knows the client.
#pragma once

#include "policy/secret.hpp"
#include "policy/verdict.hpp"

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace ftpsgate::policy {

enum class identity_outcome {
    mapped,
    not_mapped,
    denied,   ///< by a rule with deny = true
    refused,  ///< doubtful, see detail
};
enum class identity_source { none, rule, active_directory };

char const* to_string(identity_outcome outcome);
char const* to_string(identity_source source);

/// What was tried and why it did not match, for `ftpsgate identity`.
struct identity_step {
    std::string name;  ///< of the rule, or the directory's URL
    bool matched = false;
    std::string detail;  ///< in words
};

/// With what the gate logs in at the backend. The strings hold no CR, LF or NUL and are not empty, but for the password
/// (B-192).
struct backend_login {
    std::string user;
    secret password;
    std::optional<secret> account;
};

struct identity_decision {
    identity_outcome outcome = identity_outcome::not_mapped;
    identity_source source = identity_source::none;  ///< that decided; when not mapped, who was asked last
    std::string rule;                            ///< that decided; the entry's DN for a directory; "" = none has it
    std::string detail;                          ///< in words, when refused; never for the client
    std::shared_ptr<backend_login const> login;  ///< when mapped
    std::vector<identity_step> steps;
};
using identity_ptr = std::shared_ptr<identity_decision const>;  ///< never null

}  // namespace ftpsgate::policy
