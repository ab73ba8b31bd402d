#include "tests/support/test_certificate.hpp"

#include <openssl/bytestring.h>
#include <openssl/conf.h>
#include <openssl/mem.h>
#include <openssl/obj.h>
#include <openssl/rand.h>

#include <stdexcept>

namespace ftpsgate::test {

namespace {

using conf_ptr = std::unique_ptr<CONF, decltype(&NCONF_free)>;

conf_ptr make_conf(std::string const& text) {
    conf_ptr made(NCONF_new(nullptr), &NCONF_free);
    bssl::UniquePtr<BIO> bio(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
    long line = 0;
    require_made(NCONF_load_bio(made.get(), bio.get(), &line) > 0, "sections");
    return made;
}

// Adds extensions to one certificate.
class extender {
public:
    extender(X509* to, X509* issuer, std::string const& sections) : to_(to), conf_(make_conf("[none]\n" + sections)) {
        X509V3_set_ctx(&context_, issuer, to, nullptr, nullptr, 0);
        X509V3_set_nconf(&context_, conf_.get());
    }

    void add(std::string const& name, std::string const& value) {
        if (value.empty()) return;
        auto extension =
            X509V3_EXT_nconf(conf_.get(), &context_, const_cast<char*>(name.c_str()), const_cast<char*>(value.c_str()));
        add(bssl::UniquePtr<X509_EXTENSION>(extension), name.c_str());
    }
    void add(bssl::UniquePtr<X509_EXTENSION> extension, char const* what) {
        require_made(extension && X509_add_ext(to_, extension.get(), -1), what);
    }

private:
    X509* to_;
    conf_ptr conf_;
    X509V3_CTX context_{};
};

std::string access_text(certificate_request const& request) {
    std::string made;
    for (auto const& url : request.ocsp_urls)
        made += ",OCSP;URI:" + url;
    for (auto const& url : request.issuer_urls)
        made += ",caIssuers;URI:" + url;
    return made.empty() ? made : made.substr(1);
}

void add_extensions(X509* to, X509* issuer, certificate_request const& request) {
    extender extensions(to, issuer, request.sections);
    extensions.add("basicConstraints", request.basic_constraints);
    extensions.add("keyUsage", request.key_usage);
    extensions.add("extendedKeyUsage", request.extended_key_usage);
    extensions.add("subjectKeyIdentifier", "hash");
    extensions.add("authorityKeyIdentifier", "keyid:always");
    extensions.add("subjectAltName", request.alternative_names);
    extensions.add("nameConstraints", request.name_constraints);
    extensions.add("certificatePolicies", request.policies);
    extensions.add("authorityInfoAccess", access_text(request));
    if (!request.crl_points.empty())
        extensions.add(make_points_extension(NID_crl_distribution_points, request.crl_points), "CRL points");
    if (!request.freshest.empty())
        extensions.add(make_points_extension(NID_freshest_crl, request.freshest), "freshest CRL");
    for (auto const& [name, value] : request.more)
        extensions.add(name, value);
    for (auto const& spec : request.raw)
        extensions.add(make_extension(spec), "raw extension");
}

bytes random_serial() {
    bytes made(8);
    RAND_bytes(made.data(), made.size());
    made[0] = static_cast<std::uint8_t>((made[0] & 0x3fU) | 0x40U);
    return made;
}

identity make(certificate_request const& request, identity const* issuer) {
    identity made;
    made.key = request.own_key != nullptr ? bssl::UpRef(request.own_key) : make_key(request.key);
    made.certificate.reset(X509_new());
    X509* const certificate = made.certificate.get();
    X509* const above = issuer != nullptr ? issuer->certificate.get() : certificate;
    EVP_PKEY* const signer = issuer != nullptr ? issuer->key.get() : made.key.get();
    require_made(X509_set_version(certificate, X509_VERSION_3) &&
                     X509_set_serialNumber(
                         certificate, make_integer(request.serial.empty() ? random_serial() : request.serial).get()) &&
                     X509_set1_notBefore(certificate, make_time(request.not_before).get()) &&
                     X509_set1_notAfter(certificate, make_time(request.not_after).get()) &&
                     X509_set_pubkey(certificate, made.key.get()) &&
                     X509_set_subject_name(certificate, make_name(request.subject).get()) &&
                     X509_set_issuer_name(certificate, X509_get_subject_name(above)),
                 "certificate");
    add_extensions(certificate, above, request);
    bool const digest_inside = EVP_PKEY_id(signer) == EVP_PKEY_ED25519;
    if (X509_sign(certificate, signer, digest_inside ? nullptr : request.digest) == 0)
        require_made(X509_sign(certificate, signer, EVP_sha256()) > 0 &&
                         X509_set1_signature_algo(certificate, make_old_algorithm(*signer, request.digest).get()),
                     "signature");
    // A certificate that has been signed keeps what was computed for it while it was incomplete: read it anew.
    bytes const der = der_of(*certificate);
    auto const* at = der.data();
    made.certificate.reset(d2i_X509(nullptr, &at, static_cast<long>(der.size())));
    require_made(made.certificate != nullptr, "certificate again");
    return made;
}

}  // namespace

time_point hours_from_now(int hours) {
    return std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now()) + std::chrono::hours(hours);
}

raw_extension unknown_extension(bool critical) {
    return {"1.3.6.1.4.1.99999.1", critical, {0x05, 0x00}};
}

raw_extension proxy_extension(bool critical) {
    return {"1.3.6.1.5.5.7.1.14",
            critical,
            {0x30, 0x0f, 0x02, 0x01, 0x00, 0x30, 0x0a, 0x06, 0x08, 0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x15, 0x01}};
}

certificate_request authority_request(std::string const& name, std::optional<int> path_length) {
    certificate_request made;
    made.subject = common_name(name);
    made.not_after = days_from_now(3650);
    made.basic_constraints = "critical,CA:TRUE";
    if (path_length) made.basic_constraints += ",pathlen:" + std::to_string(*path_length);
    made.key_usage = "critical,keyCertSign,cRLSign";
    made.extended_key_usage.clear();
    return made;
}

identity make_self_signed(certificate_request const& request) {
    return make(request, nullptr);
}

identity make_certificate(certificate_request const& request, identity const& issuer) {
    return make(request, &issuer);
}

bytes der_of(X509 const& certificate) {
    std::uint8_t* out = nullptr;
    int const size = i2d_X509(const_cast<X509*>(&certificate), &out);
    require_made(size > 0, "DER");
    bssl::UniquePtr<std::uint8_t> const owner(out);
    return {out, out + size};
}

bytes serial_of(X509 const& certificate) {
    std::uint8_t* out = nullptr;
    int const size = i2d_ASN1_INTEGER(const_cast<ASN1_INTEGER*>(X509_get0_serialNumber(&certificate)), &out);
    require_made(size > 2, "serial");
    bssl::UniquePtr<std::uint8_t> const owner(out);
    return {out + 2, out + size};
}

bytes with_bad_signature(bytes der) {
    der.back() ^= 1U;
    return der;
}

bssl::UniquePtr<X509> with_bad_signature(X509 const& certificate) {
    bytes const der = with_bad_signature(der_of(certificate));
    auto const* at = der.data();
    return bssl::UniquePtr<X509>(d2i_X509(nullptr, &at, static_cast<long>(der.size())));
}

}  // namespace ftpsgate::test
