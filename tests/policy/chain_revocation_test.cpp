// What CRLs say of the certificates of a path (B-252, B-264, PKITS 4.4, 4.5, 4.14, 4.15).
#include "policy/chain.hpp"
#include "tests/policy/chain_fixture.hpp"

#include <catch2/catch.hpp>

using namespace ftpsgate;
using namespace ftpsgate::policy;
using test::authority_request;
using test::certificate_request;
using test::common_name;
using test::crl_request;
using test::identity;
using test::make_certificate;
using test::make_crl;
using test::serial_of;

namespace {

constexpr auto good = revocation_status::good;
constexpr auto revoked = revocation_status::revoked;
constexpr auto unknown = revocation_status::unknown;

struct revocation_fixture : test::chain_fixture {
    revocation_fixture() { renew({.subject = common_name("anna")}); }

    void renew(certificate_request const& request) { leaf = issue(request); }

    crl_request listing(identity const& who, int reason = -1) const {
        crl_request made;
        made.revoked = {{.serial = serial_of(*who.certificate), .reason = reason}};
        return made;
    }
    crl_ptr by_middle(crl_request const& request) const { return test::held(make_crl(request, middle)); }
    crl_ptr by_root(crl_request const& request = {}) const { return test::held(make_crl(request, root)); }

    chain_answer answer(crl_list lists) const {
        lists.push_back(by_root());
        return check({&leaf, &middle}, lists);
    }
    crl_finding of_leaf(crl_list const& lists) const {
        auto const all = answer(lists);
        REQUIRE(all.reason == refusal::none);
        REQUIRE(all.findings.size() == 3);
        CHECK(all.findings[1].status == good);
        CHECK(all.findings[2].status == revocation_status::not_checked);  // B-252
        return all.findings[0];
    }
    revocation_status status(crl_list const& lists) const { return of_leaf(lists).status; }
    revocation_status status(crl_request const& list) const { return status({by_middle(list)}); }

    identity leaf;
};

crl_request with_point(test::issuing_point const& point) {
    crl_request made;
    made.point = point;
    return made;
}

}  // namespace

TEST_CASE("chain revocation: a CRL of the issuer says good or revoked, each for its own certificates (B-252)",
          "[policy][chain_revocation]") {
    revocation_fixture made;
    auto const other = made.issue({.subject = common_name("otto")});
    CHECK(made.status(crl_request{}) == good);
    CHECK(made.status(made.listing(other)) == good);
    CHECK(made.status(made.listing(made.leaf)) == revoked);
    CHECK(made.of_leaf({made.by_middle(made.listing(made.leaf))}).words == "revoked by the CRL of CN=Middle");
    CHECK(made.status(crl_list{}) == unknown);
    // The root's list has the leaf's serial number: another's.
    auto const all =
        made.check({&made.leaf, &made.middle}, {made.by_middle({}), made.by_root(made.listing(made.leaf))});
    CHECK(all.findings[0].status == good);
    CHECK(all.findings[1].status == good);
}

TEST_CASE("chain revocation: every certificate but the anchor is asked about (B-252)", "[policy][chain_revocation]") {
    revocation_fixture made;
    auto const judged = [&](crl_list const& lists) { return made.check({&made.leaf, &made.middle}, lists).findings; };
    auto const no_root = judged({made.by_middle({})});
    REQUIRE(no_root.size() == 3);
    CHECK(no_root[0].status == good);
    CHECK(no_root[1].status == unknown);
    CHECK(no_root[2].status == revocation_status::not_checked);
    auto const middle_revoked = judged({made.by_middle({}), made.by_root(made.listing(made.middle))});
    CHECK(middle_revoked[0].status == good);
    CHECK(middle_revoked[1].status == revoked);
}

