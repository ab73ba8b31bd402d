// Verdicts that need no network, and recall(). Fetching: peer_verifier_network_test.cpp.
#include "policy/peer_verifier.hpp"

#include "tests/policy/peer_bench.hpp"

#include <thread>

using namespace ftpsgate;
using namespace ftpsgate::policy;
using namespace std::chrono_literals;
using test::peer_bench;

namespace {

std::shared_ptr<peer_verifier const> verifier_with_list(peer_bench& made, test::crl_request const& list = {}) {
    made.files = {test::held(test::make_crl(list, made.root), "list.crl")};
    return made.verifier();
}

}  // namespace

TEST_CASE("peer_verifier: who passes every check is a verified_peer, with the chain and its facts",
          "[policy][peer_verifier]") {
    peer_bench made;
    auto const leaf = made.issue_plain({.subject = test::common_name("anna")});
    auto const verdict = made.verify(*verifier_with_list(made), made.chain_of({&leaf}));
    REQUIRE(verdict->peer);
    CHECK(verdict->peer->subject() == "CN=anna");
    CHECK(verdict->peer->sha256() == sha256_of(*leaf.certificate));
    CHECK(verdict->peer->chain().size() == 2);
    CHECK(verdict->subject == "CN=anna");
    CHECK(verdict->sha256 == to_hex(sha256_of(*leaf.certificate)));
    REQUIRE(verdict->chain.size() == 2);
    CHECK(verdict->chain[0].status == revocation_status::good);
    CHECK(verdict->chain[0].source == revocation_source::cache);
    CHECK_FALSE(verdict->chain[0].anchor);
    CHECK(verdict->chain[1].anchor);
    CHECK(verdict->chain[1].status == revocation_status::not_checked);
    CHECK(verdict->warnings.empty());
    CHECK(verdict->fetches.empty());
    CHECK(made.server.connections() == 0);
}

TEST_CASE("peer_verifier: no certificate, too many, or rubbish is malformed (B-273)", "[policy][peer_verifier]") {
    peer_bench made;
    auto const leaf = made.issue_plain();
    auto const verifier = verifier_with_list(made);
    auto const reason = [&](std::vector<std::string> chain) {
        return made.verify(*verifier, std::move(chain))->reason;
    };
    auto const der = test::text_of(*leaf.certificate);
    CHECK(reason({}) == refusal::malformed);
    CHECK(reason({""}) == refusal::malformed);
    CHECK(reason({"rubbish"}) == refusal::malformed);
    CHECK(reason({der + "x"}) == refusal::malformed);
    CHECK(reason({der, "rubbish"}) == refusal::malformed);
    CHECK(reason(std::vector<std::string>(21, der)) == refusal::malformed);
    CHECK(reason(std::vector<std::string>(20, der)) == refusal::none);
    CHECK(made.server.connections() == 0);
}

TEST_CASE("peer_verifier: a revoked certificate is refused, also where unknown ones are accepted (B-253)",
          "[policy][peer_verifier]") {
    peer_bench made;
    made.settings.revocation_unavailable =
        GENERATE(config::unavailable_revocation::refuse, config::unavailable_revocation::accept);
    auto const leaf = made.issue_plain();
    auto list = made.listing(leaf);
    if (GENERATE(true, false)) {
        list.this_update = test::days_from_now(-3);
        list.next_update = test::days_from_now(-2);
    }
    auto const verdict = made.verify(*verifier_with_list(made, list), made.chain_of({&leaf}));
    CHECK(verdict->reason == refusal::revoked);
    CHECK_FALSE(verdict->peer);
    CHECK(verdict->detail.find("revoked by the CRL of CN=Root") != std::string::npos);
}

TEST_CASE("peer_verifier: a certificate that names no source is unknown: refused, or accepted with a warning (D-11)",
          "[policy][peer_verifier]") {
    peer_bench made;
    auto const leaf = made.issue_plain();
    auto const refused = made.verify(leaf);
    CHECK(refused->reason == refusal::revocation_unknown);
    CHECK(refused->detail.find("names neither an OCSP responder nor a CRL") != std::string::npos);
    made.settings.revocation_unavailable = config::unavailable_revocation::accept;
    auto const accepted = made.verify(leaf);
    CHECK(accepted->peer);
    CHECK(accepted->warnings.size() == 1);
    CHECK(accepted->chain.front().status == revocation_status::unknown);
}

