#include "policy/identity_matchers.hpp"

#include "config/words.hpp"
#include "policy/certificate_text.hpp"
#include "policy/name_pattern.hpp"
#include "policy/wildcard.hpp"

#include <algorithm>
#include <utility>

namespace ftpsgate::policy {

namespace {

using check = std::function<finding(client_view const&)>;
using config::complaint;
using config::parsed;

constexpr std::string_view hex_digits = "0123456789abcdef";

finding differs(std::string const& actual, std::string const& wanted) {
    return finding::no("is '" + actual + "', the rule wants '" + wanted + "'");
}

// ---- names ----------------------------------------------------------------------------------------------------------

parsed<check> parse_subject(std::string const& text) {
    auto const pattern = name_pattern::parse(text);
    if (!pattern) return pattern.fault();
    return check([pattern = *pattern](client_view const& client) { return pattern.matches(client.subject); });
}

// A CA of ca_file is known by its key. Others are by their name, which is theirs alone below one root only; and a rule
// that denies may mean them all (B-190, A-093). Nor may a CA that is kept to some kinds of names choose this one
// (B-274).
finding judge_issuer(path_facts const& path, bool denies) {
    if (path.issuer.is_anchor || denies) return finding::yes();
    if (path.issuer.is_namesake) return finding::no("has the name of a CA in ca_file, but another key");
    if (path.issuer.is_one_of_many)
        return finding::doubt("is not in ca_file, which has several roots: each could have a CA of this name");
    if (path.on_issuer.leave_open(name_kind::directory))
        return finding::doubt(
            "is not in ca_file, and was named by a CA whose name constraints say nothing of CAs' names");
    return finding::yes();
}

bool names_one_of(name_pattern const& pattern, certificate_list const& anchors) {
    return std::any_of(anchors.begin(), anchors.end(), [&](certificate_ptr const& each) {
        return pattern.matches(read_name(X509_get_subject_name(each.get()))).outcome == match::yes;
    });
}

parsed<check> parse_issuer(std::string const& text, bool denies, certificate_list const& anchors) {
    auto const pattern = name_pattern::parse(text);
    if (!pattern) return pattern.fault();
    if (!denies && have_several_roots(anchors) && !names_one_of(*pattern, anchors))
        return complaint{"is the name of no CA in ca_file, which has several roots: each could have a CA of this name",
                         "add the CA that is meant to ca_file"};
    return check([pattern = *pattern, denies](client_view const& client) {
        if (!client.issuer) return finding::no("the certificate is in ca_file itself, there is no issuer on its path");
        auto named = pattern.matches(*client.issuer);
        return named.outcome == match::yes ? judge_issuer(client.path, denies) : named;
    });
}

// ---- numbers --------------------------------------------------------------------------------------------------------

// Lower case, without colons.
std::string plain_hex(std::string_view text) {
    auto plain = config::to_lower(text);
    std::erase(plain, ':');
    return plain;
}

bool is_hex(std::string_view text) {
    return !text.empty() && text.find_first_not_of(hex_digits) == text.npos;
}

std::string without_zeros(std::string_view digits) {
    return std::string(digits.substr(std::min(digits.find_first_not_of('0'), digits.size() - 1)));
}

// The one spelling of a number, "" for what is none.
std::string canonical_serial(std::string_view text) {
    bool const is_negative = text.starts_with('-');
    auto const digits = plain_hex(text.substr(is_negative ? 1 : 0));
    if (!is_hex(digits)) return {};
    auto const number = without_zeros(digits);
    return is_negative && number != "0" ? "-" + number : number;
}

parsed<check> parse_serial(std::string const& text) {
    auto const wanted = canonical_serial(text);
    if (wanted.empty()) return complaint{"is no number in hex", R"(like "0A1B")"};
    return check([wanted, text](client_view const& client) {
        if (canonical_serial(client.values.serial) == wanted) return finding::yes();
        return differs(client.values.serial, text);
    });
}

parsed<check> parse_digest(std::string const& text, std::string const& (*of)(client_view const&)) {
    auto const wanted = plain_hex(text);
    if (!is_hex(wanted) || wanted.size() != 2 * SHA256_DIGEST_LENGTH)
        return complaint{"is no SHA-256 digest", "64 digits in hex"};
    return check([wanted, of](client_view const& client) {
        return of(client) == wanted ? finding::yes() : differs(of(client), wanted);
    });
}

// ---- alternative names ----------------------------------------------------------------------------------------------

using test = std::function<bool(std::string const& value)>;

// Of several values none is the client's (B-191). Where none of them fits, it is not this rule's either.
finding judge_several(certificate_value const& value, std::string const& wanted, test const& matches) {
    if (value.all.empty() || std::any_of(value.all.begin(), value.all.end(), matches))
        return finding::doubt(value.text);
    return finding::no("none of the " + std::to_string(value.all.size()) + " is '" + wanted + "', as the rule wants");
}

check for_value(certificate_value certificate_values::*which, std::string const& text, test matches) {
    return [which, text, matches = std::move(matches)](client_view const& client) {
        auto const& value = client.values.*which;
        switch (value.state) {
            case certificate_value::presence::absent: return finding::no("the certificate has none");
            case certificate_value::presence::doubtful: return judge_several(value, text, matches);
            case certificate_value::presence::present: break;
        }
        return matches(value.text) ? finding::yes() : differs(value.text, text);
    };
}

std::string never_matches(std::string_view flaw) {
    return "no certificate would match, as it " + std::string(flaw);
}

// Host names and parts of them, with stars.
bool is_dns_pattern(std::string_view lower) {
    return !lower.empty() && lower.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-_.*") == lower.npos;
}

// Without regard to case (RFC 5280 section 7.2).
parsed<check> parse_dns(std::string const& text) {
    auto const lower = config::to_lower(text);
    if (!is_dns_pattern(lower)) return complaint{"is no host name with '*'", R"(like "*.plant.example")"};
    return check(
        for_value(&certificate_values::dns, text, [pattern = wildcard::parse(lower)](std::string const& value) {
            return pattern.matches(config::to_lower(value));
        }));
}

// The local part as it is, the domain without regard to case (RFC 5280 section 7.5). A value has one '@'.
parsed<check> parse_email(std::string const& text) {
    auto const at = text.find('@');
    bool const is_any = text == "*";
    auto const domain = is_any || at == text.npos ? "*" : config::to_lower(text.substr(at + 1));
    bool const has_both_parts = at != text.npos && at > 0 && is_dns_pattern(domain);
    if (!is_any && !has_both_parts) return complaint{"is no mail address with '*'", R"(like "*@example.com")"};
    auto const flaw = flaw_of(text);
    if (!flaw.empty()) return complaint{never_matches(flaw)};
    return check(for_value(
        &certificate_values::email, text,
        [local = wildcard::parse(text.substr(0, at)), domains = wildcard::parse(domain)](std::string const& value) {
            auto const split = value.find('@');
            return local.matches(std::string_view(value).substr(0, split)) &&
                   domains.matches(config::to_lower(value.substr(split + 1)));
        }));
}

parsed<check> parse_bytewise(certificate_value certificate_values::*which, std::string const& text) {
    auto const flaw = flaw_of(text);
    if (!flaw.empty()) return complaint{never_matches(flaw)};
    return check(for_value(
        which, text, [pattern = wildcard::parse(text)](std::string const& value) { return pattern.matches(value); }));
}

parsed<check> parse_uri(std::string const& text) {
    bool const is_visible = std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c < '\x7F'; });
    if (!is_visible) return complaint{"is no URI with '*'", R"(like "spiffe://plant.example/*")"};
    return parse_bytewise(&certificate_values::uri, text);
}

}  // namespace

