// Rules and mapping forms for clients of CAs that may not name everybody (B-274).
#include "policy/mapping_values.hpp"
#include "tests/policy/identity_bench.hpp"

#include <catch2/catch.hpp>

using namespace ftpsgate;
using config::mapping_form;
using policy::name_kind;
using policy::name_limits;
using test::identity_bench;

namespace {

using rule_key = std::optional<config::placed_text> config::identity_rule_settings::*;
using rule = config::identity_rule_settings;

/// Clients of a CA with name constraints, below the bench's root.
struct constrained_bench : identity_bench {
    explicit constrained_bench(std::string const& constraints, std::string const& sections = {}) {
        auto request = test::authority_request("Sub CA");
        request.name_constraints = constraints;
        request.sections = sections;
        sub = test::make_certificate(request, root);
    }

    std::shared_ptr<policy::verified_peer const> client(test::certificate_request request) const {
        request.own_key = root.key.get();
        auto const leaf = test::make_certificate(request, sub);
        return test::verified({&leaf, &sub}, trusted);
    }
    std::string judge_client(test::certificate_request const& request) const {
        auto const peer = client(request);
        REQUIRE(peer);
        return words_of(rules()->decide(*peer));
    }

    test::identity sub;
};

char const for_dns[] = "critical,permitted;DNS:plant.example";
test::certificate_request const admin{
    .subject = test::common_name("Root Admin"),
    .serial = {7},
    .alternative_names = "DNS:a.plant.example,email:root@b.example,URI:urn:root," + test::upn("root@ad")};

// A CN that could be a host's counts as one where there are no alternative names.
test::certificate_request const nobody_else{.subject = test::common_name("Root Admin")};

std::string const is_open = "is of a kind that the name constraints on the path leave open, and the rule has no issuer";

}  // namespace

TEST_CASE("identity_rules: names that constraints leave open are anybody's (B-274)", "[policy][identity_rules]") {
    auto const [name, key, pattern, user, expected] =
        GENERATE(table<char const*, rule_key, std::string, std::string, std::string>({
            {"what the constraints are about", &rule::dns, "*.plant.example", "plc", "mapped plc"},
            {"a user of that", &rule::dns, "*.plant.example", "{dns}", "mapped a.plant.example"},
            {"a user of something else", &rule::dns, "*.plant.example", "{cn}", "refused: user: {cn} " + is_open},
            {"a user's UPN", &rule::dns, "*", "{upn.local}", "refused: user: {upn.local} " + is_open},
            {"a user's URI", &rule::dns, "*", "x{uri}", "refused: user: {uri} " + is_open},
            {"a user's mail", &rule::dns, "*", "{email.local}", "refused: user: {email.local} " + is_open},
            {"a user's serial", &rule::dns, "*", "{serial}", "refused: user: {serial} " + is_open},
            {"a user's digest", &rule::dns, "*.other.example", "{sha256}", "not_mapped"},
            {"CN", &rule::subject, "CN=*", "plc", "refused: subject: " + is_open},
            {"another CN", &rule::subject, "CN=plc-*", "plc", "not_mapped"},
            {"mail", &rule::email, "*", "plc", "refused: email: " + is_open},
            {"UPN", &rule::upn, "*", "plc", "refused: upn: " + is_open},
            {"URI", &rule::uri, "*", "plc", "refused: uri: " + is_open},
            {"serial", &rule::serial, "7", "plc", "refused: serial: " + is_open},
            {"another serial", &rule::serial, "8", "plc", "not_mapped"},
            {"issuer", &rule::issuer, "CN=Sub CA", "{cn}", "mapped Root Admin"},
        }));
    INFO(name);
    constrained_bench bench(for_dns);
    auto& one = bench.rule("a");
    one.*key = bench.at(pattern);
    one.user = bench.at(user);
    CHECK(bench.judge_client(admin) == expected);
}

TEST_CASE("identity_rules: an issuer, or one certificate, is named besides (B-274)", "[policy][identity_rules]") {
    constrained_bench bench(for_dns);
    auto& one = bench.rule("a");
    one.subject = bench.at("CN=Root Admin");
    one.user = bench.at("{cn}");
    auto const peer = bench.client(admin);
    REQUIRE(peer);
    auto const judge = [&] { return identity_bench::words_of(bench.rules()->decide(*peer)); };
    CHECK_THAT(judge(), Catch::StartsWith("refused: "));
    SECTION("issuer") {
        one.issuer = bench.at("CN=Sub CA");
        CHECK(judge() == "mapped Root Admin");
    }
    SECTION("sha256") {
        one.sha256 = bench.at(policy::to_hex(peer->sha256()));
        CHECK(judge() == "mapped Root Admin");
    }
    SECTION("the key is not the whole certificate") {
        one.spki_sha256 = bench.at(policy::to_hex(policy::key_sha256_of(*peer->chain().front())));
        CHECK_THAT(judge(), Catch::StartsWith("refused: "));
    }
}

