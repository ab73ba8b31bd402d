// Certificate policies (RFC 5280 6.1). Which of them a CA demands is told by requireExplicitPolicy; without it nothing
// but malformed ones breaks a path.
#include "tests/policy/chain_fixture.hpp"

#include <catch2/catch.hpp>

#include <chrono>

using namespace ftpsgate;
using namespace ftpsgate::policy;
using test::authority_request;
using test::certificate_request;
using test::identity;
using test::make_certificate;

namespace {

constexpr auto none = refusal::none;
constexpr auto constraint = refusal::constraint;

using extension = std::pair<std::string, std::string>;
extension const demanded{"policyConstraints", "critical,requireExplicitPolicy:0"};

// A CA with policies, and what it says of them.
certificate_request authority(std::string const& policies, std::vector<extension> more = {}) {
    auto request = authority_request("CA");
    request.policies = policies;
    request.more = std::move(more);
    return request;
}

certificate_request client(std::string const& policies) {
    return {.policies = policies};
}

enum class names { different, same };

// What is said of a path below a root: CAs from the highest to the lowest, then the leaf. CAs of the same name have
// issued to themselves, but for the first.
chain_answer answer(std::vector<certificate_request> requests, names of_authorities = names::different) {
    test::chain_fixture const made;
    std::vector<identity> issued;
    for (auto& one : requests) {
        bool const number = of_authorities == names::different && &one != &requests.back();
        if (number) one.subject = test::common_name("CA " + std::to_string(issued.size()));
        issued.push_back(make_certificate(one, issued.empty() ? made.root : issued.back()));
    }
    std::vector<identity const*> presented;
    for (auto at = issued.rbegin(); at != issued.rend(); ++at)
        presented.push_back(&*at);
    return made.check(presented);
}

refusal judge(std::vector<certificate_request> requests, names of_authorities = names::different) {
    return answer(std::move(requests), of_authorities).reason;
}

test::raw_extension rubbish(std::string const& oid, test::bytes der = {0x30, 0x05, 'a', 'b', 'c'}) {
    return {oid, false, std::move(der)};
}

constexpr auto* certificate_policies = "2.5.29.32";
constexpr auto* policy_mappings = "2.5.29.33";
constexpr auto* policy_constraints = "2.5.29.36";
constexpr auto* inhibit_any_policy = "2.5.29.54";

}  // namespace

TEST_CASE("certificate_policies: they do not matter until a CA demands one", "[policy][certificate_policies]") {
    CHECK(judge({authority("1.2.3"), client("1.2.4")}) == none);
    CHECK(judge({authority("1.2.3"), client("")}) == none);
    CHECK(judge({authority("1.2.3", {demanded}), client("1.2.3")}) == none);
    CHECK(judge({authority("1.2.3", {demanded}), client("1.2.4,1.2.3")}) == none);
    CHECK(judge({authority("1.2.3", {demanded}), client("1.2.4")}) == constraint);
    CHECK(judge({authority("", {demanded}), client("1.2.3")}) == constraint);
    auto const refused = answer({authority("1.2.3", {demanded}), client("")});
    CHECK(refused.reason == constraint);
    CHECK(refused.words == "no certificate policy is valid for the path down to CN=client, and one is demanded");
}

TEST_CASE("certificate_policies: the demand may begin some certificates below", "[policy][certificate_policies]") {
    auto const from = [](int skipped) {
        return extension{"policyConstraints", "critical,requireExplicitPolicy:" + std::to_string(skipped)};
    };
    CHECK(judge({authority("", {from(0)}), authority(""), client("")}) == constraint);
    CHECK(judge({authority("", {from(1)}), authority(""), client("")}) == constraint);
    CHECK(judge({authority("", {from(2)}), authority(""), client("")}) == constraint);
    CHECK(judge({authority("", {from(3)}), authority(""), client("")}) == none);
    CHECK(judge({authority("", {from(3)}), authority("", {from(9)}), client("")}) == none);
    CHECK(judge({authority("", {from(9)}), authority("", {from(0)}), client("")}) == constraint);
    auto leaf = client("");
    leaf.more = {from(0)};
    CHECK(judge({authority(""), leaf}) == constraint);
    leaf.more = {from(1)};
    CHECK(judge({authority(""), leaf}) == none);
}

