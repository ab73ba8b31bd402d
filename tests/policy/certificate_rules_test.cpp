#include "policy/certificate_rules.hpp"

#include "tests/policy/chain_fixture.hpp"

#include <catch2/catch.hpp>

#include <algorithm>

using namespace ftpsgate;
using namespace ftpsgate::policy;

namespace {

struct usage_fixture {
    test::identity root = test::make_self_signed(test::authority_request("Root"));

    std::string judge(test::certificate_request const& leaf, test::certificate_request const& middle,
                      usage_check check = usage_check::applied) const {
        auto const above = test::make_certificate(middle, root);
        auto const below = test::make_certificate(leaf, above);
        return usage_fault(test::list_of({&below, &above, &root}), check);
    }
    std::string judge(test::certificate_request const& leaf, usage_check check = usage_check::applied) const {
        return judge(leaf, test::authority_request("Middle"), check);
    }
};

test::certificate_request with_usage(std::string const& extended) {
    return {.extended_key_usage = extended};
}

test::certificate_request with_key_usage(std::string const& words) {
    return {.key_usage = words};
}

bool is_strong(test::key_kind kind) {
    return is_strong_key(*test::make_self_signed({.key = kind}).certificate);
}

bool is_strong(EVP_PKEY* key) {
    return is_strong_key(*test::make_self_signed({.own_key = key}).certificate);
}

bool is_strong_rsa(unsigned bits, BN_ULONG exponent) {
    bssl::UniquePtr<BIGNUM> const e(BN_new());
    BN_set_word(e.get(), exponent);
    bssl::UniquePtr<RSA> pair(RSA_new());
    REQUIRE(RSA_generate_key_ex(pair.get(), static_cast<int>(bits), e.get(), nullptr) == 1);
    bssl::UniquePtr<EVP_PKEY> const key(EVP_PKEY_new());
    EVP_PKEY_set1_RSA(key.get(), pair.get());
    return is_strong(key.get());
}

// Only a public key: nobody waits for 16384 bits to be made. The signature is another's.
bool is_strong_public_rsa(unsigned bits, BN_ULONG lowest = 1, BN_ULONG public_exponent = RSA_F4) {
    bssl::UniquePtr<BIGNUM> modulus(BN_new()), exponent(BN_new());
    BN_set_bit(modulus.get(), static_cast<int>(bits - 1));
    BN_add_word(modulus.get(), lowest);
    BN_set_word(exponent.get(), public_exponent);
    bssl::UniquePtr<RSA> const half(RSA_new());
    REQUIRE(RSA_set0_key(half.get(), modulus.release(), exponent.release(), nullptr) == 1);
    bssl::UniquePtr<EVP_PKEY> const key(EVP_PKEY_new());
    EVP_PKEY_set1_RSA(key.get(), half.get());
    auto const issuer = test::make_self_signed(test::authority_request("Issuer"));
    return is_strong_key(*test::make_certificate({.own_key = key.get()}, issuer).certificate);
}

bool is_strong_on_curve(int curve) {
    bssl::UniquePtr<EC_KEY> const pair(EC_KEY_new_by_curve_name(curve));
    REQUIRE(EC_KEY_generate_key(pair.get()) == 1);
    bssl::UniquePtr<EVP_PKEY> const key(EVP_PKEY_new());
    EVP_PKEY_set1_EC_KEY(key.get(), pair.get());
    return is_strong(key.get());
}

bool is_strong_signature_with(test::key_kind kind, EVP_MD const* digest) {
    return is_strong_signature(*test::make_self_signed({.key = kind, .digest = digest}).certificate);
}

// What is wrong with the form of a leaf and of the CA above it.
std::string form_of(test::certificate_request const& leaf, test::certificate_request const& middle) {
    auto const root = test::make_self_signed(test::authority_request("Root"));
    auto const above = test::make_certificate(middle, root);
    auto const below = test::make_certificate(leaf, above);
    return form_fault(test::list_of({&below, &above, &root}));
}

// As version 1, which has no extensions.
test::identity as_v1(test::identity made, test::identity const* issuer = nullptr) {
    X509 const& as_v3 = *made.certificate;
    certificate_ptr const certificate(X509_new());
    X509_set_serialNumber(certificate.get(), X509_get0_serialNumber(&as_v3));
    X509_set1_notBefore(certificate.get(), X509_get0_notBefore(&as_v3));
    X509_set1_notAfter(certificate.get(), X509_get0_notAfter(&as_v3));
    X509_set_pubkey(certificate.get(), made.key.get());
    X509_set_subject_name(certificate.get(), X509_get_subject_name(&as_v3));
    X509_set_issuer_name(certificate.get(), X509_get_issuer_name(&as_v3));
    auto* const signer = issuer != nullptr ? issuer->key.get() : made.key.get();
    REQUIRE(X509_sign(certificate.get(), signer, EVP_sha256()) > 0);
    made.certificate = parse_certificate(test::der_of(*certificate));
    REQUIRE(made.certificate);
    REQUIRE(X509_get_version(made.certificate.get()) == X509_VERSION_1);
    return made;
}

// With a curve in numbers instead of a name.
certificate_ptr with_explicit_curve() {
    auto const made = test::make_self_signed({});
    auto der = test::der_of(*made.certificate);
    test::bytes const name{0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07};
    test::bytes const numbers{0x30, 0x08, 0x02, 0x01, 0x01, 0x30, 0x03, 0x02, 0x01, 0x07};
    auto const at = std::search(der.begin(), der.end(), name.begin(), name.end());
    REQUIRE(at != der.end());
    std::copy(numbers.begin(), numbers.end(), at);
    return parse_certificate(der);
}

certificate_ptr signed_with_pss(EVP_MD const* digest) {
    auto made = test::make_self_signed({.key = test::key_kind::rsa_2048});
    bssl::ScopedEVP_MD_CTX context;
    EVP_PKEY_CTX* details = nullptr;
    REQUIRE(EVP_DigestSignInit(context.get(), &details, digest, nullptr, made.key.get()) == 1);
    REQUIRE(EVP_PKEY_CTX_set_rsa_padding(details, RSA_PKCS1_PSS_PADDING) == 1);
    REQUIRE(EVP_PKEY_CTX_set_rsa_pss_saltlen(details, -1) == 1);
    if (X509_sign_ctx(made.certificate.get(), context.get()) == 0)
        X509_set1_signature_algo(made.certificate.get(), test::make_old_algorithm(*made.key, digest, true).get());
    return std::move(made.certificate);
}

}  // namespace

