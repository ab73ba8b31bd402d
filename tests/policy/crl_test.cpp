#include "policy/crl.hpp"

#include "tests/policy/chain_fixture.hpp"

#include <catch2/catch.hpp>

using namespace ftpsgate;
using namespace ftpsgate::policy;
using test::crl_request;
using test::make_crl;

namespace {

struct crl_fixture {
    test::identity issuer = test::make_self_signed(test::authority_request("Issuer"));

    std::string der(crl_request const& request = {}) const {
        return test::text_of(test::der_of(*make_crl(request, issuer)));
    }
    std::string pem(crl_request const& request = {}) const { return test::pem_of(*make_crl(request, issuer)); }
    crl_ptr parse(crl_request const& request) const { return parse_crl(der(request), "test"); }

    // With a good signature by ECDSA with SHA-256, whatever the signed part says about it.
    crl_ptr signed_again(int inner) const {
        auto const list = make_crl({}, issuer);
        bssl::UniquePtr<X509_ALGOR> const named(X509_ALGOR_new()), true_one(X509_ALGOR_new());
        X509_ALGOR_set0(named.get(), OBJ_nid2obj(inner), V_ASN1_UNDEF, nullptr);
        X509_ALGOR_set0(true_one.get(), OBJ_nid2obj(NID_ecdsa_with_SHA256), V_ASN1_UNDEF, nullptr);
        X509_CRL_set1_signature_algo(list.get(), named.get());
        std::uint8_t *part = nullptr, *outer = nullptr;
        auto const part_size = static_cast<std::size_t>(i2d_re_X509_CRL_tbs(list.get(), &part));
        auto const outer_size = static_cast<std::size_t>(i2d_X509_ALGOR(true_one.get(), &outer));
        bssl::UniquePtr<std::uint8_t> const part_owner(part), outer_owner(outer);
        test::bytes signature(200);
        auto size = signature.size();
        bssl::ScopedEVP_MD_CTX context;
        REQUIRE(EVP_DigestSignInit(context.get(), nullptr, EVP_sha256(), nullptr, issuer.key.get()) == 1);
        REQUIRE(EVP_DigestSign(context.get(), signature.data(), &size, part, part_size) == 1);
        bssl::ScopedCBB out;
        CBB whole, bits;
        std::uint8_t* der_bytes = nullptr;
        std::size_t der_size = 0;
        REQUIRE(CBB_init(out.get(), 500) == 1);
        REQUIRE((CBB_add_asn1(out.get(), &whole, CBS_ASN1_SEQUENCE) == 1 &&
                 CBB_add_bytes(&whole, part, part_size) == 1 && CBB_add_bytes(&whole, outer, outer_size) == 1 &&
                 CBB_add_asn1(&whole, &bits, CBS_ASN1_BITSTRING) == 1 && CBB_add_u8(&bits, 0) == 1 &&
                 CBB_add_bytes(&bits, signature.data(), size) == 1 &&
                 CBB_finish(out.get(), &der_bytes, &der_size) == 1));
        bssl::UniquePtr<std::uint8_t> const der_owner(der_bytes);
        auto const parsed = parse_crl({der_bytes, der_bytes + der_size}, "test");
        REQUIRE(parsed);
        return parsed;
    }
};

std::string fault_of(std::string const& text) {
    std::string fault;
    auto const found = parse_crls(text, "test", fault);
    CHECK(found.empty() == !fault.empty());
    CHECK(ERR_peek_error() == 0);
    return fault;
}

}  // namespace

TEST_CASE("crl: a list in DER or PEM, with nothing behind the DER (B-261)", "[policy][crl]") {
    crl_fixture const made;
    CHECK(parse_crl(made.der(), "test"));
    CHECK(parse_crl(made.pem(), "test"));
    CHECK(parse_crl("in words\n" + made.pem(), "test"));
    CHECK_FALSE(parse_crl(made.der() + "x", "test"));
    CHECK_FALSE(parse_crl(made.pem() + made.pem(), "test"));
    CHECK_FALSE(parse_crl("", "test"));
    CHECK_FALSE(parse_crl("<html>no CRL</html>", "test"));
    auto const whole = made.der();
    for (std::size_t size : {std::size_t{1}, std::size_t{2}, whole.size() / 2, whole.size() - 1})
        CHECK_FALSE(parse_crl(whole.substr(0, size), "test"));
}

