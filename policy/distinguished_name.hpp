// A name out of a certificate, taken apart: attribute types as OIDs, values as UTF-8. To be compared; for people there
// is name_text().
#pragma once

#include "policy/certificate.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace ftpsgate::policy {

struct name_attribute {
    std::string type;       ///< OID in digits
    std::string value;      ///< UTF-8; empty when there is a flaw
    std::string_view flaw;  ///< why it must not be used, as of flaw_of(); "" = sound
};

struct distinguished_name {
    using rdn = std::vector<name_attribute>;

    std::vector<rdn> rdns;         ///< as RFC 4514 writes them: the last of the encoding first; none is empty
    bool is_malformed = false;     ///< then there are no rdns
    bool is_multi_valued() const;  ///< one of the RDNs has several attributes
};

/// `der` is a Name of RFC 5280.
distinguished_name read_name(der_view der);
distinguished_name read_name(X509_NAME const* name);

/// For people: "CN", "CN+UID"; many attributes are cut short.
std::string label_of(distinguished_name::rdn const& rdn);

}  // namespace ftpsgate::policy