TEST_CASE("peer_verifier: under no-revocation-check nothing is asked (B-254)", "[policy][peer_verifier]") {
    peer_bench made;
    made.settings.flags.no_revocation_check = true;
    auto const leaf = made.issue({.ocsp_urls = {made.server.url("/ocsp")}});
    auto const verdict = made.verify(leaf);
    CHECK(verdict->peer);
    CHECK(verdict->warnings.empty());
    CHECK(verdict->chain.front().status == revocation_status::not_checked);
    CHECK(made.verify(made.issue({.extended_key_usage = "serverAuth"}))->reason == refusal::usage);
    CHECK(made.server.connections() == 0);
}

TEST_CASE("peer_verifier: under revocation-cache-only no socket is opened (B-255)", "[policy][peer_verifier]") {
    peer_bench made;
    auto const leaf =
        made.issue({.freshest = {{.urls = {made.server.url("/delta")}}}, .ocsp_urls = {made.server.url("/ocsp")}});
    made.settings.flags.revocation_cache_only = true;
    test::temporary_folder const folder;
    if (GENERATE(true, false)) made.settings.revocation_cache = config::file_path{folder.path(), {}};
    CHECK(made.verify(leaf)->reason == refusal::revocation_unknown);
    CHECK(made.server.connections() == 0);
    CHECK(made.verify(*verifier_with_list(made), made.chain_of({&leaf}))->peer);
    CHECK(made.verify(*verifier_with_list(made, made.listing(leaf)), made.chain_of({&leaf}))->reason ==
          refusal::revoked);
    CHECK(made.server.connections() == 0);
    // What others of the process have fetched is held, too.
    made.files.clear();
    made.settings.flags.revocation_cache_only = false;
    CHECK(made.verify(leaf)->peer);
    made.settings.flags.revocation_cache_only = true;
    auto const before = made.server.connections();
    CHECK(made.verify(leaf)->peer);
    CHECK(made.server.connections() == before);
}

TEST_CASE("peer_verifier: the usage check can be lifted, but for the CA's certificate (B-257, B-188)",
          "[policy][peer_verifier]") {
    peer_bench made;
    made.settings.flags.no_usage_check = GENERATE(true, false);
    auto const expected = made.settings.flags.no_usage_check ? refusal::none : refusal::usage;
    auto const verifier = verifier_with_list(made);
    auto const server = made.issue_plain({.extended_key_usage = "serverAuth"});
    auto const middle = test::make_certificate(test::authority_request("Middle"), made.root);
    CHECK(made.verify(*verifier, made.chain_of({&server}))->reason == expected);
    CHECK(made.verify(*verifier, made.chain_of({&middle}))->reason == refusal::usage);
    CHECK(made.verify(*verifier, made.chain_of({&made.root}))->reason == refusal::usage);
}

TEST_CASE("peer_verifier: a certificate that does not validate causes no fetch (A-082, B-251)",
          "[policy][peer_verifier]") {
    peer_bench made;
    test::certificate_request request{.crl_points = {{.urls = {made.server.url("/crl")}}},
                                      .freshest = {{.urls = {made.server.url("/delta")}}},
                                      .ocsp_urls = {made.server.url("/ocsp")}};
    auto const stranger = test::make_self_signed(test::authority_request("Root"));
    auto const leaf = made.issue(request);
    test::identity const spoilt{test::with_bad_signature(*leaf.certificate), nullptr};
    auto const expected = [&](test::identity const& who, refusal why) {
        auto const verdict = made.verify(who);
        CHECK(verdict->reason == why);
        CHECK(verdict->fetches.empty());
    };
    expected(spoilt, refusal::bad_signature);
    expected(test::make_certificate(request, stranger), refusal::untrusted);
    request.not_after = test::hours_from_now(-1);
    expected(made.issue(request), refusal::expired);
    request.not_after = test::days_from_now(1);
    request.extended_key_usage = "serverAuth";
    expected(made.issue(request), refusal::usage);
    request.extended_key_usage = "clientAuth";
    request.digest = EVP_sha1();
    expected(made.issue(request), refusal::weak);
    CHECK(made.server.connections() == 0);
}

