#include "policy/access.hpp"

namespace ftpsgate::policy {

namespace {

bool fits_one_line(std::string_view user) {
    std::string_view const breaks_lines("\r\n\0", 3);
    return !user.empty() && user.find_first_of(breaks_lines) == std::string_view::npos;
}

}  // namespace

std::optional<password_only> password_only::of(config::certificate_policy policy) {
    if (policy == config::certificate_policy::require) return std::nullopt;
    return password_only();
}

std::optional<grant> password_only::decide_session(std::string_view user) const {
    if (!fits_one_line(user)) return std::nullopt;
    return grant(std::string(user));
}

std::optional<grant> decide_session(verified_peer const&, std::string_view user) {
    if (!fits_one_line(user)) return std::nullopt;
    return grant(std::string(user));
}

std::optional<grant> decide_mapped_session(verified_peer const&, identity_decision const& identity) {
    if (identity.outcome != identity_outcome::mapped || !identity.login) return std::nullopt;
    return grant(identity.login);
}

}  // namespace ftpsgate::policy
