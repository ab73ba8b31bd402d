// Who may sign an OCSP response, and how (B-267, A-088, RFC 6960 4.2.2.2).
#include "policy/signature_algorithm.hpp"
#include "tests/policy/ocsp_fixture.hpp"

#include <catch2/catch.hpp>

using namespace ftpsgate;

namespace {

test::certificate_request delegate_with(void (*change)(test::certificate_request&)) {
    auto made = test::delegate_request();
    change(made);
    return made;
}

struct delegate_row {
    char const* what;
    void (*change)(test::certificate_request&);
    char const* expected;  // how it begins
};

using spec = test::certificate_request;

constexpr delegate_row delegates[] = {
    {"nothing wrong", [](spec&) {}, "good"},
    {"no key usage", [](spec& s) { s.key_usage.clear(); }, "good"},
    {"other usages besides", [](spec& s) { s.extended_key_usage = "clientAuth,OCSPSigning"; }, "good"},
    {"a CA's as well", [](spec& s) { s.basic_constraints = "critical,CA:TRUE"; }, "good"},
    {"no nocheck", [](spec& s) { s.raw.clear(); }, "good if the delegate is"},
    {"no OCSPSigning", [](spec& s) { s.extended_key_usage = "clientAuth"; },
     "the delegate's certificate is not for OCSPSigning"},
    {"no extended key usage", [](spec& s) { s.extended_key_usage.clear(); },
     "the delegate's certificate is not for OCSPSigning"},
    {"anyExtendedKeyUsage", [](spec& s) { s.extended_key_usage = "anyExtendedKeyUsage"; },
     "the delegate's certificate is not for OCSPSigning"},
    {"another key usage", [](spec& s) { s.key_usage = "critical,keyEncipherment"; },
     "the delegate's key usage does not include digitalSignature"},
    {"a critical extension", [](spec& s) { s.raw.push_back(test::unknown_extension(true)); },
     "the delegate's extensions cannot be understood"},
    {"expired", [](spec& s) { s.not_after = test::hours_from_now(-1); }, "the delegate's certificate expired at "},
    {"not yet valid", [](spec& s) { s.not_before = test::hours_from_now(1); },
     "the delegate's certificate is not valid before "},
    {"a short key", [](spec& s) { s.key = test::key_kind::rsa_1024; }, "the delegate's key is too weak"},
    {"certified with SHA-1", [](spec& s) { s.digest = EVP_sha1(); }, "the delegate's certificate is not the issuer's"},
    {"RSA", [](spec& s) { s.key = test::key_kind::rsa_2048; }, "good"},
    {"Ed25519", [](spec& s) { s.key = test::key_kind::ed25519; }, "good"},
    {"P-521", [](spec& s) { s.key = test::key_kind::ecdsa_p521; }, "good"},
};

}  // namespace

TEST_CASE("ocsp: a delegate is valid, for OCSPSigning, and strong (B-267, A-088)", "[policy][ocsp]") {
    test::ocsp_fixture const at;
    for (auto const& row : delegates) {
        INFO(row.what);
        std::string const expected = row.expected;
        auto const said = at.judge_delegate(delegate_with(row.change));
        if (expected.starts_with("good"))
            CHECK(said == expected);
        else
            CHECK_THAT(said, Catch::StartsWith(expected));
    }
}

TEST_CASE("ocsp: a delegate is certified by the issuer's key itself (B-267, A-088)", "[policy][ocsp]") {
    test::ocsp_fixture const at;
    std::string const foreign = "the delegate's certificate is not the issuer's work";
    auto const namesake = test::make_self_signed(test::authority_request("Issuer"));
    auto const below = test::make_certificate(test::authority_request("Below"), at.issuer);
    CHECK(at.judge_delegate(test::make_certificate(test::delegate_request(), namesake)) == foreign);
    CHECK(at.judge_delegate(test::make_certificate(test::delegate_request(), below)) == foreign);
    CHECK(at.judge_delegate(test::make_self_signed(test::delegate_request())) == foreign);

    auto renamed_request = test::authority_request("Renamed");
    renamed_request.own_key = at.issuer.key.get();
    auto const renamed = test::make_self_signed(renamed_request);
    CHECK(at.judge_delegate(test::make_certificate(test::delegate_request(), renamed)) == foreign);

    auto bent = test::make_certificate(test::delegate_request(), at.issuer);
    bent.certificate = test::with_bad_signature(*bent.certificate);
    CHECK(at.judge_delegate(bent) == foreign);
}

