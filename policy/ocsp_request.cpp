#include "policy/ocsp.hpp"
#include "policy/ocsp_cert_id.hpp"

namespace ftpsgate::policy {

namespace {

using bytes = std::vector<std::uint8_t>;

constexpr unsigned request_extensions_tag = CBS_ASN1_CONTEXT_SPECIFIC | CBS_ASN1_CONSTRUCTED | 2U;
constexpr char nonce_oid[] = "1.3.6.1.5.5.7.48.1.2";

bytes hashed(EVP_MD const* how, der_view data) {
    bytes made(EVP_MD_size(how));
    if (EVP_Digest(data.data(), data.size(), made.data(), nullptr, how, nullptr) != 1) made.clear();
    return made;
}

bytes issuer_name_of(X509 const& certificate) {
    std::uint8_t* der = nullptr;
    int const size = i2d_X509_NAME(X509_get_issuer_name(&certificate), &der);
    bssl::UniquePtr<std::uint8_t> const owner(der);
    return size > 0 ? bytes(der, der + size) : bytes();
}

bytes serial_of(X509 const& certificate) {
    std::uint8_t* der = nullptr;
    // BoringSSL does not change it, whatever the signature says.
    int const size = i2d_ASN1_INTEGER(const_cast<ASN1_INTEGER*>(X509_get0_serialNumber(&certificate)), &der);
    bssl::UniquePtr<std::uint8_t> const owner(der);
    if (size <= 0) return {};
    CBS whole, content;
    CBS_init(&whole, der, static_cast<std::size_t>(size));
    if (CBS_get_asn1(&whole, &content, CBS_ASN1_INTEGER) != 1) return {};
    return {CBS_data(&content), CBS_data(&content) + CBS_len(&content)};
}

bytes finish(CBB* builder) {
    std::uint8_t* der = nullptr;
    std::size_t size = 0;
    if (CBB_finish(builder, &der, &size) != 1) return {};
    bssl::UniquePtr<std::uint8_t> const owner(der);
    return {der, der + size};
}

bool add_octets(CBB* to, bytes const& content) {
    return CBB_add_asn1_octet_string(to, content.data(), content.size()) == 1;
}

bool add_oid(CBB* to, char const* text, std::size_t size) {
    CBB oid;
    return CBB_add_asn1(to, &oid, CBS_ASN1_OBJECT) == 1 && CBB_add_asn1_oid_from_text(&oid, text, size) == 1 &&
           CBB_flush(to) == 1;
}

bool add_sha1(CBB* to) {
    static constexpr char sha1_oid[] = "1.3.14.3.2.26";
    CBB algorithm, null;
    return CBB_add_asn1(to, &algorithm, CBS_ASN1_SEQUENCE) == 1 && add_oid(&algorithm, sha1_oid, sizeof sha1_oid - 1) &&
           CBB_add_asn1(&algorithm, &null, CBS_ASN1_NULL) == 1 && CBB_flush(to) == 1;
}

bool add_cert_id(CBB* to, ocsp_subject const& subject) {
    auto const id = make_cert_id(subject, EVP_sha1());
    CBB whole, serial;
    return id && CBB_add_asn1(to, &whole, CBS_ASN1_SEQUENCE) == 1 && add_sha1(&whole) &&
           add_octets(&whole, id->name_hash) && add_octets(&whole, id->key_hash) &&
           CBB_add_asn1(&whole, &serial, CBS_ASN1_INTEGER) == 1 &&
           CBB_add_bytes(&serial, id->serial.data(), id->serial.size()) == 1 && CBB_flush(to) == 1;
}

// The extension's value is itself an OCTET STRING (RFC 9654 2.1).
bool add_nonce(CBB* to, ocsp_nonce const& nonce) {
    CBB tagged, list, extension, value;
    return CBB_add_asn1(to, &tagged, request_extensions_tag) == 1 &&
           CBB_add_asn1(&tagged, &list, CBS_ASN1_SEQUENCE) == 1 &&
           CBB_add_asn1(&list, &extension, CBS_ASN1_SEQUENCE) == 1 &&
           add_oid(&extension, nonce_oid, sizeof nonce_oid - 1) &&
           CBB_add_asn1(&extension, &value, CBS_ASN1_OCTETSTRING) == 1 &&
           CBB_add_asn1_octet_string(&value, nonce.data(), nonce.size()) == 1 && CBB_flush(to) == 1;
}

}  // namespace

std::vector<std::uint8_t> public_key_hash(X509 const& certificate, EVP_MD const* hash) {
    auto const* const key = X509_get0_pubkey_bitstr(&certificate);
    if (key == nullptr) return {};
    return hashed(hash, {ASN1_STRING_get0_data(key), static_cast<std::size_t>(ASN1_STRING_length(key))});
}

std::optional<ocsp_cert_id> make_cert_id(ocsp_subject const& subject, EVP_MD const* hash) {
    ocsp_cert_id made;
    made.hash = EVP_MD_type(hash);
    made.name_hash = hashed(hash, issuer_name_of(subject.certificate));
    made.key_hash = public_key_hash(subject.issuer, hash);
    made.serial = serial_of(subject.certificate);
    ERR_clear_error();
    if (made.name_hash.empty() || made.key_hash.empty() || made.serial.empty()) return std::nullopt;
    return made;
}

std::vector<std::uint8_t> build_ocsp_request(ocsp_subject const& subject, ocsp_nonce const& nonce) {
    bssl::ScopedCBB builder;
    CBB request, content, list, single;
    bool const made =
        CBB_init(builder.get(), 256) == 1 && CBB_add_asn1(builder.get(), &request, CBS_ASN1_SEQUENCE) == 1 &&
        CBB_add_asn1(&request, &content, CBS_ASN1_SEQUENCE) == 1 &&
        CBB_add_asn1(&content, &list, CBS_ASN1_SEQUENCE) == 1 && CBB_add_asn1(&list, &single, CBS_ASN1_SEQUENCE) == 1 &&
        add_cert_id(&single, subject) && CBB_flush(&content) == 1 && add_nonce(&content, nonce);
    return made ? finish(builder.get()) : bytes();
}

std::string ocsp_question_id(ocsp_subject const& subject) {
    bssl::ScopedCBB builder;
    if (CBB_init(builder.get(), 128) != 1 || !add_cert_id(builder.get(), subject)) return {};
    bytes const der = finish(builder.get());
    return {der.begin(), der.end()};
}

}  // namespace ftpsgate::policy
