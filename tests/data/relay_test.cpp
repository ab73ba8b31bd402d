// What the relay moves, how much it holds, and when it gives way. How it ends: relay_end_test.cpp.
#include "proxy/data/relay.hpp"

#include "tests/data/relay_fixture.hpp"

#include <boost/asio/post.hpp>
#include <catch2/catch.hpp>

#include <functional>
#include <utility>

using namespace ftpsgate;
using namespace std::chrono_literals;
using data::relay_outcome;
using fixture = test::relay_fixture;
using test::under_tls;

TEST_CASE("relay: 8 MiB arrive unchanged through small socket buffers (B-208)", "[data][relay]") {
    fixture f;
    auto const which = GENERATE(under_tls::neither, under_tls::source, under_tls::receiver);
    auto const version = GENERATE(TLS1_2_VERSION, TLS1_3_VERSION);
    test::client_options options;
    options.maximum_version = static_cast<std::uint16_t>(version);
    f.connect(which, 16 * 1024, options);
    std::string const file = test::pattern(8 * 1024 * 1024);
    f.start();
    f.from->send(file);
    f.end_source();
    REQUIRE(f.run_until_done());
    CHECK(*f.outcome == relay_outcome::clean);
    CHECK(f.relay->bytes() == file.size());
    REQUIRE(f.run_until([&] { return f.to->received.size() >= file.size(); }));
    CHECK((f.to->received == file));  // no dump of 8 MiB
}

TEST_CASE("relay: small pieces arrive as they come", "[data][relay]") {
    fixture f;
    f.connect(GENERATE(under_tls::neither, under_tls::source, under_tls::receiver));
    f.start();
    std::string sent;
    for (int i = 0; i < 50; ++i) {
        std::string const piece = "line " + std::to_string(i) + "\r\n";
        f.from->send(piece);
        sent += piece;
        REQUIRE(f.run_until([&] { return f.to->received == sent; }));
        CHECK(f.relay->bytes() == sent.size());
    }
    CHECK(f.calls == 0);
    f.end_source();
    REQUIRE(f.run_until_done());
    CHECK(*f.outcome == relay_outcome::clean);
}

TEST_CASE("relay: a file of zero bytes is a clean transfer (B-169)", "[data][relay]") {
    fixture f;
    f.connect(GENERATE(under_tls::neither, under_tls::source, under_tls::receiver));
    f.end_source();
    f.start();
    CHECK(f.calls == 0);  // never inside the call
    REQUIRE(f.run_until_done());
    CHECK(*f.outcome == relay_outcome::clean);
    CHECK(f.relay->bytes() == 0);
}

TEST_CASE("relay: a receiver that stops reading stops the source within bounds (A-062, A-063)", "[data][relay]") {
    fixture f;
    f.connect(GENERATE(under_tls::neither, under_tls::source, under_tls::receiver), 16 * 1024);
    std::string const file = test::pattern(8 * 1024 * 1024);
    f.to->is_reading = false;
    f.start();
    f.from->send(file);
    std::size_t unsent_before = file.size();
    REQUIRE(f.run_until([&] {  // stands still
        std::size_t const earlier = std::exchange(unsent_before, f.from->unsent());
        f.run_for(50ms);
        return earlier == f.from->unsent();
    }));
    CHECK(f.calls == 0);
    // Two blocks, one before and one behind the TLS engine, and the kernel's buffers (which count twice what is asked).
    CHECK(file.size() - unsent_before < 2 * tls::buffer_pool::block_size + 16 * 16 * 1024);
    CHECK(f.relay->bytes() < file.size() - unsent_before);
    CHECK(f.receiver->pending_output() <= tls::buffer_pool::block_size);
    CHECK_FALSE(f.relay->waits_for_source());

    f.to->is_reading = true;
    f.end_source();
    REQUIRE(f.run_until_done());
    REQUIRE(f.run_until([&] { return f.to->received.size() >= file.size(); }));
    CHECK((f.to->received == file));
}

