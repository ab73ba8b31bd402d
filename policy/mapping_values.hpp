// What a certificate must find in the directory, for each way of mapping it to an account (IIS.md section d.1). Pure.
//
// Sources: [MS-PKCA] 3.1.5.2.1.3 (strings of altSecurityIdentities) and 3.1.5.2.1.6 (SID), KB5014754. Where these leave
// questions, both answers are looked for when both bind the same key or certificate:
// - SHA1-PUKEY. [MS-PKCA] and Samba's tests: SHA-1 of the public key as in method 1 of RFC 5280 4.2.1.2 (content of the
//   BIT STRING). Microsoft's Entra PowerShell and most scripts that fill the attribute: SHA-1 of the certificate, its
//   "thumbprint".
// - The serial number is written with its bytes reversed. Windows keeps the zero byte that DER puts before a number
// with
//   its highest bit set; tools that turn the number into hex leave it out.
//
// The issuer is found by its name only, as in Active Directory. Where that name could be another CA's, an account that
// is found by it is not taken: caveat_of().
#pragma once

#include "config/settings.hpp"
#include "policy/path_facts.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace ftpsgate::policy {

/// How a value that the directory found is compared once more by the gate: directories take "é" for "e" and ignore a
/// NUL at the end.
enum class value_match {
    exact,              ///< byte for byte
    ignore_ascii_case,  ///< A to Z as a to z, else byte for byte
};

/// One search. Any of the values will do.
struct mapping_value {
    config::mapping_form form = config::mapping_form::issuer_serial;
    std::string attribute;
    std::vector<std::string> values;  ///< raw: binary for objectSid and userCertificate
    value_match match = value_match::exact;
    std::string shown;   ///< the first value for people
    std::string caveat;  ///< in words: why an account that is found by it is refused; "" = it is not
};

struct mapping_value_result {
    std::optional<mapping_value> value;  ///< unset: see below
    std::string missing;                 ///< in words: the certificate has no such thing, the form cannot match
    std::string doubtful;                ///< in words: it is there and not to be trusted (B-191), the client is refused
};

/// `leaf` is the client's certificate.
mapping_value_result mapping_value_of(config::mapping_form form, X509 const& leaf);

/// Why the form is not to be relied on for a client of this path (B-190, B-274, A-093); "" = it is.
std::string caveat_of(config::mapping_form form, path_facts const& path);

/// The word of `map_by`.
char const* word_of(config::mapping_form form);

/// Does one of what the directory holds equal one of what was looked for?
bool is_match(mapping_value const& wanted, std::vector<std::string> const& held);

/// "S-1-5-21-1-2-3-1104" as the binary of [MS-DTYP] 2.4.2.2; nullopt: not in that form.
std::optional<std::string> binary_sid(std::string_view text);

}  // namespace ftpsgate::policy