TEST_CASE("crl: files hold one list in DER, or any number in PEM", "[policy][crl]") {
    crl_fixture const made;
    std::string fault;
    CHECK(parse_crls(made.der(), "test", fault).size() == 1);
    CHECK(parse_crls(made.pem() + made.issuer.certificate_pem() + made.pem(), "test", fault).size() == 2);
    CHECK(fault.empty());
    CHECK(fault_of("") == "no CRL in DER or PEM");
    CHECK(fault_of("rubbish") == "no CRL in DER or PEM");
    CHECK(fault_of(made.issuer.certificate_pem()) == "no CRL in it");
    auto broken = made.pem();
    broken.replace(broken.size() / 2, 1, "!");
    CHECK(fault_of(broken) == "malformed CRL");
    CHECK(fault_of(made.pem() + broken) == "malformed CRL");
    CHECK(fault_of(made.pem() + made.pem().substr(0, 100)) == "malformed CRL");
}

TEST_CASE("crl: what the fetcher has to know is read off the list", "[policy][crl]") {
    crl_fixture const made;
    crl_request request;
    request.freshest = {{.urls = {"http://a/delta", "ldap://b"}}};
    auto const list = made.parse(request);
    REQUIRE(list);
    CHECK(list->origin == "test");
    CHECK(list->issuer == "CN=Issuer");
    CHECK(list->this_update == request.this_update);
    CHECK(list->next_update == request.next_update);
    CHECK(list->end() == *request.next_update);
    CHECK_FALSE(list->delta);
    CHECK(list->freshest_urls == std::vector<std::string>{"http://a/delta", "ldap://b"});
    auto const delta = made.parse({.number = 2, .base = 1});
    REQUIRE(delta);
    CHECK(delta->delta);
}

TEST_CASE("crl: without nextUpdate a list ends after a week (B-264)", "[policy][crl]") {
    crl_fixture const made;
    crl_request request;
    request.next_update.reset();
    auto const list = made.parse(request);
    REQUIRE(list);
    CHECK_FALSE(list->next_update);
    CHECK(list->end() == request.this_update + std::chrono::hours(24 * 7));
}

TEST_CASE("crl: a list is signed by the key and name of its issuer, and by nobody else (B-263)", "[policy][crl]") {
    crl_fixture const made;
    auto const list = made.parse({});
    auto const twin = test::make_self_signed(test::authority_request("Issuer"));
    auto request = test::authority_request("Other name");
    request.own_key = made.issuer.key.get();
    auto const same_key = test::make_self_signed(request);
    CHECK(is_signed_by(*list, *made.issuer.certificate));
    CHECK_FALSE(is_signed_by(*list, *twin.certificate));
    CHECK_FALSE(is_signed_by(*list, *same_key.certificate));
    auto const spoilt =
        parse_crl(test::text_of(test::with_bad_signature(test::der_of(*make_crl({}, made.issuer)))), "");
    REQUIRE(spoilt);
    CHECK_FALSE(is_signed_by(*spoilt, *made.issuer.certificate));
    CHECK(ERR_peek_error() == 0);
}

TEST_CASE("crl: a list is older by its number, or else by thisUpdate (A-083)", "[policy][crl]") {
    crl_fixture const made;
    auto const with = [&](std::optional<std::uint64_t> number, int hours) {
        return made.parse({.this_update = test::hours_from_now(hours), .number = number});
    };
    CHECK(is_older(*with(5, -1), *with(7, -1)));
    CHECK(is_older(*with(5, -1), *with(7, -5)));
    CHECK_FALSE(is_older(*with(7, -5), *with(5, -1)));
    CHECK(is_older(*with(7, -5), *with(7, -1)));
    CHECK_FALSE(is_older(*with(7, -1), *with(7, -5)));
    CHECK_FALSE(is_older(*with(7, -1), *with(7, -1)));
    CHECK(is_older(*with(std::nullopt, -5), *with(7, -1)));
    CHECK_FALSE(is_older(*with(std::nullopt, -1), *with(7, -5)));
    CHECK(is_older(*with(255, -1), *with(256, -1)));
    CHECK(is_older(*with(0x7fff, -1), *with(0x8000, -1)));
}

