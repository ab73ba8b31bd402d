// A distinguished name with '*' in its attribute values, for `subject` and `issuer` of [[site.identity]]. It has to
// match the whole name: the same RDNs in the same order, types by OID, values byte for byte as UTF-8 - no folding of
// case, no trimming, no normalisation (A-095).
//
// Written as RFC 4514 says: "CN=plc-*,O=Example"; spaces around ',', '+' and '=' do not count, values may be in quotes
// (RFC 2253 section 4) or be "#" and the hex of DER. '*' is any run of bytes inside one value, in quotes too; "\*" and
// "\2A" are a star.
#pragma once

#include "config/units.hpp"
#include "policy/distinguished_name.hpp"
#include "policy/finding.hpp"
#include "policy/wildcard.hpp"

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

    /// A name is doubtful that is empty, has an attribute that must not be used (B-191), or more in it than the pattern
    /// speaks of: several attributes in one RDN, or of one type but DC (A-091).
    finding matches(distinguished_name const& name) const;

private:
    explicit name_pattern(std::vector<rdn> rdns) : rdns_(std::move(rdns)) {}
    std::string doubt(distinguished_name const& name) const;
    bool repeats(std::string_view type) const;

    std::vector<rdn> rdns_;
};

}  // namespace ftpsgate::policy
