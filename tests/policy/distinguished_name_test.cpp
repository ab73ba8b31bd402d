#include "policy/distinguished_name.hpp"

#include "policy/name_pattern.hpp"
#include "tests/policy/identity_bench.hpp"

#include <catch2/catch.hpp>

#include <chrono>

using namespace ftpsgate;
using policy::match;
using policy::name_pattern;
using test::cn;
using test::o;
using test::ou;
using test::read_raw;

namespace {

name_pattern parsed(std::string const& text) {
    auto const pattern = name_pattern::parse(text);
    if (!pattern) FAIL(text << ": " << pattern.fault().message);
    return *pattern;
}

// "yes", "no: why", "doubt: why".
std::string judge(std::string const& pattern, policy::distinguished_name const& name) {
    auto const result = parsed(pattern).matches(name);
    if (result.outcome == match::yes) return "yes" + result.detail;
    return (result.outcome == match::no ? "no: " : "doubt: ") + result.detail;
}

bool matches_cn(std::string const& pattern, std::string const& value) {
    return judge(pattern, read_raw({{{cn, value}}})) == "yes";
}

policy::distinguished_name read_spec(test::name_spec const& spec) {
    return policy::read_name(test::make_name(spec).get());
}

}  // namespace

TEST_CASE("distinguished_name: is read in the order of RFC 4514, values as UTF-8", "[policy][distinguished_name]") {
    auto const name = read_raw({{{o, "Example", test::printable}}, {{cn, "anna"}, {ou, "x", test::ia5}}});
    CHECK_FALSE(name.is_malformed);
    REQUIRE(name.rdns.size() == 2);
    CHECK(name.is_multi_valued());
    CHECK(policy::label_of(name.rdns[0]) == "CN+OU");
    CHECK(name.rdns[0][0].value == "anna");
    CHECK(name.rdns[1][0].type == "2.5.4.10");
    CHECK(name.rdns[1][0].value == "Example");
}

TEST_CASE("distinguished_name: every string type comes as the same UTF-8", "[policy][distinguished_name]") {
    using namespace std::string_literals;
    auto const [tag, value, expected] = GENERATE(table<unsigned, std::string, std::string>({
        {test::utf8, "J\xC3\xB6rg", "J\xC3\xB6rg"},
        {test::bmp, "\0J\0\xF6\0r\0g"s, "J\xC3\xB6rg"},
        {test::universal, "\0\0\0J\0\x01\xF6\x00"s, "J\xF0\x9F\x98\x80"},
        {test::bmp, "\x20\xAC"s, "\xE2\x82\xAC"},
        {test::t61, "Anna B. (7)", "Anna B. (7)"},
        {test::printable, "a_b@c", "a_b@c"},
        {test::numeric, "007", "007"},
    }));
    auto const name = read_raw({{{cn, value, tag}}});
    REQUIRE(name.rdns.size() == 1);
    CHECK(name.rdns[0][0].flaw.empty());
    CHECK(name.rdns[0][0].value == expected);
}

