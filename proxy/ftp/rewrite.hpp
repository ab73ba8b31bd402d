// What of a backend's replies a client may see: FEAT lists are merged, addresses of the backend are taken out.
#pragma once

#include "proxy/ftp/reply.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace ftpsgate::ftp {

/// Feature lines of a FEAT reply, trimmed, without "211" lines.
std::vector<std::string> features_of(reply const& feat);

/// What the gate itself offers on this site.
struct own_features {
    bool tls = true;     ///< the site has a certificate: AUTH TLS, PBSZ, PROT
    bool ccc = false;    ///< CCC may succeed
    bool host = false;   ///< several sites share the address
    bool active = true;  ///< EPRT is allowed
};

/// The 211 reply for the client (B-094, B-097, B-098): the backend's lines that the gate knows to be harmless, plus
/// its own. `backend` may be empty (before login, or a backend without FEAT).
reply merge_features(std::vector<std::string> const& backend, own_features const& own);

/// Replaces every occurrence of the backend's names (address text, "a,b,c,d" form, host name) by `instead`.
/// Matches whole addresses only: 10.0.0.5 is not found in 10.0.0.55.
void hide_addresses(reply& answer, std::vector<std::string> const& names, std::string_view instead);
/// The same for replies that hold a path: what a client takes as the path of a 257, and the lines between the first and
/// the last, stay as they are (B-241, B-242).
void hide_addresses_around_path(reply& answer, std::vector<std::string> const& names, std::string_view instead);

/// May this code be shown to a client as the answer to a forwarded command (A-046, B-021)? Security codes that would
/// change a client's state (232, 234, 235, 334, 335, 336, 63x) and codes outside 100..599 may not.
bool may_be_shown(int code);

}  // namespace ftpsgate::ftp