TEST_CASE("certificate_policies: CAs that issued to themselves are not counted", "[policy][certificate_policies]") {
    extension const two{"policyConstraints", "critical,requireExplicitPolicy:2"};
    CHECK(judge({authority("", {two}), authority(""), client("")}, names::different) == constraint);
    CHECK(judge({authority("", {two}), authority(""), client("")}, names::same) == none);
    extension const any_inhibited{"inhibitAnyPolicy", "critical,0"};
    auto const* const any = "2.5.29.32.0";
    auto const path = {authority(any, {demanded, any_inhibited}), authority(any), client("1.2.3")};
    CHECK(judge(path, names::different) == constraint);
    CHECK(judge(path, names::same) == none);
}

TEST_CASE("certificate_policies: anyPolicy stands for all, until a CA inhibits it", "[policy][certificate_policies]") {
    auto const* const any = "2.5.29.32.0";
    extension const inhibited{"inhibitAnyPolicy", "critical,0"}, later{"inhibitAnyPolicy", "critical,1"};
    CHECK(judge({authority(any, {demanded}), client("1.2.3")}) == none);
    CHECK(judge({authority("1.2.3", {demanded}), client(any)}) == none);
    CHECK(judge({authority(any, {demanded}), client(any)}) == none);
    CHECK(judge({authority(any, {demanded, inhibited}), client(any)}) == constraint);
    CHECK(judge({authority("1.2.3", {demanded, inhibited}), client(any)}) == constraint);
    CHECK(judge({authority("1.2.3", {demanded, inhibited}), client("1.2.3")}) == none);
    CHECK(judge({authority("1.2.3", {demanded, later}), client(any)}) == none);
    CHECK(judge({authority("1.2.3", {demanded, later}), authority("1.2.3,1.2.4"), client(any)}) == constraint);
}

TEST_CASE("certificate_policies: a mapping gives a policy another name below", "[policy][certificate_policies]") {
    extension const renamed{"policyMappings", "critical,1.2.3:1.2.4"};
    CHECK(judge({authority("1.2.3", {demanded, renamed}), client("1.2.4")}) == none);
    CHECK(judge({authority("1.2.3", {demanded, renamed}), client("1.2.3")}) == constraint);
    CHECK(judge({authority("1.2.5", {demanded, renamed}), client("1.2.4")}) == constraint);
    CHECK(judge({authority("2.5.29.32.0", {demanded, renamed}), client("1.2.4")}) == none);
    CHECK(judge({authority("2.5.29.32.0", {demanded, renamed}), client("1.2.5")}) == none);
    extension const two{"policyMappings", "critical,1.2.3:1.2.3,1.2.3:1.2.4"};
    CHECK(judge({authority("1.2.3", {demanded, two}), client("1.2.3")}) == none);
    CHECK(judge({authority("1.2.3", {demanded, two}), client("1.2.4")}) == none);
    extension const back{"policyMappings", "critical,1.2.4:1.2.3"};
    CHECK(judge({authority("1.2.3", {demanded, renamed}), authority("1.2.4", {back}), client("1.2.3")}) == none);
    CHECK(judge({authority("1.2.3", {demanded, renamed}), authority("1.2.4", {back}), client("1.2.4")}) == constraint);
}

TEST_CASE("certificate_policies: where mapping is inhibited, what would be mapped is lost",
          "[policy][certificate_policies]") {
    extension const inhibited{"policyConstraints", "critical,requireExplicitPolicy:0,inhibitPolicyMapping:0"};
    extension const later{"policyConstraints", "critical,requireExplicitPolicy:0,inhibitPolicyMapping:1"};
    extension const renamed{"policyMappings", "critical,1.2.3:1.2.4"};
    auto const ends = [&](extension const& constraints, std::string const& leaf) {
        return judge({authority("1.2.3,1.2.5", {constraints}), authority("1.2.3,1.2.5", {renamed}), client(leaf)});
    };
    CHECK(ends(later, "1.2.4") == none);
    CHECK(ends(inhibited, "1.2.4") == constraint);
    CHECK(ends(inhibited, "1.2.3") == constraint);
    CHECK(ends(inhibited, "1.2.5") == none);
}

