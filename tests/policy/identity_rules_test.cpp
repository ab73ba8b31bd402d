#include "tests/policy/identity_bench.hpp"

#include <catch2/catch.hpp>

using namespace ftpsgate;
using namespace std::string_literals;
using policy::identity_outcome;
using policy::identity_source;
using test::cn;
using test::identity_bench;

namespace {

using rule_key = std::optional<config::placed_text> config::identity_rule_settings::*;
using rule = config::identity_rule_settings;

std::string colons(std::string const& hex) {
    std::string text;
    for (std::size_t at = 0; at < hex.size(); at += 2)
        text += (at == 0 ? "" : ":") + hex.substr(at, 2);
    return text;
}

std::string upper(std::string text) {
    for (char& c : text)
        if (c >= 'a' && c <= 'f') c = static_cast<char>(c - 'a' + 'A');
    return text;
}

}  // namespace

TEST_CASE("identity_rules: each matcher matches, and does not match", "[policy][identity_rules]") {
    struct row {
        char const* name;
        rule_key key;
        std::string pattern;
        std::string expected;
    };
    auto const one = GENERATE(values<row>({
        {"subject", &rule::subject, "CN=plc-*,O=Example", ""},
        {"another subject", &rule::subject, "CN=plc-*,O=Examplf", "subject: O is 'Example', the rule wants 'Examplf'"},
        {"issuer", &rule::issuer, "CN=Plant CA", ""},
        {"issuer by wildcard", &rule::issuer, "CN=* CA", ""},
        {"another issuer", &rule::issuer, "CN=Plant", "issuer: CN is 'Plant CA', the rule wants 'Plant'"},
        {"serial", &rule::serial, "0A1B", ""},
        {"serial, short", &rule::serial, "a1b", ""},
        {"serial, long", &rule::serial, "00:00:0a:1b", ""},
        {"another serial", &rule::serial, "0A1C", "serial: is '0A1B', the rule wants '0A1C'"},
        {"a longer serial", &rule::serial, "0A1B00", "serial: is '0A1B', the rule wants '0A1B00'"},
        {"the negative serial", &rule::serial, "-0A1B", "serial: is '0A1B', the rule wants '-0A1B'"},
        {"email", &rule::email, "anna@example.com", ""},
        {"email, domain in capitals", &rule::email, "*@EXAMPLE.COM", ""},
        {"email, any", &rule::email, "*", ""},
        {"email, local part in capitals", &rule::email, "Anna@example.com",
         "email: is 'anna@Example.com', the rule wants 'Anna@example.com'"},
        {"email, domain below", &rule::email, "*@*.example.com",
         "email: is 'anna@Example.com', the rule wants '*@*.example.com'"},
        {"dns", &rule::dns, "*.PLANT.example", ""},
        {"another dns", &rule::dns, "plant.example", "dns: is 'plc7.Plant.example', the rule wants 'plant.example'"},
        {"upn", &rule::upn, "*@ad.example", ""},
        {"upn in capitals", &rule::upn, "*@AD.example", "upn: is 'anna@ad.example', the rule wants '*@AD.example'"},
        {"uri", &rule::uri, "spiffe://plant/*", ""},
        {"another uri", &rule::uri, "spiffe://plant/", "uri: is 'spiffe://plant/7', the rule wants 'spiffe://plant/'"},
    }));
    INFO(one.name);
    identity_bench bench;
    bench.rule("a").*one.key = bench.at(one.pattern);
    CHECK(bench.why({.subject = {{"O", "Example"}, {"CN", "plc-7"}},
                     .serial = {0x0A, 0x1B},
                     .alternative_names = "email:anna@Example.com,DNS:plc7.Plant.example,URI:spiffe://plant/7," +
                                          test::upn("anna@ad.example")}) ==
          (one.expected.empty() ? "mapped user-a" : one.expected));
}

TEST_CASE("identity_rules: a value that the certificate has not got does not match", "[policy][identity_rules]") {
    auto const [name, key, pattern] = GENERATE(table<std::string, rule_key, std::string>({
        {"email", &rule::email, "*"},
        {"dns", &rule::dns, "*"},
        {"upn", &rule::upn, "*"},
        {"uri", &rule::uri, "*"},
    }));
    identity_bench bench;
    bench.rule("a").*key = bench.at(pattern);
    CHECK(bench.why({}) == name + ": the certificate has none");
}

