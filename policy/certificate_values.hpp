// What an identity can be made of: single values out of a client's certificate (B-191). Of each kind there is none,
// exactly one, or it is doubtful: two of them, bytes that do not belong there, a NUL.
#pragma once

#include "policy/distinguished_name.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace ftpsgate::policy {

struct certificate_value {
    enum class presence { absent, present, doubtful };

    presence state = presence::absent;
    std::string text;                ///< the value; when doubtful, why, as the end of a sentence: "is there twice"
    std::vector<std::string> all{};  ///< where it is there more than once and each is sound: all of them
};

struct certificate_values {
    certificate_value cn;     ///< commonName of the subject; doubtful where the subject is empty
    certificate_value email;  ///< SAN rfc822Name, as it stands there: dot-atom@domain, ASCII
    certificate_value dns;    ///< SAN dNSName, as it stands there; no wildcard
    certificate_value upn;    ///< SAN otherName 1.3.6.1.4.1.311.20.2.3, a UTF8String
    certificate_value uri;    ///< SAN uniformResourceIdentifier, absolute
    std::string serial;       ///< hex, upper case, whole bytes, "-" in front of negative ones
    std::string sha256;       ///< of the DER, hex, lower case
    bool is_subject_multi_valued =
        false;  ///< there is an RDN with several attributes: is the CN the whole name? (A-091)
};

/// `facts` and `subject` are those of the certificate.
certificate_values values_of(X509 const& certificate, certificate_facts const& facts,
                             distinguished_name const& subject);

/// The parts of it, for certificates in pieces.
certificate_value common_name_of(distinguished_name const& subject);
/// `der` is a SubjectAltName of RFC 5280 section 4.2.1.6; one that is not makes every kind doubtful.
void read_alternative_names(der_view der, certificate_values& into);

}  // namespace ftpsgate::policy
