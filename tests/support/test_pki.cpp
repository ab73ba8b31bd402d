#include "tests/support/test_pki.hpp"

#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/ec_key.h>
#include <openssl/err.h>
#include <openssl/nid.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>

#include <ctime>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <stdlib.h>

namespace ftpsgate::test {

namespace {

void require(bool done, char const* what) {
    if (!done) throw std::runtime_error(std::string("test_pki: ") + what);
}

bssl::UniquePtr<EVP_PKEY> make_ec_key(int curve) {
    bssl::UniquePtr<EC_KEY> ec(EC_KEY_new_by_curve_name(curve));
    bssl::UniquePtr<EVP_PKEY> key(EVP_PKEY_new());
    require(EC_KEY_generate_key(ec.get()) && EVP_PKEY_set1_EC_KEY(key.get(), ec.get()), "EC key");
    return key;
}

bssl::UniquePtr<EVP_PKEY> make_rsa_key(int bits) {
    bssl::UniquePtr<RSA> rsa(RSA_new());
    bssl::UniquePtr<BIGNUM> exponent(BN_new());
    bssl::UniquePtr<EVP_PKEY> key(EVP_PKEY_new());
    require(BN_set_word(exponent.get(), RSA_F4) && RSA_generate_key_ex(rsa.get(), bits, exponent.get(), nullptr) &&
                EVP_PKEY_set1_RSA(key.get(), rsa.get()),
            "RSA key");
    return key;
}

bssl::UniquePtr<EVP_PKEY> make_ed25519_key() {
    std::uint8_t seed[32];
    RAND_bytes(seed, sizeof seed);
    return bssl::UniquePtr<EVP_PKEY>(EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, nullptr, seed, sizeof seed));
}

std::string content_of(BIO* bio) {
    std::uint8_t const* data = nullptr;
    std::size_t size = 0;
    require(BIO_mem_contents(bio, &data, &size), "PEM");
    return {reinterpret_cast<char const*>(data), size};
}

void set_name(X509_NAME* name, std::string const& common_name) {
    require(
        X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8, reinterpret_cast<std::uint8_t const*>(common_name.data()),
                                   static_cast<int>(common_name.size()), -1, 0),
        "name");
}

void add_extension(X509* to, X509* issuer, int nid, std::string const& value) {
    X509V3_CTX context;
    X509V3_set_ctx(&context, issuer, to, nullptr, nullptr, 0);
    bssl::UniquePtr<X509_EXTENSION> extension(X509V3_EXT_nconf_nid(nullptr, &context, nid, value.c_str()));
    require(extension && X509_add_ext(to, extension.get(), -1), "extension");
}

// Everything but the extensions and the signature.
bssl::UniquePtr<X509> make_certificate(std::string const& common_name, EVP_PKEY* key, X509* issuer, int days_left) {
    bssl::UniquePtr<X509> made(X509_new());
    std::uint64_t serial = 0;
    RAND_bytes(reinterpret_cast<std::uint8_t*>(&serial), sizeof serial);
    std::time_t const now = std::time(nullptr);
    constexpr long day = 24 * 60 * 60;
    require(X509_set_version(made.get(), X509_VERSION_3) &&
                ASN1_INTEGER_set_uint64(X509_get_serialNumber(made.get()), serial | (1ULL << 62U)) &&
                ASN1_TIME_set(X509_getm_notBefore(made.get()), now - 365 * day) &&
                ASN1_TIME_set(X509_getm_notAfter(made.get()), now + days_left * day) &&
                X509_set_pubkey(made.get(), key),
            "certificate");
    set_name(X509_get_subject_name(made.get()), common_name);
    X509* const above = issuer != nullptr ? issuer : made.get();
    require(X509_set_issuer_name(made.get(), X509_get_subject_name(above)), "issuer");
    return made;
}

