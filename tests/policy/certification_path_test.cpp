// The path that is found, and that BoringSSL checks this one and no other.
#include "policy/certification_path.hpp"

#include "tests/policy/chain_fixture.hpp"

#include <catch2/catch.hpp>

using namespace ftpsgate;
using namespace ftpsgate::policy;
using test::authority_request;
using test::identity;
using test::make_certificate;

namespace {

struct path_fixture : test::chain_fixture {
    identity leaf = issue({});

    certification_path build(std::vector<identity const*> const& presented) const {
        auto const anchors = test::list_of(trusted), came = test::list_of(presented);
        certificate_list const none;
        issuer_choice choice(anchors, came, none, now);
        return build_path(*came.front(), anchors, choice);
    }
    int verify(std::vector<identity const*> const& path, std::size_t first_anchor) const {
        return verify_path({test::list_of(path), first_anchor}, now).error;
    }
    std::vector<X509*> members(std::vector<identity const*> const& presented) const {
        std::vector<X509*> found;
        for (auto const& one : build(presented).certificates)
            found.push_back(one.get());
        return found;
    }
};

std::vector<X509*> certificates(std::vector<identity const*> const& whose) {
    std::vector<X509*> found;
    for (auto const* one : whose)
        found.push_back(one->certificate.get());
    return found;
}

identity without_identifier(test::certificate_request const& request, identity const& issuer) {
    auto made = make_certificate(request, issuer);
    auto* const certificate = made.certificate.get();
    X509_EXTENSION_free(
        X509_delete_ext(certificate, X509_get_ext_by_NID(certificate, NID_authority_key_identifier, -1)));
    test::require_made(X509_sign(certificate, issuer.key.get(), EVP_sha256()) > 0, "a signature");
    made.certificate = parse_certificate(test::der_of(*certificate));
    return made;
}

}  // namespace

TEST_CASE("certification_path: the way leads from the leaf to the last anchor", "[policy][certification_path]") {
    path_fixture made;
    CHECK(made.members({&made.leaf, &made.middle}) == certificates({&made.leaf, &made.middle, &made.root}));
    CHECK(made.build({&made.leaf, &made.middle}).first_anchor == 2);
    made.trusted = {&made.middle, &made.root};
    CHECK(made.members({&made.leaf}) == certificates({&made.leaf, &made.middle, &made.root}));
    CHECK(made.build({&made.leaf}).first_anchor == 1);
    made.trusted = {&made.middle};
    CHECK(made.members({&made.leaf, &made.root}) == certificates({&made.leaf, &made.middle}));
    made.trusted = {&made.leaf};
    CHECK(made.build({&made.leaf}).first_anchor == 0);
    auto const other = test::make_self_signed(authority_request("Other"));
    made.trusted = {&other};
    CHECK_FALSE(made.build({&made.leaf, &made.middle, &made.root}).is_anchored());
}

TEST_CASE("certification_path: a sound path is none without an anchor", "[policy][certification_path]") {
    path_fixture const made;
    CHECK(made.verify({&made.leaf, &made.middle, &made.root}, 2) == X509_V_OK);
    CHECK(made.verify({&made.leaf, &made.middle, &made.root}, 3) == X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN);
    CHECK(made.verify({&made.leaf, &made.middle}, 1) == X509_V_OK);
    CHECK(made.verify({&made.leaf, &made.middle}, 2) == X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY);
    CHECK(made.verify({&made.leaf}, 0) == X509_V_OK);
    CHECK(made.verify({&made.leaf}, 1) == X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY);
    CHECK(made.verify({&made.root}, 0) == X509_V_OK);
    CHECK(made.verify({&made.root}, 1) == X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT);
}

