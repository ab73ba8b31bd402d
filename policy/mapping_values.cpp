#include "policy/mapping_values.hpp"

#include "policy/certificate_values.hpp"
#include "policy/distinguished_name.hpp"
#include "policy/windows_name.hpp"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <limits>
#include <utility>

namespace ftpsgate::policy {

namespace {

using config::mapping_form;
using result = mapping_value_result;

// The SID extension and the otherName in it ([MS-WCCE] 2.2.2.7.7.4).
constexpr char sid_extension_oid[] = "1.3.6.1.4.1.311.25.2";
constexpr std::uint8_t sid_name_oid[] = {0x2b, 0x06, 0x01, 0x04, 0x01, 0x82, 0x37, 0x19, 0x02, 0x01};

result missing(std::string words) {
    return {std::nullopt, std::move(words), {}};
}

result doubtful(std::string words) {
    return {std::nullopt, {}, std::move(words)};
}

result found(mapping_form form, std::string attribute, std::vector<std::string> values, value_match match) {
    std::string shown = values.front();
    return {mapping_value{form, std::move(attribute), std::move(values), match, std::move(shown), {}}, {}, {}};
}

// A string of altSecurityIdentities. Upper or lower case of hex digits is the operator's choice; Active Directory does
// not look at the case of the rest either.
result identity(mapping_form form, std::vector<std::string> strings) {
    return found(form, "altSecurityIdentities", std::move(strings), value_match::ignore_ascii_case);
}

std::string reversed_hex(std::span<std::uint8_t const> bytes) {
    std::vector<std::uint8_t> reversed(bytes.rbegin(), bytes.rend());
    return to_hex(reversed);
}

result issuer_serial(X509 const& leaf) {
    std::string fault;
    auto const issuer = windows_name(read_name(X509_get_issuer_name(&leaf)), fault);
    if (!issuer) return doubtful("the issuer's name " + fault);
    auto const* const serial = X509_get0_serialNumber(&leaf);
    // RFC 5280 4.1.2.2; without its sign it could be another certificate's.
    if (ASN1_STRING_type(serial) == V_ASN1_NEG_INTEGER) return doubtful("the serial number is negative");
    std::span const number(ASN1_STRING_get0_data(serial), static_cast<std::size_t>(ASN1_STRING_length(serial)));
    if (number.empty()) return doubtful("the serial number is empty");
    auto const prefix = "X509:<I>" + *issuer + "<SR>" + reversed_hex(number);
    if ((number.front() & 0x80U) == 0) return identity(mapping_form::issuer_serial, {prefix});
    return identity(mapping_form::issuer_serial, {prefix + "00", prefix});  // the object holds no padding
}

result key_identifier(X509 const& leaf) {
    int state = 0;
    bssl::UniquePtr<ASN1_OCTET_STRING> const ski(
        static_cast<ASN1_OCTET_STRING*>(X509_get_ext_d2i(&leaf, NID_subject_key_identifier, &state, nullptr)));
    ERR_clear_error();
    if (!ski && state == -1) return missing("there is no subject key identifier");
    if (!ski || ASN1_STRING_length(ski.get()) == 0) return doubtful("the subject key identifier cannot be read");
    std::span const bytes(ASN1_STRING_get0_data(ski.get()), static_cast<std::size_t>(ASN1_STRING_length(ski.get())));
    return identity(mapping_form::ski, {"X509:<SKI>" + to_hex(bytes)});
}

result public_key(X509 const& leaf) {
    std::vector<std::uint8_t> digest(SHA_DIGEST_LENGTH);
    auto const* const key = X509_get0_pubkey_bitstr(&leaf);
    SHA1(ASN1_STRING_get0_data(key), static_cast<std::size_t>(ASN1_STRING_length(key)), digest.data());
    std::vector<std::string> values{"X509:<SHA1-PUKEY>" + to_hex(digest)};
    X509_digest(&leaf, EVP_sha1(), digest.data(), nullptr);
    values.push_back("X509:<SHA1-PUKEY>" + to_hex(digest));
    return identity(mapping_form::sha1_public_key, std::move(values));
}

// SEQUENCE { [0] { OID, [0] { OCTET STRING } } }, and nothing else. The text, or nullopt.
std::optional<std::string> sid_text(CBS extension) {
    CBS names, other, oid, wrapped, text;
    bool const parsed =
        CBS_get_asn1(&extension, &names, CBS_ASN1_SEQUENCE) && CBS_len(&extension) == 0 &&
        CBS_get_asn1(&names, &other, CBS_ASN1_CONTEXT_SPECIFIC | CBS_ASN1_CONSTRUCTED | 0) && CBS_len(&names) == 0 &&
        CBS_get_asn1(&other, &oid, CBS_ASN1_OBJECT) && CBS_mem_equal(&oid, sid_name_oid, sizeof sid_name_oid) == 1 &&
        CBS_get_asn1(&other, &wrapped, CBS_ASN1_CONTEXT_SPECIFIC | CBS_ASN1_CONSTRUCTED | 0) && CBS_len(&other) == 0 &&
        CBS_get_asn1(&wrapped, &text, CBS_ASN1_OCTETSTRING) && CBS_len(&wrapped) == 0;
    if (!parsed) return std::nullopt;
    return std::string(reinterpret_cast<char const*>(CBS_data(&text)), CBS_len(&text));
}

result security_identifier(X509 const& leaf) {
    bssl::UniquePtr<ASN1_OBJECT> const oid(OBJ_txt2obj(sid_extension_oid, 1));
    int const at = X509_get_ext_by_OBJ(&leaf, oid.get(), -1);
    if (at < 0) return missing("there is no SID extension");
    if (X509_get_ext_by_OBJ(&leaf, oid.get(), at) >= 0) return doubtful("the SID extension is there twice");
    auto const* const value = X509_EXTENSION_get_data(X509_get_ext(&leaf, at));
    CBS der;
    CBS_init(&der, ASN1_STRING_get0_data(value), static_cast<std::size_t>(ASN1_STRING_length(value)));
    auto const text = sid_text(der);
    auto const binary = text ? binary_sid(*text) : std::nullopt;
    if (!binary) return doubtful("the SID extension holds no SID");
    auto made = found(mapping_form::sid, "objectSid", {*binary}, value_match::exact);
    made.value->shown = *text;
    return made;
}

result certificate_itself(X509 const& leaf) {
    std::uint8_t* der = nullptr;
    int const size = i2d_X509(const_cast<X509*>(&leaf), &der);
    bssl::UniquePtr<std::uint8_t> const owner(der);
    if (size <= 0) return doubtful("the certificate cannot be encoded");
    std::string bytes(reinterpret_cast<char const*>(der), static_cast<std::size_t>(size));
    auto made = found(mapping_form::user_certificate, "userCertificate", {std::move(bytes)}, value_match::exact);
    made.value->shown = "SHA-256 " + to_hex(sha256_of(leaf));
    return made;
}

result subject(mapping_form form, X509 const& leaf) {
    std::string fault, prefix = "X509:";
    if (form == mapping_form::issuer_subject) {
        auto const issuer = windows_name(read_name(X509_get_issuer_name(&leaf)), fault);
        if (!issuer) return doubtful("the issuer's name " + fault);
        prefix += "<I>" + *issuer;
    }
    auto const name = read_name(X509_get_subject_name(&leaf));
    if (!name.is_malformed && name.rdns.empty()) return missing("the subject is empty");
    auto const text = windows_name(name, fault);
    if (!text) return doubtful("the subject " + fault);
    return identity(form, {prefix + "<S>" + *text});
}

result alternative_name(mapping_form form, X509 const& leaf) {
    auto const all = values_of(leaf, facts_of(leaf), read_name(X509_get_subject_name(&leaf)));
    bool const is_upn = form == mapping_form::upn;
    auto const& value = is_upn ? all.upn : all.email;
    std::string const kind = is_upn ? "the UPN" : "the e-mail address";
    if (value.state == certificate_value::presence::absent) return missing(kind + " is not there");
    if (value.state == certificate_value::presence::doubtful) return doubtful(kind + " " + value.text);
    if (is_upn) return found(form, "userPrincipalName", {value.text}, value_match::ignore_ascii_case);
    return identity(form, {"X509:<RFC822>" + value.text});
}

char to_lower(char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

bool is_equal(std::string_view one, std::string_view other, value_match how) {
    if (how == value_match::exact) return one == other;
    return std::equal(one.begin(), one.end(), other.begin(), other.end(),
                      [](char a, char b) { return to_lower(a) == to_lower(b); });
}

// What a CA puts into a certificate as it likes: unset is what is bound to its key or bytes.
std::optional<name_kind> chosen_by_issuer(mapping_form form) {
    switch (form) {
        case mapping_form::issuer_serial:
        case mapping_form::issuer_subject:
        case mapping_form::subject: return name_kind::directory;
        case mapping_form::upn: return name_kind::other;
        case mapping_form::rfc822: return name_kind::email;
        case mapping_form::ski:
        case mapping_form::sid: return name_kind::no_name;
        case mapping_form::sha1_public_key:
        case mapping_form::user_certificate: break;
    }
    return std::nullopt;
}

// The decimal number at the front, which may not have leading zeros, and the '-' behind it unless it is the last one.
std::optional<std::uint64_t> take_number(std::string_view& text, std::uint64_t most) {
    std::uint64_t number = 0;
    auto const [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    auto const size = static_cast<std::size_t>(end - text.data());
    if (error != std::errc() || number > most || (text.front() == '0' && size > 1)) return std::nullopt;
    text.remove_prefix(size);
    if (text.empty()) return number;
    if (text.front() != '-' || text.size() == 1) return std::nullopt;
    text.remove_prefix(1);
    return number;
}

}  // namespace

mapping_value_result mapping_value_of(mapping_form form, X509 const& leaf) {
    switch (form) {
        case mapping_form::issuer_serial: return issuer_serial(leaf);
        case mapping_form::ski: return key_identifier(leaf);
        case mapping_form::sha1_public_key: return public_key(leaf);
        case mapping_form::sid: return security_identifier(leaf);
        case mapping_form::user_certificate: return certificate_itself(leaf);
        case mapping_form::upn:
        case mapping_form::rfc822: return alternative_name(form, leaf);
        case mapping_form::issuer_subject:
        case mapping_form::subject: return subject(form, leaf);
    }
    return doubtful("the form is unknown");
}

std::string caveat_of(mapping_form form, path_facts const& path) {
    bool const is_by_issuer = form == mapping_form::issuer_serial || form == mapping_form::issuer_subject;
    if (is_by_issuer && path.issuer.is_one_of_many)
        return "its issuer is not in ca_file, which has several roots: each could have a CA of this name";
    bool const is_anchor = is_by_issuer && path.issuer.is_anchor;
    auto const kind = chosen_by_issuer(form);
    auto const& limits = is_by_issuer ? path.on_issuer : path.on_client;
    if (kind && !is_anchor && limits.leave_open(*kind))
        return std::string("the name constraints on its path leave the form ") + word_of(form) + " open to anybody";
    return {};
}

char const* word_of(mapping_form form) {
    switch (form) {
        case mapping_form::issuer_serial: return "issuer-serial";
        case mapping_form::ski: return "ski";
        case mapping_form::sha1_public_key: return "sha1-public-key";
        case mapping_form::sid: return "sid";
        case mapping_form::user_certificate: return "user-certificate";
        case mapping_form::upn: return "upn";
        case mapping_form::issuer_subject: return "issuer-subject";
        case mapping_form::subject: return "subject";
        case mapping_form::rfc822: return "rfc822";
    }
    return "unknown";
}

bool is_match(mapping_value const& wanted, std::vector<std::string> const& held) {
    return std::any_of(held.begin(), held.end(), [&](std::string const& one) {
        return std::any_of(wanted.values.begin(), wanted.values.end(),
                           [&](std::string const& value) { return is_equal(one, value, wanted.match); });
    });
}

std::optional<std::string> binary_sid(std::string_view text) {
    static constexpr std::size_t most_parts = 15;
    static constexpr std::uint64_t most_authority = 0xffff'ffff;  // larger ones are written in hex; none is in use
    if (!text.starts_with("S-1-")) return std::nullopt;
    text.remove_prefix(4);
    auto const authority = take_number(text, most_authority);
    if (!authority || text.empty()) return std::nullopt;
    std::string parts;
    while (!text.empty()) {
        auto const part = take_number(text, std::numeric_limits<std::uint32_t>::max());
        if (!part || parts.size() == most_parts * 4) return std::nullopt;
        for (unsigned shift = 0; shift < 32; shift += 8)
            parts += static_cast<char>((*part >> shift) & 0xffU);
    }
    std::string binary{'\1', static_cast<char>(parts.size() / 4), '\0', '\0'};
    for (int shift = 24; shift >= 0; shift -= 8)
        binary += static_cast<char>((*authority >> static_cast<unsigned>(shift)) & 0xffU);
    return binary + parts;
}

}  // namespace ftpsgate::policy