TEST_CASE("relay: nothing more is read while sealed bytes wait in the receiver (A-063)", "[data][relay]") {
    fixture f;
    f.connect(under_tls::receiver, 16 * 1024);
    f.to->is_reading = false;
    f.start();
    f.from->send(test::pattern(100 * 1024));  // one step: all of it is taken, not all of it leaves
    REQUIRE(f.run_until([&] { return f.receiver->pending_output() > 0 && f.from->unsent() == 0; }));
    f.run_for(20ms);
    std::uint64_t const taken = f.relay->bytes();
    f.from->send("more");
    f.run_for(20ms);
    CHECK(f.relay->bytes() == taken);
    f.to->is_reading = true;
    CHECK(f.run_until([&] { return f.to->received.size() == 100 * 1024 + 4; }));
}

TEST_CASE("relay: owns no block while the source is silent", "[data][relay]") {
    fixture f;
    f.connect(under_tls::neither);
    f.start();
    f.from->send("some bytes");
    REQUIRE(f.run_until([&] { return f.to->received == "some bytes" && f.relay->waits_for_source(); }));
    // The pool hands out what was given back last: the block that holds the bytes of the step.
    auto const block = f.pool.take();
    CHECK(std::string(reinterpret_cast<char const*>(block.get()), 10) == "some bytes");
}

TEST_CASE("relay: a transfer at full speed lets others have their turn", "[data][relay]") {
    fixture f;
    f.connect(under_tls::neither);
    std::string const file = test::pattern(32 * 1024 * 1024);
    f.from->send(file);
    int other_turns = 0;
    std::function<void()> const other = [&] {
        ++other_turns;
        if (f.calls == 0) boost::asio::post(f.io, other);
    };
    boost::asio::post(f.io, other);
    f.start();
    f.end_source();
    REQUIRE(f.run_until_done());
    CHECK(*f.outcome == relay_outcome::clean);
    CHECK(other_turns > 8);  // 32 steps of 1 MiB, 4 in a row at most
}

TEST_CASE("relay: calls nobody after its destruction, and leaves the streams usable", "[data][relay]") {
    fixture f;
    f.settings.idle_timeout = 20ms;
    f.connect(GENERATE(under_tls::neither, under_tls::source, under_tls::receiver));
    f.start();
    if (GENERATE(true, false)) f.run_for(5ms);
    f.from->send("late");
    f.end_source();
    f.relay.reset();
    f.run_for(40ms);
    CHECK(f.calls == 0);
    CHECK(f.to->received.empty());
    CHECK(f.source->is_open());
    CHECK(f.receiver->is_open());
}

TEST_CASE("relay: may be destroyed together with its streams by its own handler", "[data][relay]") {
    fixture f;
    f.settings.idle_timeout = 20ms;
    f.connect(GENERATE(under_tls::neither, under_tls::source, under_tls::receiver));
    int calls = 0;
    f.relay = std::make_unique<data::relay>(*f.source, *f.receiver, f.pool, f.settings, [&](relay_outcome) {
        ++calls;
        f.relay.reset();
        f.source.reset();
        f.receiver.reset();
    });
    f.relay->start();
    SECTION("clean") {
        f.end_source();
    }
    SECTION("source reset") {
        f.from->reset();
    }
    SECTION("receiver reset") {
        f.to->reset();
    }
    SECTION("idle") {
    }
    REQUIRE(f.run_until([&] { return calls > 0; }));
    f.run_for(10ms);
    CHECK(calls == 1);
}

TEST_CASE("relay: a limited one moves no faster, and holds nothing while it waits", "[data][relay]") {
    fixture f;
    f.connect(GENERATE(under_tls::neither, under_tls::source, under_tls::receiver));
    data::rate_limiter limiter(400'000);
    f.settings.limiter = &limiter;
    std::string const file = test::pattern(200'000);
    auto const begun = std::chrono::steady_clock::now();
    f.start();
    f.from->send(file);
    f.end_source();
    REQUIRE(f.run_until_done());
    CHECK(*f.outcome == relay_outcome::clean);
    CHECK(std::chrono::steady_clock::now() - begun >= 350ms);  // less what was saved up
    REQUIRE(f.run_until([&] { return f.to->received.size() >= file.size(); }));
    CHECK((f.to->received == file));
}

TEST_CASE("relay: a limited one that is stopped while it waits is gone", "[data][relay]") {
    fixture f;
    f.connect(under_tls::neither);
    data::rate_limiter limiter(1'000);
    f.settings.limiter = &limiter;
    f.start();
    f.from->send(test::pattern(5'000));
    REQUIRE(f.run_until([&] { return f.to->received.size() >= 100; }));
    f.relay.reset();
    CHECK(f.calls == 0);
}
