#include "policy/certificate_values.hpp"

#include "tests/policy/identity_bench.hpp"

#include <catch2/catch.hpp>

using namespace ftpsgate;
using namespace std::string_literals;
using policy::certificate_value;
using policy::certificate_values;
using test::cn;
using test::o;
using test::ou;

namespace {

// "none", "= value", "doubt: why".
std::string words_of(certificate_value const& value) {
    switch (value.state) {
        case certificate_value::presence::absent: return "none" + value.text;
        case certificate_value::presence::present: return "= " + value.text;
        case certificate_value::presence::doubtful: break;
    }
    return "doubt: " + value.text;
}

certificate_values read_der(test::bytes const& der) {
    certificate_values made;
    policy::read_alternative_names(policy::der_view(der), made);
    return made;
}

template <typename... Names>
certificate_values read(Names const&... names) {
    return read_der(test::raw_alternative_names({names...}));
}

std::string all_of(certificate_values const& values) {
    return words_of(values.email) + " | " + words_of(values.dns) + " | " + words_of(values.upn) + " | " +
           words_of(values.uri);
}

certificate_values of(test::certificate_request const& request) {
    auto const made = test::make_self_signed(request);
    auto const& certificate = *made.certificate;
    return values_of(certificate, policy::facts_of(certificate),
                     policy::read_name(X509_get_subject_name(&certificate)));
}

}  // namespace

TEST_CASE("certificate_values: exactly one of each kind (B-191)", "[policy][certificate_values]") {
    auto const values = of({.subject = {{"O", "Example"}, {"CN", "anna"}},
                            .serial = {0x0A, 0x1B},
                            .alternative_names = "email:Anna.B@Example.com,DNS:PLC7.example,URI:spiffe://plant/7,"
                                                 "IP:192.0.2.1,RID:1.2.3,otherName:1.2.3;UTF8:x," +
                                                 test::upn("anna@ad.example")});
    CHECK(words_of(values.cn) == "= anna");
    CHECK(all_of(values) == "= Anna.B@Example.com | = PLC7.example | = anna@ad.example | = spiffe://plant/7");
    CHECK(values.serial == "0A1B");
    CHECK(values.sha256.size() == 64);
    CHECK_FALSE(values.is_subject_multi_valued);
}

TEST_CASE("certificate_values: what is not there is none", "[policy][certificate_values]") {
    auto const values = of({.subject = {{"O", "Example"}}});
    CHECK(words_of(values.cn) == "none");
    CHECK(all_of(values) == "none | none | none | none");
    CHECK(of({.serial = {0xFF}}).serial == "-01");
    CHECK(of({.subject = {{"O", "x"}, {"CN", "a"}, {"+UID", "b"}}}).is_subject_multi_valued);
}

TEST_CASE("certificate_values: two of one kind are doubtful (A-091)", "[policy][certificate_values]") {
    std::string const twice = "doubt: is there more than once";
    CHECK(words_of(read(test::raw_email("a@b"), test::raw_email("a@b")).email) == twice);
    CHECK(words_of(read(test::raw_dns("a"), test::raw_dns("b")).dns) == twice);
    CHECK(words_of(read(test::raw_upn("guest@x"), test::raw_upn("admin@x")).upn) == twice);
    CHECK(words_of(read(test::raw_uri("a:b"), test::raw_uri("a:c")).uri) == twice);
    CHECK(words_of(read(test::raw_uri("a:b"), test::raw_uri("a:c"), test::raw_dns("d")).dns) == "= d");
    CHECK(words_of(read(test::raw_dns("*"), test::raw_dns("b")).dns) == twice);
    CHECK(read(test::raw_dns("a"), test::raw_dns("b"), test::raw_dns("a")).dns.all ==
          std::vector<std::string>{"a", "b", "a"});
    CHECK(read(test::raw_dns("a"), test::raw_dns("*"), test::raw_dns("b")).dns.all.empty());
    CHECK(read(test::raw_dns("*"), test::raw_dns("a"), test::raw_dns("b")).dns.all.empty());
    CHECK(read(test::raw_dns("a"), test::raw_upn("b")).dns.all.empty());
    auto const two = [](std::vector<std::vector<test::raw_attribute>> const& rdns) {
        return words_of(policy::common_name_of(test::read_raw(rdns)));
    };
    CHECK(two({{{cn, "guest"}}, {{cn, "admin"}}}) == twice);
    CHECK(two({{{cn, "guest"}, {cn, "admin"}}}) == twice);
    CHECK(two({{{cn, "bad\n"}}, {{cn, "admin"}}}) == twice);
    CHECK(two({{{ou, "x"}}, {{ou, "y"}}, {{cn, "admin"}}}) == "= admin");
    CHECK(two({}) == "doubt: is doubtful: the subject is empty");
}

