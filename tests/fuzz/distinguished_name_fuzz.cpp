// Input: a pattern as an operator writes it, a NUL, then a Name in DER as a stranger's certificate brings it. Patterns
// are read or complained of; only sound names match; and what is printed of a sound name is a pattern that matches it.
#include "policy/certificate_text.hpp"
#include "policy/name_pattern.hpp"
#include "tests/fuzz/input.hpp"

#include <set>
#include <string>

using namespace ftpsgate;

namespace {

void check_values(policy::distinguished_name const& name) {
    fuzz::require(!name.is_malformed || name.rdns.empty(), "a malformed name has nothing in it");
    for (auto const& rdn : name.rdns) {
        fuzz::require(!rdn.empty(), "an RDN has an attribute");
        for (auto const& each : rdn) {
            fuzz::require(each.type.find('.') != std::string::npos, "types are OIDs");
            fuzz::require(each.flaw.empty() == policy::flaw_of(each.value).empty(),
                          "values are sound, or told not to be");
        }
    }
}

bool is_sound(policy::distinguished_name const& name) {
    for (auto const& rdn : name.rdns) {
        std::set<std::string> types;
        for (auto const& each : rdn)
            if (!each.flaw.empty() || !types.insert(each.type).second) return false;
    }
    return !name.is_malformed && !name.rdns.empty();
}

// Nothing of which two readers could think differently: each attribute sound, in an RDN of its own and of another type.
bool is_plain(policy::distinguished_name const& name) {
    std::set<std::string> types;
    for (auto const& rdn : name.rdns)
        if (rdn.size() != 1 || !types.insert(rdn.front().type).second) return false;
    return is_sound(name);
}

void check_match(policy::name_pattern const& pattern, policy::distinguished_name const& name) {
    auto const result = pattern.matches(name);
    fuzz::require((result.outcome == policy::match::yes) == result.detail.empty(), "what does not match tells why");
    fuzz::require(policy::is_utf8(result.detail), "reasons are text");
    fuzz::require(result.outcome != policy::match::yes || is_sound(name), "only sound names match (B-191)");
    fuzz::require(result.outcome == policy::match::doubtful || !name.is_malformed, "what is malformed is doubtful");
    fuzz::require(result.outcome != policy::match::doubtful || !is_plain(name), "doubt has its grounds in the name");
}

// What `ftpsgate identity` shows can be written into a rule.
void check_printed(policy::der_view der, policy::distinguished_name const& name) {
    auto const* at = der.data();
    bssl::UniquePtr<X509_NAME> const parsed(d2i_X509_NAME(nullptr, &at, static_cast<long>(der.size())));
    ERR_clear_error();
    if (!parsed || !is_sound(name)) return;
    auto const pattern = policy::name_pattern::parse(policy::name_text(parsed.get()));
    if (!pattern) return;  // types that OpenSSL has names for and this has not
    fuzz::require((*pattern).matches(name).outcome == policy::match::yes, "what is printed of a name matches it");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
    fuzz::input in(data, size);
    auto const text = in.text();
    auto const rest = in.rest();
    policy::der_view const der{reinterpret_cast<std::uint8_t const*>(rest.data()), rest.size()};
    auto const name = policy::read_name(der);
    check_values(name);
    check_printed(der, name);
    auto const pattern = policy::name_pattern::parse(text);
    if (pattern) {
        check_match(*pattern, name);
    } else {
        fuzz::require(!pattern.fault().message.empty(), "a complaint has words");
    }
    return 0;
}