TEST_CASE("distinguished_name: values that must stand for nobody (B-191, A-041, A-090)",
          "[policy][distinguished_name]") {
    using namespace std::string_literals;
    auto const [value, tag, why] = GENERATE(table<std::string, unsigned, std::string>({
        {"", test::utf8, "is empty"},
        {"admin\0.evil"s, test::utf8, "holds a control character"},
        {"admin\0.evil"s, test::ia5, "holds a control character"},
        {"bob\r\nDELE x", test::utf8, "holds a control character"},
        {"bob\nQUIT", test::printable, "holds a control character"},
        {"bob\rX", test::utf8, "holds a control character"},
        {"bob\x1B[1m", test::utf8, "holds a control character"},
        {"bob\x7F", test::utf8, "holds a control character"},
        {"bob\xC2\x85x", test::utf8, "holds a control character"},
        {"bob\xC2\x9Bx", test::utf8, "holds a control character"},
        {"bob\xE2\x80\xA8x", test::utf8, "holds a control character"},
        {"bob\xE2\x80\xA9x", test::utf8, "holds a control character"},
        {"\0b\0\r\0\n\0x"s, test::bmp, "holds a control character"},
        {"\0\0\0b\0\0\0\0\0\0\0x"s, test::universal, "holds a control character"},
        {"\0b\0"s, test::bmp, "is cut off in the middle of a character"},
        {"\xD8\x3D\xDE\x00"s, test::bmp, "is not valid Unicode"},
        {"\0\x11\0\0"s, test::universal, "is not valid Unicode"},
        {"bob\xC0\x8Ax", test::utf8, "is not valid UTF-8"},
        {"bob\xE0\x80\x8Ax", test::utf8, "is not valid UTF-8"},
        {"bob\xED\xA0\x80", test::utf8, "is not valid UTF-8"},
        {"bob\xFF", test::utf8, "is not valid UTF-8"},
        {"bob\xC3", test::utf8, "is not valid UTF-8"},
        {"J\xF6rg", test::t61, "is a TeletexString that can be read in several ways"},
        {"a$b", test::t61, "is a TeletexString that can be read in several ways"},
        {"J\xC3\xB6rg", test::printable, "holds bytes that its ASN.1 type does not allow"},
        {"J\xC3\xB6rg", test::ia5, "holds bytes that its ASN.1 type does not allow"},
        {"\x01", 0x02, "is no string"},
        {" admin", test::utf8, "begins or ends with a space"},
        {"admin ", test::utf8, "begins or ends with a space"},
        {std::string(256, 'x'), test::utf8, "is longer than 255 bytes"},
    }));
    auto const name = read_raw({{{o, "Example"}}, {{cn, value, tag}}});
    REQUIRE(name.rdns.size() == 2);
    CHECK(name.rdns[0][0].flaw == why);
    CHECK(name.rdns[0][0].value.empty());
    CHECK(judge("CN=*,O=Example", name) == "doubt: CN " + why);
    CHECK(judge("CN=x,O=Example", name) == "doubt: CN " + why);
    CHECK(judge("CN=*,O=Other", name) == "no: no O is 'Other', as the rule wants");
}

TEST_CASE("distinguished_name: what is no Name is malformed", "[policy][distinguished_name]") {
    auto const whole = test::raw_name({{{cn, "anna"}}});
    auto const read = [](test::bytes const& der) { return policy::read_name(policy::der_view(der)); };
    CHECK_FALSE(read(whole).is_malformed);
    for (std::size_t size = 0; size < whole.size(); ++size)
        CHECK(read({whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size)}).is_malformed);
    auto more = whole;
    more.push_back(0);
    CHECK(read(more).is_malformed);
    CHECK(read({0x30, 0x02, 0x31, 0x00}).is_malformed);                          // an RDN without attributes
    CHECK(read({0x30, 0x06, 0x31, 0x04, 0x30, 0x02, 0x06, 0x00}).is_malformed);  // an attribute without a type
    CHECK(judge("CN=anna", read(more)) == "doubt: the name is not well-formed");
}

TEST_CASE("name_pattern: matches the whole name (A-092)", "[policy][distinguished_name]") {
    auto const name = read_raw({{{6, "DE"}}, {{o, "Example"}}, {{cn, "plc-7"}}});
    CHECK(judge("CN=plc-7,O=Example,C=DE", name) == "yes");
    CHECK(judge("CN=plc-*,O=*,C=DE", name) == "yes");
    CHECK(judge("cn = plc-7 , o=Example, C =DE ", name) == "yes");
    CHECK(judge("2.5.4.3=plc-7,OID.2.5.4.10=Example,countryName=DE", name) == "yes");
    CHECK(judge("CN=plc-*,O=Examplf,C=DE", name) == "no: O is 'Example', the rule wants 'Examplf'");
    CHECK(judge("CN=PLC-7,O=Example,C=DE", name) == "no: CN is 'plc-7', the rule wants 'PLC-7'");
    CHECK(judge("CN=plc-7,O=Example", name) == "no: has 3 parts (CN, O, C), the rule wants 2 parts (CN, O)");
    CHECK(judge("CN=plc-7", name) == "no: has 3 parts (CN, O, C), the rule wants 1 part (CN)");
    CHECK(judge("C=DE,O=Example,CN=plc-7", name) == "no: part 1 is CN, the rule wants C");
    CHECK(judge("CN=plc-7,OU=Example,C=DE", name) == "no: part 2 is O, the rule wants OU");
    CHECK(judge("CN=plc-7+UID=1,O=Example,C=DE", name) == "no: part 1 is CN, the rule wants CN+UID");
}

