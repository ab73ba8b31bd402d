// Strings of certificates as UTF-8, and the judgement whether one may stand for a person (B-191, A-041, A-090): many
// a program has taken "admin\0.evil" for "admin".
#pragma once

#include "policy/boringssl.hpp"
#include "policy/certificate.hpp"

#include <cstddef>
#include <string>
#include <string_view>

namespace ftpsgate::policy {

constexpr std::size_t longest_value = 255;  ///< bytes (B-191)

/// Shortest forms only, no surrogates, nothing above U+10FFFF (RFC 3629).
bool is_utf8(std::string_view text);

/// What forbids to use the text, as the end of a sentence: "holds a control character"; "" when nothing does. Control
/// characters are C0, DEL, C1 and the line ends of Unicode (U+2028, U+2029).
std::string_view flaw_of(std::string_view text);

/// As flaw_of(), and nothing that cannot be seen where it stands: blanks other than U+0020, marks without width or for
/// the direction of writing. Nobody means them in the name of a user, and whom they stand for nobody can read.
std::string_view flaw_of_user(std::string_view text);

/// One of the two is empty.
struct certificate_text {
    std::string text;
    std::string_view flaw;  ///< as of flaw_of(), also when it cannot be decoded
};

/// `content` of a string of this ASN.1 type. TeletexString is taken where it means the same in every reading of T.61.
certificate_text decode_text(unsigned tag, der_view content);

}  // namespace ftpsgate::policy
