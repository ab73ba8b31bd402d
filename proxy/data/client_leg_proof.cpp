#include "proxy/data/client_leg_proof.hpp"

namespace ftpsgate::data {

namespace {

missing_proof not_resumed() {
    return {leg_failure::not_resumed, "data connection did not resume the TLS session of its control connection"};
}

// A resumed connection carries the control session's certificate anyway (B-158); this is about full handshakes.
std::optional<missing_proof> compare(client_leg_settings const& settings, tls::sha256_digest const& presented,
                                     std::chrono::system_clock::time_point now) {
    if (presented != settings.certificate) {
        return missing_proof{leg_failure::other_certificate,
                             "data connection presented another client certificate than the control connection"};
    }
    if (now < settings.certificate_end) return std::nullopt;
    return missing_proof{leg_failure::not_resumed,
                         "data connection did not resume, and its client certificate has expired (B-275)"};
}

}  // namespace

std::optional<missing_proof> find_missing_proof(client_leg_settings const& settings, tls::session_facts const& facts,
                                                std::chrono::system_clock::time_point now) {
    if (settings.proof == proof::none || facts.resumed) return std::nullopt;
    if (settings.proof == proof::resumption) return not_resumed();
    if (facts.peer_sha256) return compare(settings, *facts.peer_sha256, now);
    return settings.proof == proof::same_certificate_if_any ? std::nullopt : std::optional(not_resumed());
}

}  // namespace ftpsgate::data