TEST_CASE("identity_rules: a rule that denies is about open names too (B-274)", "[policy][identity_rules]") {
    constrained_bench bench(for_dns);
    auto& one = bench.rule("a");
    one.subject = bench.at("CN=Root Admin");
    one.deny = true;
    CHECK(bench.judge_client(admin) == "denied by a");
}

TEST_CASE("identity_rules: constraints on directory names are about the subject and its CN (B-274)",
          "[policy][identity_rules]") {
    constrained_bench bench("critical,permitted;dirName:plant", "[plant]\nO=Plant\n");
    auto& one = bench.rule("a");
    one.user = bench.at("{cn}");
    test::certificate_request request{.subject = {{"O", "Plant"}, {"CN", "anna"}},
                                      .alternative_names = "email:root@b.example"};
    one.subject = bench.at("CN=*,O=Plant");
    CHECK(bench.judge_client(request) == "mapped anna");
    one.email = bench.at("*");
    CHECK(bench.judge_client(request) == "refused: email: " + is_open);
}

TEST_CASE("identity_rules: a CA with constraints cannot name a CA that a rule pins (B-190, B-274)",
          "[policy][identity_rules]") {
    constrained_bench bench(for_dns);
    auto const staff = test::make_certificate(test::authority_request("Staff CA"), bench.root);
    auto const impostor = test::make_certificate(test::authority_request("Staff CA"), bench.sub);
    auto const leaf = test::make_certificate(nobody_else, staff);
    auto const theirs = test::make_certificate(nobody_else, impostor);
    auto const judge = [&](std::vector<test::identity const*> const& path) {
        auto const peer = test::verified(path, bench.trusted);
        REQUIRE(peer);
        return identity_bench::words_of(bench.rules()->decide(*peer));
    };
    auto& one = bench.rule("a");
    one.issuer = bench.at("CN=Staff CA");
    one.subject = bench.at("CN=*");
    CHECK(judge({&leaf, &staff}) == "mapped user-a");
    CHECK(judge({&theirs, &impostor, &bench.sub}) ==
          "refused: issuer: is not in ca_file, and was named by a CA whose name constraints say nothing of CAs' names");
    bench.trusted.push_back(&staff);
    CHECK(judge({&leaf, &staff}) == "mapped user-a");
    CHECK(judge({&theirs, &impostor, &bench.sub}) == "not_mapped");
}

TEST_CASE("path_facts: name constraints leave open what none of them is about (B-274)", "[policy][path_facts]") {
    auto const open_kinds = [](std::string const& constraints) {
        constrained_bench const bench(constraints, "[plant]\nO=Plant\n");
        auto const leaf = test::make_certificate({}, bench.sub);
        policy::certificate_list path;
        for (auto const* each : {&leaf, &bench.sub, &bench.root})
            path.push_back(bssl::UpRef(each->certificate));
        CHECK_FALSE(name_limits(path, 2).leave_open(name_kind::no_name));
        name_limits const limits(path, 1);
        std::string text;
        for (auto const& [kind, letter] : {std::pair{name_kind::directory, 'd'},
                                           {name_kind::email, 'e'},
                                           {name_kind::dns, 'h'},
                                           {name_kind::uri, 'u'},
                                           {name_kind::other, 'o'},
                                           {name_kind::no_name, 'n'}})
            if (limits.leave_open(kind)) text += letter;
        return text;
    };
    CHECK(open_kinds("").empty());
    CHECK(open_kinds("critical,permitted;DNS:a") == "deuon");
    CHECK(open_kinds("permitted;email:a,excluded;URI:b") == "dhon");
    CHECK(open_kinds("excluded;IP:192.0.2.0/255.255.255.0") == "dehuon");
    CHECK(open_kinds("permitted;dirName:plant") == "ehuon");
}

TEST_CASE("mapping_values: forms that constraints leave open find nobody for sure (B-274)",
          "[policy][mapping_values]") {
    constrained_bench const bench(for_dns);
    auto const peer = bench.client(admin);
    REQUIRE(peer);
    for (auto const form :
         {mapping_form::subject, mapping_form::upn, mapping_form::rfc822, mapping_form::ski, mapping_form::sid})
        CHECK_THAT(caveat_of(form, peer->path()), Catch::Contains(policy::word_of(form)));
    // The issuer itself was named by a CA without constraints.
    for (auto const form : {mapping_form::issuer_serial, mapping_form::issuer_subject, mapping_form::sha1_public_key,
                            mapping_form::user_certificate})
        CHECK(caveat_of(form, peer->path()).empty());

    auto const below = test::make_certificate(test::authority_request("Staff CA"), bench.sub);
    auto const leaf = test::make_certificate(nobody_else, below);
    auto const theirs = test::verified({&leaf, &below, &bench.sub}, bench.trusted);
    REQUIRE(theirs);
    CHECK_FALSE(caveat_of(mapping_form::issuer_serial, theirs->path()).empty());
    CHECK_FALSE(caveat_of(mapping_form::issuer_subject, theirs->path()).empty());
    CHECK(caveat_of(mapping_form::sha1_public_key, theirs->path()).empty());
}
