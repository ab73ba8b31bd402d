#include "policy/signature_algorithm.hpp"

namespace ftpsgate::policy {

namespace {

using padding = signature_algorithm::padding;

enum class parameters { absent, null, pss };

struct known_algorithm {
    int nid;
    int key_type;
    EVP_MD const* (*digest)();
    padding scheme;
    parameters expected;
};

constexpr known_algorithm known[] = {
    {NID_sha256WithRSAEncryption, EVP_PKEY_RSA, &EVP_sha256, padding::pkcs1, parameters::null},
    {NID_sha384WithRSAEncryption, EVP_PKEY_RSA, &EVP_sha384, padding::pkcs1, parameters::null},
    {NID_sha512WithRSAEncryption, EVP_PKEY_RSA, &EVP_sha512, padding::pkcs1, parameters::null},
    {NID_rsassaPss, EVP_PKEY_RSA, nullptr, padding::pss, parameters::pss},
    {NID_ecdsa_with_SHA256, EVP_PKEY_EC, &EVP_sha256, padding::none, parameters::absent},
    {NID_ecdsa_with_SHA384, EVP_PKEY_EC, &EVP_sha384, padding::none, parameters::absent},
    {NID_ecdsa_with_SHA512, EVP_PKEY_EC, &EVP_sha512, padding::none, parameters::absent},
    {NID_ED25519, EVP_PKEY_ED25519, nullptr, padding::none, parameters::absent},
};

bool is_null(CBS rest) {
    CBS null;
    return CBS_get_asn1(&rest, &null, CBS_ASN1_NULL) == 1 && CBS_len(&null) == 0 && CBS_len(&rest) == 0;
}

// The digest of an AlgorithmIdentifier for digests. RFC 4055 2.1: NULL and absent parameters mean the same.
EVP_MD const* read_digest(CBS& from) {
    CBS algorithm, oid;
    if (CBS_get_asn1(&from, &algorithm, CBS_ASN1_SEQUENCE) != 1) return nullptr;
    if (CBS_get_asn1(&algorithm, &oid, CBS_ASN1_OBJECT) != 1) return nullptr;
    if (CBS_len(&algorithm) != 0 && !is_null(algorithm)) return nullptr;
    switch (OBJ_cbs2nid(&oid)) {
        case NID_sha256: return EVP_sha256();
        case NID_sha384: return EVP_sha384();
        case NID_sha512: return EVP_sha512();
        default: return nullptr;
    }
}

EVP_MD const* read_mask_digest(CBS& from) {
    CBS algorithm, oid;
    if (CBS_get_asn1(&from, &algorithm, CBS_ASN1_SEQUENCE) != 1) return nullptr;
    if (CBS_get_asn1(&algorithm, &oid, CBS_ASN1_OBJECT) != 1 || OBJ_cbs2nid(&oid) != NID_mgf1) return nullptr;
    EVP_MD const* const digest = read_digest(algorithm);
    return CBS_len(&algorithm) == 0 ? digest : nullptr;
}

constexpr unsigned tagged(unsigned number) {
    return CBS_ASN1_CONTEXT_SPECIFIC | CBS_ASN1_CONSTRUCTED | number;
}

// RSASSA-PSS-params (RFC 4055 3.1), only as everybody uses them: one digest throughout, a salt as long as it. Whoever
// leaves a field out means SHA-1 or its length.
EVP_MD const* read_pss(CBS from) {
    CBS all, field;
    if (CBS_get_asn1(&from, &all, CBS_ASN1_SEQUENCE) != 1 || CBS_len(&from) != 0) return nullptr;
    if (CBS_get_asn1(&all, &field, tagged(0)) != 1) return nullptr;
    EVP_MD const* const digest = read_digest(field);
    if (digest == nullptr || CBS_len(&field) != 0) return nullptr;
    if (CBS_get_asn1(&all, &field, tagged(1)) != 1) return nullptr;
    if (read_mask_digest(field) != digest || CBS_len(&field) != 0) return nullptr;
    std::uint64_t salt = 0, trailer = 1;
    if (CBS_get_asn1(&all, &field, tagged(2)) != 1 || CBS_get_asn1_uint64(&field, &salt) != 1) return nullptr;
    if (CBS_len(&field) != 0 || salt != EVP_MD_size(digest)) return nullptr;
    if (CBS_get_optional_asn1_uint64(&all, &trailer, tagged(3), 1) != 1 || trailer != 1) return nullptr;
    return CBS_len(&all) == 0 ? digest : nullptr;
}

std::optional<signature_algorithm> with_parameters(known_algorithm const& one, CBS rest) {
    signature_algorithm found{one.key_type, one.digest != nullptr ? one.digest() : nullptr, one.scheme};
    switch (one.expected) {
        case parameters::absent:
            if (CBS_len(&rest) != 0) return std::nullopt;
            break;
        case parameters::null:  // must be there (RFC 4055 5), but some leave it out
            if (CBS_len(&rest) != 0 && !is_null(rest)) return std::nullopt;
            break;
        case parameters::pss:
            found.digest = read_pss(rest);
            if (found.digest == nullptr) return std::nullopt;
            break;
    }
    return found;
}

}  // namespace

std::optional<signature_algorithm> parse_signature_algorithm(der_view der) {
    CBS whole, algorithm, oid;
    CBS_init(&whole, der.data(), der.size());
    if (CBS_get_asn1(&whole, &algorithm, CBS_ASN1_SEQUENCE) != 1 || CBS_len(&whole) != 0) return std::nullopt;
    if (CBS_get_asn1(&algorithm, &oid, CBS_ASN1_OBJECT) != 1) return std::nullopt;
    int const nid = OBJ_cbs2nid(&oid);
    for (auto const& one : known)
        if (one.nid == nid) return with_parameters(one, algorithm);
    return std::nullopt;
}

bool verify_signature(signature_algorithm const& how, EVP_PKEY& key, der_view data, der_view signature) {
    if (EVP_PKEY_id(&key) != how.key_type) return false;
    bssl::ScopedEVP_MD_CTX context;
    EVP_PKEY_CTX* details = nullptr;
    bool ready = EVP_DigestVerifyInit(context.get(), &details, how.digest, nullptr, &key) == 1;
    if (ready && how.scheme == padding::pss)
        ready = EVP_PKEY_CTX_set_rsa_padding(details, RSA_PKCS1_PSS_PADDING) == 1 &&
                EVP_PKEY_CTX_set_rsa_pss_saltlen(details, -1) == 1;  // as long as the digest
    bool const verified =
        ready && EVP_DigestVerify(context.get(), signature.data(), signature.size(), data.data(), data.size()) == 1;
    ERR_clear_error();
    return verified;
}

}  // namespace ftpsgate::policy