TEST_CASE("crl: lists of other issuers, and deltas, are not older than a list (A-083)", "[policy][crl]") {
    crl_fixture const made, other{test::make_self_signed(test::authority_request("Other"))};
    CHECK_FALSE(is_older(*other.parse({.number = 1}), *made.parse({.number = 7})));
    CHECK_FALSE(is_older(*made.parse({.number = 2, .base = 1}), *made.parse({.number = 7})));
    CHECK(is_older(*made.parse({.number = 2, .base = 1}), *made.parse({.number = 7, .base = 1})));
}

TEST_CASE("crl: times that no clock can count do no harm", "[policy][crl]") {
    crl_fixture const made;
    auto const list = make_crl({.next_update = std::nullopt}, made.issuer);
    for (auto const* when : {"00010101000000Z", "99991231235959Z"}) {
        bssl::UniquePtr<ASN1_TIME> const time(ASN1_TIME_new());
        REQUIRE(ASN1_TIME_set_string(time.get(), when) == 1);
        X509_CRL_set1_lastUpdate(list.get(), time.get());
        REQUIRE(X509_CRL_sign(list.get(), made.issuer.key.get(), EVP_sha256()) > 0);
        auto const parsed = parse_crl(test::text_of(test::der_of(*list)), "test");
        REQUIRE(parsed);
        CHECK(parsed->end() > parsed->this_update);
    }
}

TEST_CASE("crl: a list whose times are written in a form of their own is not used (RFC 5280 5.1.2.4)",
          "[policy][crl]") {
    crl_fixture const made;
    auto der = made.der({.this_update = test::hours_from_now(-1)});
    // UTCTime without its Z.
    auto const zulu = der.find('Z', der.find("\x17\x0d"));
    REQUIRE(zulu != std::string::npos);
    der[zulu] = '0';
    auto const list = parse_crl(der, "test");
    CHECK((!list || list->defect == "its times cannot be understood"));
    CHECK(ERR_peek_error() == 0);
}

TEST_CASE("crl: who signed a list is remembered, whoever else is asked about", "[policy][crl]") {
    crl_fixture const made;
    auto const list = made.parse({});
    for (int i = 0; i < 40; ++i) {
        auto const twin = test::make_self_signed(test::authority_request("Issuer"));
        REQUIRE_FALSE(is_signed_by(*list, *twin.certificate));
        REQUIRE_FALSE(is_signed_by(*list, *twin.certificate));
        REQUIRE(is_signed_by(*list, *made.issuer.certificate));
    }
}

TEST_CASE("crl: a list names one signature algorithm, inside and outside", "[policy][crl]") {
    crl_fixture const made;
    CHECK(is_signed_by(*made.signed_again(NID_ecdsa_with_SHA256), *made.issuer.certificate));
    CHECK_FALSE(is_signed_by(*made.signed_again(NID_ecdsa_with_SHA384), *made.issuer.certificate));
}

TEST_CASE("crl: a list that is signed with SHA-1 or MD5 has a defect (B-273)", "[policy][crl]") {
    crl_fixture made;
    CHECK(made.parse({})->defect.empty());
    CHECK(made.parse({.digest = EVP_sha1()})->defect == "signed with a weak algorithm");
    auto request = test::authority_request("Issuer");
    request.key = test::key_kind::rsa_2048;
    made.issuer = test::make_self_signed(request);
    CHECK(made.parse({.digest = EVP_sha512()})->defect.empty());
    for (auto const* digest : {EVP_sha1(), EVP_md5()}) {
        auto const list = made.parse({.digest = digest});
        CHECK(list->defect == "signed with a weak algorithm");
        CHECK_FALSE(is_signed_by(*list, *made.issuer.certificate));
    }
}
