// What of a ClientHello's server name may be used to look up a site.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace ftpsgate::tls {

/// Lower case, one trailing dot removed, 1..253 bytes of [a-z0-9._-]. "" for an address literal: RFC 6066 section 3
/// does not allow those, clients that connect by address send them nevertheless. nullopt: no host name.
std::optional<std::string> usable_server_name(std::string_view sent);

}  // namespace ftpsgate::tls