identity make_authority(std::string const& name, identity const* issuer) {
    identity made;
    made.key = make_key(key_kind::ecdsa_p256);
    X509* const above = issuer != nullptr ? issuer->certificate.get() : nullptr;
    made.certificate = make_certificate(name, made.key.get(), above, 3650);
    X509* const certificate = made.certificate.get();
    add_extension(certificate, certificate, NID_basic_constraints, "critical,CA:TRUE");
    add_extension(certificate, certificate, NID_key_usage, "critical,keyCertSign,cRLSign");
    add_extension(certificate, certificate, NID_subject_key_identifier, "hash");
    EVP_PKEY* const signer = issuer != nullptr ? issuer->key.get() : made.key.get();
    require(X509_sign(certificate, signer, EVP_sha256()) > 0, "signature");
    return made;
}

}  // namespace

bssl::UniquePtr<EVP_PKEY> make_key(key_kind kind) {
    switch (kind) {
        case key_kind::ecdsa_p256: return make_ec_key(NID_X9_62_prime256v1);
        case key_kind::ecdsa_p384: return make_ec_key(NID_secp384r1);
        case key_kind::ecdsa_p521: return make_ec_key(NID_secp521r1);
        case key_kind::ed25519: return make_ed25519_key();
        case key_kind::rsa_2048: {
            static auto const key = make_rsa_key(2048);
            return bssl::UpRef(key);
        }
        case key_kind::rsa_1024: {
            static auto const key = make_rsa_key(1024);
            return bssl::UpRef(key);
        }
    }
    throw std::logic_error("key_kind");
}

std::string identity::certificate_pem() const {
    bssl::UniquePtr<BIO> bio(BIO_new(BIO_s_mem()));
    require(PEM_write_bio_X509(bio.get(), certificate.get()), "PEM");
    return content_of(bio.get());
}

std::string identity::key_pem() const {
    bssl::UniquePtr<BIO> bio(BIO_new(BIO_s_mem()));
    require(PEM_write_bio_PrivateKey(bio.get(), key.get(), nullptr, nullptr, 0, nullptr, nullptr), "PEM");
    return content_of(bio.get());
}

test_authority::test_authority(std::string const& name) : own_(make_authority(name, nullptr)) {
}

test_authority test_authority::intermediate(std::string const& name) const {
    return test_authority(make_authority(name, &own_));
}

identity test_authority::issue(leaf_request const& request) const {
    identity made;
    made.key = make_key(request.key);
    made.certificate = make_certificate(request.names.at(0), made.key.get(), own_.certificate.get(), request.days_left);
    X509* const certificate = made.certificate.get();
    X509* const issuer = own_.certificate.get();
    add_extension(certificate, issuer, NID_basic_constraints, "critical,CA:FALSE");
    add_extension(certificate, issuer, NID_key_usage, "critical,digitalSignature");
    add_extension(certificate, issuer, NID_ext_key_usage, "serverAuth,clientAuth");
    add_extension(certificate, issuer, NID_authority_key_identifier, "keyid");
    std::string alternatives;
    for (auto const& name : request.names)
        alternatives += (alternatives.empty() ? "DNS:" : ",DNS:") + name;
    add_extension(certificate, issuer, NID_subject_alt_name, alternatives);
    require(X509_sign(certificate, own_.key.get(), EVP_sha256()) > 0, "signature");
    return made;
}

bssl::UniquePtr<SSL_CTX> make_server_context(identity const& who) {
    bssl::UniquePtr<SSL_CTX> context(SSL_CTX_new(TLS_method()));
    require(SSL_CTX_use_certificate(context.get(), who.certificate.get()) &&
                SSL_CTX_use_PrivateKey(context.get(), who.key.get()) &&
                SSL_CTX_set_min_proto_version(context.get(), TLS1_2_VERSION),
            "context");
    return context;
}

temporary_folder::temporary_folder() {
    auto name = (std::filesystem::temp_directory_path() / "ftpsgate-test-XXXXXX").string();
    require(mkdtemp(name.data()) != nullptr, "temporary folder");
    path_ = name;
}

temporary_folder::~temporary_folder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
}

std::string temporary_folder::write(std::string const& name, std::string const& content) const {
    auto const file = path_ + "/" + name;
    std::ofstream out(file, std::ios::binary);
    out << content;
    out.close();
    require(out.good(), "write file");
    return file;
}

}  // namespace ftpsgate::test
