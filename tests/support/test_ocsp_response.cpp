// OCSP answers (RFC 6960 4.2.1), written with CBB. Deliberately shares nothing with policy/ocsp*.
#include "tests/support/test_revocation.hpp"

#include <openssl/bytestring.h>
#include <openssl/digest.h>
#include <openssl/mem.h>
#include <openssl/rsa.h>

#include <cstdlib>
#include <ctime>

namespace ftpsgate::test {

namespace {

constexpr unsigned context_tag = CBS_ASN1_CONTEXT_SPECIFIC | CBS_ASN1_CONSTRUCTED;

bytes finish(CBB* builder) {
    std::uint8_t* out = nullptr;
    std::size_t size = 0;
    require_made(CBB_finish(builder, &out, &size), "OCSP DER");
    bssl::UniquePtr<std::uint8_t> const owner(out);
    return {out, out + size};
}

void put(CBB* into, bytes const& what) {
    require_made(CBB_add_bytes(into, what.data(), what.size()) && CBB_flush(into), "bytes");
}

CBB inner(CBB* into, unsigned tag) {
    CBB made;
    require_made(CBB_add_asn1(into, &made, tag), "element");
    return made;
}

void put_element(CBB* into, unsigned tag, bytes const& content) {
    CBB element = inner(into, tag);
    put(&element, content);
    require_made(CBB_flush(into), "element");
}

void put_oid(CBB* into, std::string const& oid) {
    CBB element = inner(into, CBS_ASN1_OBJECT);
    require_made(CBB_add_asn1_oid_from_text(&element, oid.data(), oid.size()) && CBB_flush(into), "OID");
}

void put_time(CBB* into, time_point when) {
    std::time_t const seconds = std::chrono::system_clock::to_time_t(when);
    std::tm parts{};
    gmtime_r(&seconds, &parts);
    char text[32];
    std::size_t const size = std::strftime(text, sizeof text, "%Y%m%d%H%M%SZ", &parts);
    put_element(into, CBS_ASN1_GENERALIZEDTIME, bytes(text, text + size));
}

void put_extensions(CBB* into, unsigned tag, std::vector<raw_extension> const& all) {
    if (all.empty()) return;
    CBB outer = inner(into, tag);
    CBB list = inner(&outer, CBS_ASN1_SEQUENCE);
    for (auto const& each : all) {
        CBB extension = inner(&list, CBS_ASN1_SEQUENCE);
        put_oid(&extension, each.oid);
        if (each.critical) require_made(CBB_add_asn1_bool(&extension, 1), "critical");
        put_element(&extension, CBS_ASN1_OCTETSTRING, each.der);
    }
    require_made(CBB_flush(into), "extensions");
}

bytes hashed(EVP_MD const* how, std::uint8_t const* data, std::size_t size) {
    bytes made(EVP_MD_size(how));
    require_made(EVP_Digest(data, size, made.data(), nullptr, how, nullptr), "digest");
    return made;
}

bytes name_der(X509 const* certificate) {
    std::uint8_t* out = nullptr;
    int const size = i2d_X509_NAME(X509_get_subject_name(certificate), &out);
    require_made(size > 0, "name");
    bssl::UniquePtr<std::uint8_t> const owner(out);
    return {out, out + size};
}

bytes key_hash(EVP_MD const* how, X509 const* certificate) {
    auto const* const key = X509_get0_pubkey_bitstr(certificate);
    return hashed(how, ASN1_STRING_get0_data(key), static_cast<std::size_t>(ASN1_STRING_length(key)));
}

std::string digest_oid(EVP_MD const* how) {
    switch (EVP_MD_type(how)) {
        case NID_sha1: return "1.3.14.3.2.26";
        case NID_sha256: return "2.16.840.1.101.3.4.2.1";
        case NID_sha384: return "2.16.840.1.101.3.4.2.2";
        case NID_sha512: return "2.16.840.1.101.3.4.2.3";
        default: return "1.2.840.113549.2.5";
    }
}

void put_cert_id(CBB* into, ocsp_single const& single, X509 const* issuer) {
    CBB id = inner(into, CBS_ASN1_SEQUENCE);
    CBB algorithm = inner(&id, CBS_ASN1_SEQUENCE);
    put_oid(&algorithm, digest_oid(single.hash));
    put_element(&algorithm, CBS_ASN1_NULL, {});
    bytes const name = name_der(issuer);
    put_element(&id, CBS_ASN1_OCTETSTRING, hashed(single.hash, name.data(), name.size()));
    put_element(&id, CBS_ASN1_OCTETSTRING, key_hash(single.hash, issuer));
    put_element(&id, CBS_ASN1_INTEGER, single.serial.empty() ? serial_of(*single.certificate) : single.serial);
    require_made(CBB_flush(into), "certID");
}

void put_status(CBB* into, ocsp_single const& single) {
    if (single.status != ocsp_word::revoked) {
        put_element(into, CBS_ASN1_CONTEXT_SPECIFIC | (single.status == ocsp_word::good ? 0U : 2U), {});
        return;
    }
    CBB revoked = inner(into, context_tag | 1U);
    put_time(&revoked, single.revoked_at);
    if (single.reason >= 0) {
        CBB explicit_reason = inner(&revoked, context_tag | 0U);
        put_element(&explicit_reason, CBS_ASN1_ENUMERATED, {static_cast<std::uint8_t>(single.reason)});
    }
    require_made(CBB_flush(into), "status");
}

void put_single(CBB* into, ocsp_single const& single, X509 const* issuer) {
    CBB made = inner(into, CBS_ASN1_SEQUENCE);
    put_cert_id(&made, single, single.issuer != nullptr ? single.issuer : issuer);
    put_status(&made, single);
    put_time(&made, single.this_update);
    if (single.next_update) {
        CBB explicit_time = inner(&made, context_tag | 0U);
        put_time(&explicit_time, *single.next_update);
    }
    put_extensions(&made, context_tag | 1U, single.raw);
    require_made(CBB_flush(into), "single response");
}

void put_responder(CBB* into, responder_id kind, X509 const* who) {
    CBB made = inner(into, context_tag | (kind == responder_id::by_name ? 1U : 2U));
    if (kind == responder_id::by_name) {
        put(&made, name_der(who));
    } else {
        put_element(&made, CBS_ASN1_OCTETSTRING, key_hash(EVP_sha1(), who));
    }
    require_made(CBB_flush(into), "responder");
}

// The nonce is an OCTET STRING in the OCTET STRING (RFC 9654 2.1).
std::vector<raw_extension> response_extensions(ocsp_response_request const& request) {
    auto all = request.raw;
    if (request.nonce.empty()) return all;
    raw_extension nonce{"1.3.6.1.5.5.7.48.1.2", false, {0x04, static_cast<std::uint8_t>(request.nonce.size())}};
    for (auto const byte : request.nonce)  // insert() would make g++ 12 see what is not there
        nonce.der.push_back(byte);
    all.push_back(std::move(nonce));
    return all;
}

bytes response_data(ocsp_response_request const& request, X509 const* issuer, X509 const* signer) {
    bssl::ScopedCBB builder;
    require_made(CBB_init(builder.get(), 512), "CBB");
    CBB data = inner(builder.get(), CBS_ASN1_SEQUENCE);
    if (request.version) {
        CBB version = inner(&data, context_tag | 0U);
        require_made(CBB_add_asn1_uint64(&version, *request.version) && CBB_flush(&data), "version");
    }
    put_responder(&data, request.named_by, request.named != nullptr ? request.named : signer);
    put_time(&data, request.produced_at);
    CBB list = inner(&data, CBS_ASN1_SEQUENCE);
    for (auto const& single : request.answers)
        put_single(&list, single, issuer);
    put_extensions(&data, context_tag | 1U, response_extensions(request));
    return finish(builder.get());
}

// A signing context; a key with the digest inside (Ed25519) takes none.
void begin_signature(EVP_MD_CTX* context, ocsp_response_request const& request, EVP_PKEY* key) {
    EVP_PKEY_CTX* details = nullptr;
    bool const digest_inside = EVP_PKEY_id(key) == EVP_PKEY_ED25519;
    require_made(EVP_DigestSignInit(context, &details, digest_inside ? nullptr : request.digest, nullptr, key), "sign");
    if (!request.pss) return;
    require_made(
        EVP_PKEY_CTX_set_rsa_padding(details, RSA_PKCS1_PSS_PADDING) && EVP_PKEY_CTX_set_rsa_pss_saltlen(details, -1),
        "PSS");
}

// The library writes AlgorithmIdentifiers for certificates only: a copy of one is signed.
bytes algorithm_of(ocsp_response_request const& request, identity const& signer) {
    bssl::UniquePtr<X509> const scratch(X509_dup(signer.certificate.get()));
    bssl::ScopedEVP_MD_CTX context;
    begin_signature(context.get(), request, signer.key.get());
    bool const is_old = X509_sign_ctx(scratch.get(), context.get()) == 0;
    auto const old = is_old ? make_old_algorithm(*signer.key, request.digest, request.pss) : nullptr;
    X509_ALGOR const* algorithm = old.get();
    if (!is_old) X509_get0_signature(nullptr, &algorithm, scratch.get());
    std::uint8_t* out = nullptr;
    int const size = i2d_X509_ALGOR(const_cast<X509_ALGOR*>(algorithm), &out);
    require_made(size > 0, "signature algorithm");
    bssl::UniquePtr<std::uint8_t> const owner(out);
    return {out, out + size};
}

bytes signature_of(bytes const& data, ocsp_response_request const& request, EVP_PKEY* key) {
    bssl::ScopedEVP_MD_CTX context;
    begin_signature(context.get(), request, key);
    std::size_t size = 0;
    require_made(EVP_DigestSign(context.get(), nullptr, &size, data.data(), data.size()), "signature size");
    bytes made(size);
    require_made(EVP_DigestSign(context.get(), made.data(), &size, data.data(), data.size()), "signature");
    made.resize(size);
    if (request.damage == ocsp_damage::signature) made.back() ^= 1U;
    if (request.damage == ocsp_damage::no_signature) made.clear();
    return made;
}

bytes basic_response(ocsp_response_request const& request, identity const& issuer, identity const& signer) {
    bytes const data = response_data(request, issuer.certificate.get(), signer.certificate.get());
    bssl::ScopedCBB builder;
    require_made(CBB_init(builder.get(), 512), "CBB");
    CBB basic = inner(builder.get(), CBS_ASN1_SEQUENCE);
    put(&basic, data);
    put(&basic, algorithm_of(request, signer));
    bytes signature = signature_of(data, request, signer.key.get());
    signature.insert(signature.begin(), 0);  // no unused bits
    put_element(&basic, CBS_ASN1_BITSTRING, signature);
    if (!request.certs.empty()) {
        CBB outer = inner(&basic, context_tag | 0U);
        CBB list = inner(&outer, CBS_ASN1_SEQUENCE);
        for (auto const* certificate : request.certs)
            put(&list, der_of(*certificate));
    }
    return finish(builder.get());
}

}  // namespace

bytes make_ocsp_response(ocsp_response_request const& request, identity const& issuer, identity const& signer) {
    bssl::ScopedCBB builder;
    require_made(CBB_init(builder.get(), 512), "CBB");
    CBB response = inner(builder.get(), CBS_ASN1_SEQUENCE);
    put_element(&response, CBS_ASN1_ENUMERATED, {static_cast<std::uint8_t>(request.status)});
    if (request.status == 0) {
        CBB outer = inner(&response, context_tag | 0U);
        CBB typed = inner(&outer, CBS_ASN1_SEQUENCE);
        put_oid(&typed, request.type);
        put_element(&typed, CBS_ASN1_OCTETSTRING, basic_response(request, issuer, signer));
    }
    return finish(builder.get());
}

raw_extension ocsp_nocheck() {
    return {"1.3.6.1.5.5.7.48.1.5", false, {0x05, 0x00}};
}

certificate_request delegate_request(std::string const& name) {
    certificate_request made;
    made.subject = common_name(name);
    made.extended_key_usage = "OCSPSigning";
    made.raw.push_back(ocsp_nocheck());
    return made;
}

}  // namespace ftpsgate::test
