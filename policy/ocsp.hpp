// OCSP messages (RFC 6960, lightweight profile RFC 5019) on BoringSSL's CBS and EVP: bytes in, verdict out, no network.
//
// Checked: all of B-267 (signature by the issuer's key or by a delegate that the issuer's key certified for
// OCSPSigning, responderID) and B-268 (certID, times, critical extensions), B-269 (nonce). Not checked: whether a
// delegate without id-pkix-ocsp-nocheck is revoked; it is handed out for that.
#pragma once

#include "policy/certificate.hpp"

#include <array>
#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <variant>
#include <vector>

namespace ftpsgate::policy {

/// Which certificate is asked about. Both must outlive the call.
struct ocsp_subject {
    X509 const& certificate;
    X509 const& issuer;
};

using ocsp_nonce = std::array<std::uint8_t, 32>;

/// DER of an OCSPRequest with one SHA-1 certID (what every responder understands, RFC 5019 2.1.1) and the nonce. Empty
/// as ocsp_question_id().
std::vector<std::uint8_t> build_ocsp_request(ocsp_subject const& subject, ocsp_nonce const& nonce);

/// Identifies the question, for caches: DER of the SHA-1 certID. Empty when the certificate cannot be asked about.
std::string ocsp_question_id(ocsp_subject const& subject);

enum class ocsp_status { good, revoked, unknown };

struct ocsp_answer {
    ocsp_status status = ocsp_status::unknown;
    time_point produced_at{};
    time_point this_update{};
    std::optional<time_point> next_update;
    std::optional<time_point> revoked_at;
    /// The responder's own certificate where it is not the issuer and not exempt (id-pkix-ocsp-nocheck): the answer
    /// counts only if this one is not revoked (B-267).
    certificate_ptr delegate_to_check;
};

/// Why a response is not usable, in words.
struct ocsp_fault {
    std::string words;
};

struct ocsp_rules {
    time_point now;
    std::optional<ocsp_nonce> nonce;     ///< what was sent; must match if the response has one. Unset: not compared
    std::chrono::seconds skew{300};      ///< how far thisUpdate and producedAt may be ahead; nextUpdate has no grace
    std::chrono::seconds max_age{3600};  ///< of thisUpdate, where there is no nextUpdate
};

/// `response` as it came from the network: untrusted bytes of up to 64 KiB, more are refused. Error statuses of the
/// responder (tryLater ...) are faults. Never throws.
std::variant<ocsp_answer, ocsp_fault> check_ocsp_response(std::span<std::uint8_t const> response,
                                                          ocsp_subject const& subject, ocsp_rules const& rules);

}  // namespace ftpsgate::policy
