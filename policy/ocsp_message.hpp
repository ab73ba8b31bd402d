// OCSPResponse (RFC 6960 4.2.1) as it stands, nothing of it believed yet. Internal to policy/ocsp*.
#pragma once

#include "policy/certificate.hpp"
#include "policy/ocsp.hpp"

#include <optional>
#include <variant>
#include <vector>

namespace ftpsgate::policy {

struct ocsp_single_response {
    int hash = NID_undef;  ///< NID_undef also for algorithms that BoringSSL does not know
    der_view name_hash;
    der_view key_hash;
    der_view serial;  ///< content of the INTEGER
    ocsp_status status = ocsp_status::unknown;
    time_point this_update{};
    std::optional<time_point> next_update;
    std::optional<time_point> revoked_at;
};

/// Views into the bytes that were parsed.
struct ocsp_message {
    der_view signed_data;  ///< DER of ResponseData
    der_view algorithm;    ///< DER of an AlgorithmIdentifier
    der_view signature;
    der_view responder_name;      ///< DER of a Name; or else:
    der_view responder_key_hash;  ///< SHA-1
    time_point produced_at{};
    std::vector<ocsp_single_response> answers;
    std::optional<der_view> nonce;
    std::vector<der_view> certificates;  ///< DER of each, or what is in their place
};

/// Faults: too large, malformed, an error status, another type or version, a critical extension.
std::variant<ocsp_message, ocsp_fault> parse_ocsp_response(der_view der);

}  // namespace ftpsgate::policy