TEST_CASE("name_pattern: a star stays inside its value", "[policy][distinguished_name]") {
    CHECK(judge("CN=*", read_raw({{{o, "x"}}, {{cn, "a"}}})) == "no: has 2 parts (CN, O), the rule wants 1 part (CN)");
    CHECK(judge("CN=*,O=Example", read_raw({{{o, "Evil"}}, {{cn, "a,O=Example"}}})) ==
          "no: O is 'Evil', the rule wants 'Example'");
    CHECK(matches_cn("CN=*", "a,O=Example"));
}

TEST_CASE("name_pattern: values are compared byte for byte (A-095)", "[policy][distinguished_name]") {
    auto const value = GENERATE(as<std::string>(), "Admin", "ADMIN", "admin$",
                                "\xD0\xB0"
                                "dmin",
                                "admin\xC2\xA0",
                                "a\xCC\x8A"
                                "dmin",
                                "admi", "admin.evil", "admin\\", "admin*");
    CHECK_FALSE(matches_cn("CN=admin", value));
    CHECK(matches_cn("CN=admin", "admin"));
    CHECK_FALSE(matches_cn("CN=\xC3\xA5", "a\xCC\x8A"));  // NFC and NFD
    CHECK(matches_cn("CN=\xC3\xA5", "\xC3\xA5"));
}

TEST_CASE("name_pattern: escapes and quotes of RFC 4514 and RFC 2253", "[policy][distinguished_name]") {
    auto const [pattern, value] = GENERATE(table<std::string, std::string>({
        {R"(CN=Doe\, John)", "Doe, John"},
        {R"(CN=Doe\2C John)", "Doe, John"},
        {R"(CN="Doe, John")", "Doe, John"},
        {R"(CN="a\"b+c;<d>=e" )", "a\"b+c;<d>=e"},
        {R"(CN=a\+b\;c\<d\>e\"f\\g\=h)", "a+b;c<d>e\"f\\g=h"},
        {R"(CN=\#1)", "#1"},
        {R"(CN=a#1)", "a#1"},
        {R"(CN=a=b)", "a=b"},
        {R"(CN=\C3\B6)", "\xC3\xB6"},
        {R"(CN=\c3\b6)", "\xC3\xB6"},
        {R"(CN=a\*b)", "a*b"},
        {R"(CN=a\2Ab)", "a*b"},
        {R"(CN=a\2ab)", "a*b"},
        {R"(CN=a  b  )", "a  b"},
        {R"(CN=#0C04616E6E61)", "anna"},
        {R"(CN=#1e0400610062 )", "ab"},
    }));
    INFO(pattern);
    CHECK(matches_cn(pattern, value));
    CHECK_FALSE(matches_cn(pattern, value + "x"));
    CHECK_FALSE(matches_cn(pattern, "aXb"));
}

TEST_CASE("name_pattern: an escaped star is a star, others are not, in quotes too", "[policy][distinguished_name]") {
    CHECK(matches_cn(R"(CN="Doe, *")", "Doe, John"));
    CHECK(matches_cn(R"(CN=\**)", "*x"));
    CHECK_FALSE(matches_cn(R"(CN=\**)", "x*"));
    CHECK_FALSE(matches_cn(R"(CN="\*")", "x"));
}

TEST_CASE("name_pattern: a multi-valued RDN matches where one is asked for (A-091)", "[policy][distinguished_name]") {
    auto const name = read_raw({{{o, "Example"}}, {{cn, "anna"}, {5, "17"}}});
    CHECK(judge("CN=anna+serialNumber=17,O=Example", name) == "yes");
    CHECK(judge("serialNumber=1* + CN=anna , O=Example", name) == "yes");
    CHECK(judge("CN=anna+serialNumber=18,O=Example", name) == "no: serialNumber is '17', the rule wants '18'");
    CHECK(judge("CN=anna+UID=17,O=Example", name) == "no: part 1 is CN+serialNumber, the rule wants CN+UID");
    CHECK(judge("CN=anna+SN=x+GN=y,O=Example", name) == "no: part 1 is CN+serialNumber, the rule wants CN+SN+GN");
    std::string const why = "doubt: part 1 has several attributes, and the rule does not ask for that";
    CHECK(judge("CN=anna,O=Example", name) == why);
    CHECK(judge("CN=anna,O=Example+OU=x", name) == "no: has no OU");
    CHECK(judge("CN=otto,O=Example", name) == "no: no CN is 'otto', as the rule wants");
    CHECK(judge("O=Example,L=x", name) == "no: has no L");
    CHECK(judge("CN=anna,serialNumber=17,O=Example", name) == why);
}

