// Delta CRLs (B-262, B-264, A-084, PKITS 4.15).
#include "policy/chain.hpp"
#include "tests/policy/chain_fixture.hpp"

#include <catch2/catch.hpp>

using namespace ftpsgate;
using namespace ftpsgate::policy;
using test::crl_request;
using test::identity;
using test::make_crl;
using test::serial_of;

namespace {

constexpr auto good = revocation_status::good;
constexpr auto revoked = revocation_status::revoked;
constexpr auto unknown = revocation_status::unknown;

struct delta_fixture : test::chain_fixture {
    identity leaf = issue({.freshest = {{.urls = {"http://a/delta"}}}});

    crl_request listing(crl_request request, int reason = -1) const {
        request.revoked = {{.serial = serial_of(*leaf.certificate), .reason = reason}};
        return request;
    }
    revocation_status status(std::vector<crl_request> const& wanted) const {
        crl_list lists;
        for (auto const& one : wanted)
            lists.push_back(test::held(make_crl(one, middle)));
        return status(lists);
    }
    revocation_status status(crl_list lists) const {
        lists.push_back(test::held(make_crl({}, root)));
        auto const all = check({&leaf, &middle}, lists);
        REQUIRE(all.reason == refusal::none);
        return all.findings.front().status;
    }
};

crl_request base(std::uint64_t number = 5) {
    return {.number = number};
}

crl_request delta(std::uint64_t to = 5, std::uint64_t number = 6) {
    return {.number = number, .base = to};
}

constexpr int removed = CRL_REASON_REMOVE_FROM_CRL;

}  // namespace

TEST_CASE("chain delta: a delta without its base says nothing (A-084)", "[policy][chain_delta]") {
    delta_fixture const made;
    CHECK(made.status({delta()}) == unknown);
    CHECK(made.status({made.listing(delta())}) != good);
}

TEST_CASE("chain delta: a delta for some reasons is no complete list either (A-084)", "[policy][chain_delta]") {
    delta_fixture const made;
    auto list = delta();
    list.point = test::issuing_point{.name = {.reasons = {1, 2, 3, 4, 5, 6, 7, 8}}};
    CHECK(made.status({list}) == unknown);
}

TEST_CASE("chain delta: a delta adds to its base (B-262)", "[policy][chain_delta]") {
    delta_fixture const made;
    CHECK(made.status({base(), delta()}) == good);
    CHECK(made.status({base(), made.listing(delta())}) == revoked);
    CHECK(made.status({made.listing(base()), delta()}) == revoked);
}

TEST_CASE("chain delta: removeFromCRL takes away, in deltas only (B-264)", "[policy][chain_delta]") {
    delta_fixture const made;
    auto const held = made.listing(base(), CRL_REASON_CERTIFICATE_HOLD);
    CHECK(made.status({held}) == revoked);
    CHECK(made.status({held, made.listing(delta(), removed)}) == good);
    CHECK(made.status({base(), made.listing(delta(), removed)}) == good);
    CHECK(made.status({made.listing(base(), removed)}) != good);
}

TEST_CASE("chain delta: of several deltas the newest counts, whatever their order", "[policy][chain_delta]") {
    delta_fixture const made;
    auto older = delta(5, 6);
    older.this_update = test::hours_from_now(-3);
    auto const newer = made.listing(delta(5, 7));
    CHECK(made.status({base(), newer, older}) == revoked);
    CHECK(made.status({base(), older, newer}) == revoked);
    older.next_update = test::hours_from_now(-2);
    CHECK(made.status({base(), older, newer}) == revoked);
}

TEST_CASE("chain delta: a delta to another base or older than it is passed over (B-262)", "[policy][chain_delta]") {
    delta_fixture const made;
    CHECK(made.status({base(), made.listing(delta(6, 7))}) == good);
    CHECK(made.status({base(), made.listing(delta(3, 4))}) == good);
    CHECK(made.status({base(), made.listing(delta(3, 6))}) == revoked);
    auto other_scope = made.listing(delta());
    other_scope.point = test::issuing_point{.only_user = true};
    CHECK(made.status({base(), other_scope}) == good);
}

