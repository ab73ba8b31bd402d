#include "policy/ocsp_signer.hpp"

#include "policy/certificate_rules.hpp"
#include "policy/ocsp_cert_id.hpp"
#include "policy/signature_algorithm.hpp"

#include <algorithm>

namespace ftpsgate::policy {

namespace {

// Responders enclose the delegate and at most the chain above it; each one more may cost two signatures.
constexpr std::size_t most_certificates = 8;

using key_ptr = bssl::UniquePtr<EVP_PKEY>;

// BoringSSL works out extensions and the key at the first question, under a lock, and keeps them in the certificate.
X509* readable(X509 const& certificate) {
    return const_cast<X509*>(&certificate);
}

key_ptr key_of(X509 const& certificate) {
    return key_ptr(X509_get_pubkey(readable(certificate)));
}

bssl::UniquePtr<X509_NAME> parse_name(der_view der) {
    auto const* at = der.data();
    return bssl::UniquePtr<X509_NAME>(d2i_X509_NAME(nullptr, &at, static_cast<long>(der.size())));
}

bool is_named(ocsp_message const& message, X509 const& certificate) {
    if (message.responder_name.empty()) {
        auto const hash = public_key_hash(certificate, EVP_sha1());
        return std::equal(hash.begin(), hash.end(), message.responder_key_hash.begin(),
                          message.responder_key_hash.end());
    }
    auto const name = parse_name(message.responder_name);
    return name && X509_NAME_cmp(name.get(), X509_get_subject_name(&certificate)) == 0;
}

bool has_signed(X509 const& certificate, signature_algorithm const& how, ocsp_message const& message) {
    auto const key = key_of(certificate);
    return key && verify_signature(how, *key, message.signed_data, message.signature);
}

bool is_issued_directly(X509 const& delegate, X509 const& issuer) {
    auto const key = key_of(issuer);
    return key && X509_NAME_cmp(X509_get_issuer_name(&delegate), X509_get_subject_name(&issuer)) == 0 &&
           is_strong_signature(delegate) && X509_verify(readable(delegate), key.get()) == 1;
}

bool has_same_key(X509 const& one, X509 const& other) {
    auto const left = key_of(one), right = key_of(other);
    return left && right && EVP_PKEY_cmp(left.get(), right.get()) == 1;
}

// anyExtendedKeyUsage does not do (RFC 6960 4.2.2.2: the delegation is explicit).
std::string usage_fault_of(X509 const& delegate) {
    std::uint32_t const flags = X509_get_extension_flags(readable(delegate));
    if ((flags & (EXFLAG_INVALID | EXFLAG_CRITICAL)) != 0) return "the delegate's extensions cannot be understood";
    if ((flags & EXFLAG_XKUSAGE) == 0 || (X509_get_extended_key_usage(readable(delegate)) & XKU_OCSP_SIGN) == 0)
        return "the delegate's certificate is not for OCSPSigning";
    if ((flags & EXFLAG_KUSAGE) != 0 && (X509_get_key_usage(readable(delegate)) & X509v3_KU_DIGITAL_SIGNATURE) == 0)
        return "the delegate's key usage does not include digitalSignature";
    return {};
}

std::string validity_fault_of(X509 const& delegate, time_point now) {
    auto const from = to_time_point(X509_get0_notBefore(&delegate));
    auto const until = to_time_point(X509_get0_notAfter(&delegate));
    if (!from || !until) return "the delegate's validity cannot be understood";
    if (*from > now) return "the delegate's certificate is not valid before " + to_text(*from);
    if (*until < now) return "the delegate's certificate expired at " + to_text(*until);
    return {};
}

// The cheap questions first.
std::string delegate_fault(X509 const& delegate, ocsp_subject const& subject, time_point now) {
    if (has_same_key(delegate, subject.certificate)) return "the certificate answers for itself";
    if (auto fault = usage_fault_of(delegate); !fault.empty()) return fault;
    if (auto fault = validity_fault_of(delegate, now); !fault.empty()) return fault;
    if (!is_strong_key(delegate)) return "the delegate's key is too weak";
    if (!is_issued_directly(delegate, subject.issuer)) return "the delegate's certificate is not the issuer's work";
    return {};
}

bool is_exempt(X509 const& delegate) {
    return X509_get_ext_by_NID(&delegate, NID_id_pkix_OCSP_noCheck, -1) >= 0;
}

ocsp_signer check_delegates(ocsp_message const& message, signature_algorithm const& how, ocsp_subject const& subject,
                            time_point now) {
    ocsp_signer result{"signed by neither the issuer nor an enclosed delegate", nullptr};
    for (der_view const der : message.certificates) {
        auto candidate = parse_certificate(der);
        if (!candidate || !is_named(message, *candidate)) continue;
        result.fault = delegate_fault(*candidate, subject, now);
        if (!result.fault.empty()) continue;
        if (!has_signed(*candidate, how, message)) {
            result.fault = "bad signature of the delegate";
            continue;
        }
        if (!is_exempt(*candidate)) result.delegate_to_check = std::move(candidate);
        break;
    }
    return result;
}

}  // namespace

ocsp_signer check_ocsp_signer(ocsp_message const& message, ocsp_subject const& subject, time_point now) {
    auto const how = parse_signature_algorithm(message.algorithm);
    if (!how) return {"signed with an algorithm that is not accepted", nullptr};
    if (message.certificates.size() > most_certificates) return {"too many certificates enclosed", nullptr};
    bool const issuer_named = is_named(message, subject.issuer);
    if (issuer_named && has_signed(subject.issuer, *how, message)) return {};
    auto result = check_delegates(message, *how, subject, now);
    if (issuer_named && !result.fault.empty()) result.fault = "bad signature of the issuer";
    ERR_clear_error();
    return result;
}

}  // namespace ftpsgate::policy