TEST_CASE("ocsp: a delegate to check is handed out (B-267)", "[policy][ocsp]") {
    test::ocsp_fixture const at;
    auto spec = test::delegate_request();
    spec.raw.clear();
    auto const delegate = test::make_certificate(spec, at.issuer);
    auto made = at.request();
    made.certs = {delegate.certificate.get()};
    auto const der = test::make_ocsp_response(made, at.issuer, delegate);
    auto const outcome = policy::check_ocsp_response(der, at.subject(), at.rules);
    auto const* answer = std::get_if<policy::ocsp_answer>(&outcome);
    REQUIRE((answer != nullptr && answer->delegate_to_check));
    CHECK(X509_cmp(answer->delegate_to_check.get(), delegate.certificate.get()) == 0);
}

TEST_CASE("ocsp: a certificate does not answer for itself (A-088)", "[policy][ocsp]") {
    test::ocsp_fixture at;
    CHECK(at.judge_delegate(at.leaf) == "the certificate answers for itself");
    at.leaf = test::make_certificate(test::delegate_request(), at.issuer);
    CHECK(at.judge_delegate(at.leaf) == "the certificate answers for itself");
    CHECK(at.judge_delegate(at.other) == "the delegate's certificate is not for OCSPSigning");
}

TEST_CASE("ocsp: the responderID and the enclosed certificates name the signer (B-267)", "[policy][ocsp]") {
    test::ocsp_fixture const at;
    auto const delegate = test::make_certificate(test::delegate_request(), at.issuer);
    auto const second = test::make_certificate(test::delegate_request("Second"), at.issuer);
    auto made = at.request();
    made.named_by = GENERATE(test::responder_id::by_key, test::responder_id::by_name);
    std::string const nobody = "signed by neither the issuer nor an enclosed delegate";

    SECTION("delegate not enclosed") {
        CHECK(at.judge(test::make_ocsp_response(made, at.issuer, delegate)) == nobody);
    }
    SECTION("among others") {
        made.certs = {at.issuer.certificate.get(), second.certificate.get(), delegate.certificate.get()};
        CHECK(at.judge(test::make_ocsp_response(made, at.issuer, delegate)) == "good");
    }
    SECTION("another delegate is named") {
        made.certs = {second.certificate.get(), delegate.certificate.get()};
        made.named = second.certificate.get();
        CHECK(at.judge(test::make_ocsp_response(made, at.issuer, delegate)) == "bad signature of the delegate");
    }
    SECTION("the issuer is named, a delegate has signed") {
        made.certs = {delegate.certificate.get()};
        made.named = at.issuer.certificate.get();
        CHECK(at.judge(test::make_ocsp_response(made, at.issuer, delegate)) == "bad signature of the issuer");
    }
    SECTION("the issuer has signed, another is named") {
        made.named = at.other.certificate.get();
        CHECK(at.judge(made) == nobody);
    }
    SECTION("more than are looked at") {
        made.certs.assign(9, delegate.certificate.get());
        CHECK(at.judge(test::make_ocsp_response(made, at.issuer, delegate)) == "too many certificates enclosed");
        made.certs.pop_back();
        CHECK(at.judge(test::make_ocsp_response(made, at.issuer, delegate)) == "good");
    }
}

TEST_CASE("ocsp: of two delegates of one name the one that signed counts (B-267)", "[policy][ocsp]") {
    test::ocsp_fixture const at;
    auto const before = test::make_certificate(test::delegate_request(), at.issuer);
    auto const delegate = test::make_certificate(test::delegate_request(), at.issuer);
    auto made = at.request();
    made.named_by = test::responder_id::by_name;
    made.certs = {before.certificate.get(), delegate.certificate.get()};
    CHECK(at.judge(test::make_ocsp_response(made, at.issuer, delegate)) == "good");
}

TEST_CASE("ocsp: the signature is checked (B-267)", "[policy][ocsp]") {
    test::ocsp_fixture const at;
    auto made = at.request();
    made.damage = GENERATE(test::ocsp_damage::signature, test::ocsp_damage::no_signature);
    CHECK(at.judge(made) == "bad signature of the issuer");
    auto const delegate = test::make_certificate(test::delegate_request(), at.issuer);
    made.certs = {delegate.certificate.get()};
    CHECK(at.judge(test::make_ocsp_response(made, at.issuer, delegate)) == "bad signature of the delegate");
}

