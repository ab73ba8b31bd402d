// The path: whom it leads to and what breaks it. Revocation is in chain_revocation_test.cpp.
#include "policy/chain.hpp"

#include "tests/policy/chain_fixture.hpp"

#include <catch2/catch.hpp>

#include <chrono>

using namespace ftpsgate;
using namespace ftpsgate::policy;
using test::authority_request;
using test::certificate_request;
using test::common_name;
using test::identity;
using test::make_certificate;
using test::make_self_signed;

namespace {

// As many CAs as wanted, each below the one before; the first is below `root`.
std::vector<identity> authorities(identity const& root, int count) {
    std::vector<identity> made;
    for (int i = 0; i < count; ++i)
        made.push_back(
            make_certificate(authority_request("CA " + std::to_string(i)), made.empty() ? root : made.back()));
    return made;
}

std::vector<identity const*> presented(identity const& leaf, std::vector<identity> const& above) {
    std::vector<identity const*> all{&leaf};
    for (auto at = above.rbegin(); at != above.rend(); ++at)
        all.push_back(&*at);
    return all;
}

}  // namespace

TEST_CASE("chain: the path leads from the leaf to the anchor, whatever the order of the others", "[policy][chain]") {
    test::chain_fixture made;
    auto const other = make_self_signed(authority_request("Other"));
    auto const leaf = made.issue({.subject = common_name("anna")});
    auto const answer = made.check({&leaf, &other, &made.root, &made.middle});
    REQUIRE(answer.reason == refusal::none);
    REQUIRE(answer.path.size() == 3);
    CHECK(facts_of(*answer.path[0]).subject == "CN=anna");
    CHECK(facts_of(*answer.path[1]).subject == "CN=Middle");
    CHECK(facts_of(*answer.path[2]).subject == "CN=Root");
    CHECK(answer.findings.empty());
    CHECK_FALSE(answer.orphan);
}

TEST_CASE("chain: where the issuer is not to be found, the orphan is named", "[policy][chain]") {
    test::chain_fixture made;
    auto const lower = make_certificate(authority_request("Lower"), made.middle);
    auto const leaf = make_certificate({.subject = common_name("anna")}, lower);
    auto const no_issuer = made.check({&leaf});
    CHECK(no_issuer.reason == refusal::untrusted);
    REQUIRE(no_issuer.orphan);
    CHECK(facts_of(*no_issuer.orphan).subject == "CN=anna");
    auto const half = made.check({&leaf, &lower});
    CHECK(half.reason == refusal::untrusted);
    REQUIRE(half.orphan);
    CHECK(facts_of(*half.orphan).subject == "CN=Lower");
}

TEST_CASE("chain: nobody but the anchors is trusted (B-272)", "[policy][chain]") {
    test::chain_fixture const made;
    auto const stranger = make_self_signed(authority_request("Stranger"));
    auto const leaf = make_certificate({}, stranger);
    CHECK(made.check({&leaf}).reason == refusal::untrusted);
    CHECK(made.check({&leaf, &stranger}).reason == refusal::untrusted);
    auto const alone = make_self_signed({});
    CHECK(made.check({&alone}).reason == refusal::untrusted);
}

TEST_CASE("chain: a CA of the same name with another key is not the anchor (A-093)", "[policy][chain]") {
    test::chain_fixture const made;
    auto const twin = make_self_signed(authority_request("Root"));
    auto const leaf = make_certificate({}, twin);
    CHECK(made.check({&leaf}).reason == refusal::untrusted);
    CHECK(made.check({&leaf, &twin}).reason == refusal::untrusted);
    CHECK(made.check({&leaf, &twin, &made.root}).reason == refusal::untrusted);
    auto const middle_twin = make_self_signed(authority_request("Middle"));
    auto const below_twin = make_certificate({}, middle_twin);
    CHECK(made.check({&below_twin, &made.middle}).reason != refusal::none);
    CHECK(made.check({&below_twin, &middle_twin, &made.middle}).reason != refusal::none);
}

