// Many verifications at once, and sources that do not answer.
#include "policy/peer_verifier.hpp"
#include "tests/policy/peer_bench.hpp"

#include <boost/asio/post.hpp>

#include <atomic>
#include <latch>
#include <thread>

using namespace ftpsgate;
using namespace ftpsgate::policy;
using namespace std::chrono_literals;
using test::peer_bench;
using test::words_of;

namespace {

/// Verifications of one verifier under way at once.
struct crowd {
    explicit crowd(std::shared_ptr<peer_verifier const> by) : verifier(std::move(by)) {}

    void add(std::vector<std::string> chain, std::chrono::milliseconds time = 20s) {
        under_way.push_back(verifier->verify(std::move(chain), test::in(time), io.get_executor(),
                                             [this](verdict_ptr verdict) { verdicts.push_back(std::move(verdict)); }));
    }
    void wait() {
        REQUIRE(test::run_until(io, [this] { return verdicts.size() == under_way.size(); }));
    }
    std::size_t accepted() const {
        std::size_t count = 0;
        for (auto const& one : verdicts)
            count += one->peer ? 1 : 0;
        return count;
    }
    std::size_t fetches() const {
        std::size_t count = 0;
        for (auto const& one : verdicts)
            count += one->fetches.size();
        return count;
    }

    std::shared_ptr<peer_verifier const> verifier;
    boost::asio::io_context io;
    std::vector<verdict_ptr> verdicts;
    std::vector<peer_verifier::pending> under_way;
};

/// Until all that was posted to the two processors and then to the I/O thread is done.
void settle(verification_service& service) {
    auto const both = std::make_shared<std::latch>(3), after = std::make_shared<std::latch>(2);
    for (int i = 0; i < 2; ++i)
        boost::asio::post(service.processors(), [both] { both->arrive_and_wait(); });
    both->arrive_and_wait();
    boost::asio::post(service.io(), [after] { after->count_down(); });
    after->arrive_and_wait();
}

std::chrono::milliseconds since(std::chrono::steady_clock::time_point start) {
    return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - start);
}

}  // namespace

TEST_CASE("peer_verifier: all who wait for a list share one fetch (B-263)", "[policy][peer_verifier][flight]") {
    peer_bench made;
    made.server.hold("/crl");
    crowd all(made.verifier());
    for (int i = 0; i < 50; ++i)
        all.add(made.chain_of({std::make_unique<test::identity>(made.issue()).get()}));
    REQUIRE(made.server.wait_for("/crl", 1));
    settle(*made.service);
    made.server.release("/crl");
    all.wait();
    CHECK(all.accepted() == 50);
    CHECK(made.server.requests("/crl") == 1);
    CHECK(all.fetches() == 1);  // told to one of them
}

TEST_CASE("peer_verifier: who asks while a list arrives does not fetch it again (B-263)",
          "[policy][peer_verifier][flight]") {
    peer_bench made;
    auto const leaf = made.issue();
    for (int round = 0; round < 30; ++round) {
        made.service = std::make_shared<verification_service>(2);
        crowd all(made.verifier());
        for (int i = 0; i < 30; ++i)
            all.add(made.chain_of({&leaf}));
        all.wait();
        CHECK(all.accepted() == 30);
        CHECK(made.server.requests("/crl") == static_cast<std::size_t>(round) + 1);
    }
}

TEST_CASE("peer_verifier: who asks while a source fails does not ask it again (B-263)",
          "[policy][peer_verifier][flight]") {
    peer_bench made;
    auto const leaf = made.issue();
    made.server.remove("/crl");
    crowd all(made.verifier());
    for (int i = 0; i < 30; ++i)
        all.add(made.chain_of({&leaf}));
    all.wait();
    CHECK(all.accepted() == 0);
    CHECK(made.server.requests("/crl") == 1);
}

TEST_CASE("peer_verifier: sites with different url_allow share no fetch", "[policy][peer_verifier][flight]") {
    peer_bench made;
    auto const leaf = made.issue();
    made.server.hold("/crl");
    crowd one(made.verifier());
    made.allow({});
    crowd other(made.verifier());
    one.add(made.chain_of({&leaf}));
    REQUIRE(made.server.wait_for("/crl", 1));
    other.add(made.chain_of({&leaf}));
    other.wait();
    CHECK(other.verdicts.front()->reason == refusal::revocation_unknown);
    made.server.release("/crl");
    one.wait();
    CHECK(one.accepted() == 1);
    CHECK(made.server.requests("/crl") == 1);
}

TEST_CASE("peer_verifier: a source that failed is left alone for a moment (B-263)", "[policy][peer_verifier][flight]") {
    peer_bench made;
    auto const leaf = made.issue({.ocsp_urls = {made.server.url("/ocsp")}});
    made.server.remove("/crl");
    CHECK(made.verify(leaf)->reason == refusal::revocation_unknown);
    made.serve("/crl", {});
    auto const verdict = made.verify(leaf);
    CHECK(verdict->reason == refusal::revocation_unknown);
    CHECK(verdict->detail.find("HTTP status 404, a moment ago") != std::string::npos);
    CHECK(made.server.requests("/crl") == 1);
    CHECK(made.server.requests("/ocsp") == 1);
    made.forget("/crl");  // the moment is over
    CHECK(made.verify(leaf)->peer);
    CHECK(made.server.requests("/crl") == 2);
}