TEST_CASE("certificate_rules: a leaf without extended key usage, with clientAuth or with any may be a client (B-186)",
          "[policy][certificate_rules]") {
    usage_fixture const made;
    CHECK(made.judge(with_usage("")).empty());
    CHECK(made.judge(with_usage("clientAuth")).empty());
    CHECK(made.judge(with_usage("critical,clientAuth")).empty());
    CHECK(made.judge(with_usage("serverAuth,clientAuth")).empty());
    CHECK(made.judge(with_usage("anyExtendedKeyUsage")).empty());
    CHECK(made.judge(with_usage("1.2.3,anyExtendedKeyUsage")).empty());
}

TEST_CASE("certificate_rules: a leaf for something else is refused, unless no-usage-check (B-186)",
          "[policy][certificate_rules]") {
    usage_fixture const made;
    auto const* const usage = GENERATE("serverAuth", "emailProtection", "1.2.3", "OCSPSigning", "critical,codeSigning",
                                       "1.3.6.1.4.1.311.20.2.2" /* smart card logon */);
    CHECK(made.judge(with_usage(usage)) == "its extended key usage does not include client authentication");
    CHECK(made.judge(with_usage(usage), usage_check::lifted).empty());
}

TEST_CASE("certificate_rules: the extended key usage of CAs nests, but for the anchor's (B-186, A-096)",
          "[policy][certificate_rules]") {
    usage_fixture made;
    auto middle = test::authority_request("Middle");
    for (auto const* good : {"clientAuth", "serverAuth,clientAuth", "anyExtendedKeyUsage"}) {
        middle.extended_key_usage = good;
        CHECK(made.judge({}, middle).empty());
    }
    middle.extended_key_usage = "serverAuth";
    CHECK(made.judge({}, middle) == "the extended key usage of CA CN=Middle does not include client authentication");
    CHECK(made.judge(with_usage(""), middle) != "");
    CHECK(made.judge({}, middle, usage_check::lifted).empty());
    auto root = test::authority_request("Root");
    root.extended_key_usage = "serverAuth";
    made.root = test::make_self_signed(root);
    CHECK(made.judge({}).empty());
}