TEST_CASE("ocsp: signatures of the usual algorithms are accepted, with SHA-1 or less they are not (B-267, B-273)",
          "[policy][ocsp][signature]") {
    using test::key_kind;
    test::ocsp_fixture at;
    std::string const refused = "signed with an algorithm that is not accepted";
    auto const [key, digest, pss, accepted] = GENERATE(table<key_kind, EVP_MD const*, bool, bool>({
        {key_kind::rsa_2048, EVP_sha256(), false, true},
        {key_kind::rsa_2048, EVP_sha384(), false, true},
        {key_kind::rsa_2048, EVP_sha512(), false, true},
        {key_kind::rsa_2048, EVP_sha1(), false, false},
        {key_kind::rsa_2048, EVP_md5(), false, false},
        {key_kind::rsa_2048, EVP_sha256(), true, true},
        {key_kind::rsa_2048, EVP_sha512(), true, true},
        {key_kind::rsa_2048, EVP_sha1(), true, false},
        {key_kind::ecdsa_p256, EVP_sha256(), false, true},
        {key_kind::ecdsa_p384, EVP_sha384(), false, true},
        {key_kind::ecdsa_p521, EVP_sha512(), false, true},
        {key_kind::ecdsa_p256, EVP_sha1(), false, false},
        {key_kind::ed25519, nullptr, false, true},
    }));
    auto authority = test::authority_request("Issuer");
    authority.key = key;
    at.issuer = test::make_self_signed(authority);
    at.leaf = test::make_certificate({}, at.issuer);
    auto made = at.request();
    made.digest = digest;
    made.pss = pss;
    CAPTURE(static_cast<int>(key), pss, digest == nullptr ? 0 : EVP_MD_type(digest));
    CHECK(at.judge(made) == (accepted ? "good" : refused));
}

TEST_CASE("ocsp: an algorithm's parameters are the usual ones (B-273)", "[policy][ocsp][signature]") {
    using policy::parse_signature_algorithm;
    test::bytes const sha256_rsa{0x30, 13, 6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 13, 1, 1, 11, 5, 0};
    CHECK(parse_signature_algorithm(sha256_rsa));
    auto absent = sha256_rsa;
    absent.resize(13);
    absent[1] = 11;
    CHECK(parse_signature_algorithm(absent));
    auto other = sha256_rsa;
    other[13] = 4;
    CHECK_FALSE(parse_signature_algorithm(other));
    auto behind = sha256_rsa;
    behind.push_back(0);
    CHECK_FALSE(parse_signature_algorithm(behind));
    CHECK_FALSE(parse_signature_algorithm({}));
}

TEST_CASE("ocsp: RSA-PSS is one digest throughout and a salt as long as it (B-273)", "[policy][ocsp][signature]") {
    using policy::parse_signature_algorithm;
    test::bytes const usual{0x30, 0x41, 6,    9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 13, 1, 1,    10, 0x30, 0x34, 0xa0, 15,
                            0x30, 13,   6,    9, 0x60, 0x86, 0x48, 1,    0x65, 3,  4, 2,    1,  5,    0,    0xa1, 0x1c,
                            0x30, 0x1a, 6,    9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 13, 1, 1,    8,  0x30, 13,   6,    9,
                            0x60, 0x86, 0x48, 1, 0x65, 3,    4,    2,    1,    5,  0, 0xa2, 3,  2,    1,    32};
    REQUIRE(parse_signature_algorithm(usual));
    auto const with = [&](std::size_t at, std::uint8_t value) {
        auto bent = usual;
        bent[at] = value;
        return parse_signature_algorithm(bent).has_value();
    };
    std::size_t const digest = 29, mask = 46, mask_digest = 59, salt = 66;
    CHECK_FALSE(with(digest, 2));  // SHA-384, the mask's still SHA-256
    CHECK_FALSE(with(mask, 7));    // not MGF1
    CHECK_FALSE(with(mask_digest, 2));
    CHECK_FALSE(with(salt, 20));
    CHECK_FALSE(with(salt, 0));
    // What it means when it says nothing: SHA-1.
    test::bytes const bare{0x30, 13, 6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 13, 1, 1, 10, 0x30, 0};
    CHECK_FALSE(parse_signature_algorithm(bare));
}

TEST_CASE("ocsp: a signature is verified with a key of its own type only", "[policy][ocsp][signature]") {
    using policy::signature_algorithm;
    auto const key = test::make_key(test::key_kind::rsa_2048);
    test::bytes const data{1, 2, 3};
    test::bytes signature(256);
    std::size_t size = signature.size();
    bssl::ScopedEVP_MD_CTX context;
    REQUIRE(EVP_DigestSignInit(context.get(), nullptr, EVP_sha256(), nullptr, key.get()) == 1);
    REQUIRE(EVP_DigestSign(context.get(), signature.data(), &size, data.data(), data.size()) == 1);
    signature_algorithm how{EVP_PKEY_RSA, EVP_sha256(), signature_algorithm::padding::pkcs1};
    CHECK(policy::verify_signature(how, *key, data, signature));
    CHECK_FALSE(policy::verify_signature(how, *key, signature, signature));
    CHECK_FALSE(policy::verify_signature(how, *key, data, {}));
    how.key_type = EVP_PKEY_EC;
    CHECK_FALSE(policy::verify_signature(how, *key, data, signature));
    CHECK(ERR_peek_error() == 0);
}
