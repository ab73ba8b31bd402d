// Where revocation information is fetched from, in which order, and what of it counts.
#include "policy/peer_verifier.hpp"
#include "tests/policy/peer_bench.hpp"

using namespace ftpsgate;
using namespace ftpsgate::policy;
using namespace std::chrono_literals;
using test::peer_bench;
using test::words_of;

TEST_CASE("peer_verifier: a CRL is fetched once and then held (B-263)", "[policy][peer_verifier][network]") {
    peer_bench made;
    auto const leaf = made.issue(), other = made.issue();
    auto const first = made.verify(leaf);
    INFO(words_of(first));
    CHECK(first->peer);
    CHECK(first->chain.front().source == revocation_source::crl);
    REQUIRE(first->fetches.size() == 1);
    CHECK(first->fetches.front().usable);
    CHECK(first->fetches.front().url == made.server.url("/crl"));
    auto const second = made.verify(other);
    CHECK(second->peer);
    CHECK(second->chain.front().source == revocation_source::cache);
    CHECK(second->fetches.empty());
    CHECK(made.server.requests("/crl") == 1);
    auto const relied_on = made.verifier();
    made.verify(*relied_on, made.chain_of({&leaf}));
    REQUIRE(relied_on->relied_on_lists().size() == 1);
    CHECK(relied_on->relied_on_lists().front().origin == made.server.url("/crl"));
}

TEST_CASE("peer_verifier: the lists of all CAs of the path are fetched (B-252)", "[policy][peer_verifier][network]") {
    peer_bench made;
    auto request = test::authority_request("Middle");
    request.crl_points = {{.urls = {made.server.url("/crl")}}};
    auto const middle = test::make_certificate(request, made.root);
    auto const leaf = test::make_certificate({.crl_points = {{.urls = {made.server.url("/middle")}}}}, middle);
    made.serve("/middle", {}, middle);
    CHECK(made.verify({&leaf, &middle})->peer);
    CHECK(made.server.requests("/crl") == 1);
    CHECK(made.server.requests("/middle") == 1);
    auto const revoked = test::make_certificate(request, made.root);
    auto const below = test::make_certificate({.crl_points = {{.urls = {made.server.url("/below")}}}}, revoked);
    made.serve("/below", {}, revoked);
    made.service = std::make_shared<verification_service>(2);
    made.serve("/crl", made.listing(revoked));
    CHECK(made.verify({&below, &revoked})->reason == refusal::revoked);
}

TEST_CASE("peer_verifier: URLs are tried in order, those that are not http are passed over (B-261)",
          "[policy][peer_verifier][network]") {
    peer_bench made;
    auto const leaf = made.issue({.crl_points = {{.urls = {"ldap://127.0.0.1/x", "https://127.0.0.1/x", "file:///x"}},
                                                 {.relative = test::common_name("x")},
                                                 {.urls = {made.server.url("/none"), made.server.url("/crl")}}}});
    auto const verdict = made.verify(leaf);
    INFO(words_of(verdict));
    CHECK(verdict->peer);
    CHECK(verdict->fetches.size() == 2);
    CHECK(made.server.requests("/none") == 1);
    CHECK(made.server.connections() == 2);
}

TEST_CASE("peer_verifier: a list in PEM is taken, too (B-261)", "[policy][peer_verifier][network]") {
    peer_bench made;
    made.server.serve("/crl", test::pem_of(*test::make_crl({}, made.root)));
    CHECK(made.verify(made.issue())->peer);
}

TEST_CASE("peer_verifier: what comes and is no usable list leaves the status unknown (B-253, A-084)",
          "[policy][peer_verifier][network]") {
    peer_bench made;
    auto const stranger = test::make_self_signed(test::authority_request("Root"));
    test::crl_request list;
    std::string words;
    SECTION("nothing") {
        made.server.remove("/crl"), words = "HTTP status 404";
    }
    SECTION("rubbish") {
        made.server.serve("/crl", "rubbish"), words = "no CRL came";
    }
    SECTION("of another key") {
        made.serve("/crl", {}, stranger), words = "not signed by";
    }
    SECTION("a bad signature") {
        auto const der = test::der_of(*test::make_crl({}, made.root));
        made.server.serve("/crl", test::text_of(test::with_bad_signature(der)));
        words = "not signed by";
    }
    SECTION("expired") {
        list.this_update = test::days_from_now(-2);
        list.next_update = test::days_from_now(-1);
        made.serve("/crl", list), words = "has expired";
    }
    SECTION("of the future") {
        list.this_update = test::hours_from_now(1);
        made.serve("/crl", list), words = "from the future";
    }
    SECTION("a delta in place of the base") {
        list.base = 1, list.number = 2;
        made.serve("/crl", list), words = "a delta CRL where a complete one is due";
    }
    SECTION("with an unknown critical extension") {
        list.raw = {test::unknown_extension(true)};
        made.serve("/crl", list), words = "";
    }
    SECTION("for CAs only") {
        list.point = test::issuing_point{.only_authority = true};
        made.serve("/crl", list), words = "";
    }
    auto const verdict = made.verify(made.issue());
    INFO(words_of(verdict));
    CHECK(verdict->reason == refusal::revocation_unknown);
    CHECK(verdict->detail.find(words) != std::string::npos);
    CHECK(verdict->detail.starts_with("CN=client: "));
}

