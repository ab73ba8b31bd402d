// How a relay ends: cleanly, cut off, given up by the receiver, idle.
#include "proxy/data/relay.hpp"
#include "tests/data/relay_fixture.hpp"
#include "tests/data/tcp_segments.hpp"

#include <catch2/catch.hpp>

#include <functional>
#include <set>

using namespace ftpsgate;
using namespace std::chrono_literals;
using data::relay_direction;
using data::relay_outcome;
using fixture = test::relay_fixture;
using test::under_tls;

TEST_CASE("relay: an upload cut off without close_notify is truncated, not clean (B-167, A-028)", "[data][relay]") {
    fixture f;
    f.connect(under_tls::source);
    f.start();
    if (GENERATE(true, false)) {
        f.from->send("half of the file");
        REQUIRE(f.run_until([&] { return f.to->received == "half of the file"; }));
    }
    SECTION("by FIN") {
        f.from->shutdown();
    }
    SECTION("by RST") {
        f.from->reset();
    }
    REQUIRE(f.run_until_done());
    CHECK(*f.outcome == relay_outcome::source_truncated);
    f.run_for(5ms);
    CHECK_FALSE(f.from->close_notify_received());
    CHECK(f.to->end == test::tcp_end::none);  // the core decides how the backend is told
}

TEST_CASE("relay: what came before the cut was handed over", "[data][relay]") {
    fixture f;
    f.connect(under_tls::source);
    std::string const part = test::pattern(100'000);
    f.from->send(part);
    REQUIRE(f.run_until([&] { return f.from->unsent() == 0; }));
    f.from->shutdown();
    f.start();
    REQUIRE(f.run_until_done());
    CHECK(*f.outcome == relay_outcome::source_truncated);
    REQUIRE(f.run_until([&] { return f.to->received.size() >= part.size(); }));
    CHECK((f.to->received == part));
}

TEST_CASE("relay: the end of an upload is answered with close_notify, whatever the backend does (B-166)",
          "[data][relay]") {
    fixture f;
    f.connect(under_tls::source);
    f.to->is_reading = false;  // its socket takes the bytes, it says nothing
    f.start();
    f.from->send("the file");
    f.from->send_close_notify();
    REQUIRE(f.run_until_done());
    CHECK(*f.outcome == relay_outcome::clean);
    CHECK(f.run_until([&] { return f.from->close_notify_received(); }));
    CHECK(f.from->end == test::tcp_end::none);
}

TEST_CASE("relay: garbage in the middle of an upload is a failure of the source", "[data][relay]") {
    fixture f;
    f.connect(under_tls::source);
    f.start();
    std::string const garbage = std::string("\x17\x03\x03\x00\x20", 5) + std::string(32, 'x');
    f.from->socket().write_some(boost::asio::buffer(garbage));
    REQUIRE(f.run_until_done());
    CHECK(*f.outcome == relay_outcome::source_failed);
}

TEST_CASE("relay: a backend that is cut off in a download is a failure of the source (B-216, A-029)", "[data][relay]") {
    fixture f;
    f.connect(GENERATE(under_tls::neither, under_tls::receiver));
    f.start();
    f.from->send("half of the file");
    REQUIRE(f.run_until([&] { return f.to->received == "half of the file"; }));
    f.from->reset();
    REQUIRE(f.run_until_done());
    CHECK(*f.outcome == relay_outcome::source_failed);
    f.run_for(5ms);
    CHECK_FALSE((f.to->received != "half of the file" || f.to->end != test::tcp_end::none));
}

namespace {

// Until the gate knows of the source's end, whatever it was.
void await_end_of_source(fixture& f) {
    bool is_told = false;
    std::function<void(boost::system::error_code)> const look = [&](boost::system::error_code) {
        is_told = f.source->is_near_end();
        if (!is_told) f.source->wait(tls::direction::read, look);
    };
    f.source->wait(tls::direction::read, look);
    REQUIRE(f.run_until([&] { return is_told; }));
}

}  // namespace

TEST_CASE("relay: a reset right behind the bytes is no end, and they are handed over (B-216, A-029)", "[data][relay]") {
    fixture f;
    f.connect(GENERATE(under_tls::neither, under_tls::receiver));
    f.from->send("half of the file");
    REQUIRE(f.run_until([&] { return f.from->unsent() == 0; }));
    f.from->reset();
    await_end_of_source(f);
    f.start();
    REQUIRE(f.run_until_done());
    CHECK(*f.outcome == relay_outcome::source_failed);
    CHECK(f.run_until([&] { return f.to->received == "half of the file"; }));
    f.run_for(5ms);
    CHECK_FALSE((f.to->close_notify_received() || f.to->end != test::tcp_end::none));
}

TEST_CASE("relay: a small file that is there with its end leaves with it, in one segment", "[data][relay]") {
    auto const which = GENERATE(under_tls::neither, under_tls::receiver);
    std::uint32_t segments = 0;
    for (int trial = 0; trial < 5 && segments != 1; ++trial) {  // the kernel waits for the end 200 ms only
        fixture f;
        f.connect(which);
        std::string const file = test::pattern(10'000);
        f.from->send(file);
        f.end_source();
        await_end_of_source(f);
        int const socket = f.to->socket().native_handle();
        auto const before = test::data_segments_received(socket);
        f.start();
        REQUIRE(f.run_until_done());
        CHECK(*f.outcome == relay_outcome::clean);
        data::finish(std::move(f.receiver), 5s, [](bool) {});
        REQUIRE(f.run_until([&] { return f.to->end == test::tcp_end::fin; }));
        CHECK((f.to->received == file));
        CHECK(f.to->close_notify_received() == (which == under_tls::receiver));
        segments = test::data_segments_received(socket) - before;
    }
    CHECK(segments == 1);
}

TEST_CASE("relay: a download client that goes away is noticed while the backend is silent (B-170, B-214)",
          "[data][relay]") {
    fixture f;
    SECTION("RST, in clear") {
        f.connect(under_tls::neither);
        f.start();
        f.run_for(5ms);
        f.to->reset();
        REQUIRE(f.run_until_done());
        CHECK(*f.outcome == relay_outcome::receiver_failed);
    }
    SECTION("RST, under TLS") {
        f.connect(under_tls::receiver);
        f.start();
        f.run_for(5ms);
        f.to->reset();
        REQUIRE(f.run_until_done());
        CHECK(*f.outcome == relay_outcome::receiver_failed);
    }
    SECTION("FIN without close_notify") {
        f.connect(under_tls::receiver);
        f.start();
        f.run_for(5ms);
        f.to->shutdown();
        REQUIRE(f.run_until_done());
        CHECK(*f.outcome == relay_outcome::receiver_ended);
    }
}

TEST_CASE("relay: a download client that goes away is noticed at full speed (B-214)", "[data][relay]") {
    fixture f;
    f.connect(GENERATE(under_tls::neither, under_tls::receiver));
    f.start();
    f.from->send(test::pattern(8 * 1024 * 1024));
    REQUIRE(f.run_until([&] { return f.to->received.size() > 100'000; }));
    f.to->reset();
    REQUIRE(f.run_until_done());
    CHECK(*f.outcome == relay_outcome::receiver_failed);
}

TEST_CASE("relay: a download client that only ends its sending side goes on reading", "[data][relay]") {
    fixture f;
    f.connect(GENERATE(under_tls::neither, under_tls::receiver));
    f.start();
    f.run_for(5ms);
    if (f.receiver->secured()) {
        f.to->send_close_notify();
    } else {
        f.to->shutdown();
    }
    f.run_for(10ms);
    CHECK(f.calls == 0);
    f.from->send("the file");
    REQUIRE(f.run_until([&] { return f.to->received == "the file"; }));
    f.end_source();
    REQUIRE(f.run_until_done());
    CHECK(*f.outcome == relay_outcome::clean);
}

TEST_CASE("relay: a download client that ended and then went away shows in a write (B-170)", "[data][relay]") {
    fixture f;
    f.connect(under_tls::receiver);
    f.start();
    f.to->send_close_notify();
    f.run_for(5ms);
    f.to->close();
    for (int i = 0; i < 100 && f.calls == 0; ++i) {
        f.from->send("more and more");
        f.run_for(1ms);
    }
    REQUIRE(f.calls == 1);
    CHECK(*f.outcome == relay_outcome::receiver_failed);
}

TEST_CASE("relay: data from the receiver ends the transfer (A-030, A-075)", "[data][relay]") {
    fixture f;
    f.connect(GENERATE(under_tls::neither, under_tls::source, under_tls::receiver));
    f.start();
    f.run_for(5ms);
    f.to->send("what is this?");
    REQUIRE(f.run_until_done());
    CHECK(*f.outcome == relay_outcome::receiver_ended);
    CHECK(f.from->received.empty());
}

TEST_CASE("relay: TLS records without data from a download client are no end", "[data][relay]") {
    fixture f;
    f.connect(under_tls::receiver);  // TLS 1.3
    f.start();
    f.from->send("one ");
    REQUIRE(f.run_until([&] { return f.to->received == "one "; }));
    for (int i = 0; i < 3; ++i) {
        REQUIRE(SSL_key_update(f.to->client().ssl(), SSL_KEY_UPDATE_REQUESTED) == 1);
        SSL_write(f.to->client().ssl(), "", 0);  // BoringSSL sends it with the next write
        f.to->pump();
        f.run_for(5ms);
    }
    CHECK(f.calls == 0);
    f.from->send("two");
    REQUIRE(f.run_until([&] { return f.to->received == "one two"; }));
    f.end_source();
    REQUIRE(f.run_until_done());
    CHECK(*f.outcome == relay_outcome::clean);
}

TEST_CASE("relay: a backend that ends or resets an upload has given up (B-217)", "[data][relay]") {
    fixture f;
    auto const which = GENERATE(under_tls::neither, under_tls::source);
    f.settings.direction = relay_direction::upload;
    f.connect(which);
    f.start();
    f.from->send("part");
    REQUIRE(f.run_until([&] { return f.to->received == "part"; }));
    SECTION("FIN") {
        f.to->shutdown();
        REQUIRE(f.run_until_done());
        CHECK(*f.outcome == relay_outcome::receiver_ended);
    }
    SECTION("RST") {
        f.to->reset();
        REQUIRE(f.run_until_done());
        CHECK(*f.outcome == relay_outcome::receiver_failed);
    }
}

TEST_CASE("relay: ends when neither leg moves (B-206)", "[data][relay]") {
    fixture f;
    f.settings.idle_timeout = 60ms;
    f.connect(GENERATE(under_tls::neither, under_tls::source, under_tls::receiver), 16 * 1024);
    auto start = test::loopback::clock::now();
    SECTION("because the source is silent") {
        f.start();
        f.from->send("something first");
        REQUIRE(f.run_until([&] { return f.to->received == "something first"; }));
        start = test::loopback::clock::now();
    }
    SECTION("because the receiver does not read") {
        f.to->is_reading = false;
        f.start();
        f.from->send(test::pattern(2 * 1024 * 1024));
    }
    REQUIRE(f.run_until_done());
    CHECK(*f.outcome == relay_outcome::idle);
    CHECK(test::loopback::clock::now() - start >= 50ms);
}

TEST_CASE("relay: a slow but steady transfer is not idle (B-206)", "[data][relay]") {
    fixture f;
    f.settings.idle_timeout = 100ms;
    f.connect(GENERATE(under_tls::neither, under_tls::source, under_tls::receiver));
    f.start();
    for (int i = 0; i < 12; ++i) {
        f.from->send("x");
        f.run_for(20ms);
    }
    CHECK(f.calls == 0);
    CHECK(f.relay->bytes() == 12);
}

TEST_CASE("relay: outcomes have distinct words", "[data][relay]") {
    std::set<std::string> words;
    for (auto const one : {relay_outcome::clean, relay_outcome::source_truncated, relay_outcome::source_failed,
                           relay_outcome::receiver_failed, relay_outcome::receiver_ended, relay_outcome::idle}) {
        words.insert(to_string(one));
    }
    CHECK(words.size() == 6);
}
