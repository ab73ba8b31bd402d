// Shapes (shapes.hpp) of the values that say who logs in: [site.authentication], [[site.identity]] and
// [site.active_directory].
#pragma once

#include "config/shapes.hpp"

namespace ftpsgate::config {

/// 232 or 230 (D-04).
struct login_reply {
    verdict operator()(scalar const& value, unsigned& into) const;
};

/// A name as the shell knows them. Faults do not show it: it may be a password in the wrong place.
struct environment_name {
    verdict operator()(scalar const& value, std::optional<placed_text>& into) const;
};

/// "ldaps://HOST[:PORT] ldap://HOST[:PORT]", with one blank or more between them; each becomes an element.
struct directory_urls {
    verdict operator()(scalar const& value, std::vector<placed_text>& into) const;
};

/// The name of an LDAP attribute, without options (RFC 4512 section 1.4, descr).
struct attribute_name {
    verdict operator()(scalar const& value, std::string& into) const;
};

}  // namespace ftpsgate::config