TEST_CASE("certificate_rules: where a leaf has a key usage, it includes digitalSignature (B-187)",
          "[policy][certificate_rules]") {
    usage_fixture const made;
    CHECK(made.judge(with_key_usage("")).empty());
    CHECK(made.judge(with_key_usage("digitalSignature,keyEncipherment")).empty());
    for (auto const* words : {"critical,keyEncipherment", "keyAgreement", "nonRepudiation", "keyCertSign"}) {
        CHECK(made.judge(with_key_usage(words)) == "its key usage does not include digitalSignature");
        CHECK(made.judge(with_key_usage(words), usage_check::lifted).empty());
    }
}

TEST_CASE("certificate_rules: a CA's certificate is no client's, whatever is lifted (B-188)",
          "[policy][certificate_rules]") {
    usage_fixture const made;
    auto const check = GENERATE(usage_check::applied, usage_check::lifted);
    auto leaf = test::authority_request("Not a client");
    leaf.key_usage = "critical,digitalSignature,keyCertSign";
    CHECK(made.judge(leaf, check) == "the certificate of a CA, not of a client");
    CHECK(usage_fault(test::list_of({&made.root}), check) == "the certificate of a CA, not of a client");
}

TEST_CASE("certificate_rules: RSA of 2048 to 8192 bits, the three curves and Ed25519 are strong (B-273)",
          "[policy][certificate_rules]") {
    CHECK(is_strong(test::key_kind::rsa_2048));
    CHECK(is_strong(test::key_kind::ecdsa_p256));
    CHECK(is_strong(test::key_kind::ecdsa_p384));
    CHECK(is_strong(test::key_kind::ecdsa_p521));
    CHECK(is_strong(test::key_kind::ed25519));
    CHECK(is_strong_rsa(2048, 3));
    CHECK(is_strong_public_rsa(8192));
    CHECK(is_strong_public_rsa(2048, 1, (BN_ULONG{1} << 32U) - 1));
}

TEST_CASE("certificate_rules: other keys are weak (B-273, A-097)", "[policy][certificate_rules]") {
    CHECK_FALSE(is_strong(test::key_kind::rsa_1024));
    CHECK_FALSE(is_strong_public_rsa(2040));
    CHECK_FALSE(is_strong_public_rsa(8200));
    CHECK_FALSE(is_strong_public_rsa(16384));
    CHECK_FALSE(is_strong_public_rsa(2048, 2));  // an even modulus
    CHECK_FALSE(is_strong_public_rsa(2048, 1, (BN_ULONG{1} << 33U) - 1));
    CHECK_FALSE(is_strong_public_rsa(2048, 1, 1));
    CHECK_FALSE(is_strong_public_rsa(2048, 1, 65536));
    CHECK_FALSE(is_strong_on_curve(NID_secp224r1));
}

TEST_CASE("certificate_rules: signatures with SHA-256 or better are strong (B-273)", "[policy][certificate_rules]") {
    auto const kind = GENERATE(test::key_kind::rsa_2048, test::key_kind::ecdsa_p256);
    for (auto const* digest : {EVP_sha256(), EVP_sha384(), EVP_sha512()})
        CHECK(is_strong_signature_with(kind, digest));
    CHECK_FALSE(is_strong_signature_with(kind, EVP_sha1()));
    CHECK_FALSE(is_strong_signature_with(test::key_kind::rsa_2048, EVP_md5()));
    CHECK(is_strong_signature_with(test::key_kind::ed25519, nullptr));
}

