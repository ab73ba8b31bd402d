#include "policy/certificate.hpp"

#include "tests/policy/chain_fixture.hpp"

#include <catch2/catch.hpp>

#include <algorithm>

using namespace ftpsgate;
using namespace ftpsgate::policy;

namespace {

certificate_facts facts_of(test::certificate_request const& request) {
    return policy::facts_of(*test::make_self_signed(request).certificate);
}

der_view view(test::bytes const& der) {
    return {der.data(), der.size()};
}

std::optional<time_point> time_of(std::string const& text) {
    bssl::UniquePtr<ASN1_TIME> const made(ASN1_TIME_new());
    REQUIRE(ASN1_TIME_set_string(made.get(), text.c_str()) == 1);
    return to_time_point(made.get());
}

// notBefore and notAfter as they stand, so that they can be what the makers of certificates would not write.
test::bytes with_times(std::string const& not_before, std::string const& not_after) {
    auto const made = test::make_self_signed({});
    bssl::UniquePtr<ASN1_TIME> const from(ASN1_TIME_new()), to(ASN1_TIME_new());
    REQUIRE(ASN1_TIME_set_string(from.get(), not_before.c_str()) == 1);
    REQUIRE(ASN1_TIME_set_string(to.get(), not_after.c_str()) == 1);
    X509_set1_notBefore(made.certificate.get(), from.get());
    X509_set1_notAfter(made.certificate.get(), to.get());
    REQUIRE(X509_sign(made.certificate.get(), made.key.get(), EVP_sha256()) > 0);
    return test::der_of(*made.certificate);
}

}  // namespace

TEST_CASE("certificate: names are RFC 4514 strings, in UTF-8, with control characters escaped",
          "[policy][certificate]") {
    CHECK(facts_of({.subject = {{"C", "DE"}, {"O", "Ex, Inc"}, {"CN", "anna"}}}).subject == "CN=anna,O=Ex\\, Inc,C=DE");
    CHECK(facts_of({.subject = {{"O", "Ex"}, {"CN", "a"}, {"+CN", "b"}}}).subject == "CN=b+CN=a,O=Ex");
    CHECK(facts_of({.subject = test::common_name("M\xc3\xbcller")}).subject == "CN=M\xc3\xbcller");
    CHECK(facts_of({.subject = test::common_name("a\nb\x1b[2J")}).subject == "CN=a\\0Ab\\1B[2J");
    CHECK(facts_of({.subject = {}}).subject.empty());
}

TEST_CASE("certificate: serial numbers are hexadecimal, without leading zeros, negative ones with a sign",
          "[policy][certificate]") {
    auto const serial = [](test::bytes const& content) { return facts_of({.serial = content}).serial; };
    CHECK(serial({0x0a, 0x1b}) == "0A1B");
    CHECK(serial({0x01}) == "01");
    CHECK(serial({0x00, 0xff}) == "FF");
    CHECK(serial({0xff}) == "-01");
    CHECK(serial({0x80, 0x00}) == "-8000");
    CHECK(serial(test::bytes(20, 0x7f)) == [] {
        std::string all;
        for (int i = 0; i < 20; ++i)
            all += "7F";
        return all;
    }());
}

TEST_CASE("certificate: the URLs of all kinds come in the order of the certificate", "[policy][certificate]") {
    test::certificate_request request;
    request.crl_points = {{.urls = {"http://a/1", "ldap://b/2"}}, {.urls = {"http://c/3"}}};
    request.freshest = {{.urls = {"http://d/4"}}};
    request.ocsp_urls = {"http://e/5", "http://f/6"};
    request.issuer_urls = {"http://g/7"};
    auto const facts = facts_of(request);
    CHECK(facts.crl_urls == std::vector<std::string>{"http://a/1", "ldap://b/2", "http://c/3"});
    CHECK(facts.freshest_urls == std::vector<std::string>{"http://d/4"});
    CHECK(facts.ocsp_urls == std::vector<std::string>{"http://e/5", "http://f/6"});
    CHECK(facts.issuer_urls == std::vector<std::string>{"http://g/7"});
}

TEST_CASE("certificate: distribution points without URL are passed over (B-261)", "[policy][certificate]") {
    test::certificate_request request;
    request.crl_points = {{.relative = test::common_name("list")},
                          {.crl_issuer = test::common_name("Other")},
                          {.urls = {"http://a/1"}, .directory = test::common_name("list")}};
    CHECK(facts_of(request).crl_urls == std::vector<std::string>{"http://a/1"});
}

