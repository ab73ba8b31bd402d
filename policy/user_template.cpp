#include "policy/user_template.hpp"

#include "config/nearest.hpp"
#include "policy/certificate_text.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

namespace ftpsgate::policy {

namespace {

using placeholder = user_template::placeholder;

constexpr std::array<std::string_view, 9> names{"cn",  "email", "email.local", "upn",   "upn.local",
                                                "dns", "uri",   "serial",      "sha256"};  // in the order of the enum

std::string_view name_of(placeholder which) {
    return names[static_cast<std::size_t>(which)];
}

std::string position(std::size_t at) {
    return ", at character " + std::to_string(at + 1);
}

std::optional<name_kind> kind_of(placeholder which) {
    switch (which) {
        case placeholder::cn: return name_kind::directory;
        case placeholder::email:
        case placeholder::email_local: return name_kind::email;
        case placeholder::upn:
        case placeholder::upn_local: return name_kind::other;
        case placeholder::dns: return name_kind::dns;
        case placeholder::uri: return name_kind::uri;
        case placeholder::serial: return name_kind::no_name;
        case placeholder::sha256: break;
    }
    return std::nullopt;
}

config::complaint unknown(std::string_view name, std::size_t at) {
    auto hint = config::suggestion(name, names);
    if (hint.empty()) hint = "{cn} {email} {email.local} {upn} {upn.local} {dns} {uri} {serial} {sha256}";
    return {"placeholder " + config::shown(name) + " is not known" + position(at), hint};
}

certificate_value present(std::string const& text) {
    return {certificate_value::presence::present, text};
}

// What is before the only '@'.
certificate_value local_part(certificate_value whole) {
    if (whole.state != certificate_value::presence::present) return whole;
    auto const at = whole.text.find('@');
    bool const is_whole = at != std::string::npos && at > 0 && whole.text.find('@', at + 1) == std::string::npos;
    if (!is_whole) return {certificate_value::presence::doubtful, "is not of the form local@domain"};
    whole.text.resize(at);
    return whole;
}

// A part of a value may end where the value does not: "admin " of "admin @example.com".
certificate_value checked(certificate_value value) {
    if (value.state != certificate_value::presence::present) return value;
    auto const flaw = flaw_of_user(value.text);
    return flaw.empty() ? value : certificate_value{certificate_value::presence::doubtful, std::string(flaw)};
}

certificate_value value_of(placeholder which, certificate_values const& from) {
    switch (which) {
        case placeholder::cn: return from.cn;
        case placeholder::email: return from.email;
        case placeholder::email_local: return local_part(from.email);
        case placeholder::upn: return from.upn;
        case placeholder::upn_local: return local_part(from.upn);
        case placeholder::dns: return from.dns;
        case placeholder::uri: return from.uri;
        case placeholder::serial: return present(from.serial);
        case placeholder::sha256: return present(from.sha256);
    }
    return {};
}

}  // namespace

config::parsed<user_template> user_template::parse(std::string_view text) {
    std::vector<piece> pieces;
    std::string shortest;  // with one letter for each placeholder
    for (std::size_t at = 0; at < text.size();) {
        auto const brace = std::min(text.find_first_of("{}", at), text.size());
        if (brace > at) pieces.emplace_back(std::string(text.substr(at, brace - at)));
        shortest += text.substr(at, brace - at);
        if (brace == text.size()) break;
        auto const end = text.find_first_of("{}", brace + 1);
        if (text[brace] == '}') return config::complaint{"there is a '}' without its '{'" + position(brace)};
        if (end == text.npos || text[end] == '{')
            return config::complaint{"there is a '{' without its '}'" + position(brace)};
        auto const name = text.substr(brace + 1, end - brace - 1);
        auto const* const known = std::find(names.begin(), names.end(), name);
        if (known == names.end()) return unknown(name, brace);
        pieces.emplace_back(static_cast<placeholder>(known - names.begin()));
        shortest += 'x';
        at = end + 1;
    }
    if (pieces.empty()) return config::complaint{"is empty"};
    if (auto const flaw = flaw_of_user(shortest); !flaw.empty())
        return config::complaint{"could be nobody's name, as it " + std::string(flaw)};
    return user_template(std::move(pieces));
}

finding user_template::expand(certificate_values const& values, std::string& user) const {
    user.clear();
    std::string made;
    std::string doubt;
    for (auto const& each : pieces_) {
        if (auto const* literal = std::get_if<std::string>(&each)) {
            made += *literal;
            continue;
        }
        auto const which = std::get<placeholder>(each);
        auto const value = checked(value_of(which, values));
        auto const shown = "{" + std::string(name_of(which)) + "} ";
        if (value.state == certificate_value::presence::absent) doubt = shown + "is not in the certificate";
        if (value.state == certificate_value::presence::doubtful) doubt = shown + value.text;
        made += value.text;
    }
    if (!doubt.empty()) return finding::doubt(std::move(doubt));
    if (auto const flaw = flaw_of_user(made); !flaw.empty())
        return finding::doubt("what the certificate makes of it " + std::string(flaw));
    user = std::move(made);
    return finding::yes();
}

std::string user_template::left_open_by(name_limits const& limits) const {
    for (auto const& each : pieces_) {
        auto const* const used = std::get_if<placeholder>(&each);
        auto const kind = used != nullptr ? kind_of(*used) : std::nullopt;
        if (kind && limits.leave_open(*kind)) return "{" + std::string(name_of(*used)) + "}";
    }
    return {};
}

bool user_template::uses(placeholder which) const {
    return std::any_of(pieces_.begin(), pieces_.end(), [&](piece const& each) {
        auto const* const used = std::get_if<placeholder>(&each);
        return used != nullptr && *used == which;
    });
}

}  // namespace ftpsgate::policy
