// The names of attribute types in distinguished names: those of RFC 4514 and those that tools print.
#pragma once

#include "config/units.hpp"

#include <string>
#include <string_view>

namespace ftpsgate::policy {

/// "cn", "2.5.4.3" or "OID.2.5.4.3" -> "2.5.4.3".
config::parsed<std::string> parse_attribute_type(std::string_view name);

/// "2.5.4.3" -> "CN"; the digits themselves where there is no name.
std::string attribute_label(std::string_view oid);

/// A step of a tree, so more than one is no ambiguity: DC (RFC 4519 section 2.4), OU (2.20; Active Directory's names).
bool is_hierarchical(std::string_view oid);

}  // namespace ftpsgate::policy
