#include "policy/distinguished_name.hpp"

#include "policy/attribute_types.hpp"
#include "policy/certificate_text.hpp"

#include <algorithm>
#include <optional>

namespace ftpsgate::policy {

namespace {

// AttributeTypeAndValue ::= SEQUENCE { type OBJECT IDENTIFIER, value ANY }
std::optional<name_attribute> read_attribute(CBS& from) {
    CBS pair, type, value;
    unsigned tag = 0;
    if (CBS_get_asn1(&from, &pair, CBS_ASN1_SEQUENCE) != 1 || CBS_get_asn1(&pair, &type, CBS_ASN1_OBJECT) != 1 ||
        CBS_get_any_asn1(&pair, &value, &tag) != 1 || CBS_len(&pair) != 0)
        return std::nullopt;
    bssl::UniquePtr<char> const oid(CBS_asn1_oid_to_text(&type));
    ERR_clear_error();
    if (!oid) return std::nullopt;
    auto decoded = decode_text(tag, {CBS_data(&value), CBS_len(&value)});
    return name_attribute{oid.get(), std::move(decoded.text), decoded.flaw};
}

// RelativeDistinguishedName ::= SET SIZE (1..MAX) OF AttributeTypeAndValue
std::optional<distinguished_name::rdn> read_rdn(CBS& from) {
    CBS set;
    if (CBS_get_asn1(&from, &set, CBS_ASN1_SET) != 1 || CBS_len(&set) == 0) return std::nullopt;
    distinguished_name::rdn made;
    while (CBS_len(&set) != 0) {
        auto attribute = read_attribute(set);
        if (!attribute) return std::nullopt;
        made.push_back(std::move(*attribute));
    }
    return made;
}

distinguished_name malformed() {
    distinguished_name made;
    made.is_malformed = true;
    return made;
}

}  // namespace

bool distinguished_name::is_multi_valued() const {
    return std::any_of(rdns.begin(), rdns.end(), [](rdn const& each) { return each.size() > 1; });
}

distinguished_name read_name(der_view der) {
    CBS all, sequence;
    CBS_init(&all, der.data(), der.size());
    if (CBS_get_asn1(&all, &sequence, CBS_ASN1_SEQUENCE) != 1 || CBS_len(&all) != 0) return malformed();
    distinguished_name made;
    while (CBS_len(&sequence) != 0) {
        auto next = read_rdn(sequence);
        if (!next) return malformed();
        made.rdns.push_back(std::move(*next));
    }
    std::reverse(made.rdns.begin(), made.rdns.end());
    return made;
}

distinguished_name read_name(X509_NAME const* name) {
    std::uint8_t const* der = nullptr;
    std::size_t size = 0;
    if (X509_NAME_get0_der(const_cast<X509_NAME*>(name), &der, &size) != 1) return malformed();
    return read_name(der_view{der, size});
}

std::string label_of(distinguished_name::rdn const& rdn) {
    constexpr std::size_t most = 4;  // those of strangers may have thousands
    std::string text;
    for (std::size_t at = 0; at < std::min(rdn.size(), most); ++at)
        text += (at == 0 ? "" : "+") + attribute_label(rdn[at].type);
    return rdn.size() > most ? text + "+..." : text;
}

}  // namespace ftpsgate::policy
