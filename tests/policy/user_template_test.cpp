#include "policy/user_template.hpp"

#include <catch2/catch.hpp>

using namespace ftpsgate;
using policy::certificate_value;
using policy::certificate_values;
using policy::user_template;

namespace {

certificate_value some(std::string text) {
    return {certificate_value::presence::present, std::move(text)};
}
certificate_value doubtful(std::string why) {
    return {certificate_value::presence::doubtful, std::move(why)};
}

certificate_values all() {
    certificate_values made;
    made.cn = some("Anna");
    made.email = some("anna.b@example.com");
    made.dns = some("plc7.plant.example");
    made.upn = some("anna@ad.example");
    made.uri = some("spiffe://plant/7");
    made.serial = "0A1B";
    made.sha256 = "9f86";
    return made;
}

std::string expand(std::string const& text, certificate_values const& values = all()) {
    auto const parsed = user_template::parse(text);
    REQUIRE(parsed);
    std::string user = "of before";
    auto const result = (*parsed).expand(values, user);
    CHECK((result.outcome == policy::match::yes) == !user.empty());
    CHECK((result.outcome == policy::match::yes) == result.detail.empty());
    if (result.outcome == policy::match::yes) return user;
    return (result.outcome == policy::match::no ? "no: " : "doubt: ") + result.detail;
}

std::string fault(std::string const& text) {
    auto const parsed = user_template::parse(text);
    return parsed ? "" : parsed.fault().message;
}

}  // namespace

TEST_CASE("user_template: placeholders are values of the certificate", "[policy][user_template]") {
    auto const [text, expected] = GENERATE(table<std::string, std::string>({
        {"plc", "plc"},
        {"{cn}", "Anna"},
        {"{email}", "anna.b@example.com"},
        {"{email.local}", "anna.b"},
        {"{upn}", "anna@ad.example"},
        {"{upn.local}", "anna"},
        {"{dns}", "plc7.plant.example"},
        {"{uri}", "spiffe://plant/7"},
        {"{serial}", "0A1B"},
        {"{sha256}", "9f86"},
        {"x-{cn}-{cn}{serial}y", "x-Anna-Anna0A1By"},
        {"100%u $cn", "100%u $cn"},
    }));
    CHECK(expand(text) == expected);
}

TEST_CASE("user_template: what is put in is not read again", "[policy][user_template]") {
    auto values = all();
    values.cn = some("{upn}");
    CHECK(expand("{cn}", values) == "{upn}");
}

TEST_CASE("user_template: a value that is not there makes nobody", "[policy][user_template]") {
    CHECK(expand("{cn}", {}) == "doubt: {cn} is not in the certificate");
    CHECK(expand("{email.local}", {}) == "doubt: {email.local} is not in the certificate");
    CHECK(expand("a{cn}b", {}) == "doubt: {cn} is not in the certificate");
}

TEST_CASE("user_template: a doubtful value makes nobody (A-091)", "[policy][user_template]") {
    auto values = all();
    values.cn = doubtful("is there more than once");
    CHECK(expand("a{cn}b", values) == "doubt: {cn} is there more than once");
    CHECK(expand("{upn.local}", values) == "anna");
    auto const upn = GENERATE(as<std::string>(), "anna", "@ad", "a@b@c");
    values.upn = some(upn);
    CHECK(expand("{upn.local}", values) == "doubt: {upn.local} is not of the form local@domain");
    CHECK(expand("{upn}", values) == upn);
}

TEST_CASE("user_template: the result fits the USER command (B-192)", "[policy][user_template]") {
    auto values = all();
    values.cn = some(std::string(200, 'a'));
    CHECK(expand("{cn}{cn}", values) == "doubt: what the certificate makes of it is longer than 255 bytes");
    values.cn = some("a\r\nDELE x");  // which certificate_values would not say
    CHECK_THAT(expand("{cn}", values), Catch::StartsWith("doubt: "));
}

TEST_CASE("user_template: a part of a value has to be a name itself (B-191, A-095)", "[policy][user_template]") {
    auto values = all();
    auto const upn = GENERATE(as<std::string>(), "admin @x", " admin@x", "admin\xC2\xA0@x",
                              "\xC2\xA0"
                              "admin@x",
                              "admin\xE2\x80\x8B@x",
                              "\xE2\x80\xAE"
                              "admin@x",
                              "ad\xC2\xADmin@x",
                              "\xEF\xBB\xBF"
                              "admin@x",
                              "admin\xE3\x80\x80@x", "admin\xF3\xA0\x81\x81@x");
    values.upn = some(upn);
    CHECK_THAT(expand("{upn.local}", values), Catch::StartsWith("doubt: {upn.local} "));
    CHECK_THAT(expand("x{upn.local}x", values), Catch::StartsWith("doubt: {upn.local} "));
    values.upn = some("J\xC3\xB6rg \xD0\x9F\xD1\x91\xD1\x82\xD1\x80 \xE5\xBC\xA0@x");
    CHECK(expand("{upn.local}", values) == "J\xC3\xB6rg \xD0\x9F\xD1\x91\xD1\x82\xD1\x80 \xE5\xBC\xA0");
}

TEST_CASE("user_template: faults are found when it is loaded", "[policy][user_template]") {
    auto const [text, expected] = GENERATE(table<std::string, std::string>({
        {"", "is empty"},
        {"a{name}", "placeholder \"name\" is not known, at character 2"},
        {"{}", "placeholder \"\" is not known, at character 1"},
        {"{CN}", "placeholder \"CN\" is not known, at character 1"},
        {"{ cn}", "placeholder \" cn\" is not known, at character 1"},
        {"{dns.local}", "placeholder \"dns.local\" is not known, at character 1"},
        {"ab{cn", "there is a '{' without its '}', at character 3"},
        {"{cn{dns}", "there is a '{' without its '}', at character 1"},
        {"{{cn}}", "there is a '{' without its '}', at character 1"},
        {"cn}", "there is a '}' without its '{', at character 3"},
        {"a\nb", "could be nobody's name, as it holds a control character"},
        {"{cn}\xFF", "could be nobody's name, as it is not valid UTF-8"},
        {"{cn} ", "could be nobody's name, as it begins or ends with a space"},
        {" plc", "could be nobody's name, as it begins or ends with a space"},
        {"a\xE2\x80\x8B{cn}", "could be nobody's name, as it holds a character that is not seen"},
        {std::string(255, 'a') + "{cn}", "could be nobody's name, as it is longer than 255 bytes"},
    }));
    CHECK(fault(text) == expected);
    auto const mistyped = user_template::parse("{emial}");
    REQUIRE_FALSE(mistyped);
    CHECK(mistyped.fault().hint == "did you mean \"email\"?");
}