TEST_CASE("identity_rules: digests of the certificate and of its key", "[policy][identity_rules]") {
    identity_bench bench;
    auto const anna = bench.issue(test::certificate_request{});
    auto const again = bench.issue(test::certificate_request{});
    auto const digest = policy::to_hex(policy::sha256_of(*anna.certificate));
    auto const key = policy::to_hex(policy::key_sha256_of(*anna.certificate));
    auto& one = bench.rule("a");
    for (auto const& written : {digest, upper(digest), colons(digest)}) {
        one.sha256 = bench.at(written);
        CHECK(bench.judge(anna) == "mapped user-a");
        CHECK(bench.judge(again) == "not_mapped");
    }
    one.sha256.reset();
    for (auto const& written : {key, upper(key), colons(key)}) {
        one.spki_sha256 = bench.at(written);
        CHECK(bench.judge(anna) == "mapped user-a");
        CHECK(bench.judge(again) == "mapped user-a");  // as a renewed certificate
        CHECK(bench.judge(test::make_certificate({}, bench.root)) == "not_mapped");
    }
}

TEST_CASE("identity_rules: negative serials have a sign", "[policy][identity_rules]") {
    identity_bench bench;
    bench.rule("a").serial = bench.at("-7F");
    bench.rule("b").serial = bench.at("81");
    CHECK(bench.judge({.serial = {0x81}}) == "mapped user-a");
    CHECK(bench.judge({.serial = {0x00, 0x81}}) == "mapped user-b");
}

TEST_CASE("identity_rules: the first that matches decides, the others tell why not", "[policy][identity_rules]") {
    identity_bench bench;
    bench.rule("a").subject = bench.at("CN=anna");
    bench.rule("b").dns = bench.at("b.example");
    auto& denied = bench.rule("c");
    denied.subject = bench.at("CN=evil*");
    denied.deny = true;
    auto& both = bench.rule("d");
    both.subject = bench.at("CN=*");
    both.issuer = bench.at("CN=Plant CA");
    bench.rule("e").subject = bench.at("CN=*");

    auto const decision = bench.decide(bench.issue({.subject = test::common_name("otto")}));
    CHECK(identity_bench::words_of(decision) == "mapped user-d");
    CHECK(decision.source == identity_source::rule);
    CHECK(decision.rule == "d");
    CHECK(decision.detail.empty());
    CHECK(decision.login->password.reveal() == "secret-d");
    CHECK_FALSE(decision.login->account);
    std::string steps;
    for (auto const& each : decision.steps)
        steps += each.name + (each.matched ? " yes: " : " no: ") + each.detail + "\n";
    CHECK(steps ==
          "a no: subject: CN is 'otto', the rule wants 'anna'\n"
          "b no: dns: the certificate has none\n"
          "c no: subject: CN is 'otto', the rule wants 'evil*'\n"
          "d yes: subject, issuer\n");

    auto const evil = bench.decide(bench.issue({.subject = test::common_name("evil otto")}));
    CHECK(identity_bench::words_of(evil) == "denied by c");
    CHECK(evil.login == nullptr);
    CHECK(bench.judge({.subject = test::common_name("anna")}) == "mapped user-a");
    auto const nobody = bench.decide(bench.issue({.subject = {{"O", "x"}, {"CN", "otto"}}}));
    CHECK(identity_bench::words_of(nobody) == "not_mapped");
    CHECK(nobody.source == identity_source::rule);
    CHECK(nobody.rule.empty());
}

TEST_CASE("identity_rules: all keys of a rule have to match", "[policy][identity_rules]") {
    identity_bench bench;
    auto& one = bench.rule("a");
    one.subject = bench.at("CN=anna");
    one.dns = bench.at("*.example");
    one.serial = bench.at("7");
    test::certificate_request anna{
        .subject = test::common_name("anna"), .serial = {7}, .alternative_names = "DNS:a.example"};
    CHECK(bench.why(anna) == "mapped user-a");
    anna.serial = {8};
    CHECK(bench.why(anna) == "serial: is '08', the rule wants '7'");
    anna.alternative_names = "DNS:a.test";
    CHECK(bench.why(anna) == "serial: is '08', the rule wants '7'");
    anna.serial = {7};
    CHECK(bench.why(anna) == "dns: is 'a.test', the rule wants '*.example'");
}

TEST_CASE("identity_rules: without rules nobody is mapped", "[policy][identity_rules]") {
    identity_bench const bench;
    auto const decision = bench.decide(bench.issue(test::certificate_request{}));
    CHECK(decision.outcome == identity_outcome::not_mapped);
    CHECK(decision.source == identity_source::none);
    CHECK(decision.steps.empty());
}

