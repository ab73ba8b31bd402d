// What rules make of clients, and what is wrong with rules.
#include "policy/backend_password.hpp"
#include "tests/policy/identity_bench.hpp"

#include <catch2/catch.hpp>

#include <random>

using namespace ftpsgate;
using namespace std::string_literals;
using test::cn;
using test::identity_bench;

namespace {

using rule_key = std::optional<config::placed_text> config::identity_rule_settings::*;
using rule = config::identity_rule_settings;

}  // namespace

TEST_CASE("identity_rules: the user may be made of the certificate", "[policy][identity_rules]") {
    auto const [text, expected] = GENERATE(table<std::string, std::string>({
        {"x-{cn}", "mapped x-anna"},
        {"{email}", "mapped a.b@example.com"},
        {"{email.local}", "mapped a.b"},
        {"{upn.local}", "mapped anna"},
        {"{serial}", "mapped 0A1B"},
        {"{dns}", "refused: user: {dns} is not in the certificate"},
        {"{uri}", "refused: user: {uri} is there more than once"},
    }));
    identity_bench bench;
    auto& one = bench.rule("a");
    one.issuer = bench.at("CN=Plant CA");
    one.user = bench.at(text);
    CHECK(bench.judge({.subject = test::common_name("anna"),
                       .serial = {0x0A, 0x1B},
                       .alternative_names = "email:a.b@example.com,URI:a:b,URI:c:d," + test::upn("anna@ad")}) ==
          expected);
}

TEST_CASE("identity_rules: whose user cannot be made of the certificate does not get the next rule's",
          "[policy][identity_rules]") {
    identity_bench bench;
    auto& one = bench.rule("a");
    one.issuer = bench.at("CN=Plant CA");
    one.user = bench.at("{dns}");
    bench.rule("b").issuer = bench.at("CN=Plant CA");
    auto const decision = bench.decide(bench.issue(test::certificate_request{}));
    CHECK(identity_bench::words_of(decision) == "refused: user: {dns} is not in the certificate");
    CHECK(decision.rule == "a");
    CHECK(decision.steps.size() == 1);
    bench.site.identity[0].subject = bench.at("CN=otto");
    CHECK(bench.judge(test::certificate_request{}) == "mapped user-b");
}

TEST_CASE("identity_rules: where nobody logs in by certificate, only denials are left (IIS.md d.5)",
          "[policy][identity_rules]") {
    identity_bench bench;
    bench.site.authentication.client_certificate = false;
    auto& mapping = bench.rule("a");
    mapping.dns = bench.at("*.plant.example");
    mapping.user = bench.at("{email}");
    mapping.password = {.value = {}, .file = config::file_path{"/nonexistent/%u", {}}, .environment = {}};
    auto& denial = bench.rule("b");
    denial.subject = bench.at("CN=anna");
    denial.deny = true;
    auto const judge = [&](std::string const& name, std::string const& names) {
        return bench.decide(bench.issue({.subject = test::common_name(name), .alternative_names = names}));
    };
    auto const of_the_rule = judge("anna", "DNS:a.plant.example");
    CHECK(identity_bench::words_of(of_the_rule) == "not_mapped");
    CHECK(of_the_rule.rule == "a");
    CHECK(of_the_rule.login == nullptr);
    CHECK(of_the_rule.steps.back().matched);
    CHECK(identity_bench::words_of(judge("anna", "DNS:a.example")) == "denied by b");
    // Doubt about a rule that would map is no doubt any more; about one that denies it is.
    CHECK(identity_bench::words_of(judge("otto", "DNS:a.plant.example,DNS:b.plant.example")) == "not_mapped");
    CHECK(identity_bench::words_of(judge("anna", "DNS:a.plant.example,DNS:b.plant.example")) == "denied by b");
    CHECK(judge("otto", "DNS:a.example").rule.empty());
    CHECK(bench.judge_subject({{{cn, "anna"}}, {{cn, "otto"}}}) == "refused: subject: there is more than one CN");
}