TEST_CASE("peer_verifier: URLs that lead where they may not are not asked (A-081)",
          "[policy][peer_verifier][network]") {
    peer_bench made;
    made.allow({});
    auto const verdict = made.verify(made.issue({.ocsp_urls = {made.server.url("/ocsp")}}));
    CHECK(verdict->reason == refusal::revocation_unknown);
    CHECK(verdict->detail.find("url_allow") != std::string::npos);
    CHECK(made.server.connections() == 0);
}

TEST_CASE("peer_verifier: what one site may not ask, another may at once", "[policy][peer_verifier][network]") {
    peer_bench made;
    auto const leaf = made.issue({.ocsp_urls = {made.server.url("/ocsp")}});
    made.allow({});
    auto const strict = made.verifier();
    made.allow({"127.0.0.1"});
    auto const lenient = made.verifier();
    CHECK(made.verify(*strict, made.chain_of({&leaf}))->reason == refusal::revocation_unknown);
    auto const verdict = made.verify(*lenient, made.chain_of({&leaf}));
    INFO(words_of(verdict));
    CHECK(verdict->peer);
}

TEST_CASE("peer_verifier: OCSP comes first, and what it says is final (B-266)", "[policy][peer_verifier][network]") {
    peer_bench made;
    auto const leaf = made.issue({.ocsp_urls = {made.server.url("/ocsp")}});
    SECTION("good") {
        made.respond("/ocsp", leaf);
        auto const verdict = made.verify(leaf);
        INFO(words_of(verdict));
        CHECK(verdict->peer);
        CHECK(verdict->chain.front().source == revocation_source::ocsp);
        CHECK(made.verify(leaf)->chain.front().source == revocation_source::cache);
        CHECK(made.server.requests("/ocsp") == 1);
    }
    SECTION("revoked") {
        made.respond("/ocsp", leaf, {.status = test::ocsp_word::revoked});
        auto const verdict = made.verify(leaf);
        CHECK(verdict->reason == refusal::revoked);
        CHECK(verdict->chain.front().source == revocation_source::ocsp);
    }
    CHECK(made.server.requests("/crl") == 0);
}

TEST_CASE("peer_verifier: where OCSP gives no usable answer, the CRL is asked (B-266)",
          "[policy][peer_verifier][network]") {
    peer_bench made;
    auto const leaf = made.issue({.ocsp_urls = {made.server.url("/ocsp")}});
    auto const other = made.issue();
    SECTION("none there") {
    }
    SECTION("unknown") {
        made.respond("/ocsp", leaf, {.status = test::ocsp_word::unknown});
    }
    SECTION("about another") {
        made.respond("/ocsp", other);
    }
    SECTION("tryLater") {
        made.server.serve("/ocsp", test::text_of(test::make_ocsp_response({.status = 3}, made.root, made.root)),
                          "application/ocsp-response");
    }
    SECTION("signed by the client") {
        auto const response =
            test::make_ocsp_response({.answers = {{.certificate = leaf.certificate.get()}}}, made.root, leaf);
        made.server.serve("/ocsp", test::text_of(response), "application/ocsp-response");
    }
    SECTION("rubbish") {
        made.server.serve("/ocsp", "rubbish", "application/ocsp-response");
    }
    SECTION("another content type") {
        made.respond("/ocsp", leaf);
        auto const response =
            test::make_ocsp_response({.answers = {{.certificate = leaf.certificate.get()}}}, made.root, made.root);
        made.server.serve("/ocsp", test::text_of(response), "text/html");
    }
    auto const verdict = made.verify(leaf);
    INFO(words_of(verdict));
    CHECK(verdict->peer);
    CHECK(verdict->chain.front().source == revocation_source::crl);
    CHECK(made.server.requests("/ocsp") == 1);
    CHECK(made.server.requests("/crl") == 1);
    made.service = std::make_shared<verification_service>(2);
    made.serve("/crl", made.listing(leaf));
    CHECK(made.verify(leaf)->reason == refusal::revoked);
}

TEST_CASE("peer_verifier: without OCSP and without CRL the status is unknown (B-266)",
          "[policy][peer_verifier][network]") {
    peer_bench made;
    auto const leaf = made.issue_plain({.ocsp_urls = {made.server.url("/ocsp")}});
    made.respond("/ocsp", leaf, {.status = test::ocsp_word::unknown});
    auto const verdict = made.verify(leaf);
    CHECK(verdict->reason == refusal::revocation_unknown);
    CHECK(verdict->detail.find("the responder does not know the certificate") != std::string::npos);
}