TEST_CASE("identity_rules: doubt refuses, unless another key says no", "[policy][identity_rules]") {
    identity_bench bench;
    auto& one = bench.rule("a");
    one.dns = bench.at("*");
    one.subject = bench.at("CN=anna");
    bench.rule("b").subject = bench.at("CN=*");
    test::certificate_request request{.subject = test::common_name("anna"), .alternative_names = "DNS:a,DNS:b"};
    auto const decision = bench.decide(bench.issue(request));
    CHECK(identity_bench::words_of(decision) == "refused: dns: is there more than once");
    CHECK(decision.source == identity_source::rule);
    CHECK(decision.rule == "a");
    CHECK(decision.login == nullptr);
    REQUIRE(decision.steps.size() == 1);
    CHECK_FALSE(decision.steps[0].matched);
    request.subject = test::common_name("otto");
    CHECK(bench.judge(request) == "mapped user-b");

    // In the other order of keys: the subject is doubtful, the DNS name is not.
    bench.site.identity[0].dns = bench.at("c");
    bench.site.identity[1] = bench.site.identity[0];
    bench.site.identity[1].name = "b";
    bench.site.identity[1].subject.reset();
    CHECK(bench.judge({.subject = {{"CN", "anna"}, {"CN", "otto"}}, .alternative_names = "DNS:d"}) == "not_mapped");
    CHECK(bench.judge({.subject = {{"CN", "anna"}, {"CN", "otto"}}, .alternative_names = "DNS:c"}) ==
          "refused: subject: there is more than one CN");
}

TEST_CASE("identity_rules: doubt about a rule that denies refuses", "[policy][identity_rules]") {
    identity_bench bench;
    auto& one = bench.rule("a");
    one.dns = bench.at("evil.example");
    one.deny = true;
    bench.rule("b").subject = bench.at("CN=*");
    CHECK(bench.judge({.alternative_names = "DNS:good.example"}) == "mapped user-b");
    CHECK(bench.judge({.alternative_names = "DNS:evil.example"}) == "denied by a");
    CHECK(bench.judge({.alternative_names = "DNS:good.example,DNS:evil.example"}) ==
          "refused: dns: is there more than once");
    CHECK(bench.judge({.alternative_names = "DNS:good.example,DNS:better.example"}) == "mapped user-b");
}

TEST_CASE("identity_rules: of several values that do not fit the rule is somebody else's", "[policy][identity_rules]") {
    auto const [name, key, pattern, names] = GENERATE(table<std::string, rule_key, std::string, std::string>({
        {"email", &rule::email, "*@b", "email:x@c,email:y@c"},
        {"dns", &rule::dns, "*.b", "DNS:x.c,DNS:y.c"},
        {"upn", &rule::upn, "*@b", test::upn("x@c") + "," + test::upn("y@c")},
        {"uri", &rule::uri, "b:*", "URI:c:x,URI:c:y"},
    }));
    identity_bench bench;
    bench.rule("a").*key = bench.at(pattern);
    CHECK(bench.why({.alternative_names = names}) == name + ": none of the 2 is '" + pattern + "', as the rule wants");
}

TEST_CASE("identity_rules: names for nobody are refused by a subject pattern and by {cn} (A-090, A-091, A-041)",
          "[policy][identity_rules]") {
    using names = std::vector<std::vector<test::raw_attribute>>;
    auto const [what, subject] = GENERATE(table<std::string, names>({
        {"NUL", {{{cn, "admin\0.evil"s}}}},
        {"NUL in an IA5String", {{{cn, "admin\0.evil"s, test::ia5}}}},
        {"CR LF", {{{cn, "bob\r\nDELE x"}}}},
        {"LF", {{{cn, "bob\nQUIT"}}}},
        {"CR", {{{cn, "bob\rX"}}}},
        {"DEL", {{{cn, "bob\x7F"}}}},
        {"C1", {{{cn, "bob\xC2\x85X"}}}},
        {"U+2028", {{{cn, "bob\xE2\x80\xA8X"}}}},
        {"CR LF in a BMPString", {{{cn, "\0b\0\r\0\n\0X"s, test::bmp}}}},
        {"LF in a UniversalString", {{{cn, "\0\0\0b\0\0\0\n"s, test::universal}}}},
        {"TeletexString",
         {{{cn,
            "b\xF6"
            "b",
            test::t61}}}},
        {"300 characters", {{{cn, std::string(300, 'a')}}}},
        {"space in front", {{{cn, " admin"}}}},
        {"space behind", {{{cn, "admin "}}}},
        {"two CNs", {{{cn, "guest"}}, {{cn, "admin"}}}},
        {"two CNs in one RDN", {{{cn, "guest"}, {cn, "admin"}}}},
        {"multi-valued RDN", {{{cn, "admin"}, {test::ou, "x"}}}},
        {"empty", {}},
    }));
    INFO(what);
    identity_bench bench;
    auto& one = bench.rule("a");
    SECTION("subject") {
        one.subject = bench.at("CN=*");
        CHECK_THAT(bench.judge_subject(subject), Catch::StartsWith("refused: subject: "));
    }
    SECTION("{cn}") {
        one.issuer = bench.at("CN=Plant CA");
        one.user = bench.at("{cn}");
        CHECK_THAT(bench.judge_subject(subject), Catch::StartsWith("refused: user: "));
    }
}