TEST_CASE("chain revocation: serial numbers are compared as integers (B-264)", "[policy][chain_revocation]") {
    revocation_fixture made;
    auto const content = GENERATE(test::bytes{0xff}, test::bytes{0x80, 0x00}, test::bytes{0x01},
                                  test::bytes{0x00, 0xff}, test::bytes(20, 0x7f), test::bytes(20, 0x80));
    made.renew({.serial = content});
    CHECK(made.status(made.listing(made.leaf)) == revoked);
    for (auto const& near :
         {test::bytes{0x02}, test::bytes{0x7f}, test::bytes{0x00, 0x80, 0x00}, test::bytes(19, 0x7f)}) {
        crl_request list;
        list.revoked = {{.serial = near}};
        CHECK(made.status(list) == good);
    }
}

TEST_CASE("chain revocation: a serial number and its negative are two (B-264)", "[policy][chain_revocation]") {
    revocation_fixture made;
    made.renew({.serial = {0x01}});
    crl_request list;
    list.revoked = {{.serial = {0xff}}};
    CHECK(made.status(list) == good);
}

TEST_CASE("chain revocation: an expired list does not say good, but it says revoked", "[policy][chain_revocation]") {
    revocation_fixture made;
    auto list = GENERATE(false, true) ? made.listing(made.leaf) : crl_request{};
    auto const expected = list.revoked.empty() ? unknown : revoked;
    list.this_update = test::days_from_now(-3);
    list.next_update = test::hours_from_now(-1);
    auto const found = made.of_leaf({made.by_middle(list)});
    CHECK(found.status == expected);
    if (expected == unknown) CHECK(found.expired_list);
    if (expected == unknown) CHECK(found.words == "the CRL of CN=Middle has expired");
}

TEST_CASE("chain revocation: without nextUpdate a list counts for a week (B-264)", "[policy][chain_revocation]") {
    revocation_fixture made;
    crl_request list;
    list.next_update.reset();
    list.this_update = test::hours_from_now(-24 * 7 + 1);
    CHECK(made.status(list) == good);
    list.this_update = test::hours_from_now(-24 * 7 - 1);
    CHECK(made.status(list) == unknown);
}

TEST_CASE("chain revocation: also a list that is too old without nextUpdate says revoked",
          "[policy][chain_revocation]") {
    revocation_fixture made;
    auto list = made.listing(made.leaf);
    list.next_update.reset();
    list.this_update = test::hours_from_now(-24 * 7 - 1);
    CHECK(made.status(list) == revoked);
}

TEST_CASE("chain revocation: lists may be five minutes ahead, not more (B-264)", "[policy][chain_revocation]") {
    revocation_fixture made;
    crl_request list;
    auto const now = test::hours_from_now(0);
    list.this_update = now + std::chrono::minutes(4);
    CHECK(made.status(list) == good);
    list.this_update = now + std::chrono::minutes(6);
    CHECK(made.status(list) == unknown);
    list = made.listing(made.leaf);
    list.this_update = now + std::chrono::minutes(4);
    CHECK(made.status(list) == revoked);
}

TEST_CASE("chain revocation: of two lists the newer counts, an expired one never beats one that is not",
          "[policy][chain_revocation]") {
    revocation_fixture made;
    auto older = crl_request{}, newer = made.listing(made.leaf);
    older.this_update = test::hours_from_now(-5);
    CHECK(made.status({made.by_middle(older), made.by_middle(newer)}) == revoked);
    CHECK(made.status({made.by_middle(newer), made.by_middle(older)}) == revoked);
    older.next_update = test::hours_from_now(-4);
    CHECK(made.status({made.by_middle(older), made.by_middle(crl_request{})}) == good);
}

TEST_CASE("chain revocation: unknown critical extensions make a list unusable (B-264)", "[policy][chain_revocation]") {
    revocation_fixture made;
    auto const critical = GENERATE(true, false);
    crl_request of_list;
    of_list.raw = {test::unknown_extension(critical)};
    CHECK(made.status(of_list) == (critical ? unknown : good));
    auto const other = made.issue({});
    auto of_entry = made.listing(other);
    of_entry.revoked.front().raw = {test::unknown_extension(critical)};
    CHECK(made.status(of_entry) == (critical ? unknown : good));
    of_entry = made.listing(made.leaf);
    of_entry.revoked.front().raw = {test::unknown_extension(critical)};
    CHECK(made.status(of_entry) != good);
}

