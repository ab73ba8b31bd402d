#include "policy/verdict.hpp"

namespace ftpsgate::policy {

char const* to_string(refusal why) {
    switch (why) {
        case refusal::none: return "none";
        case refusal::malformed: return "malformed";
        case refusal::untrusted: return "untrusted";
        case refusal::bad_signature: return "bad_signature";
        case refusal::expired: return "expired";
        case refusal::not_yet_valid: return "not_yet_valid";
        case refusal::weak: return "weak";
        case refusal::usage: return "usage";
        case refusal::constraint: return "constraint";
        case refusal::revoked: return "revoked";
        case refusal::revocation_unknown: return "revocation_unknown";
    }
    return "malformed";
}

std::uint8_t alert_of(refusal why) {
    switch (why) {
        case refusal::untrusted: return SSL_AD_UNKNOWN_CA;
        case refusal::expired:
        case refusal::not_yet_valid: return SSL_AD_CERTIFICATE_EXPIRED;
        case refusal::weak:
        case refusal::usage: return SSL_AD_UNSUPPORTED_CERTIFICATE;
        case refusal::revoked: return SSL_AD_CERTIFICATE_REVOKED;
        case refusal::revocation_unknown: return SSL_AD_CERTIFICATE_UNKNOWN;
        default: return SSL_AD_BAD_CERTIFICATE;
    }
}

char const* to_string(revocation_status status) {
    switch (status) {
        case revocation_status::not_checked: return "not_checked";
        case revocation_status::good: return "good";
        case revocation_status::revoked: return "revoked";
        case revocation_status::unknown: return "unknown";
    }
    return "unknown";
}

char const* to_string(revocation_source source) {
    switch (source) {
        case revocation_source::none: return "none";
        case revocation_source::ocsp: return "ocsp";
        case revocation_source::crl: return "crl";
        case revocation_source::cache: return "cache";
    }
    return "none";
}

}  // namespace ftpsgate::policy
