// What certificates must find in Active Directory. The examples are Microsoft's and GSA's, see the cases.
#include "policy/mapping_values.hpp"

#include "policy/windows_name.hpp"
#include "tests/support/test_certificate.hpp"

#include <catch2/catch.hpp>

#include <string>
#include <utility>
#include <vector>

namespace {

using namespace ftpsgate::test;
using namespace ftpsgate::policy;
using ftpsgate::config::mapping_form;

using strings = std::vector<std::string>;

mapping_value_result read(mapping_form form, certificate_request const& request,
                          name_spec const& issuer = common_name("CA")) {
    auto above = authority_request("CA");
    above.subject = issuer;
    auto const made = make_certificate(request, make_self_signed(above));
    return mapping_value_of(form, *made.certificate);
}

// Fails when there are none.
strings values_in(mapping_form form, certificate_request const& request, name_spec const& issuer = common_name("CA")) {
    auto const found = read(form, request, issuer);
    INFO("missing: " << found.missing << ", doubtful: " << found.doubtful);
    REQUIRE(found.value);
    CHECK(found.value->form == form);
    CHECK((found.missing.empty() && found.doubtful.empty()));
    return found.value->values;
}

std::string name_as_windows(name_spec const& spec) {
    std::string fault;
    auto const text = windows_name(read_name(make_name(spec).get()), fault);
    INFO(fault);
    REQUIRE(text);
    return *text;
}

bytes der_tlv(std::uint8_t tag, bytes const& content) {
    bytes made{tag, static_cast<std::uint8_t>(content.size())};
    REQUIRE(content.size() < 128);
    made.insert(made.end(), content.begin(), content.end());
    return made;
}

bytes joined(bytes one, bytes const& other) {
    one.insert(one.end(), other.begin(), other.end());
    return one;
}

bytes sid_der(std::string const& text) {
    bytes const oid{0x06, 0x0a, 0x2b, 0x06, 0x01, 0x04, 0x01, 0x82, 0x37, 0x19, 0x02, 0x01};
    auto const wrapped = der_tlv(0xa0, der_tlv(0x04, bytes(text.begin(), text.end())));
    return der_tlv(0x30, der_tlv(0xa0, joined(oid, wrapped)));
}

certificate_request with_sid(bytes const& der) {
    certificate_request request;
    request.raw.push_back({"1.3.6.1.4.1.311.25.2", false, der});
    return request;
}

std::string const binary(std::initializer_list<int> octets) {
    std::string text;
    for (int const octet : octets)
        text += static_cast<char>(octet);
    return text;
}

}  // namespace

TEST_CASE("mapping_values: issuer and serial, its bytes reversed (KB5014754)", "[policy][mapping_values]") {
    certificate_request request;
    request.serial = {0x2B, 0, 0, 0, 0, 0x11, 0xAC, 0, 0, 0, 0, 0x12};
    name_spec const contoso{{"DC", "com"}, {"DC", "contoso"}, {"CN", "CONTOSO-DC-CA"}};
    CHECK(values_in(mapping_form::issuer_serial, request, contoso) ==
          strings{"X509:<I>DC=com,DC=contoso,CN=CONTOSO-DC-CA<SR>1200000000ac11000000002b"});

    request.serial = {0x49, 0x5d, 0xa6, 0x46};  // GSA's PIV guide
    name_spec const demonstration{{"C", "US"},
                                  {"O", "U.S. Government"},
                                  {"OU", "Certification Authorities"},
                                  {"OU", "Government Demonstration CA"}};
    CHECK(values_in(mapping_form::issuer_serial, request, demonstration) ==
          strings{"X509:<I>C=US,O=U.S. Government,OU=Certification Authorities,"
                  "OU=Government Demonstration CA<SR>46a65d49"});
}

TEST_CASE("mapping_values: a serial with its highest bit set is looked for with and without DER's zero byte",
          "[policy][mapping_values]") {
    certificate_request request;
    request.serial = {0x00, 0xA1, 0x02};
    CHECK(values_in(mapping_form::issuer_serial, request) ==
          strings{"X509:<I>CN=CA<SR>02a100", "X509:<I>CN=CA<SR>02a1"});
    request.serial = {0xA1, 0x02};
    auto const negative = read(mapping_form::issuer_serial, request);
    CHECK_FALSE(negative.value);
    CHECK_FALSE(negative.doubtful.empty());
}