TEST_CASE("chain: of two anchors of one name, the one whose key signed is found (A-093)", "[policy][chain]") {
    test::chain_fixture made;
    auto const twin = make_self_signed(authority_request("Root"));
    made.trusted = {&twin, &made.root};
    auto const one = make_certificate({}, made.root);
    auto const other = make_certificate({}, twin);
    CHECK(made.check({&one}).reason == refusal::none);
    CHECK(made.check({&other}).reason == refusal::none);
}

TEST_CASE("chain: a CA that another root cross-certified is followed to the anchor, whichever comes first",
          "[policy][chain]") {
    test::chain_fixture const made;
    auto const other = make_self_signed(authority_request("Other"));
    auto request = authority_request("Middle");
    request.own_key = made.middle.key.get();
    auto const cross = make_certificate(request, other);
    auto const leaf = made.issue({});
    CHECK(made.check({&leaf, &made.middle, &cross}).reason == refusal::none);
    CHECK(made.check({&leaf, &cross, &made.middle}).reason == refusal::none);
    CHECK(made.check({&leaf, &cross, &other, &made.middle}).reason == refusal::none);
}

TEST_CASE("chain: a CA's certificate in ca_file is an anchor also where it is not self-signed", "[policy][chain]") {
    test::chain_fixture made;
    made.trusted = {&made.middle};
    auto const leaf = made.issue({});
    auto const beside = make_certificate({}, made.root);
    auto const answer = made.check({&leaf});
    CHECK(answer.reason == refusal::none);
    CHECK(answer.path.size() == 2);
    CHECK(made.check({&leaf, &made.middle, &made.root}).reason == refusal::none);
    CHECK(made.check({&beside, &made.root}).reason == refusal::untrusted);
}

TEST_CASE("chain: a client's own certificate in ca_file is accepted, and nobody below it", "[policy][chain]") {
    test::chain_fixture made;
    certificate_request request;
    if (GENERATE(true, false)) request.key_usage.clear();
    auto const pinned = GENERATE(true, false) ? make_self_signed(request) : made.issue(request);
    made.trusted = {&pinned};
    auto const answer = made.check({&pinned});
    CHECK(answer.reason == refusal::none);
    CHECK(answer.path.size() == 1);
    auto const below = make_certificate({.subject = common_name("mallory")}, pinned);
    CHECK(made.check({&below, &pinned}).reason != refusal::none);
}

TEST_CASE("chain: a signature that is not the issuer's is found on every certificate of the path", "[policy][chain]") {
    test::chain_fixture made;
    auto const leaf = made.issue({});
    identity const bad_leaf{test::with_bad_signature(*leaf.certificate), nullptr};
    identity const bad_middle{test::with_bad_signature(*made.middle.certificate), nullptr};
    CHECK(made.check({&bad_leaf, &made.middle}).reason == refusal::bad_signature);
    CHECK(made.check({&leaf, &bad_middle}).reason == refusal::bad_signature);
    CHECK_FALSE(made.check({&bad_leaf, &made.middle}).orphan);
}

TEST_CASE("chain: every certificate of the path has to be valid now", "[policy][chain]") {
    test::chain_fixture made;
    certificate_request leaf;
    SECTION("expired leaf") {
        leaf.not_after = test::hours_from_now(-1);
        CHECK(made.judge(leaf) == refusal::expired);
    }
    SECTION("leaf of tomorrow") {
        leaf.not_before = test::hours_from_now(20);
        CHECK(made.judge(leaf) == refusal::not_yet_valid);
    }
    SECTION("expired CA") {
        auto request = authority_request("Middle");
        request.not_after = test::hours_from_now(-1);
        made.middle = make_certificate(request, made.root);
        CHECK(made.judge(leaf) == refusal::expired);
    }
    SECTION("expired anchor") {
        auto request = authority_request("Root");
        request.not_after = test::hours_from_now(-1);
        request.own_key = made.root.key.get();
        made.root = make_self_signed(request);
        CHECK(made.judge(leaf) == refusal::expired);
    }
    SECTION("the question's clock counts") {
        made.now = test::days_from_now(40);
        CHECK(made.judge(leaf) == refusal::expired);
        made.now = test::days_from_now(-400);
        CHECK(made.judge(leaf) == refusal::not_yet_valid);
    }
}