TEST_CASE("peer_verifier: a list that came and does not help is not fetched for every client (B-263)",
          "[policy][peer_verifier][flight]") {
    peer_bench made;
    auto const leaf = made.issue();
    test::crl_request list;
    SECTION("it is not for clients") {
        list.point = test::issuing_point{.only_authority = true};
    }
    SECTION("it cannot be understood") {
        list.raw = {test::unknown_extension(true)};
    }
    SECTION("it is older than revocation_freshness_time") {
        made.settings.revocation_freshness_time = 1h;
        list.this_update = test::hours_from_now(-2);
    }
    made.serve("/crl", list);
    for (int i = 0; i < 5; ++i)
        made.verify(leaf);
    CHECK(made.server.requests("/crl") <= 2);
}

TEST_CASE("peer_verifier: a responder that hangs is given half of the time, the next source is still asked (B-260)",
          "[policy][peer_verifier][flight]") {
    peer_bench made;
    auto const leaf = made.issue({.ocsp_urls = {made.server.url("/ocsp")}});
    made.server.hold("/ocsp");
    auto const start = std::chrono::steady_clock::now();
    auto const verdict = made.verify({&leaf}, 4s);
    INFO(words_of(verdict));
    CHECK(verdict->peer);
    CHECK(verdict->chain.front().timed_out);
    CHECK(since(start) >= 1900ms);
    CHECK(since(start) < 4s);
    REQUIRE(verdict->fetches.size() == 2);
    CHECK(verdict->fetches.front().timed_out);
}

TEST_CASE("peer_verifier: no URL gets more than revocation_url_retrieval_timeout (B-260)",
          "[policy][peer_verifier][flight]") {
    peer_bench made;
    made.settings.revocation_url_retrieval_timeout = 100ms;
    auto const leaf = made.issue({.ocsp_urls = {made.server.url("/ocsp")}});
    made.server.hold("/ocsp");
    made.server.hold("/crl");
    auto const start = std::chrono::steady_clock::now();
    auto const verdict = made.verify({&leaf}, 60s);
    CHECK(verdict->reason == refusal::revocation_unknown);
    CHECK(verdict->chain.front().timed_out);
    CHECK(since(start) < 10s);
}

TEST_CASE("peer_verifier: after the deadline what is not known is unknown (B-260, D-13)",
          "[policy][peer_verifier][flight]") {
    peer_bench made;
    auto const leaf = made.issue({.ocsp_urls = {made.server.url("/ocsp")}});
    made.server.hold("/ocsp");
    made.server.hold("/crl");
    auto const time = GENERATE(-1000ms, 0ms, 300ms);
    auto const start = std::chrono::steady_clock::now();
    auto const verdict = made.verify({&leaf}, time);
    CHECK(verdict->reason == refusal::revocation_unknown);
    CHECK(since(start) < 5s);
    auto const other = made.issue_plain();
    made.files = {test::held(test::make_crl({}, made.root))};
    CHECK(made.verify({&other}, -1000ms)->peer);  // what is known, is known
}

TEST_CASE("peer_verifier: a hanging fetch delays nobody who does not need it (B-276)",
          "[policy][peer_verifier][flight]") {
    peer_bench made;
    auto const hanging = made.issue({.crl_points = {{.urls = {made.server.url("/hanging")}}}});
    made.server.hold("/hanging");
    crowd all(made.verifier());
    for (int i = 0; i < 10; ++i)
        all.add(made.chain_of({&hanging}));
    REQUIRE(made.server.wait_for("/hanging", 1));
    auto const start = std::chrono::steady_clock::now();
    CHECK(made.verify(made.issue())->peer);
    CHECK(since(start) < 5s);
    CHECK(all.verdicts.empty());
    made.serve("/hanging", {});
    made.server.release("/hanging");
    all.wait();
    CHECK(all.accepted() == 10);
}

TEST_CASE("peer_verifier: threads that share a service do not disturb each other",
          "[policy][peer_verifier][flight][threads]") {
    peer_bench made;
    auto const good = made.issue(), revoked = made.issue();
    auto const by_answer = made.issue({.ocsp_urls = {made.server.url("/ocsp")}});
    made.respond("/ocsp", by_answer);
    made.serve("/crl", made.listing(revoked));
    auto const verifier = made.verifier();
    std::atomic<int> wrong{0};
    auto const work = [&] {
        boost::asio::io_context io;
        for (int i = 0; i < 30; ++i) {
            auto const& leaf = i % 3 == 0 ? good : i % 3 == 1 ? revoked : by_answer;
            auto const chain = made.chain_of({&leaf});
            auto verdict = verifier->recall(chain);
            auto const pending = verifier->verify(chain, test::in(20s), io.get_executor(),
                                                  [&](verdict_ptr came) { verdict = std::move(came); });
            verdict = nullptr;
            test::run_until(io, [&] { return verdict != nullptr; });
            bool const expected = &leaf != &revoked;
            if (!verdict || (verdict->peer != nullptr) != expected) ++wrong;
            verifier->relied_on_lists();
        }
    };
    std::vector<std::thread> threads;
    for (int i = 0; i < 4; ++i)
        threads.emplace_back(work);
    for (auto& one : threads)
        one.join();
    CHECK(wrong == 0);
}
