#include "policy/identity_rules.hpp"

#include "config/units.hpp"
#include "policy/backend_password.hpp"
#include "policy/identity_matchers.hpp"
#include "policy/user_template.hpp"

#include <optional>
#include <set>
#include <utility>

namespace ftpsgate::policy {

struct identity_rules::rule {
    std::string name;
    std::vector<identity_matcher> matchers;
    bool has_subject = false;
    bool is_pinned = false;  ///< to an issuer, or to one certificate
    bool denies = false;
    // unless it denies
    std::optional<user_template> user;
    std::optional<backend_password> password;
    std::optional<secret> account;

    static rule build(config::identity_rule_settings const& settings, certificate_list const& anchors,
                      std::string const& key, config::problems& faults);
    finding match_keys(client_view const& client) const;
    finding name_user(client_view const& client, std::string& into) const;
    finding add_secrets(backend_login& login) const;
};

namespace {

using config::problems;

// The loader tells the place of what is wrong with a rule as a whole; here it is but refused.
config::location const said_by_loader;

// B-274: its issuer may name some, so that a rule is for those that it may not.
constexpr char anybody_could_be_it[] =
    "is of a kind that the name constraints on the path leave open, and the rule has no issuer";

// All keys have to match. One that surely does not decides even where another one is doubtful.
finding worse(finding so_far, finding next) {
    bool const is_worse = next.outcome == match::no ? so_far.outcome != match::no
                                                    : next.outcome == match::doubtful && so_far.outcome == match::yes;
    return is_worse ? next : so_far;
}

std::string keys_of(std::vector<identity_matcher> const& matchers) {
    std::string text;
    for (auto const& each : matchers)
        text += (text.empty() ? "" : ", ") + each.key;
    return text;
}

std::optional<user_template> build_user(config::identity_rule_settings const& settings, std::string const& key,
                                        problems& faults) {
    if (!settings.user) {
        faults.push_back({said_by_loader, key + ".user", "is missing", "it is needed unless deny = true"});
        return std::nullopt;
    }
    auto const parsed = user_template::parse(settings.user->text);
    if (parsed) return *parsed;
    faults.push_back({settings.user->where, key + ".user", parsed.fault().message, parsed.fault().hint});
    return std::nullopt;
}

std::optional<secret> build_account(config::identity_rule_settings const& settings, std::string const& key,
                                    problems& faults) {
    if (!settings.account) return std::nullopt;
    if (fits_ftp_line(settings.account->text)) return secret::take(std::string(settings.account->text));
    faults.push_back({settings.account->where, key + ".account",
                      "has to be one line of UTF-8, not empty, with at most 255 bytes", ""});
    return std::nullopt;
}

}  // namespace

identity_rules::rule identity_rules::rule::build(config::identity_rule_settings const& settings,
                                                 certificate_list const& anchors, std::string const& key,
                                                 problems& faults) {
    rule made;
    auto const before = faults.size();
    made.name = settings.name;
    made.denies = settings.deny;
    made.has_subject = settings.subject.has_value();
    made.is_pinned = settings.issuer || settings.sha256;
    made.matchers = build_matchers(settings, anchors, key, faults);
    if (made.matchers.empty() && faults.size() == before)
        faults.push_back({said_by_loader, key, "the rule does not say whom it is for",
                          "subject, issuer, serial, sha256, spki_sha256, email, dns, upn or uri"});
    if (made.denies) return made;
    made.user = build_user(settings, key, faults);
    made.password = backend_password::load(settings.password, key, faults);
    made.account = build_account(settings, key, faults);
    return made;
}

finding identity_rules::rule::match_keys(client_view const& client) const {
    finding result = finding::yes();
    for (auto const& each : matchers) {
        auto one = each.check(client);
        bool const is_open = each.looks_at && client.path.on_client.leave_open(*each.looks_at);
        if (one.outcome == match::yes && is_open && !is_pinned && !denies) one = finding::doubt(anybody_could_be_it);
        one.detail = each.key + ": " + one.detail;
        result = worse(std::move(result), std::move(one));
    }
    return result;
}

finding identity_rules::rule::name_user(client_view const& client, std::string& into) const {
    auto named = user->expand(client.values, into);
    // With a subject to match the operator has said how the RDNs look; without, the CN may be but a part of a name.
    bool const is_joined = client.values.is_subject_multi_valued && !has_subject;
    if (named.outcome == match::yes && is_joined && user->uses(user_template::placeholder::cn))
        named = finding::doubt("{cn} is doubtful: a part of the subject has several attributes");
    auto const open = is_pinned ? std::string() : user->left_open_by(client.path.on_client);
    if (named.outcome == match::yes && !open.empty()) named = finding::doubt(open + " " + anybody_could_be_it);
    named.detail = "user: " + named.detail;
    return named;
}

finding identity_rules::rule::add_secrets(backend_login& login) const {
    std::string fault;
    auto found = password->of(login.user, fault);
    if (!found) return finding::doubt("password: " + fault);
    login.password = std::move(*found);
    login.account = account;
    return finding::yes();
}

identity_rules::identity_rules(config::authentication_settings const& logins) : maps_(logins.client_certificate) {
}

identity_rules::~identity_rules() = default;

finding identity_rules::judge(rule const& asked, client_view const& client, backend_login& login) const {
    auto result = asked.match_keys(client);
    if (asked.denies) return result;
    if (!maps_) return result.outcome == match::doubtful ? finding::no(std::move(result.detail)) : result;
    if (result.outcome != match::no) result = worse(std::move(result), asked.name_user(client, login.user));
    return result.outcome == match::yes ? asked.add_secrets(login) : result;
}

identity_decision identity_rules::decide(verified_peer const& peer) const {
    identity_decision decision;
    if (!rules_.empty()) decision.source = identity_source::rule;
    auto const client = view_of(peer);
    for (auto const& each : rules_) {
        auto login = std::make_shared<backend_login>();
        auto const result = judge(each, client, *login);
        bool const matched = result.outcome == match::yes;
        decision.steps.push_back({each.name, matched, matched ? keys_of(each.matchers) : result.detail});
        if (result.outcome == match::no) continue;
        decision.rule = each.name;
        if (!matched) {
            decision.outcome = identity_outcome::refused;
            decision.detail = result.detail;
        } else if (each.denies) {
            decision.outcome = identity_outcome::denied;
            decision.detail = "the rule denies whoever matches";
        } else if (maps_) {
            decision.outcome = identity_outcome::mapped;
            decision.login = std::move(login);
        }
        break;
    }
    return decision;
}

std::shared_ptr<identity_rules const> build_identity_rules(config::site_settings const& site,
                                                           certificate_list const& anchors, config::problems& faults) {
    std::shared_ptr<identity_rules> const made(new identity_rules(site.authentication));
    std::set<std::string> names;
    for (std::size_t at = 0; at < site.identity.size(); ++at) {
        auto const& settings = site.identity[at];
        auto const key = "site[" + site.name + "].identity[" + std::to_string(at) + "]";
        auto const before = faults.size();
        if (!names.insert(settings.name).second)
            faults.push_back(
                {said_by_loader, key + ".name", "another rule has the name " + config::shown(settings.name), ""});
        auto rule = identity_rules::rule::build(settings, anchors, key, faults);
        if (faults.size() == before) made->rules_.push_back(std::move(rule));
    }
    return made;
}

}  // namespace ftpsgate::policy