TEST_CASE("identity_rules: a subject in no encoding never gets here (A-041)", "[policy][identity_rules]") {
    identity_bench bench;
    auto const value = GENERATE(as<std::string>(), "bob\xC0\x8AX", "bob\xFF", "\xED\xA0\x80");
    auto const leaf = bench.issue_subject({{{cn, value}}});
    CHECK(test::verified({&leaf}, bench.trusted) == nullptr);
}

TEST_CASE("identity_rules: alternative names for nobody are refused (A-090, A-091)", "[policy][identity_rules]") {
    auto const [what, key, names] = GENERATE(table<std::string, rule_key, std::vector<test::bytes>>({
        {"UPN with NUL", &rule::upn, {test::raw_upn("admin\0.evil"s)}},
        {"UPN in an IA5String", &rule::upn, {test::raw_upn("admin@x", test::ia5)}},
        {"UPN with CR LF", &rule::upn, {test::raw_upn("bob\r\nDELE x")}},
        {"two UPNs", &rule::upn, {test::raw_upn("a@x"), test::raw_upn("b@x")}},
        {"DNS with NUL", &rule::dns, {test::raw_dns("admin\0.evil"s)}},
        {"two DNS names", &rule::dns, {test::raw_dns("a"), test::raw_dns("b")}},
        {"DNS wildcard", &rule::dns, {test::raw_dns("*.example")}},
        {"mail with NUL", &rule::email, {test::raw_email("a@b\0.evil"s)}},
        {"mail with two @", &rule::email, {test::raw_email("root@evil@example")}},
        {"two mail addresses", &rule::email, {test::raw_email("a@b"), test::raw_email("a@c")}},
        {"URI with LF", &rule::uri, {test::raw_uri("a:b\nQUIT")}},
        {"URI with umlaut", &rule::uri, {test::raw_uri("a:\xC3\xA4")}},
        {"two URIs", &rule::uri, {test::raw_uri("a:b"), test::raw_uri("a:c")}},
    }));
    INFO(what);
    identity_bench bench;
    bench.rule("a").*key = bench.at("*");
    auto const leaf = bench.issue({.raw = {test::san(names)}});
    auto const peer = test::verified({&leaf}, bench.trusted);
    if (!peer) return;  // those that BoringSSL does not parse: as good
    CHECK_THAT(identity_bench::words_of(bench.rules()->decide(*peer)), Catch::StartsWith("refused: "));
}

TEST_CASE("identity_rules: names that look alike are others (A-095)", "[policy][identity_rules]") {
    auto const name = GENERATE(as<std::string>(), "Admin", "ADMIN", "admin$",
                               "\xD0\xB0"
                               "dmin",
                               "a\xCC\x88"
                               "dmin",
                               "admin\xC2\xA0");
    identity_bench bench;
    bench.rule("a").subject = bench.at("CN=admin");
    bench.rule("b").subject = bench.at(
        "CN=\xC3\xA4"
        "dmin");
    CHECK(bench.judge_subject({{{cn, name}}}) == "not_mapped");
    CHECK(bench.judge_subject({{{cn, "admin"}}}) == "mapped user-a");
}

TEST_CASE("identity_rules: {cn} of a multi-valued RDN where the subject asks for one", "[policy][identity_rules]") {
    identity_bench bench;
    auto& one = bench.rule("a");
    one.subject = bench.at("CN=*+OU=x");
    one.user = bench.at("{cn}");
    CHECK(bench.judge_subject({{{cn, "anna"}, {test::ou, "x"}}}) == "mapped anna");
}

