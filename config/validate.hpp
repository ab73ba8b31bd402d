// Rules that need more than one value: what cannot work together, what nobody could ever use. Pure; values that the
// reader has already complained about are left out. Each fault stands at the value that should be changed.
#pragma once

#include "config/key_index.hpp"
#include "config/problem.hpp"
#include "config/settings.hpp"

namespace ftpsgate::config {

/// All groups of rules, in no particular order.
problems validate(settings const& values, key_index const& keys);

/// Rules inside one site and on names: TLS policies, certificates of both sides, verbs.
problems validate_sites(settings const& values, key_index const& keys);

/// Who can log in, and with what: passwords, client certificates, identity rules, Active Directory.
problems validate_logins(settings const& values, key_index const& keys);

/// Who listens, connects and transfers where: addresses and ports of all sites and of the metrics.
problems validate_addresses(settings const& values, key_index const& keys);

}  // namespace ftpsgate::config
