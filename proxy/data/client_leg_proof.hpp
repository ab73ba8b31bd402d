// Does a TLS data connection belong to its control session? By resumption (B-156, B-157), or by the client certificate
// of the control session, presented again (B-159).
#pragma once

#include "proxy/data/client_leg.hpp"

#include <chrono>
#include <optional>
#include <string>

namespace ftpsgate::data {

struct missing_proof {
    leg_failure kind;
    std::string text;  ///< in words, for the log
};

/// nullopt: it belongs to the session. `facts` are those of the established data connection.
std::optional<missing_proof> find_missing_proof(client_leg_settings const& settings, tls::session_facts const& facts,
                                                std::chrono::system_clock::time_point now);

}  // namespace ftpsgate::data