TEST_CASE("name_pattern: two of one type are doubtful, unless the rule says so (A-091)",
          "[policy][distinguished_name]") {
    auto const two = read_raw({{{cn, "guest"}}, {{cn, "admin"}}});
    CHECK(judge("CN=admin", two) == "doubt: there is more than one CN");
    CHECK(judge("CN=guest", two) == "doubt: there is more than one CN");
    CHECK(judge("CN=a*", two) == "doubt: there is more than one CN");
    CHECK(judge("CN=plc-*", two) == "no: no CN is 'plc-*', as the rule wants");
    CHECK(judge("CN=admin,O=x", two) == "no: has no O");
    CHECK(judge("CN=admin,CN=guest", two) == "yes");
    CHECK(judge("CN=guest,CN=admin", two) == "no: CN is 'admin', the rule wants 'guest'");
    auto const together = read_raw({{{cn, "guest"}, {cn, "admin"}}});
    CHECK(judge("CN=admin+O=x", together) == "no: has no O");
    CHECK(judge("CN=g*,CN=b", together) == "no: no CN is 'b', as the rule wants");
    CHECK(judge("CN=g*,CN=a*", together) == "doubt: part 1 has several attributes, and the rule does not ask for that");
    auto const beside = read_raw({{{o, "x"}}, {{cn, "guest"}, {cn, "admin"}}});
    CHECK(judge("CN=admin+O=x", beside) == "doubt: there is more than one CN");
    auto const organizations = read_raw({{{o, "x"}}, {{o, "y"}}, {{cn, "anna"}}});
    CHECK(judge("CN=anna,O=*", organizations) == "doubt: there is more than one O");
    CHECK(judge("CN=anna", organizations) == "no: has 3 parts (CN, O, O), the rule wants 1 part (CN)");
    CHECK(judge("CN=anna,O=z", organizations) == "no: no O is 'z', as the rule wants");
}

TEST_CASE("name_pattern: what cannot be read is doubtful where it could be what the rule wants (B-191)",
          "[policy][distinguished_name]") {
    auto const name = read_raw({{{o, "M\xFCller", test::t61}}, {{cn, "anna"}}});
    std::string const why = "doubt: O is a TeletexString that can be read in several ways";
    CHECK(judge("CN=anna,O=M*", name) == why);
    CHECK(judge("CN=anna,O=Example", name) == why);
    CHECK(judge("CN=plc-*,O=Example", name) == "no: no CN is 'plc-*', as the rule wants");
    CHECK(judge("CN=anna", name) == "no: has 2 parts (CN, O), the rule wants 1 part (CN)");
    CHECK(judge("O=x", read_raw({{{o, "x"}}, {{cn, " anna"}}})) == "doubt: CN begins or ends with a space");
}

TEST_CASE("name_pattern: components of a DNS name are many by their nature", "[policy][distinguished_name]") {
    auto const name = read_spec({{"DC", "com"}, {"DC", "example"}, {"OU", "a"}, {"CN", "anna"}});
    CHECK(judge("CN=anna,OU=a,DC=example,DC=com", name) == "yes");
    CHECK(judge("CN=anna,OU=a,DC=com,DC=example", name) == "no: DC is 'example', the rule wants 'com'");
    CHECK(judge("CN=anna,OU=a,DC=example", name) ==
          "no: has 4 parts (CN, OU, DC, DC), the rule wants 3 parts (CN, OU, DC)");
}