TEST_CASE("certificate_policies: anyPolicy cannot be mapped", "[policy][certificate_policies]") {
    for (auto const* pair : {"2.5.29.32.0:1.2.3", "1.2.3:2.5.29.32.0"})
        CHECK(judge({authority("1.2.3", {{"policyMappings", pair}}), client("1.2.3")}) == constraint);
}

TEST_CASE("certificate_policies: what cannot be read breaks the path, also beside nothing else",
          "[policy][certificate_policies]") {
    auto const broken =
        GENERATE(rubbish(certificate_policies), rubbish(certificate_policies, {0x30, 0x00}), rubbish(policy_mappings),
                 rubbish(policy_mappings, {0x30, 0x00}), rubbish(policy_constraints),
                 rubbish(policy_constraints, {0x30, 0x00}), rubbish(policy_constraints, {0x30, 0x03, 0x80, 0x01, 0xff}),
                 rubbish(inhibit_any_policy), rubbish(inhibit_any_policy, {0x02, 0x01, 0xff}));
    INFO(broken.oid);
    auto upper = authority_request("CA");
    upper.raw = {broken};
    auto const refused = answer({upper, client("")});
    CHECK(refused.reason == constraint);
    CHECK(refused.words == "the certificate policies of CN=CA 0 are malformed");
    auto leaf = client("");
    leaf.raw = {broken};
    CHECK(judge({authority_request("CA"), leaf}) == constraint);
}

TEST_CASE("certificate_policies: what is there twice breaks the path", "[policy][certificate_policies]") {
    auto upper = authority("1.2.3");
    upper.raw = {rubbish(certificate_policies, {0x30, 0x06, 0x30, 0x04, 0x06, 0x02, 0x2a, 0x03})};
    CHECK(judge({upper, client("")}) != none);
    CHECK(judge({authority("1.2.3,1.2.4,1.2.3"), client("")}) == constraint);
    CHECK(judge({authority("2.5.29.32.0,2.5.29.32.0"), client("")}) == constraint);
}

TEST_CASE("certificate_policies: counters beyond any path mean that nothing is demanded",
          "[policy][certificate_policies]") {
    auto upper = authority_request("CA");
    upper.raw = {rubbish(policy_constraints, {0x30, 0x0b, 0x80, 0x09, 0x7f, 1, 2, 3, 4, 5, 6, 7, 8})};
    CHECK(judge({upper, client("")}) == none);
}

// The tree of RFC 5280 has 6^9 leaves here; BoringSSL took minutes and gigabytes to build it.
TEST_CASE("certificate_policies: mappings of all to all cost little (A-097, CVE-2023-0464)",
          "[policy][certificate_policies]") {
    std::string policies, mappings;
    for (int i = 1; i <= 6; ++i) {
        policies += (i > 1 ? ",1.2.3." : "1.2.3.") + std::to_string(i);
        for (int j = 1; j <= 6; ++j)
            mappings += (mappings.empty() ? "1.2.3." : ",1.2.3.") + std::to_string(i) + ":1.2.3." + std::to_string(j);
    }
    std::vector<certificate_request> requests;
    for (int i = 0; i < 9; ++i)
        requests.push_back(authority(policies, {{"policyMappings", mappings}}));
    requests.front().more.push_back(demanded);
    for (auto const& [leaf, expected] : {std::pair("1.2.3.6", none), std::pair("1.2.3.7", constraint)}) {
        requests.push_back(client(leaf));
        auto const before = std::chrono::steady_clock::now();
        CHECK(judge(requests) == expected);
        CHECK(std::chrono::steady_clock::now() - before < std::chrono::seconds(10));
        requests.pop_back();
    }
}
