// LDAP search filters (RFC 4515). Pure.
//
// Values come out of certificates: whatever is in them, the filter that is built has exactly the shape that the caller
// asked for, and the directory compares with exactly these bytes.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace ftpsgate::policy {

/// For the value of an assertion. Escapes more than RFC 4515 section 3 demands: everything but letters, digits and
/// "-_.@:,=" becomes "\xx", so that no parser's idea of blanks or of UTF-8 matters.
std::string escape_filter_value(std::string_view value);

/// "(ATTRIBUTE=VALUE)". The attribute is ours or the operator's and must be an attribute description (RFC 4512 2.5).
std::string equality_filter(std::string_view attribute, std::string_view value);

/// Accounts, and nothing else that may have the same values, whose attribute has one of these values (at least one).
std::string account_filter(std::string_view attribute, std::vector<std::string> const& values);

/// Letters, digits, '-', ';' and '.', beginning with a letter or digit: cannot change the shape of a filter.
bool is_attribute_description(std::string_view text);

}  // namespace ftpsgate::policy