TEST_CASE("mapping_values: a subject key identifier is looked for as hex", "[policy][mapping_values]") {
    auto const made = make_certificate({}, make_self_signed(authority_request("CA")));
    auto const found = mapping_value_of(mapping_form::ski, *made.certificate);
    REQUIRE(found.value);
    auto const* const ski = X509_get0_subject_key_id(made.certificate.get());
    REQUIRE(ASN1_STRING_length(ski) == 20);
    CHECK(found.value->values == strings{"X509:<SKI>" + to_hex({ASN1_STRING_get0_data(ski), 20})});
    CHECK(found.value->attribute == "altSecurityIdentities");
}

TEST_CASE("mapping_values: SHA1-PUKEY is the key's SHA-1 (MS-PKCA, Samba) or the certificate's (Entra PowerShell)",
          "[policy][mapping_values]") {
    auto const made = make_certificate({}, make_self_signed(authority_request("CA")));
    auto const found = mapping_value_of(mapping_form::sha1_public_key, *made.certificate);
    REQUIRE(found.value);
    // The maker's subject key identifier is method 1 of RFC 5280 4.2.1.2.
    auto const* const ski = X509_get0_subject_key_id(made.certificate.get());
    std::array<std::uint8_t, 20> thumbprint{};
    X509_digest(made.certificate.get(), EVP_sha1(), thumbprint.data(), nullptr);
    CHECK(found.value->values == strings{"X509:<SHA1-PUKEY>" + to_hex({ASN1_STRING_get0_data(ski), 20}),
                                         "X509:<SHA1-PUKEY>" + to_hex(thumbprint)});
}

TEST_CASE("mapping_values: the SID of the extension, as objectSid holds it", "[policy][mapping_values]") {
    std::string const text = "S-1-5-21-2127521184-1604012920-1887927527-72713";
    auto const stored = binary({1,    5,    0,    0,    0,    0,    0,    5,    0x15, 0,    0,    0,    0xA0, 0x65,
                                0xCF, 0x7E, 0x78, 0x4B, 0x9B, 0x5F, 0xE7, 0x7C, 0x87, 0x70, 0x09, 0x1C, 0x01, 0x00});
    auto const found = read(mapping_form::sid, with_sid(sid_der(text)));
    REQUIRE(found.value);
    CHECK(found.value->attribute == "objectSid");
    CHECK(found.value->values == strings{stored});
    CHECK(found.value->shown == text);
    CHECK(binary_sid("S-1-5-18") == binary({1, 1, 0, 0, 0, 0, 0, 5, 18, 0, 0, 0}));
    CHECK_FALSE(read(mapping_form::sid, {}).missing.empty());
}

TEST_CASE("mapping_values: what is no SID refuses", "[policy][mapping_values]") {
    for (auto const* text : {"", "S", "S-1", "S-1-", "S-1-5", "S-1-5-", "S-1-5-21-", "S-1-5--21", "s-1-5-21",
                             "S-2-5-21", "S-1-5-021", "S-1-5-4294967296", "S-1-5-99999999999999999999", "S-1-5-+1",
                             "S-1-5- 1", "S-1-5-1 ", "S-1-5-1-x", "S-1-5-1-2-3-4-5-6-7-8-9-10-11-12-13-14-15-16"}) {
        INFO(text);
        CHECK_FALSE(binary_sid(text));
        CHECK_FALSE(read(mapping_form::sid, with_sid(sid_der(text))).doubtful.empty());
    }
    CHECK_FALSE(binary_sid(std::string("S-1-5-21\0", 9)));
    CHECK(binary_sid("S-1-5-1-2-3-4-5-6-7-8-9-10-11-12-13-14-15"));

    auto const sound = sid_der("S-1-5-21-1-2-3-4");
    auto shorter = sound;
    shorter.pop_back();
    for (auto const& der : {joined(sound, {0x05, 0x00}), shorter, bytes{}, bytes{0x30, 0x00}, bytes{0x05, 0x00}})
        CHECK_FALSE(read(mapping_form::sid, with_sid(der)).doubtful.empty());
    auto twice = with_sid(sound);
    twice.raw.push_back(twice.raw.front());
    CHECK_FALSE(read(mapping_form::sid, twice).doubtful.empty());
}

