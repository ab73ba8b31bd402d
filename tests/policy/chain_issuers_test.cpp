// Paths on which more than one certificate could follow: CAs that were renewed, CAs of one name, CAs that lead nowhere.
#include "policy/chain.hpp"
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

// Without key identifiers, which say whose key signed: only the name is left to go by.
identity without_identifiers(certificate_request const& request, identity const* issuer) {
    auto made = test::make_self_signed(request);
    auto* const certificate = made.certificate.get();
    for (int const nid : {NID_subject_key_identifier, NID_authority_key_identifier})
        X509_EXTENSION_free(X509_delete_ext(certificate, X509_get_ext_by_NID(certificate, nid, -1)));
    auto const& above = issuer != nullptr ? *issuer : made;
    X509_set_issuer_name(certificate, X509_get_subject_name(above.certificate.get()));
    test::require_made(X509_sign(certificate, above.key.get(), EVP_sha256()) > 0, "a signature");
    // As it would come: parsed.
    made.certificate = parse_certificate(test::der_of(*certificate));
    return made;
}

identity plain(std::string const& name, identity const* issuer) {
    return without_identifiers(authority_request(name), issuer);
}

certificate_request expired(certificate_request request) {
    request.not_before = test::days_from_now(-800);
    request.not_after = test::hours_from_now(-1);
    return request;
}

certificate_request with_key_of(identity const& other, certificate_request request) {
    request.own_key = other.key.get();
    return request;
}

}  // namespace

TEST_CASE("chain issuers: an anchor that was renewed with its key counts, whatever the order in ca_file",
          "[policy][chain_issuers]") {
    test::chain_fixture made;
    auto const old = test::make_self_signed(expired(with_key_of(made.root, authority_request("Root"))));
    auto const leaf = make_certificate({}, made.root);
    auto const below = made.issue({});
    for (auto const& anchors : {std::vector<identity const*>{&old, &made.root}, {&made.root, &old}}) {
        made.trusted = anchors;
        CHECK(made.check({&leaf}).reason == refusal::none);
        CHECK(made.check({&below, &made.middle}).reason == refusal::none);
        CHECK(made.check({&below, &made.middle, &old}).reason == refusal::none);
    }
    made.trusted = {&old};
    CHECK(made.check({&leaf}).reason == refusal::expired);
    CHECK(made.check({&leaf, &made.root}).reason == refusal::expired);
}

TEST_CASE("chain issuers: a CA that was renewed counts, whatever the order in which the client sends both",
          "[policy][chain_issuers]") {
    test::chain_fixture const made;
    auto const old = make_certificate(expired(with_key_of(made.middle, authority_request("Middle"))), made.root);
    auto future_request = with_key_of(made.middle, authority_request("Middle"));
    future_request.not_before = test::hours_from_now(2);
    auto const future = make_certificate(future_request, made.root);
    auto const leaf = made.issue({});
    CHECK(made.check({&leaf, &old, &made.middle}).reason == refusal::none);
    CHECK(made.check({&leaf, &made.middle, &old}).reason == refusal::none);
    CHECK(made.check({&leaf, &future, &old, &made.middle}).reason == refusal::none);
    CHECK(made.check({&leaf, &old}).reason == refusal::expired);
    CHECK(made.check({&leaf, &future}).reason == refusal::not_yet_valid);
}

TEST_CASE("chain issuers: a CA whose own issuer has expired is passed over for one whose has not",
          "[policy][chain_issuers]") {
    test::chain_fixture const made;
    auto const old = make_certificate(expired(authority_request("Old")), made.root);
    auto const by_old = make_certificate(with_key_of(made.middle, authority_request("Middle")), old);
    auto const leaf = made.issue({});
    CHECK(made.check({&leaf, &by_old, &old}).reason == refusal::expired);
    CHECK(made.check({&leaf, &by_old, &old, &made.middle}).reason == refusal::none);
}

TEST_CASE("chain issuers: a CA that is another's forgery is passed over for the true one", "[policy][chain_issuers]") {
    test::chain_fixture const made;
    identity forged{test::with_bad_signature(*made.middle.certificate), nullptr};
    auto const leaf = made.issue({});
    CHECK(made.check({&leaf, &forged}).reason == refusal::bad_signature);
    CHECK(made.check({&leaf, &forged, &made.middle}).reason == refusal::none);
}

TEST_CASE("chain issuers: of two anchors of one name the one whose key signed is found, also without key identifiers",
          "[policy][chain_issuers]") {
    test::chain_fixture made;
    auto const one = plain("Root", nullptr), other = plain("Root", nullptr), stranger = plain("Root", nullptr);
    auto const by_one = without_identifiers({}, &one), by_other = without_identifiers({}, &other);
    made.trusted = {&one, &other};
    CHECK(made.check({&by_one}).reason == refusal::none);
    CHECK(made.check({&by_other}).reason == refusal::none);
    CHECK(made.check({&by_other, &one}).reason == refusal::none);
    auto const by_stranger = without_identifiers({}, &stranger);
    CHECK(made.check({&by_stranger}).reason == refusal::bad_signature);
    CHECK(made.check({&by_stranger, &stranger}).reason != refusal::none);
}

TEST_CASE("chain issuers: of two CAs of one name the one whose key signed is found, also without key identifiers",
          "[policy][chain_issuers]") {
    test::chain_fixture made;
    auto const root = plain("Root", nullptr);
    auto const one = plain("Middle", &root), other = plain("Middle", &root);
    auto const leaf = without_identifiers({}, &other);
    made.trusted = {&root};
    CHECK(made.check({&leaf, &one, &other}).reason == refusal::none);
    CHECK(made.check({&leaf, &other, &one}).reason == refusal::none);
    CHECK(made.check({&leaf, &one}).reason == refusal::bad_signature);
}

TEST_CASE("chain issuers: an anchor of the CA's name does not hide the CA", "[policy][chain_issuers]") {
    test::chain_fixture made;
    auto const root = plain("Root", nullptr), namesake = plain("Middle", nullptr);
    auto const middle = plain("Middle", &root);
    auto const leaf = without_identifiers({}, &middle);
    made.trusted = {&namesake, &root};
    CHECK(made.check({&leaf, &middle}).reason == refusal::none);
    CHECK(made.check({&leaf}).reason == refusal::bad_signature);
}

TEST_CASE("chain issuers: many CAs of one name cost little (A-097)", "[policy][chain_issuers]") {
    test::chain_fixture made;
    auto const root = plain("Root", nullptr), false_root = plain("Root", nullptr);
    auto const stranger = plain("Middle", &false_root);
    made.trusted = {&root};
    std::vector<identity> twins;
    for (int i = 0; i < 18; ++i)
        twins.push_back(without_identifiers(with_key_of(stranger, authority_request("Middle")), &false_root));
    auto const leaf = without_identifiers({}, &stranger);
    std::vector<identity const*> all{&leaf};
    for (auto const& one : twins)
        all.push_back(&one);
    auto const before = std::chrono::steady_clock::now();
    CHECK(made.check(all).reason == refusal::bad_signature);
    CHECK(std::chrono::steady_clock::now() - before < std::chrono::seconds(5));
}
