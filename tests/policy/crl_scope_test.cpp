// Which certificates a CRL is for, and who is on it (RFC 5280 5.2.4, 5.2.5, 5.3.3, 6.3.3).
#include "policy/crl.hpp"
#include "tests/policy/chain_fixture.hpp"

#include <catch2/catch.hpp>

#include <stdexcept>

using namespace ftpsgate;
using namespace ftpsgate::policy;
using test::common_name;
using test::crl_request;
using test::issuing_point;
using test::make_crl;

namespace {

struct scope_fixture {
    test::identity issuer = test::make_self_signed(test::authority_request("Issuer"));
    test::identity other = test::make_self_signed(test::authority_request("Other"));

    crl_ptr list(crl_request const& request) const { return test::held(make_crl(request, issuer)); }
    std::optional<reason_set> reasons(std::optional<issuing_point> const& point,
                                      std::vector<test::distribution_point> const& named) const {
        auto const leaf = test::make_certificate({.crl_points = named}, issuer);
        auto const made = list({.point = point});
        REQUIRE(made);
        return made->scope.reasons_for(listed_certificate(*leaf.certificate));
    }
    bool is_for(issuing_point const& point, std::vector<test::distribution_point> const& named) const {
        return reasons(point, named).has_value();
    }
    entry_kind look_up(crl_request const& request, test::bytes const& serial, test::identity const& by) const {
        auto const leaf = test::make_certificate({.serial = serial}, by);
        auto const made = list(request);
        REQUIRE(made);
        return made->entries.look_up(*made->crl, *leaf.certificate);
    }
};

constexpr reason_set one = 1U << 1, two = 1U << 2, three = 1U << 3;

}  // namespace

TEST_CASE("crl_scope: a full name and a relative one can be the same point", "[policy][crl_scope]") {
    scope_fixture const made;
    test::distribution_point const relative{.relative = common_name("part")};
    test::distribution_point full;
    full.directory = {{"CN", "Issuer"}, {"CN", "part"}};
    CHECK(made.is_for({.name = relative}, {full}));
    CHECK(made.is_for({.name = full}, {relative}));
    CHECK(made.is_for({.name = relative}, {relative}));
    CHECK_FALSE(made.is_for({.name = relative}, {{.directory = common_name("part")}}));
    // Relative to whoever signs lists in the issuer's place, not to the issuer.
    CHECK_FALSE(made.is_for({.name = full}, {{.relative = common_name("part"), .crl_issuer = common_name("Other")}}));
}

TEST_CASE("crl_scope: one name of several will do, and names of two kinds are never the same", "[policy][crl_scope]") {
    scope_fixture const made;
    CHECK(made.is_for({.name = {.urls = {"http://a/1", "http://b/2"}}}, {{.urls = {"http://c/3", "http://b/2"}}}));
    CHECK_FALSE(made.is_for({.name = {.urls = {"http://a/1"}}}, {{.urls = {"http://a/1/"}}}));
    CHECK_FALSE(made.is_for({.name = {.urls = {"http://a/1"}}}, {{.directory = common_name("http://a/1")}}));
    CHECK_FALSE(made.is_for({.name = {.urls = {"http://a/1"}}}, {}));
}

TEST_CASE("crl_scope: a list without a point is for all of its issuer, a point without a name for every list",
          "[policy][crl_scope]") {
    scope_fixture const made;
    CHECK(made.reasons(std::nullopt, {}) == all_reasons);
    CHECK(made.reasons(std::nullopt, {{.urls = {"http://a/1"}}}) == all_reasons);
    CHECK(made.is_for({.name = {.urls = {"http://a/1"}}}, {{.reasons = {1}}}));
    auto const foreign = test::make_certificate({}, made.other);
    CHECK_FALSE(made.list({})->scope.reasons_for(listed_certificate(*foreign.certificate)));
    CHECK_FALSE(made.list({.point = issuing_point{.indirect = true}})
                    ->scope.reasons_for(listed_certificate(*foreign.certificate)));
}

TEST_CASE("crl_scope: reasons are those that list and point have in common", "[policy][crl_scope]") {
    scope_fixture const made;
    auto const point = [](std::vector<int> reasons) {
        return test::distribution_point{.urls = {"http://a/1"}, .reasons = std::move(reasons)};
    };
    CHECK(made.reasons(issuing_point{.name = point({1, 2})}, {point({2, 3})}) == two);
    CHECK(made.reasons(issuing_point{.name = point({1, 2})}, {point({})}) == (one | two));
    CHECK(made.reasons(issuing_point{.name = point({})}, {point({2, 3})}) == (two | three));
    CHECK(made.reasons(issuing_point{.name = point({1})}, {point({2})}) == 0);
    CHECK(made.reasons(issuing_point{.name = point({1, 2, 3, 4, 5, 6, 7, 8})}, {point({})}) == all_reasons);
}