TEST_CASE("chain: only CAs issue (A-096)", "[policy][chain]") {
    test::chain_fixture made;
    auto request = authority_request("Middle");
    SECTION("CA:FALSE") {
        request.basic_constraints = "critical,CA:FALSE";
    }
    SECTION("no basicConstraints") {
        request.basic_constraints.clear();
    }
    SECTION("no keyCertSign") {
        request.key_usage = "critical,cRLSign,digitalSignature";
    }
    SECTION("neither basicConstraints nor key usage") {
        request.basic_constraints.clear();
        request.key_usage.clear();
    }
    SECTION("a Netscape CA without basicConstraints") {
        request.basic_constraints.clear();
        request.more = {{"nsCertType", "sslCA"}};
    }
    made.middle = make_certificate(request, made.root);
    CHECK(made.judge({}) != refusal::none);
}

TEST_CASE("chain: path lengths are kept (A-096)", "[policy][chain]") {
    test::chain_fixture made;
    auto const below = make_certificate(authority_request("Below"), made.middle);
    auto const judge_below = [&] {
        auto const lower = make_certificate(authority_request("Lower"), made.middle);
        auto const leaf = make_certificate({}, lower);
        return made.check({&leaf, &lower, &made.middle}).reason;
    };
    CHECK(judge_below() == refusal::none);
    made.middle = make_certificate(authority_request("Middle", 0), made.root);
    CHECK(judge_below() == refusal::constraint);
    CHECK(made.judge({}) == refusal::none);
    made.middle = make_certificate(authority_request("Middle", 1), made.root);
    CHECK(judge_below() == refusal::none);
}

TEST_CASE("chain: the path length of the anchor is kept, too (A-096)", "[policy][chain]") {
    test::chain_fixture made;
    made.root = make_self_signed(authority_request("Root", 0));
    made.middle = make_certificate(authority_request("Middle"), made.root);
    CHECK(made.judge({}) == refusal::constraint);
    auto const direct = make_certificate({}, made.root);
    CHECK(made.check({&direct}).reason == refusal::none);
}

TEST_CASE("chain: an anchor that issues has to be a CA, without unknown critical extensions (A-096)",
          "[policy][chain]") {
    test::chain_fixture made;
    auto request = authority_request("Root");
    SECTION("no basicConstraints") {
        request.basic_constraints.clear();
    }
    SECTION("CA:FALSE") {
        request.basic_constraints = "CA:FALSE";
    }
    SECTION("a critical extension") {
        request.raw = {test::unknown_extension(true)};
    }
    made.root = make_self_signed(request);
    made.middle = make_certificate(authority_request("Middle"), made.root);
    CHECK(made.judge({}) != refusal::none);
    auto const direct = make_certificate({}, made.root);
    CHECK(made.check({&direct}).reason != refusal::none);
}

TEST_CASE("chain: an unknown critical extension on any certificate of the path breaks it (A-096)", "[policy][chain]") {
    test::chain_fixture made;
    auto const critical = GENERATE(true, false);
    auto const expected = critical ? refusal::constraint : refusal::none;
    CHECK(made.judge({.raw = {test::unknown_extension(critical)}}) == expected);
    auto request = authority_request("Middle");
    request.raw = {test::unknown_extension(critical)};
    made.middle = make_certificate(request, made.root);
    CHECK(made.judge({}) == expected);
}

TEST_CASE("chain: proxy certificates are refused (A-098)", "[policy][chain]") {
    test::chain_fixture const made;
    auto const leaf = made.issue({.subject = common_name("anna")});
    certificate_request request{.subject = {{"CN", "anna"}, {"CN", "proxy"}}};
    request.raw = {test::proxy_extension(true)};
    auto const proxy = make_certificate(request, leaf);
    // Whether it is the leaf's, as an issuer, is another question in each BoringSSL.
    CHECK(made.check({&proxy, &leaf, &made.middle}).reason != refusal::none);
    CHECK(made.judge(request) != refusal::none);
    auto const plain = make_certificate({.subject = {{"CN", "anna"}, {"CN", "proxy"}}}, leaf);
    CHECK(made.check({&plain, &leaf, &made.middle}).reason != refusal::none);
}

