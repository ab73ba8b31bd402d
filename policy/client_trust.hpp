// From the settings of [site.client_certificates] to what verifies clients: trust anchors and CRLs out of files.
#pragma once

#include "config/problem.hpp"
#include "config/settings.hpp"
#include "policy/peer_verifier.hpp"

#include <memory>
#include <string>

namespace ftpsgate::policy {

/// Null when the site ignores client certificates, or faults were added (positions are those of the file's names).
/// `site` is the site's name, for the faults.
std::shared_ptr<peer_verifier const> build_peer_verifier(config::client_certificate_settings const& settings,
                                                         std::string const& site,
                                                         std::shared_ptr<verification_service> service,
                                                         config::problems& faults);

}  // namespace ftpsgate::policy