TEST_CASE("identity_rules: passwords and accounts come along, and are in no word of it", "[policy][identity_rules]") {
    identity_bench bench;
    test::temporary_folder const folder;
    folder.write("anna", "the password of anna\n");
    folder.write("broken", "the password\nin two lines");
    auto& one = bench.rule("a");
    one.subject = bench.at("CN=*");
    one.user = bench.at("{cn}");
    one.account = bench.at("the account");
    one.password = {.value = {}, .file = config::file_path{folder.path() + "/%u", {}}, .environment = {}};

    auto const anna = bench.decide(bench.issue({.subject = test::common_name("anna")}));
    REQUIRE(anna.login);
    CHECK(anna.login->password.reveal() == "the password of anna");
    REQUIRE(anna.login->account);
    CHECK(anna.login->account->reveal() == "the account");

    auto const [name, why] = GENERATE(table<std::string, std::string>({
        {"otto", "No such file or directory"},
        {"broken", "is not one line of UTF-8 with at most 255 bytes"},
        {"../anna", "the user's name cannot be part of a file's name"},
        {"x/anna", "the user's name cannot be part of a file's name"},
        {".anna", "the user's name cannot be part of a file's name"},
    }));
    auto const other = bench.decide(bench.issue({.subject = test::common_name(name)}));
    CHECK(other.outcome == policy::identity_outcome::refused);
    CHECK(other.login == nullptr);
    CHECK_THAT(other.detail, Catch::StartsWith("password: ") && Catch::EndsWith(why));
    for (auto const* decision : {&anna, &other}) {
        auto words = decision->rule + decision->detail;
        for (auto const& each : decision->steps)
            words += each.name + each.detail;
        CHECK(words.find("the password") == std::string::npos);
        CHECK(words.find("the account") == std::string::npos);
    }
}

TEST_CASE("identity_rules: faults have the place of the value", "[policy][identity_rules]") {
    auto const [name, key, text, expected] = GENERATE(table<std::string, rule_key, std::string, std::string>({
        {"subject", &rule::subject, "CN=a,", "an attribute like CN=name is missing, at character 6"},
        {"issuer", &rule::issuer, "Plant CA", "there is no '=' behind \"Plant\", at character 7"},
        {"serial", &rule::serial, "0A1G", "is no number in hex (like \"0A1B\")"},
        {"serial", &rule::serial, "-", "is no number in hex (like \"0A1B\")"},
        {"serial", &rule::serial, ":", "is no number in hex (like \"0A1B\")"},
        {"serial", &rule::serial, "--1", "is no number in hex (like \"0A1B\")"},
        {"sha256", &rule::sha256, "9f86", "is no SHA-256 digest (64 digits in hex)"},
        {"sha256", &rule::sha256, std::string(63, 'a') + "g", "is no SHA-256 digest (64 digits in hex)"},
        {"spki_sha256", &rule::spki_sha256, std::string(65, 'a'), "is no SHA-256 digest (64 digits in hex)"},
        {"email", &rule::email, "example.com", "is no mail address with '*' (like \"*@example.com\")"},
        {"email", &rule::email, "@example.com", "is no mail address with '*' (like \"*@example.com\")"},
        {"email", &rule::email, "a@", "is no mail address with '*' (like \"*@example.com\")"},
        {"email", &rule::email, "a@b@c", "is no mail address with '*' (like \"*@example.com\")"},
        {"dns", &rule::dns, "a b", "is no host name with '*' (like \"*.plant.example\")"},
        {"dns", &rule::dns, "b\xC3\xBC.de", "is no host name with '*' (like \"*.plant.example\")"},
        {"upn", &rule::upn, " a", "no certificate would match, as it begins or ends with a space"},
        {"uri", &rule::uri, "a b", "is no URI with '*' (like \"spiffe://plant.example/*\")"},
        {"user", &rule::user, "{name}",
         "placeholder \"name\" is not known, at character 1 ({cn} {email} {email.local} {upn} {upn.local} {dns} {uri} "
         "{serial} {sha256})"},
        {"account", &rule::account, "a\nb", "has to be one line of UTF-8, not empty, with at most 255 bytes"},
    }));
    identity_bench bench;
    auto& one = bench.rule("a");
    one.upn = bench.at("*");
    bench.line = 41;
    one.*key = bench.at(text);
    CHECK(bench.faults() == "gate.toml:42:11: error: site[ftp].identity[0]." + name + ": " + expected + "\n");
}