TEST_CASE("chain revocation: entries that cannot be understood make a list unusable (B-264)",
          "[policy][chain_revocation]") {
    revocation_fixture made;
    auto const other = made.issue({});
    auto list = made.listing(other);
    auto const* const oid = GENERATE("2.5.29.21" /* reasonCode */, "2.5.29.29" /* certificateIssuer */);
    list.revoked.front().raw = {{oid, true, {0x30, 0x03, 0x01}}};
    CHECK(made.status(list) == unknown);
}

TEST_CASE("chain revocation: the issuer of a list has to be allowed to sign lists (B-264)",
          "[policy][chain_revocation]") {
    revocation_fixture made;
    auto request = authority_request("Middle");
    request.key_usage = "critical,keyCertSign";
    made.middle = make_certificate(request, made.root);
    made.renew({});
    CHECK(made.status(crl_request{}) == unknown);
    CHECK(made.status(made.listing(made.leaf)) != good);
    request.key_usage.clear();
    made.middle = make_certificate(request, made.root);
    made.renew({});
    CHECK(made.status(crl_request{}) == good);
}

TEST_CASE("chain revocation: a list signed by another key of the same name does not count (B-264)",
          "[policy][chain_revocation]") {
    revocation_fixture made;
    auto const twin = test::make_self_signed(authority_request("Middle"));
    auto const by_twin = test::held(make_crl({}, twin));
    CHECK(made.status({by_twin}) == unknown);
    CHECK(made.check({&made.leaf, &made.middle, &twin}, {by_twin, made.by_root()}).findings.front().status == unknown);
    auto const revoking = test::held(make_crl(made.listing(made.leaf), twin));
    CHECK(made.status({revoking}) == unknown);
    CHECK(made.status({revoking, made.by_middle({})}) == good);
    CHECK(made.status({by_twin, made.by_middle(made.listing(made.leaf))}) == revoked);
}

TEST_CASE("chain revocation: a list signed by another key of the CA counts where that has a path and a list of its own",
          "[policy][chain_revocation]") {
    revocation_fixture made;
    auto request = authority_request("Middle");
    request.key_usage = "critical,cRLSign";
    auto const signer = make_certificate(request, made.root);
    auto const judge = [&](crl_request const& list, crl_request const& of_root) {
        crl_list const lists{test::held(make_crl(list, signer)), made.by_root(of_root)};
        return made.check({&made.leaf, &made.middle, &signer}, lists).findings.front().status;
    };
    CHECK(judge({}, {}) == good);
    CHECK(judge(made.listing(made.leaf), {}) == revoked);
    CHECK(judge({}, made.listing(signer)) == unknown);  // whose key is lost says nothing
}

TEST_CASE("chain revocation: who signs a CA's lists with another key keeps to the rules of every path (B-273)",
          "[policy][chain_revocation]") {
    revocation_fixture made;
    auto request = authority_request("Middle");
    request.key_usage = "critical,cRLSign";
    auto const other = test::make_self_signed(authority_request("Other"));
    auto const judge = [&](identity const& signer) {
        crl_list const lists{test::held(make_crl({}, signer)), made.by_root({}), test::held(make_crl({}, other))};
        return made.check({&made.leaf, &made.middle, &signer}, lists).findings.front().status;
    };
    CHECK(judge(make_certificate(request, made.root)) == good);
    request.digest = EVP_sha1();
    CHECK(judge(make_certificate(request, made.root)) == unknown);
    request.digest = EVP_sha256();
    request.raw = {test::unknown_extension(true)};
    CHECK(judge(make_certificate(request, made.root)) == unknown);
    request.raw.clear();
    request.not_after = test::hours_from_now(-1);
    CHECK(judge(make_certificate(request, made.root)) == unknown);
    request.not_after = test::days_from_now(1);
    made.trusted = {&made.root, &other};
    CHECK(judge(make_certificate(request, made.root)) == good);
    CHECK(judge(make_certificate(request, other)) == unknown);  // another anchor's
}