TEST_CASE("certificate: extensions that are rubbish give no URLs", "[policy][certificate]") {
    for (auto const* oid : {"2.5.29.31", "2.5.29.46", "1.3.6.1.5.5.7.1.1"}) {
        test::certificate_request request;
        request.raw = {{oid, false, {0x30, 0x05, 0x01}}};
        auto const facts = facts_of(request);
        CHECK(facts.crl_urls.empty());
        CHECK(facts.freshest_urls.empty());
        CHECK(facts.ocsp_urls.empty());
        CHECK(ERR_peek_error() == 0);
    }
}

TEST_CASE("certificate: times are those of the certificate", "[policy][certificate]") {
    auto const from = test::hours_from_now(-7), to = test::hours_from_now(11);
    auto const facts = facts_of({.not_before = from, .not_after = to});
    CHECK(facts.not_before == from);
    CHECK(facts.not_after == to);
    CHECK(to_text(*time_of("19700101000001Z")) == "1970-01-01T00:00:01Z");
    CHECK(to_text(*time_of("20261123201500Z")) == "2026-11-23T20:15:00Z");
    CHECK_FALSE(to_time_point(nullptr));
}

TEST_CASE("certificate: times beyond what the clock can count are very late or very early (RFC 5280 4.1.2.5)",
          "[policy][certificate]") {
    auto const far = std::chrono::system_clock::now() + std::chrono::hours(24 * 365 * 200);
    auto const long_ago = std::chrono::system_clock::now() - std::chrono::hours(24 * 365 * 200);
    CHECK(*time_of("99991231235959Z") > far);
    CHECK(*time_of("22620501000000Z") > far);
    CHECK(*time_of("16010101000000Z") < long_ago);
    CHECK(*time_of("00010101000000Z") < long_ago);
    auto const der = with_times("00010101000000Z", "99991231235959Z");
    auto const parsed = parse_certificate(view(der));
    REQUIRE(parsed);
    CHECK(policy::facts_of(*parsed).not_before < long_ago);
    CHECK(policy::facts_of(*parsed).not_after > far);
}

TEST_CASE("certificate: DER is one certificate, whole, with nothing behind it", "[policy][certificate]") {
    auto const der = test::der_of(*test::make_self_signed({}).certificate);
    CHECK(parse_certificate(view(der)));
    auto longer = der;
    longer.push_back(0);
    CHECK_FALSE(parse_certificate(view(longer)));
    CHECK_FALSE(parse_certificate({}));
    for (std::size_t size : {std::size_t{1}, std::size_t{4}, der.size() / 2, der.size() - 1})
        CHECK_FALSE(parse_certificate({der.data(), size}));
    CHECK(ERR_peek_error() == 0);
}

TEST_CASE("certificate: PEM files hold any number, other blocks are passed over", "[policy][certificate]") {
    auto const one = test::make_self_signed({.subject = test::common_name("one")});
    auto const two = test::make_self_signed({.subject = test::common_name("two")});
    std::string fault;
    auto const found =
        parse_certificates("some words\n" + one.certificate_pem() + one.key_pem() + two.certificate_pem(), fault);
    CHECK(fault.empty());
    REQUIRE(found.size() == 2);
    CHECK(policy::facts_of(*found[0]).subject == "CN=one");
    CHECK(policy::facts_of(*found[1]).subject == "CN=two");
}

TEST_CASE("certificate: PEM files without a certificate or with a broken one are faults", "[policy][certificate]") {
    auto const one = test::make_self_signed({});
    auto broken = one.certificate_pem();
    broken.replace(broken.size() / 2, 1, "!");
    for (auto const& text : {std::string(), std::string("no PEM"), one.key_pem(), broken,
                             one.certificate_pem() + broken, one.certificate_pem().substr(0, 200)}) {
        std::string fault;
        parse_certificates(text, fault);
        CHECK_FALSE(fault.empty());
        CHECK(ERR_peek_error() == 0);
    }
}

TEST_CASE("certificate: the digest is that of the DER, the key's that of the SubjectPublicKeyInfo",
          "[policy][certificate]") {
    auto const first = test::make_self_signed({});
    auto const same_key = test::make_self_signed({.own_key = first.key.get()});
    auto const der = test::der_of(*first.certificate);
    sha256_digest expected{};
    SHA256(der.data(), der.size(), expected.data());
    CHECK(sha256_of(*first.certificate) == expected);
    CHECK(policy::facts_of(*first.certificate).sha256 == to_hex(expected));
    CHECK(key_sha256_of(*first.certificate) == key_sha256_of(*same_key.certificate));
    CHECK(key_sha256_of(*first.certificate) != key_sha256_of(*test::make_self_signed({}).certificate));
}

TEST_CASE("certificate: hexadecimal digits are two each, lower case", "[policy][certificate]") {
    std::uint8_t const bytes[] = {0x00, 0x0f, 0xa5, 0xff};
    CHECK(to_hex(bytes) == "000fa5ff");
    CHECK(to_hex({}).empty());
}
