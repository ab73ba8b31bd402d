// Who the process is, and what it may use up. Called once, before the first client is served.
#pragma once

#include "config/settings.hpp"

#include <boost/system/error_code.hpp>

#include <cstddef>

namespace ftpsgate::proxy {

/// Gives up being root for good: groups, group and user of all threads. Nothing to do for who is that user already;
/// any other caller but root fails.
boost::system::error_code become(config::system_account const& account);

/// As many descriptors as the system lets the process have: every session needs up to four, and the default limit of
/// 1024 is for interactive programs. Returns how many it may have now.
std::size_t raise_descriptor_limit();

}  // namespace ftpsgate::proxy
