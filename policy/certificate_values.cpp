#include "policy/certificate_values.hpp"

#include "config/words.hpp"
#include "policy/attribute_types.hpp"
#include "policy/certificate_text.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace ftpsgate::policy {

namespace {

using presence = certificate_value::presence;
using judge = std::string_view (*)(std::string_view value);  // "" = sound, else as flaw_of()

constexpr std::string_view common_name_oid = "2.5.4.3";
constexpr std::string_view more_than_one = "is there more than once";
constexpr std::array<std::uint8_t, 10> upn_oid{0x2B, 0x06, 0x01, 0x04, 0x01, 0x82, 0x37, 0x14, 0x02, 0x03};

bool is_alphanumeric(char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

bool consists_of(std::string_view text, std::string_view others) {
    return std::all_of(text.begin(), text.end(),
                       [&](char c) { return is_alphanumeric(c) || others.find(c) != others.npos; });
}

// A wildcard names many hosts, and a name in other letters than these is not in the form of RFC 5280 section 7.2.
std::string_view dns_flaw(std::string_view value) {
    return config::parse_host_name(value) ? "" : "is no host name";
}

// RFC 5321 4.1.2; a quoted local part would be one more way to write the same person.
std::string_view email_flaw(std::string_view value) {
    auto const at = value.find('@');
    bool const is_mailbox = at != value.npos && at > 0 && consists_of(value.substr(0, at), "!#$%&'*+-/=?^_`{|}~.") &&
                            dns_flaw(value.substr(at + 1)).empty();
    return is_mailbox ? "" : "is no plain mail address";
}

// RFC 3986: a scheme, a colon, and none but its characters.
std::string_view uri_flaw(std::string_view value) {
    auto const scheme = value.substr(0, value.find(':'));
    bool const is_absolute = scheme.size() + 1 < value.size() && !scheme.empty() &&
                             !(scheme[0] >= '0' && scheme[0] <= '9') && is_alphanumeric(scheme[0]) &&
                             consists_of(scheme, "+-.") && consists_of(value, "-._~:/?#[]@!$&'()*+,;=%");
    return is_absolute ? "" : "is no absolute URI";
}

std::string_view no_further_rule(std::string_view) {
    return "";
}

void doubt(certificate_value& value, std::string_view why) {
    value = {presence::doubtful, std::string(why)};
}

void add(certificate_value& into, certificate_text const& found, judge further) {
    auto const flaw = found.flaw.empty() ? further(found.text) : found.flaw;
    if (into.state != presence::absent) {
        auto all = into.state == presence::present ? std::vector{into.text} : std::move(into.all);
        bool const are_sound = flaw.empty() && !all.empty();
        doubt(into, more_than_one);
        if (are_sound) all.push_back(found.text);
        if (are_sound) into.all = std::move(all);
        return;
    }
    if (!flaw.empty()) return doubt(into, flaw);
    into = {presence::present, found.text};
}

void doubt_alternative_names(certificate_values& into, std::string_view why) {
    for (auto* const each : {&into.email, &into.dns, &into.upn, &into.uri})
        doubt(*each, why);
}

// OtherName ::= SEQUENCE { type-id OBJECT IDENTIFIER, value [0] EXPLICIT ANY }. False when it is none.
bool read_other_name(CBS content, certificate_values& into) {
    CBS type, wrapped, value;
    unsigned tag = 0;
    if (CBS_get_asn1(&content, &type, CBS_ASN1_OBJECT) != 1 ||
        CBS_get_asn1(&content, &wrapped, CBS_ASN1_CONTEXT_SPECIFIC | CBS_ASN1_CONSTRUCTED | 0) != 1 ||
        CBS_len(&content) != 0 || CBS_get_any_asn1(&wrapped, &value, &tag) != 1 || CBS_len(&wrapped) != 0)
        return false;
    if (CBS_mem_equal(&type, upn_oid.data(), upn_oid.size()) != 1) return true;
    auto const decoded = tag == CBS_ASN1_UTF8STRING ? decode_text(tag, {CBS_data(&value), CBS_len(&value)})
                                                    : certificate_text{{}, "is no UTF8String"};
    add(into.upn, decoded, no_further_rule);
    return true;
}

// One GeneralName. False when it is none.
bool read_general_name(unsigned tag, CBS const& content, certificate_values& into) {
    constexpr unsigned constructed = CBS_ASN1_CONSTRUCTED;
    if ((tag & CBS_ASN1_CLASS_MASK) != CBS_ASN1_CONTEXT_SPECIFIC) return false;
    auto const ia5 = [&] { return decode_text(CBS_ASN1_IA5STRING, {CBS_data(&content), CBS_len(&content)}); };
    switch (tag & ~CBS_ASN1_CLASS_MASK) {
        case constructed | 0: return read_other_name(content, into);
        case 1: add(into.email, ia5(), email_flaw); return true;
        case 2: add(into.dns, ia5(), dns_flaw); return true;
        case 6: add(into.uri, ia5(), uri_flaw); return true;
        case constructed | 3:
        case constructed | 4:
        case constructed | 5:
        case 7:
        case 8: return true;  // kinds that no rule asks for
        default: return false;
    }
}

void read_extension(X509 const& certificate, certificate_values& into) {
    int const first = X509_get_ext_by_NID(&certificate, NID_subject_alt_name, -1);
    if (first < 0) return;
    if (X509_get_ext_by_NID(&certificate, NID_subject_alt_name, first) >= 0)
        return doubt_alternative_names(into, "is doubtful: the extension subjectAltName is there twice");
    auto const* const octets = X509_EXTENSION_get_data(X509_get_ext(&certificate, first));
    read_alternative_names({ASN1_STRING_get0_data(octets), static_cast<std::size_t>(ASN1_STRING_length(octets))}, into);
}

}  // namespace

certificate_value common_name_of(distinguished_name const& subject) {
    if (subject.is_malformed) return {presence::doubtful, "is doubtful: the subject is not well-formed"};
    if (subject.rdns.empty()) return {presence::doubtful, "is doubtful: the subject is empty"};
    certificate_value found;
    for (auto const& rdn : subject.rdns)
        for (auto const& each : rdn)
            if (each.type == common_name_oid) add(found, {each.value, each.flaw}, no_further_rule);
    return found;
}

void read_alternative_names(der_view der, certificate_values& into) {
    CBS all, names;
    CBS_init(&all, der.data(), der.size());
    bool is_sound = CBS_get_asn1(&all, &names, CBS_ASN1_SEQUENCE) == 1 && CBS_len(&all) == 0 && CBS_len(&names) != 0;
    while (is_sound && CBS_len(&names) != 0) {
        CBS content;
        unsigned tag = 0;
        is_sound = CBS_get_any_asn1(&names, &content, &tag) == 1 && read_general_name(tag, content, into);
    }
    if (!is_sound) doubt_alternative_names(into, "is doubtful: the extension subjectAltName is not well-formed");
}

certificate_values values_of(X509 const& certificate, certificate_facts const& facts,
                             distinguished_name const& subject) {
    certificate_values values;
    values.serial = facts.serial;
    values.sha256 = facts.sha256;
    values.cn = common_name_of(subject);
    values.is_subject_multi_valued = subject.is_multi_valued();
    read_extension(certificate, values);
    return values;
}

}  // namespace ftpsgate::policy