TEST_CASE("name_pattern: organizational units have their order, as in Active Directory",
          "[policy][distinguished_name]") {
    auto const name = read_spec({{"DC", "corp"}, {"OU", "Staff"}, {"OU", "Berlin"}, {"CN", "anna"}});
    CHECK(judge("CN=*,OU=Berlin,OU=Staff,DC=corp", name) == "yes");
    CHECK(judge("CN=*,OU=Staff,OU=Berlin,DC=corp", name) == "no: OU is 'Berlin', the rule wants 'Staff'");
    CHECK(judge("CN=*,OU=Staff,DC=corp", name) ==
          "no: has 4 parts (CN, OU, OU, DC), the rule wants 3 parts (CN, OU, DC)");
    CHECK(judge("CN=plc-*,O=Example", name) == "no: has 4 parts (CN, OU, OU, DC), the rule wants 2 parts (CN, O)");
    auto const together = read_raw({{{ou, "a"}, {ou, "b"}}, {{cn, "anna"}}});
    CHECK(judge("CN=anna,OU=*", together) ==
          "doubt: part 2 has several attributes, and the rule does not ask for that");
}

TEST_CASE("name_pattern: an empty name is doubtful where anybody would do (A-091)", "[policy][distinguished_name]") {
    CHECK(judge("CN=*", read_raw({})) == "doubt: the name is empty");
    CHECK(judge("CN=\"**\",O=*", read_raw({})) == "doubt: the name is empty");
    CHECK(judge("CN=plc-*,O=*", read_raw({})) == "no: is empty, the rule wants 2 parts (CN, O)");
}

TEST_CASE("name_pattern: every short name is the OID of its type", "[policy][distinguished_name]") {
    auto const [type, openssl] = GENERATE(table<std::string, std::string>({
        {"CN", "commonName"},
        {"O", "organizationName"},
        {"OU", "organizationalUnitName"},
        {"L", "localityName"},
        {"ST", "stateOrProvinceName"},
        {"C", "countryName"},
        {"STREET", "streetAddress"},
        {"DC", "domainComponent"},
        {"UID", "userId"},
        {"E", "emailAddress"},
        {"emailAddress", "emailAddress"},
        {"serialNumber", "serialNumber"},
        {"T", "title"},
        {"GN", "givenName"},
        {"SN", "surname"},
        {"0.9.2342.19200300.100.1.1", "userId"},
    }));
    CHECK(judge(type + "=DE", read_spec({{openssl, "DE"}})) == "yes");
}

TEST_CASE("name_pattern: what identity prints can be written as a rule", "[policy][distinguished_name]") {
    auto const spec = GENERATE(values<test::name_spec>({
        {{"C", "DE"}, {"O", "Doe, Sons+Co; \"x\" <y> \\ #"}, {"CN", "#1 a=b"}},
        {{"O", "J\xC3\xB6rg"}, {"CN", "anna"}, {"+UID", "17"}, {"serialNumber", "5"}, {"title", "Dr."}},
        {{"DC", "com"}, {"DC", "example"}, {"OU", "a"}, {"OU", "b"}, {"emailAddress", "a@b.c"}, {"street", "x"}},
        {{"1.2.3.4", "anna"}, {"GN", "A"}, {"SN", "B"}},
    }));
    auto const name = test::make_name(spec);
    auto const written = policy::name_text(name.get());
    INFO(written);
    CHECK(judge(written, policy::read_name(name.get())) == "yes");
}