TEST_CASE("chain revocation: a bad signature makes a list unusable, whatever it says", "[policy][chain_revocation]") {
    revocation_fixture made;
    auto const spoilt = [&](crl_request const& list) {
        auto const der = test::with_bad_signature(test::der_of(*make_crl(list, made.middle)));
        return parse_crl(test::text_of(der), "test");
    };
    CHECK(made.status({spoilt({})}) == unknown);
    CHECK(made.status({spoilt(made.listing(made.leaf))}) == unknown);
    auto expired = made.listing(made.leaf);
    expired.this_update = test::days_from_now(-3);
    expired.next_update = test::hours_from_now(-1);
    CHECK(made.status({spoilt(expired)}) == unknown);
}

TEST_CASE("chain revocation: lists for users, CAs or attribute certificates say nothing about others (B-264)",
          "[policy][chain_revocation]") {
    revocation_fixture made;
    CHECK(made.status(with_point({.only_user = true})) == good);
    CHECK(made.status(with_point({.only_authority = true})) == unknown);
    CHECK(made.status(with_point({.only_attribute = true})) == unknown);
    auto const of_middle = [&](test::issuing_point const& point) {
        return made.check({&made.leaf, &made.middle}, {made.by_middle({}), made.by_root(with_point(point))})
            .findings[1]
            .status;
    };
    CHECK(of_middle({.only_authority = true}) == good);
    CHECK(of_middle({.only_user = true}) == unknown);
    CHECK(made.status(with_point({.only_user = true, .only_authority = true})) == unknown);
}

TEST_CASE("chain revocation: a list for one distribution point is for the certificates that name it (B-264)",
          "[policy][chain_revocation]") {
    revocation_fixture made;
    auto const list = with_point({.name = {.urls = {"http://a/1"}}});
    CHECK(made.status(list) == unknown);
    made.renew({.crl_points = {{.urls = {"http://b/2"}}}});
    CHECK(made.status(list) == unknown);
    made.renew({.crl_points = {{.urls = {"http://b/2", "http://a/1"}}}});
    CHECK(made.status(list) == good);
    made.renew({.crl_points = {{.relative = common_name("part")}}});
    CHECK(made.status(with_point({.name = {.relative = common_name("part")}})) == good);
    CHECK(made.status(with_point({.name = {.relative = common_name("other part")}})) == unknown);
}

TEST_CASE("chain revocation: lists for some reasons count together, when they are for all (B-264)",
          "[policy][chain_revocation]") {
    revocation_fixture made;
    auto const some = [](std::vector<int> reasons) { return with_point({.name = {.reasons = std::move(reasons)}}); };
    CHECK(made.status(some({1, 2})) == unknown);
    CHECK(made.status({made.by_middle(some({1, 2})), made.by_middle(some({3, 4, 5, 6, 7, 8}))}) == good);
    auto revoking = made.listing(made.leaf);
    revoking.point = some({1, 2}).point;
    CHECK(made.status(revoking) == revoked);
    CHECK(made.status({made.by_middle(revoking), made.by_middle(some({3, 4, 5, 6, 7, 8}))}) == revoked);
    CHECK(made.status({made.by_middle(some({3, 4, 5, 6, 7, 8})), made.by_middle(revoking)}) == revoked);
}

TEST_CASE("chain revocation: of lists for some reasons none may have expired (B-264)", "[policy][chain_revocation]") {
    revocation_fixture const made;
    auto const some = [](std::vector<int> reasons) { return with_point({.name = {.reasons = std::move(reasons)}}); };
    auto late = some({3, 4, 5, 6, 7, 8});
    late.this_update = test::days_from_now(-3);
    late.next_update = test::hours_from_now(-1);
    CHECK(made.status({made.by_middle(some({1, 2})), made.by_middle(late)}) == unknown);
    late.revoked = made.listing(made.leaf).revoked;
    CHECK(made.status({made.by_middle(some({1, 2})), made.by_middle(late)}) == revoked);
}