TEST_CASE("peer_verifier: the answer of a delegate without nocheck counts once a list says that it is good (B-267)",
          "[policy][peer_verifier][network]") {
    peer_bench made;
    auto request = test::delegate_request();
    request.raw.clear();
    auto const delegate = test::make_certificate(request, made.root);
    auto const leaf = made.issue({.ocsp_urls = {made.server.url("/ocsp")}});
    auto const response = test::make_ocsp_response(
        {.answers = {{.certificate = leaf.certificate.get()}}, .certs = {delegate.certificate.get()}}, made.root,
        delegate);
    made.server.serve("/ocsp", test::text_of(response), "application/ocsp-response");
    auto const source = [&](test::crl_request const& list) {
        made.files = {test::held(test::make_crl(list, made.root))};
        made.service = std::make_shared<verification_service>(2);
        return made.verify(leaf)->chain.front().source;
    };
    CHECK(source({}) == revocation_source::ocsp);
    CHECK(source(made.listing(delegate)) == revocation_source::cache);  // of the list, then
}

TEST_CASE("peer_verifier: deltas are fetched where the certificate or the base says (B-262)",
          "[policy][peer_verifier][network]") {
    peer_bench made;
    bool const by_base = GENERATE(false, true);
    test::certificate_request request;
    test::crl_request base{.number = 5};
    std::vector<test::distribution_point> const points{{.urls = {made.server.url("/delta")}}};
    (by_base ? base.freshest : request.freshest) = points;
    made.serve("/crl", base);
    auto const leaf = made.issue(request);
    auto delta = made.listing(leaf);
    delta.number = 6, delta.base = 5;
    SECTION("that revokes") {
        made.serve("/delta", delta);
        CHECK(made.verify(leaf)->reason == refusal::revoked);
        CHECK(made.verify(leaf)->reason == refusal::revoked);
        CHECK(made.server.requests("/delta") == 1);
    }
    SECTION("that revokes nobody") {
        delta.revoked.clear();
        made.serve("/delta", delta);
        CHECK(made.verify(leaf)->peer);
        CHECK(made.verify(leaf)->peer);
        CHECK(made.server.requests("/delta") == 1);
        CHECK(made.server.requests("/crl") == 1);
    }
    SECTION("that is none") {
        made.serve("/delta", made.listing(leaf));
        auto const verdict = made.verify(leaf);
        CHECK(made.held_list("/delta") == nullptr);
        CHECK(made.server.requests("/delta") == 1);
    }
}

TEST_CASE("peer_verifier: a list signed by a stranger's key that the client presents is not taken (B-263)",
          "[policy][peer_verifier][network]") {
    peer_bench made;
    auto const leaf = made.issue();
    auto const twin = test::make_self_signed(test::authority_request("Root"));
    auto const chain = made.chain_of({&leaf, &twin});
    test::crl_request poison;
    poison.number = 1'000'000;
    poison.next_update = test::days_from_now(3650);
    made.serve("/crl", poison, twin);
    CHECK(made.verify(*made.verifier(), chain)->reason == refusal::revocation_unknown);
    CHECK(made.held_list("/crl") == nullptr);
    // Nor does it keep the good one away afterwards.
    made.forget("/crl");
    made.serve("/crl", {});
    auto const verdict = made.verify(leaf);
    INFO(words_of(verdict));
    CHECK(verdict->peer);
}

TEST_CASE("peer_verifier: a list signed by a client or by a CA that it names itself is not taken (B-263)",
          "[policy][peer_verifier][network]") {
    peer_bench made;
    made.settings.revocation_freshness_time = 10min;  // so that it is asked for again
    auto const leaf = made.issue({.subject = test::common_name("mallory")});
    made.serve("/crl", {});
    CHECK(made.verify(leaf)->peer);
    auto const sound = made.held_list("/crl");
    REQUIRE(sound);
    made.forget("/crl");
    made.serve("/crl", {}, leaf);
    auto const verdict = made.verify(leaf);
    INFO(words_of(verdict));
    CHECK(verdict->peer);
    CHECK(made.held_list("/crl")->issuer == "CN=Root");
}

TEST_CASE("peer_verifier: an older list does not take the place of the one that is held (A-083)",
          "[policy][peer_verifier][network]") {
    peer_bench made;
    made.settings.revocation_freshness_time = 10min;
    auto const leaf = made.issue(), other = made.issue();
    auto newer = made.listing(leaf);
    newer.number = 7;
    made.serve("/crl", newer);
    CHECK(made.verify(leaf)->reason == refusal::revoked);
    made.serve("/crl", {.number = 5});
    made.forget("/crl");
    auto const verdict = made.verify(other);
    INFO(words_of(verdict));
    CHECK(made.server.requests("/crl") == 2);
    CHECK(verdict->peer);
    CHECK(verdict->warnings.size() == 1);
    CHECK(made.verify(leaf)->reason == refusal::revoked);
}