TEST_CASE("chain: name constraints hold for every kind of name (B-274)", "[policy][chain]") {
    test::chain_fixture made;
    auto request = authority_request("Middle");
    request.name_constraints =
        "critical,permitted;DNS:plant.example,permitted;email:plant.example,"
        "excluded;DNS:secret.plant.example";
    made.middle = make_certificate(request, made.root);
    auto const judge = [&](std::string const& names) { return made.judge({.alternative_names = names}); };
    CHECK(judge("DNS:a.plant.example") == refusal::none);
    CHECK(judge("email:a@plant.example") == refusal::none);
    CHECK(judge("DNS:a.plant.example,email:a@elsewhere.example") == refusal::constraint);
    CHECK(judge("DNS:a.elsewhere.example") == refusal::constraint);
    CHECK(judge("DNS:x.secret.plant.example") == refusal::constraint);
}

TEST_CASE("chain: policies that a CA demands have to be there (0x308c of PROTOCOL.md 5.1)", "[policy][chain]") {
    test::chain_fixture made;
    auto request = authority_request("Middle");
    request.policies = "1.2.3.4";
    request.more = {{"policyConstraints", "critical,requireExplicitPolicy:0"}};
    made.middle = make_certificate(request, made.root);
    CHECK(made.judge({.policies = "1.2.3.4"}) == refusal::none);
    CHECK(made.judge({.policies = "1.2.3.5"}) == refusal::constraint);
    CHECK(made.judge({}) == refusal::constraint);
}

TEST_CASE("chain: certificate policies that are malformed or named twice are no way around them", "[policy][chain]") {
    test::chain_fixture made;
    auto request = authority_request("Middle");
    request.policies = "1.2.3.4";
    request.more = {{"policyConstraints", "critical,requireExplicitPolicy:0"}};
    made.middle = make_certificate(request, made.root);
    // PolicyInformation 1.2.3.5, once and twice.
    test::bytes const twice{0x30, 0x0c, 0x30, 0x04, 0x06, 0x02, 0x2a, 0x05, 0x30, 0x04, 0x06, 0x02, 0x2a, 0x05};
    test::bytes const rubbish{0x30, 0x05, 0x01};
    for (auto const& content : {twice, rubbish})
        CHECK(made.judge({.raw = {{"2.5.29.32", true, content}}}) != refusal::none);
}

TEST_CASE("chain: keys and signatures below B-273 are weak, but for the anchor's signature", "[policy][chain]") {
    test::chain_fixture made;
    CHECK(made.judge({.key = test::key_kind::rsa_1024}) == refusal::weak);
    CHECK(made.judge({.digest = EVP_sha1()}) == refusal::weak);
    auto request = authority_request("Middle");
    SECTION("SHA-1 on a CA") {
        request.digest = EVP_sha1();
        made.middle = make_certificate(request, made.root);
        CHECK(made.judge({}) == refusal::weak);
    }
    SECTION("the key of a CA") {
        request.key = test::key_kind::rsa_1024;
        made.middle = make_certificate(request, made.root);
        CHECK(made.judge({}) != refusal::none);
    }
    SECTION("SHA-1 on the anchor") {
        auto root = authority_request("Root");
        root.digest = EVP_sha1();
        made.root = make_self_signed(root);
        made.middle = make_certificate(authority_request("Middle"), made.root);
        CHECK(made.judge({}) == refusal::none);
    }
    SECTION("the key of the anchor") {
        auto root = authority_request("Root");
        root.key = test::key_kind::rsa_1024;
        made.root = make_self_signed(root);
        made.middle = make_certificate(authority_request("Middle"), made.root);
        CHECK(made.judge({}) == refusal::weak);
    }
}

TEST_CASE("chain: paths have at most eleven certificates (B-273)", "[policy][chain]") {
    test::chain_fixture const made;
    auto const nine = authorities(made.root, 9);
    auto const leaf = make_certificate({}, nine.back());
    CHECK(made.check(presented(leaf, nine)).reason == refusal::none);
    auto const ten = authorities(made.root, 10);
    auto const too_deep = make_certificate({}, ten.back());
    CHECK(made.check(presented(too_deep, ten)).reason == refusal::untrusted);
}