TEST_CASE("identity_rules: all faults of all rules are found", "[policy][identity_rules]") {
    identity_bench bench;
    bench.rule("a").serial = bench.at("x");
    auto& second = bench.rule("a");
    second.sha256 = bench.at("x");
    second.user = bench.at("{");
    second.password.value = bench.at("a\nb");
    CHECK(bench.faults() ==
          "gate.toml:1:11: error: site[ftp].identity[0].serial: is no number in hex (like \"0A1B\")\n"
          "error: site[ftp].identity[1].name: another rule has the name \"a\"\n"
          "gate.toml:6:11: error: site[ftp].identity[1].sha256: is no SHA-256 digest (64 digits in hex)\n"
          "gate.toml:7:11: error: site[ftp].identity[1].user: there is a '{' without its '}', at character 1\n"
          "gate.toml:8:11: error: site[ftp].identity[1].password: is not one line of UTF-8 with at most 255 bytes\n");
}

TEST_CASE("identity_rules: a rule says whom it is for, and as whom", "[policy][identity_rules]") {
    identity_bench bench;
    auto& one = bench.rule("a");
    SECTION("nobody") {
        CHECK_THAT(bench.faults(), Catch::StartsWith("error: site[ftp].identity[0]: the rule does not say whom it is"));
    }
    SECTION("nobody to deny") {
        one.deny = true;
        CHECK_THAT(bench.faults(), Catch::StartsWith("error: site[ftp].identity[0]: the rule does not say whom it is"));
    }
    SECTION("no user") {
        one.dns = bench.at("*");
        one.user.reset();
        CHECK_THAT(bench.faults(), Catch::StartsWith("error: site[ftp].identity[0].user: is missing"));
        one.deny = true;
        CHECK(bench.faults().empty());
    }
    SECTION("no password") {
        one.dns = bench.at("*");
        one.password = {};
        CHECK(bench.faults() == "error: site[ftp].identity[0].password: is missing\n");
        one.deny = true;
        CHECK(bench.faults().empty());
    }
}

TEST_CASE("identity_rules: no bytes in a certificate make more than one line at the backend (A-041, B-192)",
          "[policy][identity_rules]") {
    identity_bench bench;
    auto const add = [&](std::string const& placeholder, rule_key key, std::string const& pattern) {
        auto& one = bench.rule(placeholder);
        one.*key = bench.at(pattern);
        one.user = bench.at("x{" + placeholder + "}");
    };
    auto const order = GENERATE(range(0, 6));
    if (order == 0) add("cn", &rule::subject, "CN=*");
    if (order == 1) add("email", &rule::email, "*");
    if (order == 2) add("dns", &rule::dns, "*");
    if (order == 3) add("upn", &rule::upn, "*");
    if (order == 4) add("uri", &rule::uri, "*");
    if (order == 5) add("upn.local", &rule::issuer, "CN=*");

    std::mt19937 random(static_cast<unsigned>(order));  // NOLINT: the same in every run
    std::string const alphabet = "abc@.:/-* \r\n\0\t\x1B\x7F\xC2\x85\xC3\xB6\xE2\x80\xA8\xFF%{}\\\"'"s;
    auto const some_bytes = [&] {
        std::string made = random() % 2 == 0 ? "a@b" : "a:b";
        for (auto count = random() % 4 == 0 ? random() % 300 : random() % 3; count > 0; --count)
            made.insert(random() % (made.size() + 1), 1, alphabet[random() % alphabet.size()]);
        return made;
    };
    auto const rules = bench.rules();
    std::size_t mapped = 0;
    for (int round = 0; round < 120; ++round) {
        std::vector<test::bytes> names{test::raw_email(some_bytes()), test::raw_dns(some_bytes()),
                                       test::raw_upn(some_bytes()), test::raw_uri(some_bytes())};
        auto const plain = bench.issue(test::certificate_request{.raw = {test::san(names)}});
        auto const leaf = test::with_subject(plain, test::raw_name({{{cn, some_bytes()}}}), bench.root);
        auto const peer = test::verified({&leaf}, bench.trusted);
        if (!peer) continue;
        auto const decision = rules->decide(*peer);
        if (decision.outcome != policy::identity_outcome::mapped) continue;
        ++mapped;
        CHECK(policy::fits_ftp_line(decision.login->user));
        CHECK(decision.login->user.find_first_of("\r\n\x1B\x7F") == std::string::npos);
        CHECK(decision.login->user.find('\0') == std::string::npos);
    }
    if (order != 2) CHECK(mapped > 0);  // else the test would show nothing; DNS names have neither '@' nor ':'
}