TEST_CASE("chain revocation: an indirect list is for the certificates that name its issuer (B-264)",
          "[policy][chain_revocation]") {
    revocation_fixture made;
    auto request = authority_request("List issuer");
    auto const lister = make_certificate(request, made.root);
    made.renew({.crl_points = {{.directory = common_name("point"), .crl_issuer = common_name("List issuer")}}});
    test::issuing_point const point{.name = {.directory = common_name("point")}, .indirect = true};
    auto const judge = [&](crl_request list) {
        list.point = point;
        crl_list const lists{test::held(make_crl(list, lister)), made.by_root()};
        return made.check({&made.leaf, &made.middle, &lister}, lists).findings.front().status;
    };
    CHECK(judge({}) == good);
    auto list = made.listing(made.leaf);
    list.revoked.front().certificate_issuer = common_name("Middle");
    CHECK(judge(list) == revoked);
    list.revoked.front().certificate_issuer = common_name("Another");
    CHECK(judge(list) == good);
    // An entry without issuer has that of the one before it (RFC 5280 5.3.3).
    list = made.listing(made.leaf);
    list.revoked.insert(list.revoked.begin(), {.serial = {0x11}, .certificate_issuer = common_name("Middle")});
    CHECK(judge(list) == revoked);
}

TEST_CASE("chain revocation: a list of a CA that the certificate does not name is not for it",
          "[policy][chain_revocation]") {
    revocation_fixture made;
    auto const lister = make_certificate(authority_request("List issuer"), made.root);
    crl_request list;
    list.point = test::issuing_point{.indirect = true};
    crl_list const lists{test::held(make_crl(list, lister)), made.by_root()};
    CHECK(made.check({&made.leaf, &made.middle, &lister}, lists).findings.front().status == unknown);
}

TEST_CASE("chain revocation: a list that is signed with SHA-1 says nothing, and is named (B-273)",
          "[policy][chain_revocation]") {
    revocation_fixture const made;
    crl_request weak;
    weak.digest = EVP_sha1();
    auto const found = made.of_leaf({made.by_middle(weak)});
    CHECK(found.status == unknown);
    CHECK(found.words ==
          "unable to get certificate CRL: that of CN=Middle is not usable: signed with a weak algorithm");
    CHECK(made.status({made.by_middle(weak), made.by_middle({})}) == good);
}

TEST_CASE("chain revocation: who signs lists in a CA's place may be on his own list (PKITS 4.14.30)",
          "[policy][chain_revocation]") {
    revocation_fixture made;
    auto request = authority_request("List issuer");
    test::distribution_point const point{.directory = common_name("point"), .crl_issuer = common_name("List issuer")};
    auto const judge = [&](bool named, bool listed) {
        request.crl_points.clear();
        if (named) request.crl_points = {point};
        auto const lister = make_certificate(request, made.root);
        made.renew({.crl_points = {point}});
        auto list = listed ? made.listing(lister) : crl_request{};
        if (listed) list.revoked.front().certificate_issuer = common_name("Root");
        list.point = test::issuing_point{.name = {.directory = common_name("point")}, .indirect = true};
        // For the intermediate there is a list of the root; for the signer only his own counts.
        crl_request of_root;
        of_root.point = test::issuing_point{.name = {.urls = {"http://a/1"}}};
        auto with_url = authority_request("Middle");
        with_url.own_key = made.middle.key.get();
        with_url.crl_points = {{.urls = {"http://a/1"}}};
        made.middle = make_certificate(with_url, made.root);
        crl_list const lists{test::held(make_crl(list, lister)), made.by_root(of_root)};
        auto const all = made.check({&made.leaf, &made.middle, &lister}, lists);
        REQUIRE(all.findings.size() == 3);
        CHECK(all.findings[1].status == good);
        return all.findings.front().status;
    };
    CHECK(judge(true, false) == good);
    CHECK(judge(true, true) == unknown);    // he has revoked himself
    CHECK(judge(false, false) == unknown);  // his issuer does not say that this list is for him
}