TEST_CASE("identity_rules: an issuer of ca_file is known by its key (B-190, A-093)", "[policy][identity_rules]") {
    identity_bench bench;
    auto const other_root = test::make_self_signed(test::authority_request("Other Root"));
    auto const impostor = test::make_certificate(test::authority_request("Plant CA"), other_root);
    bench.rule("a").issuer = bench.at("CN=Plant CA");
    auto const decide = [&](test::identity const& leaf, test::identity const& above) {
        auto const peer = test::verified({&leaf, &above}, bench.trusted);
        REQUIRE(peer);
        return bench.rules()->decide(*peer);
    };
    bench.trusted = {&bench.root, &other_root};
    auto const theirs = test::make_certificate({}, impostor);
    auto const refused = decide(theirs, impostor);
    CHECK(identity_bench::words_of(refused) == "not_mapped");
    CHECK(refused.steps[0].detail == "issuer: has the name of a CA in ca_file, but another key");
    CHECK(bench.judge(test::certificate_request{}) == "mapped user-a");

    SECTION("a cross-certificate has the same key") {
        auto request = test::authority_request("Plant CA");
        request.own_key = bench.root.key.get();
        auto const cross = test::make_certificate(request, other_root);
        auto const ours = bench.issue(test::certificate_request{});
        CHECK(identity_bench::words_of(decide(ours, cross)) == "mapped user-a");
    }
}

TEST_CASE("identity_rules: an issuer that is not in ca_file is known by its name below one root only (B-190, A-093)",
          "[policy][identity_rules]") {
    identity_bench bench;
    auto const other_root = test::make_self_signed(test::authority_request("Other Root"));
    auto const sub = test::make_certificate(test::authority_request("Sub CA"), bench.root);
    auto const impostor = test::make_certificate(test::authority_request("Sub CA"), other_root);
    auto const leaf = test::make_certificate({}, sub);
    auto const theirs = test::make_certificate({}, impostor);
    auto const judge = [&](test::identity const& client, test::identity const& above) {
        auto const peer = test::verified({&client, &above}, bench.trusted);
        REQUIRE(peer);
        return identity_bench::words_of(bench.rules()->decide(*peer));
    };
    auto& one = bench.rule("a");
    one.issuer = bench.at("CN=Plant CA");
    CHECK(judge(leaf, sub) == "not_mapped");
    for (auto const* pattern : {"CN=Sub CA", "CN=*", "CN=* CA"}) {
        one.issuer = bench.at(pattern);
        CHECK(judge(leaf, sub) == "mapped user-a");
    }
    bench.trusted = {&bench.root, &other_root};
    CHECK(judge(leaf, sub) ==
          "refused: issuer: is not in ca_file, which has several roots: each could have a CA of this name");
    CHECK(judge(theirs, impostor) == judge(leaf, sub));
    CHECK(bench.judge(test::certificate_request{}) == "mapped user-a");
    one.issuer = bench.at("CN=Sub CA");
    CHECK_THAT(bench.faults(),
               Catch::Contains("identity[0].issuer: is the name of no CA in ca_file, which has several"));
    SECTION("a rule that denies means all of that name") {
        one.deny = true;
        CHECK(judge(leaf, sub) == "denied by a");
        CHECK(judge(theirs, impostor) == "denied by a");
    }
    SECTION("in ca_file it is known by its key") {
        bench.trusted.push_back(&sub);
        CHECK(judge(leaf, sub) == "mapped user-a");
        CHECK(judge(theirs, impostor) == "not_mapped");
        one.deny = true;
        CHECK(judge(theirs, impostor) == "denied by a");
    }
}

TEST_CASE("identity_rules: the issuer is that of the verified path, not the leaf's word", "[policy][identity_rules]") {
    identity_bench bench;
    test::certificate_request request;
    auto const self = test::make_self_signed(request);
    bench.trusted = {&self};
    bench.rule("a").issuer = bench.at("CN=client");
    auto const peer = test::verified({&self}, bench.trusted);
    REQUIRE(peer);
    REQUIRE(peer->chain().size() == 1);
    auto const decision = bench.rules()->decide(*peer);
    CHECK(identity_bench::words_of(decision) == "not_mapped");
    CHECK(decision.steps[0].detail == "issuer: the certificate is in ca_file itself, there is no issuer on its path");
}