TEST_CASE("chain: candidates that lead in circles come to an end (A-097)", "[policy][chain]") {
    test::chain_fixture const made;
    auto const key_a = test::make_key(test::key_kind::ecdsa_p256), key_b = test::make_key(test::key_kind::ecdsa_p256);
    auto request_a = authority_request("A"), request_b = authority_request("B");
    request_a.own_key = key_a.get();
    request_b.own_key = key_b.get();
    auto const a = make_self_signed(request_a), b = make_self_signed(request_b);
    auto const a_by_b = make_certificate(request_a, b), b_by_a = make_certificate(request_b, a);
    auto const leaf = make_certificate({}, a);
    CHECK(made.check({&leaf, &a_by_b, &b_by_a}).reason == refusal::untrusted);
    CHECK(made.check({&leaf, &a_by_b, &b_by_a, &a_by_b, &b_by_a}).reason == refusal::untrusted);
}

TEST_CASE("chain: a huge key among the candidates costs no time (A-097)", "[policy][chain]") {
    test::chain_fixture const made;
    bssl::UniquePtr<BIGNUM> modulus(BN_new()), exponent(BN_new());
    static constexpr int bits = 16384;
    BN_rand(modulus.get(), bits, BN_RAND_TOP_ONE, BN_RAND_BOTTOM_ODD);
    BN_set_word(exponent.get(), RSA_F4);
    bssl::UniquePtr<RSA> const half(RSA_new());
    REQUIRE(RSA_set0_key(half.get(), modulus.release(), exponent.release(), nullptr) == 1);
    bssl::UniquePtr<EVP_PKEY> const key(EVP_PKEY_new());
    EVP_PKEY_set1_RSA(key.get(), half.get());
    auto request = authority_request("Huge");
    request.own_key = key.get();
    auto const huge = make_certificate(request, made.root);
    // Below it as far as names and identifiers tell.
    auto own = authority_request("Huge");
    own.own_key = key.get();
    identity const signer{bssl::UpRef(huge.certificate), test::make_key(test::key_kind::ecdsa_p256)};
    auto const leaf = make_certificate({}, signer);
    auto const before = std::chrono::steady_clock::now();
    CHECK(made.check({&leaf, &huge}).reason != refusal::none);
    CHECK(std::chrono::steady_clock::now() - before < std::chrono::milliseconds(200));
}

TEST_CASE("chain: what is wrong with the usage is told, and the no-usage-check lifts it (B-186 .. B-188)",
          "[policy][chain]") {
    test::chain_fixture made;
    CHECK(made.judge({.extended_key_usage = "serverAuth"}) == refusal::usage);
    CHECK(made.judge({.key_usage = "keyEncipherment"}) == refusal::usage);
    CHECK(made.check({&made.middle}).reason == refusal::usage);
    made.usage = usage_check::lifted;
    CHECK(made.judge({.extended_key_usage = "serverAuth"}) == refusal::none);
    CHECK(made.judge({.key_usage = "keyEncipherment"}) == refusal::none);
    CHECK(made.check({&made.middle}).reason == refusal::usage);
}

TEST_CASE("verdict: each refusal has its alert and its word (B-271)", "[policy][verdict]") {
    CHECK(alert_of(refusal::revoked) == SSL_AD_CERTIFICATE_REVOKED);
    CHECK(alert_of(refusal::expired) == SSL_AD_CERTIFICATE_EXPIRED);
    CHECK(alert_of(refusal::untrusted) == SSL_AD_UNKNOWN_CA);
    CHECK(alert_of(refusal::usage) == SSL_AD_UNSUPPORTED_CERTIFICATE);
    CHECK(alert_of(refusal::revocation_unknown) == SSL_AD_CERTIFICATE_UNKNOWN);
    for (auto const why : {refusal::malformed, refusal::bad_signature, refusal::constraint})
        CHECK(alert_of(why) == SSL_AD_BAD_CERTIFICATE);
    CHECK(to_string(refusal::revocation_unknown) == std::string("revocation_unknown"));
    CHECK(to_string(refusal::bad_signature) == std::string("bad_signature"));
    CHECK(to_string(refusal::none) == std::string("none"));
}