TEST_CASE("certificate_rules: RSA-PSS is as strong as its digest (B-273)", "[policy][certificate_rules]") {
    CHECK(is_strong_signature(*signed_with_pss(EVP_sha256())));
    CHECK(is_strong_signature(*signed_with_pss(EVP_sha512())));
    CHECK_FALSE(is_strong_signature(*signed_with_pss(EVP_sha1())));
}

TEST_CASE("certificate_rules: a curve that is not named is weak (A-097)", "[policy][certificate_rules]") {
    auto const made = with_explicit_curve();
    REQUIRE(made);
    CHECK_FALSE(is_strong_key(*made));
}

TEST_CASE("certificate_rules: serial numbers have at most 20 bytes, but for the anchor's (A-097)",
          "[policy][certificate_rules]") {
    auto middle = test::authority_request("Middle");
    test::bytes leading_zero(21, 0xff);
    leading_zero.front() = 0;
    for (auto const& fine : {test::bytes(20, 0x7f), test::bytes{0x00}, test::bytes{0xff}, leading_zero})
        CHECK(form_of({.serial = fine}, middle).empty());
    for (std::size_t const size : {21, 38, 100}) {
        CHECK(form_of({.serial = test::bytes(size, 0x7f)}, middle) ==
              "the serial number is longer than 20 bytes (CN=client)");
        middle.serial = test::bytes(size, 0x01);
        CHECK(form_of({}, middle) == "the serial number is longer than 20 bytes (CN=Middle)");
        middle.serial.clear();
    }
    auto root = test::authority_request("Root");
    root.serial = test::bytes(21, 0x01);
    auto const made = test::make_self_signed(root);
    auto const leaf = test::make_certificate({}, made);
    CHECK(form_fault(test::list_of({&leaf, &made})).empty());
}

TEST_CASE("certificate_rules: no extension is there twice, known or not", "[policy][certificate_rules]") {
    auto const middle = test::authority_request("Middle");
    auto const one = test::unknown_extension(false);
    auto other = one;
    other.oid += ".1";
    CHECK(form_of({.raw = {one, other}}, middle).empty());
    CHECK(form_of({.raw = {one, other, one}}, middle) == "an extension is there twice (CN=client)");
    auto twice = middle;
    twice.raw = {one, one};
    CHECK(form_of({}, twice) == "an extension is there twice (CN=Middle)");
}

TEST_CASE("certificate_rules: a root of X.509 v1 is no CA (A-096)", "[policy][certificate_rules]") {
    auto as_v3 = test::make_self_signed(test::authority_request("Root"));
    auto const leaf = test::make_certificate({}, as_v3);
    auto const root = as_v1(std::move(as_v3));
    CHECK(constraint_fault(test::list_of({&leaf, &root})) == "the anchor is X.509 v1, which does not say who is a CA");
    trust_anchors const anchors(test::list_of({&root}));
    auto const presented = test::list_of({&leaf});
    certificate_list const none;
    auto const now = std::chrono::system_clock::now();
    CHECK(check_chain(anchors, {presented, none, usage_check::applied, nullptr, now}).reason == refusal::constraint);
}

// RFC 5280 4.1.2.1 wants that version where there are no extensions, and many tools make such clients.
TEST_CASE("certificate_rules: a client of X.509 v1 is one without usages; a CA below the root is none",
          "[policy][certificate_rules]") {
    test::chain_fixture const made;
    auto const leaf = as_v1(test::make_certificate({}, made.root), &made.root);
    CHECK(made.check({&leaf}).reason == refusal::none);
    auto as_v3 = test::make_certificate(test::authority_request("Middle"), made.root);
    auto const below = test::make_certificate({}, as_v3);
    auto const middle = as_v1(std::move(as_v3), &made.root);
    CHECK(made.check({&below, &middle}).reason == refusal::constraint);
}
