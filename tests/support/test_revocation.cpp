// CRLs. The OCSP answers are made in test_ocsp_response.cpp.
#include "tests/support/test_revocation.hpp"

#include <openssl/bio.h>
#include <openssl/mem.h>
#include <openssl/obj.h>
#include <openssl/pem.h>

#include <memory>

namespace ftpsgate::test {

namespace {

struct point_freer {
    void operator()(ISSUING_DIST_POINT* what) const { ISSUING_DIST_POINT_free(what); }
};

bytes big_endian(std::uint64_t value) {
    bytes made{0};  // keeps it positive; DER wants no more zeros than that
    for (int shift = 56; shift >= 0; shift -= 8)
        made.push_back(static_cast<std::uint8_t>(value >> static_cast<unsigned>(shift)));
    while (made.size() > 1 && made[0] == 0 && made[1] < 0x80)
        made.erase(made.begin());
    return made;
}

bssl::UniquePtr<X509_REVOKED> make_entry(revoked_entry const& entry) {
    bssl::UniquePtr<X509_REVOKED> made(X509_REVOKED_new());
    require_made(X509_REVOKED_set_serialNumber(made.get(), make_integer(entry.serial).get()) &&
                     X509_REVOKED_set_revocationDate(made.get(), make_time(entry.at).get()),
                 "revoked entry");
    if (entry.reason >= 0) {
        bssl::UniquePtr<ASN1_ENUMERATED> const reason(ASN1_ENUMERATED_new());
        require_made(ASN1_ENUMERATED_set(reason.get(), entry.reason) &&
                         X509_REVOKED_add1_ext_i2d(made.get(), NID_crl_reason, reason.get(), 0, 0),
                     "reason");
    }
    if (!entry.certificate_issuer.empty()) {
        auto* const names = make_directory_names(entry.certificate_issuer);
        require_made(X509_REVOKED_add1_ext_i2d(made.get(), NID_certificate_issuer, names, 1, 0), "certificate issuer");
        GENERAL_NAMES_free(names);
    }
    for (auto const& spec : entry.raw)
        require_made(X509_REVOKED_add_ext(made.get(), make_extension(spec).get(), -1), "raw entry extension");
    return made;
}

void add_integer(X509_CRL* to, int nid, std::optional<std::uint64_t> value, int critical) {
    if (!value) return;
    auto const number = make_integer(big_endian(*value));
    require_made(X509_CRL_add1_ext_i2d(to, nid, number.get(), critical, 0), "number");
}

void add_point(X509_CRL* to, issuing_point const& point) {
    std::unique_ptr<ISSUING_DIST_POINT, point_freer> const made(ISSUING_DIST_POINT_new());
    made->distpoint = make_point_name(point.name);
    made->onlysomereasons = make_reasons(point.name.reasons);
    auto const asn1_bool = [](bool value) { return value ? 0xff : 0; };
    made->onlyuser = asn1_bool(point.only_user);
    made->onlyCA = asn1_bool(point.only_authority);
    made->onlyattr = asn1_bool(point.only_attribute);
    made->indirectCRL = asn1_bool(point.indirect);
    require_made(X509_CRL_add1_ext_i2d(to, NID_issuing_distribution_point, made.get(), 1, 0), "issuing point");
}

void add_authority_key_id(X509_CRL* to, X509* issuer) {
    X509V3_CTX context;
    X509V3_set_ctx(&context, issuer, nullptr, nullptr, to, 0);
    bssl::UniquePtr<X509_EXTENSION> const made(
        X509V3_EXT_nconf_nid(nullptr, &context, NID_authority_key_identifier, "keyid:always"));
    require_made(made && X509_CRL_add_ext(to, made.get(), -1), "authority key identifier");
}

void add_extensions(X509_CRL* to, crl_request const& request, X509* issuer) {
    add_authority_key_id(to, issuer);
    add_integer(to, NID_crl_number, request.number, 0);
    add_integer(to, NID_delta_crl, request.base, 1);
    if (request.point) add_point(to, *request.point);
    if (!request.freshest.empty())
        require_made(X509_CRL_add_ext(to, make_points_extension(NID_freshest_crl, request.freshest).get(), -1),
                     "freshest CRL");
    for (auto const& spec : request.raw)
        require_made(X509_CRL_add_ext(to, make_extension(spec).get(), -1), "raw CRL extension");
}

}  // namespace

bssl::UniquePtr<X509_CRL> make_crl(crl_request const& request, identity const& signer) {
    bssl::UniquePtr<X509_CRL> made(X509_CRL_new());
    X509* const above = signer.certificate.get();
    auto const other_name = make_name(request.issuer);
    auto* const issuer = request.issuer.empty() ? X509_get_subject_name(above) : other_name.get();
    require_made(X509_CRL_set_version(made.get(), X509_CRL_VERSION_2) && X509_CRL_set_issuer_name(made.get(), issuer) &&
                     X509_CRL_set1_lastUpdate(made.get(), make_time(request.this_update).get()),
                 "CRL");
    if (request.next_update)
        require_made(X509_CRL_set1_nextUpdate(made.get(), make_time(*request.next_update).get()), "nextUpdate");
    for (auto const& entry : request.revoked)
        require_made(X509_CRL_add0_revoked(made.get(), make_entry(entry).release()), "revoked entry");
    add_extensions(made.get(), request, above);
    bool const digest_inside = EVP_PKEY_id(signer.key.get()) == EVP_PKEY_ED25519;
    if (X509_CRL_sign(made.get(), signer.key.get(), digest_inside ? nullptr : request.digest) == 0)
        require_made(
            X509_CRL_sign(made.get(), signer.key.get(), EVP_sha256()) > 0 &&
                X509_CRL_set1_signature_algo(made.get(), make_old_algorithm(*signer.key, request.digest).get()),
            "CRL signature");
    return crl_from(der_of(*made));  // read anew: what is computed when a CRL is read is there
}

bytes der_of(X509_CRL const& crl) {
    std::uint8_t* out = nullptr;
    int const size = i2d_X509_CRL(const_cast<X509_CRL*>(&crl), &out);
    require_made(size > 0, "DER");
    bssl::UniquePtr<std::uint8_t> const owner(out);
    return {out, out + size};
}

std::string pem_of(X509_CRL const& crl) {
    bssl::UniquePtr<BIO> bio(BIO_new(BIO_s_mem()));
    std::uint8_t const* data = nullptr;
    std::size_t size = 0;
    require_made(
        PEM_write_bio_X509_CRL(bio.get(), const_cast<X509_CRL*>(&crl)) && BIO_mem_contents(bio.get(), &data, &size),
        "PEM");
    return {reinterpret_cast<char const*>(data), size};
}

bssl::UniquePtr<X509_CRL> crl_from(bytes const& der) {
    auto const* at = der.data();
    return bssl::UniquePtr<X509_CRL>(d2i_X509_CRL(nullptr, &at, static_cast<long>(der.size())));
}

}  // namespace ftpsgate::test
