// A distinguished name with '*' in its attribute values, for `subject` and `issuer` of [[site.identity]]. It has to
// match the whole name: the same RDNs in the same order, types by OID, values byte for byte as UTF-8 - no folding of
// case, no trimming, no normalisation (A-095).
//
// Written as RFC 4514 says: "CN=plc-*,O=Example"; spaces around ',', '+' and '=' do not count, values may be in quotes
// (RFC 2253 section 4) or be "#" and the hex of DER, of a string: nothing else is compared. '*' is any run of bytes
// inside one value, in quotes too; "\*" and
// "\2A" are a star.
#pragma once

#include "config/units.hpp"
#include "policy/distinguished_name.hpp"
#include "policy/finding.hpp"
#include "policy/wildcard.hpp"

#include <cstddef>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace ftpsgate::policy {

class name_pattern {
public:
    struct attribute {
        std::string type;     ///< OID in digits
        std::string written;  ///< the value as it stands in the configuration
        wildcard value;
    };
    using rdn = std::vector<attribute>;  ///< no type twice

    /// The complaint tells where in the text: "..., at character 12".
    static config::parsed<name_pattern> parse(std::string_view text);

    /// Doubtful is a name of which somebody else's reading could match: among the types of the pattern, and CN, it has
    /// an attribute that must not be used (B-191), several in one RDN without being asked for that, or one more of a
    /// type (A-091). No reading does when for one attribute of the pattern the name has no value that fits: then it is
    /// somebody else's name, whatever else is in it. Several OUs are no more odd than several DCs, and have their
    /// order. A name that is malformed is always doubtful; an empty one is where the pattern takes any value (A-091).
    finding matches(distinguished_name const& name) const;

private:
    explicit name_pattern(std::vector<rdn> rdns);
    bool takes_any_value() const;
    std::string doubt(distinguished_name const& name) const;
    std::string misfit(distinguished_name const& name) const;
    finding compare(distinguished_name const& name) const;
    std::size_t count_of(std::string_view type) const;

    std::vector<rdn> rdns_;
    std::map<std::string, std::size_t, std::less<>> counts_;  ///< of attributes of each type
};

}  // namespace ftpsgate::policy