TEST_CASE("certification_path: a path whose certificates do not follow on one another is not taken for a shorter one",
          "[policy][certification_path]") {
    path_fixture const made;
    auto const other = test::make_self_signed(authority_request("Other"));
    CHECK(made.verify({&made.leaf, &made.root}, 1) != X509_V_OK);
    CHECK(made.verify({&made.leaf, &made.middle, &other}, 2) != X509_V_OK);
    CHECK(made.verify({&made.leaf, &other, &made.middle}, 1) != X509_V_OK);
    CHECK(made.verify({&made.leaf, &made.middle, &made.root, &other}, 2) != X509_V_OK);
}

TEST_CASE("certification_path: whoever is trusted, signatures and dates of all are checked",
          "[policy][certification_path]") {
    path_fixture made;
    identity const forged{test::with_bad_signature(*made.middle.certificate), nullptr};
    for (std::size_t const first_anchor : {0U, 1U, 2U})
        CHECK(made.verify({&made.leaf, &forged, &made.root}, first_anchor) == X509_V_ERR_CERT_SIGNATURE_FAILURE);
    made.now = test::days_from_now(40);  // behind the leaf's end
    for (std::size_t const first_anchor : {0U, 1U, 2U})
        CHECK(made.verify({&made.leaf, &made.middle, &made.root}, first_anchor) == X509_V_ERR_CERT_HAS_EXPIRED);
}

// RFC 4210 4.4: the new key's certificate, signed with the old one. The old one's fits the leaf by its name, too.
TEST_CASE("certification_path: a root that was renewed is reached by the certificate that its old key signed",
          "[policy][certification_path]") {
    path_fixture const made;
    auto const renewed = make_certificate(authority_request("Root"), made.root);
    auto const below = without_identifier({}, renewed);
    CHECK(made.members({&below, &renewed}) == certificates({&below, &renewed, &made.root}));
    CHECK(made.check({&below, &renewed}).reason == refusal::none);
    CHECK(made.check({&below}).reason == refusal::bad_signature);
}

TEST_CASE("certification_path: an anchor below another one is held to the rules for anchors (A-096)",
          "[policy][certification_path]") {
    path_fixture made;
    made.trusted = {&made.middle, &made.root};
    auto request = authority_request("Middle", 0);
    request.own_key = made.middle.key.get();
    SECTION("its path length") {
        made.middle = make_certificate(request, made.root);
        CHECK(made.check({&made.leaf}).reason == refusal::none);
        auto const lower = make_certificate(authority_request("Lower"), made.middle);
        auto const leaf = make_certificate({}, lower);
        CHECK(made.check({&leaf, &lower}).reason == refusal::constraint);
    }
    SECTION("that it is a CA") {
        request.basic_constraints.clear();
        made.middle = make_certificate(request, made.root);
        CHECK(made.check({&made.leaf}).reason == refusal::constraint);
    }
    SECTION("its critical extensions") {
        request.raw = {test::unknown_extension(true)};
        made.middle = make_certificate(request, made.root);
        CHECK(made.check({&made.leaf}).reason == refusal::constraint);
    }
}

TEST_CASE("certification_path: the path length of a CA counts also where it is issued by itself (A-096)",
          "[policy][certification_path]") {
    path_fixture made;
    auto const again = make_certificate(authority_request("Middle", 0), made.middle);
    auto const leaf = make_certificate({}, again);
    CHECK(made.check({&leaf, &again, &made.middle}).reason == refusal::none);
    auto const lower = make_certificate(authority_request("Lower"), again);
    auto const below = make_certificate({}, lower);
    CHECK(made.check({&below, &lower, &again, &made.middle}).reason == refusal::constraint);
}

TEST_CASE("certification_path: proxy certificates are refused, critical or not (A-098)",
          "[policy][certification_path]") {
    path_fixture made;
    // Who may issue proxies is another question in each BoringSSL: this one may by all of them.
    auto issuer = authority_request("Middle");
    issuer.key_usage = "critical,keyCertSign,cRLSign,digitalSignature";
    made.middle = make_certificate(issuer, made.root);
    test::certificate_request request;
    for (bool const critical : {true, false}) {
        request.raw = {test::proxy_extension(critical)};
        CHECK(made.judge(request) == refusal::constraint);
    }
}
