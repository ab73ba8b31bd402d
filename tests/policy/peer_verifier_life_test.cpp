// When the handler is called, and what may be destroyed when.
#include "policy/peer_verifier.hpp"
#include "tests/policy/peer_bench.hpp"

#include <boost/asio/post.hpp>
#include <boost/asio/strand.hpp>

#include <future>
#include <optional>
#include <thread>

using namespace ftpsgate;
using namespace ftpsgate::policy;
using namespace std::chrono_literals;
using test::peer_bench;

namespace {

struct life_bench : peer_bench {
    life_bench() {
        service = std::make_shared<verification_service>(1);
        files = {test::held(test::make_crl({}, root))};
    }

    peer_verifier::pending start(peer_verifier const& by, test::identity const& who) {
        return by.verify(chain_of({&who}), test::in(20s), io.get_executor(), [this](verdict_ptr) { ++calls; });
    }
    /// Until the one processor has done what was given to it before.
    void settle() {
        std::promise<void> done;
        boost::asio::post(service->processors(), [&] { done.set_value(); });
        done.get_future().wait();
    }
    int run() {
        io.restart();
        io.run();
        return calls;
    }

    boost::asio::io_context io;
    int calls = 0;
};

}  // namespace

TEST_CASE("peer_verifier: the handler is called once, posted to the executor", "[policy][peer_verifier][life]") {
    life_bench made;
    auto const verifier = made.verifier();
    auto const pending = made.start(*verifier, made.issue_plain());
    made.settle();
    CHECK(made.calls == 0);
    CHECK(made.run() == 1);
    CHECK(made.run() == 1);
}

TEST_CASE("peer_verifier: a malformed chain is told by the handler, too, never from within verify()",
          "[policy][peer_verifier][life]") {
    life_bench made;
    auto const verifier = made.verifier();
    auto const pending = verifier->verify({}, test::in(1s), made.io.get_executor(), [&](verdict_ptr) { ++made.calls; });
    CHECK(made.calls == 0);
    made.settle();
    CHECK(made.run() == 1);
}

TEST_CASE("peer_verifier: after pending is destroyed the handler is not called (B-276)",
          "[policy][peer_verifier][life]") {
    life_bench made;
    auto const verifier = made.verifier();
    auto const leaf = made.issue_plain();
    std::optional<peer_verifier::pending> pending = made.start(*verifier, leaf);
    SECTION("at once") {
        pending.reset();
    }
    SECTION("once the verdict has been posted") {
        made.settle();
        pending.reset();
    }
    SECTION("by assignment") {
        *pending = {};
    }
    SECTION("by being told to") {
        pending->reset();
    }
    SECTION("wherever it was moved to") {
        auto moved = std::move(*pending);
        pending.reset();
        auto again = peer_verifier::pending();
        again = std::move(moved);
    }
    made.settle();
    CHECK(made.run() == 0);
}

TEST_CASE("peer_verifier: a pending that was moved still stands for its verification",
          "[policy][peer_verifier][life]") {
    life_bench made;
    auto const verifier = made.verifier();
    auto first = made.start(*verifier, made.issue_plain());
    auto const second = std::move(first);
    first.reset();
    made.settle();
    CHECK(made.run() == 1);
}

TEST_CASE("peer_verifier: pending may be destroyed from within the handler", "[policy][peer_verifier][life]") {
    life_bench made;
    auto const verifier = made.verifier();
    peer_verifier::pending pending;
    auto const alive = std::make_shared<int>(7);
    pending = verifier->verify(made.chain_of({std::make_unique<test::identity>(made.issue_plain()).get()}),
                               test::in(20s), made.io.get_executor(), [&, alive](verdict_ptr) {
                                   pending.reset();
                                   made.calls += *alive;
                               });
    made.settle();
    CHECK(made.run() == 7);
}

TEST_CASE("peer_verifier: pending may be destroyed at any time (B-276)", "[policy][peer_verifier][life][threads]") {
    life_bench made;
    made.service = std::make_shared<verification_service>(2);
    made.files.clear();
    auto const verifier = made.verifier();
    auto const leaf = made.issue();
    for (int i = 0; i < 300; ++i) {
        if (i % 50 == 0) made.forget("/crl");
        auto pending = made.start(*verifier, leaf);
        auto const end = std::chrono::steady_clock::now() + std::chrono::microseconds(10 * i);
        while (std::chrono::steady_clock::now() < end)
            std::this_thread::yield();
        int const before = made.calls;
        if (i % 2 == 0) made.io.poll();
        CHECK(made.calls - before <= 1);
        pending.reset();
        int const after = made.calls;
        made.io.restart();
        made.io.poll();
        CHECK(made.calls == after);
    }
}

TEST_CASE("peer_verifier: pending may be destroyed while a fetch hangs, and then its executor (B-276)",
          "[policy][peer_verifier][life]") {
    life_bench made;
    made.files.clear();
    auto const verifier = made.verifier();
    auto const leaf = made.issue();
    made.server.hold("/crl");
    auto io = std::make_unique<boost::asio::io_context>();
    auto const count = std::make_shared<int>(0);
    {
        auto const strand = boost::asio::make_strand(*io);
        auto const pending =
            verifier->verify(made.chain_of({&leaf}), test::in(20s), strand, [count](verdict_ptr) { ++*count; });
        REQUIRE(made.server.wait_for("/crl", 1));
    }
    CHECK(count.use_count() == 1);  // what the handler held is given back at once
    io.reset();
    made.server.release("/crl");
    CHECK(made.verify(leaf)->peer);
    made.settle();
    CHECK(*count == 0);
}

TEST_CASE("peer_verifier: the verifier may go while its verifications are under way", "[policy][peer_verifier][life]") {
    life_bench made;
    made.files.clear();
    auto verifier = made.verifier();
    auto const leaf = made.issue();
    made.server.hold("/crl");
    auto const pending = made.start(*verifier, leaf);
    REQUIRE(made.server.wait_for("/crl", 1));
    verifier.reset();
    made.server.release("/crl");
    CHECK(test::run_until(made.io, [&] { return made.calls == 1; }));
}

TEST_CASE("verification_service: may go while a fetch is under way, whoever holds it last", "[policy][service]") {
    life_bench made;
    made.files.clear();
    auto verifier = made.verifier();
    auto const leaf = made.issue();
    made.server.hold("/crl");
    {
        auto const pending = made.start(*verifier, leaf);
        REQUIRE(made.server.wait_for("/crl", 1));
    }
    std::weak_ptr<verification_service> const last = made.service;
    verifier.reset();
    made.service.reset();
    made.server.release("/crl");
    auto const end = test::in(20s);
    while (!last.expired() && std::chrono::steady_clock::now() < end)
        std::this_thread::yield();
    CHECK(last.expired());
}

TEST_CASE("verification_service: may go while verifications are queued", "[policy][service]") {
    for (int i = 0; i < 20; ++i) {
        life_bench made;
        auto verifier = made.verifier();
        auto const leaf = made.issue_plain();
        for (int j = 0; j < 5; ++j) {
            auto const pending = made.start(*verifier, leaf);
        }
        verifier.reset();
        made.service.reset();
    }
}
