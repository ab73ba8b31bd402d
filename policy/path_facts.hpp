// What the path of a verified client leaves open, though every signature on it is good: which CA an issuer's name
// stands for, as names are not unique below several roots (B-190, A-093), and which kinds of names its CAs may give to
// anybody, though they were kept from others (B-274). Reads only.
#pragma once

#include "policy/certificate.hpp"

#include <bitset>
#include <cstddef>

namespace ftpsgate::policy {

/// What identities are made of, as name constraints tell it apart (RFC 5280 section 4.2.1.10).
enum class name_kind {
    directory,  ///< the subject, and its CN
    email,
    dns,
    uri,
    other,    ///< otherName: the UPN
    no_name,  ///< what no constraint can be about: serial numbers, SIDs, key identifiers
};

/// The name constraints of a CA and all above it.
class name_limits {
public:
    name_limits() = default;  ///< none
    /// Of `path`, leaf first, from this place upwards, the anchor included.
    name_limits(certificate_list const& path, std::size_t from);

    /// There are constraints, and none is about this kind: the CA was not meant to name everybody, and by this it can.
    bool leave_open(name_kind kind) const { return are_there_ && !about_.test(static_cast<std::size_t>(kind)); }

private:
    bool are_there_ = false;
    std::bitset<6> about_;
};

/// The client's issuer, held against ca_file.
struct issuer_standing {
    bool is_anchor = false;       ///< it has the name and the key of a CA in ca_file
    bool is_namesake = false;     ///< it has the name of one, and another key
    bool is_one_of_many = false;  ///< it is no anchor, and ca_file has several roots: each could have a CA of this name
};

struct path_facts {
    issuer_standing issuer;
    name_limits on_client;  ///< on names in the client's certificate
    name_limits on_issuer;  ///< on the issuer's name
};

/// Some are CAs that no other one vouches for, and these have several names. One that was given a new key is one root.
bool have_several_roots(certificate_list const& anchors);

/// `several_roots`: of the anchors, as above.
path_facts facts_of_path(certificate_list const& path, certificate_list const& anchors, bool several_roots);

}  // namespace ftpsgate::policy