TEST_CASE("certificate_values: bytes that do not belong there are doubtful (A-041, A-090)",
          "[policy][certificate_values]") {
    auto const [value, why] = GENERATE(table<std::string, std::string>({
        {"admin\0.evil"s, "holds a control character"},
        {"bob\r\nDELE x", "holds a control character"},
        {"bob\nQUIT", "holds a control character"},
        {"bob\0root"s, "holds a control character"},
        {"bob\rX", "holds a control character"},
        {"", "is empty"},
        {" bob", "begins or ends with a space"},
        {"bob ", "begins or ends with a space"},
        {std::string(300, 'a'), "is longer than 255 bytes"},
    }));
    CHECK(words_of(read(test::raw_upn(value)).upn) == "doubt: " + why);
    CHECK(words_of(read(test::raw_email(value)).email) == "doubt: " + why);
    CHECK(words_of(read(test::raw_dns(value)).dns) == "doubt: " + why);
    CHECK(words_of(read(test::raw_uri(value)).uri) == "doubt: " + why);
    CHECK(words_of(policy::common_name_of(test::read_raw({{{cn, value}}}))) == "doubt: " + why);
}

TEST_CASE("certificate_values: names have the form of their kind", "[policy][certificate_values]") {
    SECTION("DNS") {
        auto const value = GENERATE(as<std::string>(), "*", "*.example", "a..b", ".a", "a.", "a b", "a/b", "-a", "a@b",
                                    std::string(64, 'a') + ".b");
        CHECK(words_of(read(test::raw_dns(value)).dns) == "doubt: is no host name");
    }
    SECTION("mail") {
        auto const value = GENERATE(as<std::string>(), "anna", "@b", "a@", "a@b@c", "\"a b\"@c", "\"a@b\"@c", "a b@c",
                                    "<a@b>", "a@[192.0.2.1]", "a@*.b", "Anna <a@b>", "a,b@c", "a@b\\c");
        CHECK(words_of(read(test::raw_email(value)).email) == "doubt: is no plain mail address");
    }
    SECTION("URI") {
        auto const value = GENERATE(as<std::string>(), "a", ":a", "a:", "/a:b", "7a:b", "a:b c", "a:\"", "a:<", "a\\:b",
                                    "a:{b}", "a:`");
        CHECK(words_of(read(test::raw_uri(value)).uri) == "doubt: is no absolute URI");
    }
    SECTION("other than ASCII") {
        std::string const why = "doubt: holds bytes that its ASN.1 type does not allow";
        CHECK(words_of(read(test::raw_dns("b\xC3\xBC.de")).dns) == why);
        CHECK(words_of(read(test::raw_email("b\xC3\xBC@de")).email) == why);
        CHECK(words_of(read(test::raw_uri("a:\xC3\xBC")).uri) == why);
        CHECK(words_of(read(test::raw_upn("b\xC3\xBC@de")).upn) == "= b\xC3\xBC@de");
        CHECK(words_of(read(test::raw_upn("b\xC0\x8A@de")).upn) == "doubt: is not valid UTF-8");
    }
}

TEST_CASE("certificate_values: a UPN is a UTF8String", "[policy][certificate_values]") {
    auto const tag = GENERATE(unsigned{test::ia5}, unsigned{test::printable}, unsigned{test::bmp}, 0x04U);
    CHECK(words_of(read(test::raw_upn("anna@ad", tag)).upn) == "doubt: is no UTF8String");
}

TEST_CASE("certificate_values: an extension that is not well-formed makes all doubtful",
          "[policy][certificate_values]") {
    auto const why = "doubt: is doubtful: the extension subjectAltName is not well-formed"s;
    auto const everything = why + " | " + why + " | " + why + " | " + why;
    auto const whole = test::raw_alternative_names({test::raw_dns("a"), test::raw_upn("b@c")});
    CHECK(all_of(read_der(whole)) == "none | = a | = b@c | none");
    for (std::size_t size = 0; size < whole.size(); ++size)
        CHECK(all_of(read_der(test::bytes(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size)))) ==
              everything);
    auto const part = GENERATE(values<test::bytes>({{0x0C, 0x01, 'a'},           // no GeneralName
                                                    {0xA2, 0x01, 'a'},           // a DNS name in pieces
                                                    {0x80, 0x01, 'a'},           // an otherName that is none
                                                    {0xA0, 0x02, 0x06, 0x00},    // without a value
                                                    {0x89, 0x01, 'a'},           // a choice that does not exist
                                                    {0x82, 0x81, 0x01, 'a'}}));  // BER
    CHECK(all_of(read(test::raw_dns("a"), part)) == everything);
    CHECK(all_of(read()) == everything);
}

TEST_CASE("certificate_values: the extension may be there once", "[policy][certificate_values]") {
    auto const values = of({.raw = {test::san({test::raw_dns("a")}), test::san({test::raw_upn("b@c")})}});
    CHECK(words_of(values.dns) == "doubt: is doubtful: the extension subjectAltName is there twice");
    CHECK(words_of(values.upn) == words_of(values.dns));
}
