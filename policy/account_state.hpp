// May an account of Active Directory log in now, and under which name does the backend know it? Pure.
#pragma once

#include "policy/ldap_connection.hpp"

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace ftpsgate::policy {

/// What fault_of_account() wants to see of an entry.
std::vector<std::string> account_attributes();

/// Empty: it may. In words: disabled, locked out, expired (accountExpires), or its state cannot be read - an account
/// whose userAccountControl the gate may not see could be a disabled one.
std::string fault_of_account(ldap_entry const& entry, std::chrono::system_clock::time_point now);

/// Empty: the account is that of the SID which the certificate names, or it names none (""). A certificate is bound to
/// one account by it, however the account was found (KB5014754, CVE-2022-26923).
std::string fault_of_sid(ldap_entry const& entry, std::string_view sid);

/// The one value of `attribute`, fit for an FTP line (B-192) as flaw_of_user() judges; nullopt with `fault` in words.
std::optional<std::string> backend_name_of(ldap_entry const& entry, std::string_view attribute, std::string& fault);

}  // namespace ftpsgate::policy