TEST_CASE("peer_verifier: a list older than revocation_freshness_time is fetched again (B-259)",
          "[policy][peer_verifier][network]") {
    peer_bench made;
    test::temporary_folder const folder;
    if (GENERATE(false, true)) made.settings.revocation_cache = config::file_path{folder.path(), {}};
    auto const leaf = made.issue();
    made.serve("/crl", {.this_update = test::hours_from_now(-2), .number = 1});
    CHECK(made.verify(leaf)->warnings.empty());
    made.settings.revocation_freshness_time = 1h;
    auto newer = made.listing(leaf);
    newer.number = 2;
    newer.this_update = test::hours_from_now(0);
    made.serve("/crl", newer);
    made.forget("/crl");
    CHECK(made.verify(leaf)->reason == refusal::revoked);
    CHECK(made.server.requests("/crl") == 2);
}

TEST_CASE("peer_verifier: an OCSP answer older than revocation_freshness_time is fetched again (B-259)",
          "[policy][peer_verifier][network]") {
    peer_bench made;
    test::temporary_folder const folder;
    if (GENERATE(false, true)) made.settings.revocation_cache = config::file_path{folder.path(), {}};
    auto const leaf = made.issue_plain({.ocsp_urls = {made.server.url("/ocsp")}});
    made.respond("/ocsp", leaf, {.this_update = test::hours_from_now(-2)});
    CHECK(made.verify(leaf)->peer);
    made.settings.revocation_freshness_time = 1h;
    made.respond("/ocsp", leaf, {.status = test::ocsp_word::revoked, .this_update = test::hours_from_now(0)});
    made.forget_answer("/ocsp", leaf);
    CHECK(made.verify(leaf)->reason == refusal::revoked);
}

TEST_CASE("peer_verifier: where newer is not to be had, the older list counts with a warning (D-12)",
          "[policy][peer_verifier][network]") {
    peer_bench made;
    auto const leaf = made.issue(), other = made.issue();
    auto list = made.listing(other);
    list.this_update = test::hours_from_now(-2);
    made.serve("/crl", list);
    CHECK(made.verify(leaf)->peer);
    made.server.remove("/crl");
    made.forget("/crl");
    made.settings.revocation_freshness_time = 1h;
    auto const verifier = made.verifier();
    auto const verdict = made.verify(*verifier, made.chain_of({&leaf}));
    INFO(words_of(verdict));
    CHECK(verdict->peer);
    CHECK(verdict->chain.front().stale);
    REQUIRE(verdict->warnings.size() == 1);
    CHECK(verdict->warnings.front().find("revocation_freshness_time") != std::string::npos);
    CHECK(verifier->recall(made.chain_of({&leaf})) == nullptr);
    CHECK(made.verify(*verifier, made.chain_of({&other}))->reason == refusal::revoked);
}

TEST_CASE("peer_verifier: with revocation_unavailable = accept a dead source gives a warning (B-253)",
          "[policy][peer_verifier][network]") {
    peer_bench made;
    made.settings.revocation_unavailable = config::unavailable_revocation::accept;
    auto const leaf = made.issue();
    made.server.remove("/crl");
    auto const verdict = made.verify(leaf);
    CHECK(verdict->peer);
    REQUIRE(verdict->warnings.size() == 1);
    CHECK(verdict->warnings.front().find("accepted although the revocation status is unknown") != std::string::npos);
    made.service = std::make_shared<verification_service>(2);
    made.serve("/crl", made.listing(leaf));
    CHECK(made.verify(leaf)->reason == refusal::revoked);
}

TEST_CASE("peer_verifier: a revoked certificate stays revoked while its source is down (B-253)",
          "[policy][peer_verifier][network]") {
    peer_bench made;
    made.settings.revocation_unavailable = config::unavailable_revocation::accept;
    made.settings.revocation_freshness_time = 10min;
    bool const by_ocsp = GENERATE(false, true);
    auto const leaf = made.issue({.ocsp_urls = {made.server.url("/ocsp")}});
    if (by_ocsp) made.respond("/ocsp", leaf, {.status = test::ocsp_word::revoked});
    if (!by_ocsp) made.serve("/crl", made.listing(leaf));
    CHECK(made.verify(leaf)->reason == refusal::revoked);
    made.server.remove("/ocsp");
    made.server.remove("/crl");
    made.forget("/crl");
    made.forget_answer("/ocsp", leaf);
    CHECK(made.verify(leaf)->reason == refusal::revoked);
}