client_view view_of(verified_peer const& peer) {
    client_view view;
    X509 const& leaf = *peer.chain().front();
    view.subject = read_name(X509_get_subject_name(&leaf));
    view.values = values_of(leaf, peer.facts(), view.subject);
    view.spki_sha256 = to_hex(key_sha256_of(leaf));
    view.path = peer.path();
    if (peer.chain().size() > 1) view.issuer = read_name(X509_get_subject_name(peer.chain()[1].get()));
    return view;
}

std::vector<identity_matcher> build_matchers(config::identity_rule_settings const& rule,
                                             certificate_list const& anchors, std::string const& key,
                                             config::problems& faults) {
    std::vector<identity_matcher> made;
    auto const add = [&](char const* name, std::optional<config::placed_text> const& given, auto const& parse,
                         std::optional<name_kind> looks_at = {}) {
        if (!given) return;
        parsed<check> const one = parse(given->text);
        if (one) return made.push_back({name, *one, looks_at});
        faults.push_back({given->where, key + "." + name, one.fault().message, one.fault().hint});
    };
    add("subject", rule.subject, parse_subject, name_kind::directory);
    add("issuer", rule.issuer, [&](std::string const& text) { return parse_issuer(text, rule.deny, anchors); });
    add("serial", rule.serial, parse_serial, name_kind::no_name);
    add("sha256", rule.sha256, [](std::string const& text) {
        return parse_digest(text, [](client_view const& of) -> std::string const& { return of.values.sha256; });
    });
    add("spki_sha256", rule.spki_sha256, [](std::string const& text) {
        return parse_digest(text, [](client_view const& of) -> std::string const& { return of.spki_sha256; });
    });
    auto const parse_upn = [](std::string const& text) { return parse_bytewise(&certificate_values::upn, text); };
    add("email", rule.email, parse_email, name_kind::email);
    add("dns", rule.dns, parse_dns, name_kind::dns);
    add("upn", rule.upn, parse_upn, name_kind::other);
    add("uri", rule.uri, parse_uri, name_kind::uri);
    return made;
}

}  // namespace ftpsgate::policy