TEST_CASE("mapping_values: the certificate itself", "[policy][mapping_values]") {
    auto const made = make_certificate({}, make_self_signed(authority_request("CA")));
    auto const found = mapping_value_of(mapping_form::user_certificate, *made.certificate);
    REQUIRE(found.value);
    auto const der = ftpsgate::test::der_of(*made.certificate);
    CHECK(found.value->attribute == "userCertificate");
    CHECK(found.value->values == strings{std::string(der.begin(), der.end())});
    CHECK(found.value->match == value_match::exact);
}

TEST_CASE("mapping_values: names as Windows writes them", "[policy][windows_name]") {
    using row = std::pair<name_spec, std::string>;
    auto const [name, expected] = GENERATE(values<row>({
        {{{"DC", "local"}, {"DC", "dod"}, {"CN", "SpatDoD Root CA"}}, "DC=local,DC=dod,CN=SpatDoD Root CA"},
        {{{"C", "US"}, {"O", "U.S. Government"}, {"CN", "JANE DOE"}, {"+UID", "25001003151020"}},
         "C=US,O=U.S. Government,CN=JANE DOE OID.0.9.2342.19200300.100.1.1=25001003151020"},  // GSA
        {{{"ST", "Hessen"}, {"emailAddress", "a@b.example"}}, "S=Hessen,E=a@b.example"},
        {{{"GN", "Ann"}, {"SN", "Lee"}, {"initials", "AL"}, {"title", "Dr"}}, "G=Ann,SN=Lee,I=AL,T=Dr"},
        {{{"serialNumber", "17"}, {"street", "High 1"}, {"L", "Ulm"}}, "SERIALNUMBER=17,STREET=High 1,L=Ulm"},
        {{{"2.5.4.17", "89073"}, {"dnQualifier", "q"}, {"1.2.3.4", "x"}},
         "PostalCode=89073,dnQualifier=q,OID.1.2.3.4=x"},
        {{{"O", "Digi, Inc."}}, "O=\"Digi, Inc.\""},
        {{{"CN", "a\"b"}}, "CN=\"a\"\"b\""},
        {{{"CN", "a,CN=admin"}}, "CN=\"a,CN=admin\""},
        {{{"CN", "a<S>CN=admin"}}, "CN=\"a<S>CN=admin\""},
        {{{"CN", "a OID.1.2=b"}}, "CN=\"a OID.1.2=b\""},
        {{{"CN", "a;b"}, {"CN", "#1"}, {"CN", "a+b"}, {"CN", "a/b\\c"}}, "CN=\"a;b\",CN=\"#1\",CN=\"a+b\",CN=a/b\\c"},
        {{{"CN", "J\xc3\xb6rg"}}, "CN=J\xc3\xb6rg"},
    }));
    CHECK(name_as_windows(name) == expected);
}

TEST_CASE("mapping_values: the weak forms", "[policy][mapping_values]") {
    certificate_request request;
    request.subject = {{"DC", "dod"}, {"CN", "gman"}};
    request.alternative_names = "email:gman@dod.example," + upn("gman@dod.local");
    name_spec const issuer{{"DC", "local"}, {"DC", "dod"}, {"CN", "SpatDoD Root CA"}};
    CHECK(values_in(mapping_form::issuer_subject, request, issuer) ==
          strings{"X509:<I>DC=local,DC=dod,CN=SpatDoD Root CA<S>DC=dod,CN=gman"});
    CHECK(values_in(mapping_form::subject, request) == strings{"X509:<S>DC=dod,CN=gman"});
    CHECK(values_in(mapping_form::rfc822, request) == strings{"X509:<RFC822>gman@dod.example"});
    auto const principal = read(mapping_form::upn, request);
    REQUIRE(principal.value);
    CHECK(principal.value->attribute == "userPrincipalName");
    CHECK(principal.value->values == strings{"gman@dod.local"});
}