TEST_CASE("chain delta: an expired base with a delta that is not counts (B-262)", "[policy][chain_delta]") {
    delta_fixture const made;
    auto old = base();
    old.this_update = test::days_from_now(-3);
    old.next_update = test::hours_from_now(-1);
    CHECK(made.status({old}) == unknown);
    CHECK(made.status({old, delta()}) == good);
    CHECK(made.status({old, made.listing(delta())}) == revoked);
    auto old_delta = delta();
    old_delta.this_update = test::days_from_now(-2);
    old_delta.next_update = test::hours_from_now(-1);
    CHECK(made.status({old, old_delta}) == unknown);
}

TEST_CASE("chain delta: a delta that is not to be believed changes nothing to the better", "[policy][chain_delta]") {
    delta_fixture const made;
    auto const spoilt = [&](crl_request const& request) {
        auto const der = test::with_bad_signature(test::der_of(*make_crl(request, made.middle)));
        return parse_crl(test::text_of(der), "test");
    };
    auto const on_hold = test::held(make_crl(made.listing(base(), CRL_REASON_CERTIFICATE_HOLD), made.middle));
    CHECK(made.status(crl_list{on_hold, spoilt(made.listing(delta(), removed))}) != good);
    CHECK(made.status(crl_list{on_hold, spoilt(delta())}) != good);
    auto critical = made.listing(delta(), removed);
    critical.raw = {test::unknown_extension(true)};
    CHECK(made.status(crl_list{on_hold, test::held(make_crl(critical, made.middle))}) != good);
    auto tomorrow = made.listing(delta(), removed);
    tomorrow.this_update = test::hours_from_now(20);
    CHECK(made.status(crl_list{on_hold, test::held(make_crl(tomorrow, made.middle))}) != good);
}

TEST_CASE("chain delta: what a good base says to be revoked is revoked, whatever is wrong with the delta",
          "[policy][chain_delta]") {
    delta_fixture const made;
    auto critical = delta();
    critical.raw = {test::unknown_extension(true)};
    CHECK(made.status({made.listing(base()), critical}) == revoked);
    auto const der = test::with_bad_signature(test::der_of(*make_crl(delta(), made.middle)));
    auto const sound = test::held(make_crl(made.listing(base()), made.middle));
    CHECK(made.status(crl_list{sound, parse_crl(test::text_of(der), "test")}) == revoked);
}

TEST_CASE("chain delta: an expired delta takes nothing back, but revokes (B-264)", "[policy][chain_delta]") {
    delta_fixture const made;
    auto const late = [](crl_request request) {
        request.this_update = test::days_from_now(-2);
        request.next_update = test::hours_from_now(-1);
        return request;
    };
    auto const held = made.listing(base(), CRL_REASON_CERTIFICATE_HOLD);
    CHECK(made.status({held, late(made.listing(delta(), removed))}) == revoked);
    CHECK(made.status({base(), late(made.listing(delta()))}) == revoked);
    CHECK(made.status({base(), late(delta())}) == good);
    CHECK(made.status({late(base()), late(made.listing(delta()))}) == revoked);
    CHECK(made.status({late(held), late(made.listing(delta(), removed))}) == revoked);
    // What a newer delta says that has not expired is the last word.
    CHECK(made.status({held, late(made.listing(delta(5, 6))), made.listing(delta(5, 7), removed)}) == good);
    CHECK(made.status({held, made.listing(delta(5, 6)), late(made.listing(delta(5, 7), removed))}) == revoked);
    auto open_ended = made.listing(delta(), removed);
    open_ended.this_update = test::hours_from_now(-24 * 7 - 1);
    open_ended.next_update.reset();
    CHECK(made.status({held, open_ended}) == revoked);
}

TEST_CASE("chain delta: neither a delta nor its base counts where the signer may not sign lists",
          "[policy][chain_delta]") {
    delta_fixture made;
    auto request = test::authority_request("Middle");
    request.key_usage = "critical,keyCertSign";
    request.own_key = made.middle.key.get();
    made.middle = make_certificate(request, made.root);
    CHECK(made.status({base(), made.listing(delta())}) == unknown);
    CHECK(made.status({base(), made.listing(delta(), removed)}) == unknown);
}