TEST_CASE("name_pattern: faults tell where", "[policy][distinguished_name]") {
    using namespace std::string_literals;
    auto const [text, expected] = GENERATE(table<std::string, std::string>({
        {"", "it is empty, at character 1"},
        {"   ", "it is empty, at character 4"},
        {"plc", "there is no '=' behind \"plc\", at character 4"},
        {"CN=a,", "an attribute like CN=name is missing, at character 6"},
        {"CN=a,,O=b", "an attribute like CN=name is missing, at character 6"},
        {"CN=a+", "an attribute like CN=name is missing, at character 6"},
        {"=a", "an attribute like CN=name is missing, at character 1"},
        {"CN=", "the value is empty, at character 4"},
        {"CN=,O=b", "the value is empty, at character 4"},
        {"CN=\"\"", "the value is empty, at character 4"},
        {"O=b,CM=a", "attribute type \"CM\" is not known, at character 5"},
        {"1.2.x=a", "attribute type \"1.2.x\" is not known, at character 1"},
        {"OID.1=a", "\"OID.1\" is no OID, at character 1"},
        {"3.1=a", "\"3.1\" is no OID, at character 1"},
        {"1.40=a", "\"1.40\" is no OID, at character 1"},
        {"2.05=a", "\"2.05\" is no OID, at character 1"},
        {"2..5=a", "\"2..5\" is no OID, at character 1"},
        {"2.5.=a", "\"2.5.\" is no OID, at character 1"},
        {"CN=a;O=b", "\";\" has to be written with a backslash before it, at character 5"},
        {"CN=a<", "\"<\" has to be written with a backslash before it, at character 5"},
        {"CN=a\"b\"", "\"\"\" has to be written with a backslash before it, at character 5"},
        {"CN=\"a", "the quotes are not closed, at character 4"},
        {"CN=\"a\"b", "there is more behind the value, at character 7"},
        {"CN=a\\", "behind a backslash there are two hex digits or one of \"#+,;<=>\\*, at character 5"},
        {"CN=a\\g", "behind a backslash there are two hex digits or one of \"#+,;<=>\\*, at character 5"},
        {"CN=a\\2", "behind a backslash there are two hex digits or one of \"#+,;<=>\\*, at character 5"},
        {"CN=#", "'#' begins a value in DER, and this is none, at character 4"},
        {"CN=#0C05616E6E61", "'#' begins a value in DER, and this is none, at character 4"},
        {"CN=#0C04616E6E61x", "there is more behind the value, at character 17"},
        {"CN=#0C00", "the value in DER is empty, and only strings are compared, at character 4"},
        {"CN=#020101", "the value in DER is no string, and only strings are compared, at character 4"},
        {"1.3.6.1.4.1.1466.0=#04024869",  // of RFC 4514 section 4
         "the value in DER is no string, and only strings are compared, at character 20"},
        {"CN=a+CN=b", "an RDN has each type only once, at character 9"},
        {"CN=a\\00b", "no certificate would match, as the value holds a control character, at character 4"},
        {"CN=a\nb", "no certificate would match, as the value holds a control character, at character 4"},
        {"CN=\\ a", "no certificate would match, as the value begins or ends with a space, at character 4"},
        {"CN=a\\ ", "no certificate would match, as the value begins or ends with a space, at character 4"},
        {"CN=\\C3*\\B6", "no certificate would match, as the value is not valid UTF-8, at character 4"},
        {"CN=" + std::string(256, 'a'),
         "no certificate would match, as the value is longer than 255 bytes, at character 4"},
        {"C\0N=a"s, "attribute type \"C\0N\" is not known, at character 1"s},
    }));
    auto const pattern = name_pattern::parse(text);
    REQUIRE_FALSE(pattern);
    CHECK(pattern.fault().message == expected);
}

TEST_CASE("name_pattern: a mistyped type gets a hint", "[policy][distinguished_name]") {
    auto const pattern = name_pattern::parse("emailAdress=x");
    REQUIRE_FALSE(pattern);
    CHECK(pattern.fault().hint == "did you mean \"emailAddress\"?");
}

TEST_CASE("name_pattern: names and patterns of any size take linear time (A-092)", "[policy][distinguished_name]") {
    auto const begin = std::chrono::steady_clock::now();
    std::string pattern = "CN=*a*a*a*a*b";
    std::vector<std::vector<test::raw_attribute>> rdns{{{cn, std::string(255, 'a')}}};
    for (int i = 0; i < 3000; ++i) {
        pattern += ",OU=*a*a*b";
        rdns.insert(rdns.begin(), {{ou, "aaaaab"}});
    }
    rdns.resize(3001);
    CHECK(judge(pattern, read_raw(rdns)).size() < 600);
    CHECK_THAT(judge("CN=x", read_raw(rdns)), Catch::StartsWith("no: has 3001 parts "));
    rdns.push_back({{cn, "x"}});
    CHECK(judge("CN=x,OU=*a*a*b", read_raw(rdns)) == "doubt: there is more than one CN");
    CHECK(std::chrono::steady_clock::now() - begin < std::chrono::seconds(5));
}