TEST_CASE("peer_verifier: a client that was accepted is recalled, exactly as it came", "[policy][peer_verifier]") {
    peer_bench made;
    auto const leaf = made.issue_plain(), other = made.issue_plain();
    auto const verifier = verifier_with_list(made);
    auto const chain = made.chain_of({&leaf});
    CHECK(verifier->recall(chain) == nullptr);
    auto const verdict = made.verify(*verifier, chain);
    auto const recalled = verifier->recall(chain);
    REQUIRE(recalled);
    CHECK(recalled->peer == verdict->peer);
    CHECK(recalled->chain.front().source == revocation_source::cache);
    CHECK(verifier->recall(made.chain_of({&leaf, &made.root})) == nullptr);
    CHECK(verifier->recall(made.chain_of({&other})) == nullptr);
    CHECK(verifier->recall({}) == nullptr);
    CHECK(made.verifier()->recall(chain) == nullptr);
}

TEST_CASE("peer_verifier: who was refused or accepted with a warning is not recalled", "[policy][peer_verifier]") {
    peer_bench made;
    auto const leaf = made.issue_plain();
    auto const chain = made.chain_of({&leaf});
    auto const strict = made.verifier();
    CHECK_FALSE(made.verify(*strict, chain)->peer);
    CHECK(strict->recall(chain) == nullptr);
    made.settings.revocation_unavailable = config::unavailable_revocation::accept;
    auto const lenient = made.verifier();
    CHECK(made.verify(*lenient, chain)->peer);
    CHECK(lenient->recall(chain) == nullptr);
}

TEST_CASE("peer_verifier: nobody is recalled after what his verdict came from has changed", "[policy][peer_verifier]") {
    peer_bench made;
    auto const leaf = made.issue();
    auto const verifier = made.verifier();
    auto const chain = made.chain_of({&leaf});
    made.verify(*verifier, chain);
    CHECK(verifier->recall(chain));
    held_answer const answer{ocsp_status::good, {}, {}, test::hours_from_now(1)};
    SECTION("what concerns others is none of it") {
        made.service->cache().put_crl(made.list_key("/any"), test::held(test::make_crl({}, made.root)));
        made.service->cache().put_answer({revocation_key::kind::ocsp, "any", {}}, answer);
        CHECK(verifier->recall(chain));
        return;
    }
    SECTION("its list") {
        made.service->cache().put_crl(made.list_key("/crl"), test::held(test::make_crl({.number = 99}, made.root)));
    }
    SECTION("an answer about it, where there was none") {
        auto const question = ocsp_question_id({*leaf.certificate, *made.root.certificate});
        made.service->cache().put_answer({revocation_key::kind::ocsp, question, key_sha256_of(*made.root.certificate)},
                                         answer);
    }
    CHECK(verifier->recall(chain) == nullptr);
    CHECK(verifier->recall(chain) == nullptr);
    made.verify(*verifier, chain);
    CHECK(verifier->recall(chain));
}

TEST_CASE("peer_verifier: nobody is recalled once the certificate, the list or its freshness has ended",
          "[policy][peer_verifier]") {
    peer_bench made;
    auto const soon = test::hours_from_now(0) + 2s;
    test::certificate_request request;
    test::crl_request list;
    SECTION("certificate") {
        request.not_after = soon;
    }
    SECTION("list") {
        list.next_update = soon;
    }
    SECTION("freshness") {
        list.this_update = test::hours_from_now(-1);
        made.settings.revocation_freshness_time = 1h + 2s;
    }
    auto const leaf = made.issue_plain(request);
    auto const verifier = verifier_with_list(made, list);
    auto const chain = made.chain_of({&leaf});
    REQUIRE(made.verify(*verifier, chain)->peer);
    auto const end = test::in(10s);
    while (verifier->recall(chain) && std::chrono::steady_clock::now() < end)
        std::this_thread::yield();
    CHECK(std::chrono::system_clock::now() >= soon - 1s);
    CHECK(verifier->recall(chain) == nullptr);
}

TEST_CASE("peer_verifier: a pinned client certificate needs no revocation (B-252)", "[policy][peer_verifier]") {
    peer_bench made;
    auto const leaf = made.issue();
    made.trusted = {&leaf};
    auto const verdict = made.verify(leaf);
    CHECK(verdict->peer);
    CHECK(verdict->chain.size() == 1);
    CHECK(made.server.connections() == 0);
}
