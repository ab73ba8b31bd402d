#include "policy/attribute_types.hpp"

#include "config/nearest.hpp"
#include "config/words.hpp"

#include <algorithm>
#include <vector>

namespace ftpsgate::policy {

namespace {

constexpr std::string_view domain_component = "0.9.2342.19200300.100.1.25";
constexpr std::string_view organizational_unit = "2.5.4.11";
constexpr std::size_t longest_oid = 255;

struct attribute_type {
    std::string_view name;  // the first one for an OID is the label
    std::string_view oid;
};

// RFC 4514 section 3, RFC 4519, RFC 5280 appendix A, and what Windows (S, G, E) and OpenSSL (SN, GN, ...) call them.
constexpr attribute_type known[] = {
    {"CN", "2.5.4.3"},
    {"commonName", "2.5.4.3"},
    {"SN", "2.5.4.4"},
    {"surname", "2.5.4.4"},
    {"serialNumber", "2.5.4.5"},
    {"C", "2.5.4.6"},
    {"countryName", "2.5.4.6"},
    {"L", "2.5.4.7"},
    {"localityName", "2.5.4.7"},
    {"ST", "2.5.4.8"},
    {"S", "2.5.4.8"},
    {"stateOrProvinceName", "2.5.4.8"},
    {"STREET", "2.5.4.9"},
    {"streetAddress", "2.5.4.9"},
    {"O", "2.5.4.10"},
    {"organizationName", "2.5.4.10"},
    {"OU", organizational_unit},
    {"organizationalUnitName", organizational_unit},
    {"T", "2.5.4.12"},
    {"title", "2.5.4.12"},
    {"description", "2.5.4.13"},
    {"businessCategory", "2.5.4.15"},
    {"postalCode", "2.5.4.17"},
    {"name", "2.5.4.41"},
    {"GN", "2.5.4.42"},
    {"G", "2.5.4.42"},
    {"givenName", "2.5.4.42"},
    {"initials", "2.5.4.43"},
    {"generationQualifier", "2.5.4.44"},
    {"dnQualifier", "2.5.4.46"},
    {"pseudonym", "2.5.4.65"},
    {"organizationIdentifier", "2.5.4.97"},
    {"UID", "0.9.2342.19200300.100.1.1"},
    {"userId", "0.9.2342.19200300.100.1.1"},
    {"DC", domain_component},
    {"domainComponent", domain_component},
    {"emailAddress", "1.2.840.113549.1.9.1"},
    {"E", "1.2.840.113549.1.9.1"},
    {"unstructuredName", "1.2.840.113549.1.9.2"},
    {"unstructuredAddress", "1.2.840.113549.1.9.8"},
    {"jurisdictionL", "1.3.6.1.4.1.311.60.2.1.1"},
    {"jurisdictionST", "1.3.6.1.4.1.311.60.2.1.2"},
    {"jurisdictionC", "1.3.6.1.4.1.311.60.2.1.3"},
};

bool is_arc(std::string_view text) {
    bool const is_number = !text.empty() && text.find_first_not_of("0123456789") == text.npos;
    return is_number && (text.size() == 1 || text.front() != '0');
}

// X.660: the first arc is 0, 1 or 2, and below 40 arcs are in the first two.
bool is_oid(std::string_view text) {
    if (text.size() > longest_oid || text.size() < 3 || text[1] != '.' || text[0] > '2') return false;
    auto const second = text.substr(2, text.find('.', 2) - 2);
    bool const is_small = second.size() == 1 || (second.size() == 2 && second[0] < '4');
    if (text[0] != '2' && !is_small) return false;
    while (true) {
        auto const dot = text.find('.');
        if (!is_arc(text.substr(0, dot))) return false;
        if (dot == text.npos) return true;
        text.remove_prefix(dot + 1);
    }
}

config::complaint unknown_name(std::string_view name) {
    std::vector<std::string_view> names;
    for (auto const& each : known)
        names.push_back(each.name);
    auto const hint = config::suggestion(name, names);
    return {"attribute type " + config::shown(name) + " is not known", hint.empty() ? "write its OID in digits" : hint};
}

}  // namespace

config::parsed<std::string> parse_attribute_type(std::string_view name) {
    auto const folded = config::to_lower(name);  // RFC 4514 section 2.3: without regard to case
    auto const* const found = std::find_if(std::begin(known), std::end(known), [&](attribute_type const& each) {
        return config::to_lower(each.name) == folded;
    });
    if (found != std::end(known)) return std::string(found->oid);
    bool const is_prefixed = folded.starts_with("oid.");  // RFC 2253 section 4
    auto const digits = is_prefixed ? name.substr(4) : name;
    if (is_oid(digits)) return std::string(digits);
    bool const looks_like_oid = is_prefixed || name.find_first_not_of("0123456789.") == name.npos;
    if (looks_like_oid) return config::complaint{config::shown(name) + " is no OID"};
    return unknown_name(name);
}

std::string attribute_label(std::string_view oid) {
    auto const* const found =
        std::find_if(std::begin(known), std::end(known), [&](attribute_type const& each) { return each.oid == oid; });
    return std::string(found != std::end(known) ? found->name : oid);
}

bool is_hierarchical(std::string_view oid) {
    return oid == domain_component || oid == organizational_unit;
}

}  // namespace ftpsgate::policy
