// X.500 names as Windows writes them into altSecurityIdentities ([MS-PKCA] 3.1.5.2.1.3). Pure.
//
// What the string looks like is nowhere specified; it is what CertNameToStr makes with CERT_X500_NAME_STR,
// CERT_NAME_STR_CRLF_FLAG and CERT_NAME_STR_NO_PLUS_FLAG, each "\r\n" then replaced by one ',' (Microsoft's own Entra
// PowerShell does the same to make such strings):
// - RDNs in the order of the encoding, which is root first, joined with "," and no blank;
// - the attributes of one RDN joined with one blank ("CN=JANE DOE OID.0.9.2342.19200300.100.1.1=47");
// - the names of attributes: CN SN SERIALNUMBER C L S STREET O OU T Description PostalCode POBox Phone X21Address G I
//   dnQualifier E DC, not what RFC 4514 or OpenSSL call them (S, not ST; E, not emailAddress); others "OID.1.2.3";
// - a value with one of , + = " < > # ; in it is put in '"', and every '"' in it doubled. Hence no value can look like
//   another part of the string. (Windows quotes empty values and blanks at the ends as well: those are flaws here.)
#pragma once

#include "policy/distinguished_name.hpp"

#include <optional>
#include <string>

namespace ftpsgate::policy {

/// nullopt with `fault`, as the end of a sentence: the name is empty or malformed, or a value has a flaw (B-191,
///
std::optional<std::string> windows_name(distinguished_name const& name, std::string& fault);

}  // namespace ftpsgate::policy