TEST_CASE("mapping_values: an issuer's name counts where it is one CA's only (B-190, A-093)",
          "[policy][mapping_values]") {
    path_facts path;
    for (auto const form : {mapping_form::issuer_serial, mapping_form::issuer_subject, mapping_form::ski,
                            mapping_form::sha1_public_key, mapping_form::user_certificate})
        CHECK(caveat_of(form, path).empty());
    path.issuer.is_one_of_many = true;
    CHECK_FALSE(caveat_of(mapping_form::issuer_serial, path).empty());
    CHECK_FALSE(caveat_of(mapping_form::issuer_subject, path).empty());
    CHECK(caveat_of(mapping_form::ski, path).empty());
    CHECK(caveat_of(mapping_form::sha1_public_key, path).empty());
    CHECK(caveat_of(mapping_form::user_certificate, path).empty());
}

TEST_CASE("mapping_values: what is not there is missing, not doubtful", "[policy][mapping_values]") {
    certificate_request nameless;
    nameless.subject.clear();
    for (auto const form : {mapping_form::upn, mapping_form::rfc822, mapping_form::subject,
                            mapping_form::issuer_subject, mapping_form::sid}) {
        auto const found = read(form, nameless);
        INFO(word_of(form));
        CHECK_FALSE(found.value);
        CHECK(found.doubtful.empty());
        CHECK_FALSE(found.missing.empty());
    }
}

TEST_CASE("mapping_values: evil and ambiguous values refuse (A-041, A-090, A-091)", "[policy][mapping_values]") {
    certificate_request request;
    SECTION("two UPNs, two addresses") {
        request.alternative_names =
            upn("a@x.example") + "," + upn("b@x.example") + ",email:a@x.example,email:b@x.example";
        CHECK_FALSE(read(mapping_form::upn, request).doubtful.empty());
        CHECK_FALSE(read(mapping_form::rfc822, request).doubtful.empty());
    }
    SECTION("a UPN that is no UTF8String") {
        request.alternative_names = "otherName:1.3.6.1.4.1.311.20.2.3;IA5:a@x.example";
        CHECK_FALSE(read(mapping_form::upn, request).doubtful.empty());
    }
    SECTION("control characters and blanks at the ends") {
        using namespace std::string_literals;
        for (auto const& evil : {"bob\r\nDELE x"s, "bob\nQUIT"s, "bob\0root"s, "bob\0"s, "bob\rX"s, "\x7f"s, "bob "s,
                                 " bob"s, "a\xe2\x80\xa8z"s, "a\xc2\x85z"s, std::string(256, 'a')}) {
            request.subject = {{"1.2.3.4", evil}};  // a common name has its own limit
            CHECK_FALSE(read(mapping_form::subject, request).doubtful.empty());
            CHECK_FALSE(read(mapping_form::issuer_subject, request).doubtful.empty());
            // Where the subject is not looked at, it does no harm.
            CHECK(read(mapping_form::ski, request).value);
        }
    }
}

TEST_CASE("mapping_values: the gate compares for itself what the directory found (A-095)", "[policy][mapping_values]") {
    mapping_value wanted{
        mapping_form::upn, "userPrincipalName", {"bob@x.example"}, value_match::ignore_ascii_case, "", ""};
    CHECK(is_match(wanted, {"other", "Bob@X.EXAMPLE"}));
    CHECK_FALSE(is_match(wanted, {}));
    CHECK_FALSE(is_match(wanted, {"b\xc3\xb3"
                                  "b@x.example"}));
    CHECK_FALSE(is_match(wanted, {"bob@x.example "}));
    CHECK_FALSE(is_match(wanted, {std::string("bob@x.example\0", 14)}));
    wanted.match = value_match::exact;
    CHECK_FALSE(is_match(wanted, {"Bob@x.example"}));
    CHECK(is_match(wanted, {"bob@x.example"}));
}
