// The clean end of a leg.
#include "proxy/data/relay.hpp"
#include "tests/data/relay_fixture.hpp"

#include <catch2/catch.hpp>

using namespace ftpsgate;
using namespace std::chrono_literals;
using fixture = test::relay_fixture;
using test::under_tls;

namespace {

// Only the receiver's side of the fixture is used.
struct ending : fixture {
    std::optional<bool> sent;

    void finish(std::chrono::milliseconds linger) {
        data::finish(std::move(receiver), linger, [this](bool well) { sent = well; });
    }
    bool run_until_sent() {
        return run_until([&] { return sent.has_value(); });
    }
};

}  // namespace

TEST_CASE("finish: close_notify under TLS, then FIN, and no RST (B-165, B-171)", "[data][finish]") {
    ending f;
    bool const secure = GENERATE(true, false);
    f.connect(secure ? under_tls::receiver : under_tls::neither);
    f.finish(5s);
    CHECK_FALSE(f.sent);  // never inside the call
    REQUIRE(f.run_until_sent());
    CHECK(*f.sent);
    REQUIRE(f.run_until([&] { return f.to->end != test::tcp_end::none; }));
    CHECK(f.to->end == test::tcp_end::fin);
    if (secure) {
        CHECK(f.to->close_notify_received());
        f.to->send_close_notify();
        f.run_for(5ms);
    }
    f.to->shutdown();
    f.run_for(10ms);
    CHECK(f.to->end == test::tcp_end::fin);
    // Everything was received and answered; a reset would show as a pending error of the socket.
    int error = 0;
    socklen_t size = sizeof error;
    ::getsockopt(f.to->socket().native_handle(), SOL_SOCKET, SO_ERROR, &error, &size);
    CHECK(error == 0);
}

TEST_CASE("finish: all bytes that a relay handed over come before the end (B-196)", "[data][finish]") {
    ending f;
    f.connect(GENERATE(under_tls::receiver, under_tls::neither), 16 * 1024);
    std::string const file = test::pattern(1024 * 1024);
    f.start();
    f.from->send(file);
    f.end_source();
    REQUIRE(f.run_until_done());
    f.relay.reset();
    f.finish(5s);
    REQUIRE(f.run_until([&] { return f.to->end != test::tcp_end::none; }));
    CHECK(f.to->end == test::tcp_end::fin);
    CHECK((f.to->received == file));
    CHECK(f.sent == true);
}

TEST_CASE("finish: does not wait for a peer that never ends (B-165)", "[data][finish]") {
    ending f;
    f.connect(GENERATE(under_tls::receiver, under_tls::neither));
    f.finish(40ms);
    REQUIRE(f.run_until_sent());
    CHECK(*f.sent);
    // After the linger the gate's socket is gone: what the peer sends is answered with RST.
    f.run_for(80ms);
    char const byte = 'x';
    boost::system::error_code ec;
    REQUIRE(f.run_until([&] {
        f.to->socket().write_some(boost::asio::buffer(&byte, 1), ec);
        return ec && ec != boost::asio::error::would_block;
    }));
}

TEST_CASE("finish: what the peer still sends is thrown away, and it sees no RST for it (B-171)", "[data][finish]") {
    ending f;
    f.connect(GENERATE(under_tls::receiver, under_tls::neither));
    f.to->send("bytes that nobody wants");
    f.run_for(5ms);  // they are in the gate's socket now, unread
    f.finish(5s);
    REQUIRE(f.run_until_sent());
    CHECK(*f.sent);
    REQUIRE(f.run_until([&] { return f.to->end != test::tcp_end::none; }));
    CHECK(f.to->end == test::tcp_end::fin);
    f.to->send("and more");
    f.run_for(5ms);
    CHECK(f.to->end == test::tcp_end::fin);
}

TEST_CASE("finish: after an upload the client gets close_notify once and FIN, no RST", "[data][finish]") {
    fixture f;
    f.connect(under_tls::source);
    f.start();
    f.from->send("the file");
    f.end_source();
    REQUIRE(f.run_until_done());
    f.relay.reset();
    std::optional<bool> sent;
    data::finish(std::move(f.source), 5s, [&](bool well) { sent = well; });
    REQUIRE(f.run_until([&] { return f.from->end != test::tcp_end::none; }));
    CHECK(f.from->end == test::tcp_end::fin);
    CHECK(f.from->close_notify_received());
    CHECK(sent == true);
}

TEST_CASE("finish: a peer that is gone cannot be told", "[data][finish]") {
    ending f;
    f.connect(GENERATE(under_tls::receiver, under_tls::neither));
    f.to->reset();
    f.run_for(5ms);
    f.finish(5s);
    REQUIRE(f.run_until_sent());
    CHECK_FALSE(*f.sent);
}

TEST_CASE("finish: leaves nothing behind when the event loop goes away", "[data][finish]") {
    ending f;
    f.connect(under_tls::receiver);
    f.finish(5s);
    if (GENERATE(true, false)) f.io.poll();
}
