#include "proxy/tls/error.hpp"

#include "proxy/tls/boringssl.hpp"

#include <cstdint>

namespace ftpsgate::tls {

namespace {

failure_kind classify(std::uint32_t error) {
    if (ERR_GET_LIB(error) != ERR_LIB_SSL) return failure_kind::other;
    int const reason = ERR_GET_REASON(error);
    if (reason >= SSL_AD_REASON_OFFSET) return failure_kind::peer_alert;
    switch (reason) {
        case SSL_R_UNSUPPORTED_PROTOCOL:
        case SSL_R_INAPPROPRIATE_FALLBACK: return failure_kind::no_shared_version;
        case SSL_R_NO_SHARED_CIPHER:
        case SSL_R_NO_SHARED_GROUP:
        case SSL_R_NO_COMMON_SIGNATURE_ALGORITHMS: return failure_kind::no_shared_cipher;
        case SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE: return failure_kind::certificate_absent;
        // The library's own look at the key usage comes before ours under TLS 1.3 (B-187).
        case SSL_R_KEY_USAGE_BIT_INCORRECT:
        case SSL_R_CERTIFICATE_VERIFY_FAILED: return failure_kind::certificate_refused;
        case SSL_R_NO_APPLICATION_PROTOCOL: return failure_kind::no_application_protocol;
        // Ours to answer for, not the peer's doing.
        case SSL_R_NO_CERTIFICATE_SET:
        case SSL_R_NO_CIPHERS_AVAILABLE:
        case SSL_R_PRIVATE_KEY_OPERATION_FAILED:
        case SSL_R_PROTOCOL_IS_SHUTDOWN:
        case SSL_R_BAD_WRITE_RETRY: return failure_kind::other;
        default: return failure_kind::protocol;
    }
}

std::string describe(std::uint32_t error) {
    char const* reason = ERR_reason_error_string(error);
    return reason != nullptr ? reason : "error " + std::to_string(error);
}

}  // namespace

char const* to_string(failure_kind kind) {
    switch (kind) {
        case failure_kind::none: return "none";
        case failure_kind::protocol: return "protocol";
        case failure_kind::no_shared_version: return "no_shared_version";
        case failure_kind::no_shared_cipher: return "no_shared_cipher";
        case failure_kind::no_application_protocol: return "no_application_protocol";
        case failure_kind::unusable_name: return "unusable_name";
        case failure_kind::certificate_absent: return "certificate_absent";
        case failure_kind::certificate_malformed: return "certificate_malformed";
        case failure_kind::certificate_refused: return "certificate_refused";
        case failure_kind::peer_alert: return "peer_alert";
        case failure_kind::truncated: return "truncated";
        case failure_kind::other: return "other";
    }
    return "other";
}

failure drain_errors() {
    // The oldest entry of the TLS library is the cause: those behind it tell through which layers it went, those before
    // it which primitive noticed it (a bad MAC is first an error of the cipher).
    std::uint32_t cause = 0;
    while (std::uint32_t const error = ERR_get_error()) {
        bool const better = ERR_GET_LIB(error) == ERR_LIB_SSL && ERR_GET_LIB(cause) != ERR_LIB_SSL;
        if (cause == 0 || better) cause = error;
    }
    if (cause == 0) return {};
    return {classify(cause), describe(cause)};
}

}  // namespace ftpsgate::tls