TEST_CASE("crl_scope: who signed a list has the key identifier that it names", "[policy][crl_scope]") {
    scope_fixture const made;
    auto const twin = test::make_self_signed(test::authority_request("Issuer"));
    auto const list = made.list({});
    CHECK(list->scope.may_be_by(*made.issuer.certificate));
    CHECK_FALSE(list->scope.may_be_by(*twin.certificate));
}

TEST_CASE("crl_scope: a delta without number is no CRL, nor is one whose numbers are malformed",
          "[policy][crl_scope]") {
    scope_fixture const made;
    // Debian's BoringSSL refuses them before the gate does: then they cannot even be made.
    auto const is_list = [&](crl_request const& request) {
        try {
            auto const parsed = make_crl(request, made.issuer);
            ERR_clear_error();
            bool const there = parsed && test::held(parsed) != nullptr;
            CHECK(ERR_peek_error() == 0);
            return there;
        } catch (std::runtime_error const&) {
            return false;
        }
    };
    CHECK(is_list({.number = 2, .base = 1}));
    CHECK_FALSE(is_list({.number = std::nullopt, .base = 1}));
    CHECK_FALSE(is_list({.number = std::nullopt, .raw = {{"2.5.29.20", false, {0x02, 0x05, 0x01}}}}));
    CHECK_FALSE(is_list({.raw = {{"2.5.29.20", false, {0x02, 0x01, 0x01}}}}));  // twice
    CHECK_FALSE(is_list({.raw = {{"2.5.29.27", true, {0x30, 0x00}}}}));
}

TEST_CASE("crl_scope: base and delta have the same point and signer", "[policy][crl_scope]") {
    scope_fixture const made;
    auto const delta = made.list({.number = 3, .base = 1});
    CHECK(delta->scope.is_delta_to(made.list({.number = 1})->scope));
    CHECK(delta->scope.is_delta_to(made.list({.number = 2})->scope));
    CHECK_FALSE(delta->scope.is_delta_to(made.list({.number = 0})->scope));
    CHECK_FALSE(delta->scope.is_delta_to(made.list({.number = 3})->scope));
    CHECK_FALSE(delta->scope.is_delta_to(made.list({.number = std::nullopt})->scope));
    CHECK_FALSE(delta->scope.is_delta_to(made.list({.number = 2, .point = issuing_point{.only_user = true}})->scope));
    CHECK_FALSE(made.list({.number = 2})->scope.is_delta_to(made.list({.number = 1})->scope));
    auto const twin = test::make_self_signed(test::authority_request("Issuer"));
    CHECK_FALSE(delta->scope.is_delta_to(test::held(make_crl({.number = 2}, twin))->scope));
}

TEST_CASE("crl_entries: an entry is about the issuer that was named last, or else about the list's (RFC 5280 5.3.3)",
          "[policy][crl_entries]") {
    scope_fixture const made;
    crl_request request;
    request.point = issuing_point{.indirect = true};
    request.revoked = {{.serial = {0x11}},
                       {.serial = {0x13}, .certificate_issuer = common_name("Other")},
                       {.serial = {0x12}},
                       {.serial = {0x11}},
                       {.serial = {0x14}, .certificate_issuer = common_name("Issuer")}};
    auto const is_listed = [&](std::uint8_t serial, test::identity const& by) {
        return made.look_up(request, {serial}, by) == entry_kind::revoked;
    };
    CHECK(is_listed(0x11, made.issuer));
    CHECK(is_listed(0x11, made.other));
    CHECK(is_listed(0x12, made.other));
    CHECK(is_listed(0x13, made.other));
    CHECK(is_listed(0x14, made.issuer));
    for (auto const serial : test::bytes{0x12, 0x13, 0x10, 0x15})
        CHECK_FALSE(is_listed(serial, made.issuer));
    CHECK_FALSE(is_listed(0x14, made.other));
}

TEST_CASE("crl_entries: without named issuers a list is about its own issuer only", "[policy][crl_entries]") {
    scope_fixture const made;
    crl_request request;
    request.revoked = {{.serial = {0x11}}, {.serial = {0x12}, .reason = CRL_REASON_REMOVE_FROM_CRL}};
    CHECK(made.look_up(request, {0x11}, made.issuer) == entry_kind::revoked);
    CHECK(made.look_up(request, {0x11}, made.other) == entry_kind::none);
    request.number = 2;
    request.base = 1;
    CHECK(made.look_up(request, {0x12}, made.issuer) == entry_kind::removed);
}

TEST_CASE("crl_entries: who is there twice is revoked if one entry says so", "[policy][crl_entries]") {
    scope_fixture const made;
    crl_request request{.number = 2, .base = 1};
    request.revoked = {
        {.serial = {0x11}, .reason = CRL_REASON_REMOVE_FROM_CRL, .certificate_issuer = common_name("Issuer")},
        {.serial = {0x11}}};
    CHECK(made.look_up(request, {0x11}, made.issuer) == entry_kind::revoked);
    std::swap(request.revoked[0].reason, request.revoked[1].reason);
    CHECK(made.look_up(request, {0x11}, made.issuer) == entry_kind::revoked);
}
