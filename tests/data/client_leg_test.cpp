// One connection: order of events, time-outs, active mode. Several: client_leg_candidates_test.cpp.
#include "proxy/data/client_leg.hpp"

#include "tests/data/leg_fixture.hpp"

#include <catch2/catch.hpp>

using namespace ftpsgate;
using namespace std::chrono_literals;
using boost::asio::ip::tcp;
using data::leg_failure;
using failures = std::vector<leg_failure>;

namespace {

struct fixture : test::client_leg_fixture {
    tcp::acceptor client_listener{io, tcp::endpoint(test::address("127.0.0.1"), 0)};

    // Active mode: what the client would do after PORT.
    void connect_to_client() {
        make();
        leg->connect_to(client_listener.local_endpoint());
    }
    std::shared_ptr<test::peer> accept() {
        run_for(10ms);  // the connection is on its way then
        return drive(std::make_shared<test::peer>(client_listener.accept()));
    }
};

std::uint16_t version(int choice) {
    return choice == 0 ? TLS1_2_VERSION : TLS1_3_VERSION;
}

}  // namespace

TEST_CASE("client_leg: in clear the first connection wins, before or after the command (B-120)", "[data][client_leg]") {
    fixture f;
    f.listen();
    SECTION("before") {
        auto const client = f.connect(f.leg->port());
        f.run_for(10ms);
        CHECK(f.calls == 0);
        f.leg->begin();
        CHECK(f.calls == 0);  // never inside the call
        REQUIRE(f.run_until_called());
        CHECK(f.up_is(*client));
    }
    SECTION("after") {
        f.leg->begin();
        f.run_for(10ms);
        CHECK(f.calls == 0);
        auto const client = f.connect(f.leg->port());
        REQUIRE(f.run_until_called());
        CHECK(f.up_is(*client));
    }
    CHECK(f.failures.empty());
    CHECK_FALSE(f.up->secured());
    CHECK(f.leg->port() == 0);  // nobody listens any more
}

TEST_CASE("client_leg: TLS may come before or after the command (B-120)", "[data][client_leg]") {
    fixture f;
    f.protect();
    f.listen();
    test::client_options options;
    options.maximum_version = version(GENERATE(0, 1));
    SECTION("handshake before") {
        auto const client = f.connect_own(options);
        REQUIRE(f.run_until([&] { return client->is_secured(); }));
        // TLS 1.3's tickets come at once, not with the first bytes (B-160).
        if (options.maximum_version == TLS1_3_VERSION)
            REQUIRE(f.run_until([&] { return !client->client().sessions().empty(); }));
        CHECK(f.calls == 0);
        f.leg->begin();
        REQUIRE(f.run_until_called());
        CHECK(f.up_is(*client));
    }
    SECTION("TCP before, ClientHello after") {
        auto const client = f.connect(f.leg->port());
        f.run_for(10ms);
        f.leg->begin();
        f.run_for(10ms);
        CHECK(f.calls == 0);
        auto const session = f.control.login(options);
        options.resume = session.get();
        client->start_tls(options);
        REQUIRE(f.run_until_called());
        CHECK(f.up_is(*client));
    }
    SECTION("all after") {
        f.leg->begin();
        f.run_for(10ms);
        auto const client = f.connect_own(options);
        REQUIRE(f.run_until_called());
        CHECK(f.up_is(*client));
    }
    REQUIRE(f.up);
    CHECK(f.up->secured());
    CHECK(f.up->facts().resumed);
    CHECK(f.failures.empty());
    CHECK(f.intruders.empty());
}

TEST_CASE("client_leg: the clocks of an early connection start with the command", "[data][client_leg]") {
    fixture f;
    f.protect();
    f.settings.handshake_timeout = 60ms;
    f.listen();
    auto const client = f.connect(f.leg->port());
    f.run_for(120ms);  // longer than the time-out
    CHECK(client->end == test::tcp_end::none);
    f.leg->begin();
    auto const session = f.control.login();
    test::client_options options;
    options.resume = session.get();
    client->start_tls(options);
    REQUIRE(f.run_until_called());
    CHECK(f.failures.empty());
    CHECK(f.up);
}

TEST_CASE("client_leg: a client that does not resume fails the transfer (B-156)", "[data][client_leg]") {
    fixture f;
    f.protect();
    f.listen();
    test::client_options options;
    options.maximum_version = version(GENERATE(0, 1));
    SECTION("after the command") {
        f.leg->begin();
        auto const client = f.connect_tls(options);
        auto const start = test::loopback::clock::now();
        REQUIRE(f.run_until_called());
        CHECK(test::loopback::clock::now() - start >= 900ms);  // another candidate has its chance
        CHECK_FALSE(client->close_notify_received());
    }
    SECTION("before the command") {
        auto const client = f.connect_tls(options);
        REQUIRE(f.run_until([&] { return !f.intruders.empty(); }));
        CHECK(f.calls == 0);
        f.leg->begin();
        REQUIRE(f.run_until_called());
    }
    CHECK(f.failures == failures{leg_failure::not_resumed});
    CHECK(f.intruders == failures{leg_failure::not_resumed});
    CHECK(f.text.find("resume") != std::string::npos);
    CHECK_FALSE(f.up);
}

TEST_CASE("client_leg: plain bytes where TLS is due are a failed handshake (A-033)", "[data][client_leg]") {
    fixture f;
    f.protect();
    f.listen();
    f.leg->begin();
    auto const client = f.connect(f.leg->port());
    client->send("USER data in clear\r\n");
    REQUIRE(f.run_until_called());
    CHECK(f.failures == failures{leg_failure::handshake});
    REQUIRE(f.run_until([&] { return client->end != test::tcp_end::none; }));
    CHECK_FALSE(client->received.empty());  // the alert (B-213)
}

TEST_CASE("client_leg: a handshake that stops half-way times out (A-035)", "[data][client_leg]") {
    fixture f;
    f.protect();
    f.settings.handshake_timeout = 50ms;
    f.listen();
    f.leg->begin();
    auto const client = f.connect(f.leg->port());
    client->send(std::string("\x16\x03\x01\x02\x00\x01", 6));
    REQUIRE(f.run_until_called());
    CHECK(f.failures == failures{leg_failure::handshake});
    CHECK(f.run_until([&] { return client->end != test::tcp_end::none; }));
}

TEST_CASE("client_leg: alone, a client that never starts TLS is a failed handshake, not silence",
          "[data][client_leg]") {
    fixture f;
    f.protect();
    f.settings.handshake_timeout = 50ms;
    f.listen();
    auto const client = f.connect(f.leg->port());
    f.leg->begin();
    REQUIRE(f.run_until_called());
    CHECK(f.failures == failures{leg_failure::handshake});
}

TEST_CASE("client_leg: a client that never connects fails the transfer in time (B-121)", "[data][client_leg]") {
    fixture f;
    if (GENERATE(true, false)) f.protect();
    f.settings.connect_timeout = 40ms;
    f.listen();
    f.run_for(60ms);
    CHECK(f.calls == 0);  // time runs from the command
    f.leg->begin();
    auto const thief = f.connect(f.leg->port(), {.from = "127.0.0.2"});
    REQUIRE(f.run_until_called());
    CHECK(f.failures == failures{leg_failure::connect});
    CHECK(f.intruders == failures{leg_failure::connect});
    CHECK(f.leg->port() == 0);
}

TEST_CASE("client_leg: begin without a set-up fails instead of hanging", "[data][client_leg]") {
    fixture f;
    f.make();
    f.leg->begin();
    CHECK(f.calls == 0);
    REQUIRE(f.run_until_called());
    CHECK(f.failures == failures{leg_failure::connect});
}

TEST_CASE("client_leg: active mode connects from the control address, and is the TLS server (B-133, B-279)",
          "[data][client_leg]") {
    fixture f;
    f.settings.local = test::address("127.0.0.5");
    bool const secure = GENERATE(true, false);
    if (secure) f.protect();
    f.connect_to_client();
    f.run_for(10ms);
    f.leg->begin();
    auto const client = f.accept();
    CHECK(client->socket().remote_endpoint().address() == test::address("127.0.0.5"));
    auto const session = f.control.login();
    test::client_options options;
    options.resume = session.get();
    if (secure) client->start_tls(options);
    REQUIRE(f.run_until_called());
    REQUIRE(f.up);
    CHECK(f.up_is(*client));
    CHECK(f.up->secured() == secure);
}

TEST_CASE("client_leg: active mode to the other family, of a client behind a balancer", "[data][client_leg]") {
    fixture f;
    f.settings.local = test::address("::1");
    f.connect_to_client();
    f.leg->begin();
    auto const client = f.accept();
    REQUIRE(f.run_until_called());
    REQUIRE(f.up);
    CHECK(f.up_is(*client));
}

TEST_CASE("client_leg: passive ports behind a balancer take the client of the header", "[data][client_leg]") {
    fixture f;
    f.protect();
    f.settings.peer = test::address("192.0.2.7");
    f.settings.sends_proxy_header = [](auto const& from) { return from == test::address("127.0.0.9"); };
    f.listen();
    auto const through_balancer = [&](std::string const& header) {
        auto const one = f.connect(f.leg->port(), {.from = "127.0.0.9"});
        one->send(header);
        f.run_for(10ms);
        return one;
    };
    auto const nobody = through_balancer("HELLO\r\n");
    REQUIRE(f.run_until([&] { return f.intruders == failures{leg_failure::proxy_header}; }));
    auto const thief = through_balancer("PROXY TCP4 192.0.2.8 198.51.100.1 1 21\r\n");
    REQUIRE(f.run_until([&] { return f.intruders.size() == 2; }));
    CHECK(f.intruders.back() == leg_failure::connect);

    auto const session = f.control.login();
    test::client_options options;
    options.resume = session.get();
    auto const client = through_balancer("PROXY TCP4 192.0.2.7 198.51.100.1 1 21\r\n");
    client->start_tls(options);
    f.leg->begin();
    REQUIRE(f.run_until_called());
    REQUIRE(f.up);
    CHECK(f.up_is(*client));
    CHECK(f.failures.empty());
}

TEST_CASE("client_leg: active mode has one attempt", "[data][client_leg]") {
    fixture f;
    f.protect();
    f.connect_to_client();
    SECTION("refused (B-134)") {
        f.client_listener.close();
        f.leg->begin();
        CHECK(f.calls == 0);
        REQUIRE(f.run_until_called());
        CHECK(f.failures == failures{leg_failure::connect});
    }
    SECTION("not resumed: no grace for another") {
        f.leg->begin();
        auto const client = f.accept();
        client->start_tls({});
        auto const start = test::loopback::clock::now();
        REQUIRE(f.run_until_called());
        CHECK(f.failures == failures{leg_failure::not_resumed});
        CHECK(test::loopback::clock::now() - start < 900ms);
    }
}

TEST_CASE("client_leg: a target that does not answer fails in time (B-134)", "[data][client_leg]") {
    fixture f;
    f.settings.connect_timeout = 40ms;
    test::full_listener const full(f.io);
    f.make();
    f.leg->connect_to(full.endpoint());
    f.leg->begin();
    REQUIRE(f.run_until_called());
    CHECK(f.failures == failures{leg_failure::connect});
}

TEST_CASE("client_leg: calls nobody after close or destruction", "[data][client_leg]") {
    bool const destroyed = GENERATE(true, false);
    fixture f;
    f.protect();
    f.settings.handshake_timeout = 30ms;
    f.settings.connect_timeout = 30ms;
    f.listen();
    std::shared_ptr<test::peer> client;
    SECTION("while waiting") {
    }
    SECTION("with a candidate in its handshake") {
        client = f.connect(f.leg->port());
    }
    SECTION("with a winner that was not reported") {
        client = f.connect_own();
        REQUIRE(f.run_until([&] { return client->is_secured(); }));
        f.run_for(5ms);
    }
    f.run_for(5ms);
    f.leg->begin();
    if (destroyed) {
        f.leg.reset();
    } else {
        f.leg->close();
    }
    f.run_for(80ms);
    CHECK(f.calls == 0);
    if (client) CHECK(client->end != test::tcp_end::none);
    if (client && client->is_secured()) CHECK_FALSE(client->close_notify_received());
}

TEST_CASE("client_leg: may be destroyed by its own handlers", "[data][client_leg]") {
    fixture f;
    f.protect();
    std::unique_ptr<data::client_leg> leg;
    int calls = 0;
    auto const end = [&] {
        leg.reset();
        ++calls;
    };
    data::client_leg::handlers handlers;
    handlers.on_up = [&](std::unique_ptr<tls::stream>) { end(); };
    handlers.on_failed = [&](leg_failure, std::string) { end(); };
    handlers.on_intruder = [&](leg_failure, std::string) { end(); };
    leg = std::make_unique<data::client_leg>(f.io.get_executor(), f.pool, f.settings, std::move(handlers));
    REQUIRE_FALSE(leg->listen(*f.ports));
    leg->begin();
    auto const client = f.connect(leg->port(), {.from = GENERATE("127.0.0.1", "127.0.0.2")});
    auto const session = f.control.login();
    test::client_options options;
    if (GENERATE(true, false)) options.resume = session.get();
    client->start_tls(options);
    REQUIRE(f.run_until([&] { return calls > 0; }));
    f.run_for(10ms);
    CHECK(calls == 1);
}

TEST_CASE("client_leg: the level of the transfer command counts, not that of the set-up (B-056)",
          "[data][client_leg]") {
    fixture f;
    auto const session = f.control.login();
    test::client_options options;
    options.resume = session.get();
    SECTION("clear becomes TLS, though the connection is there already") {
        f.listen();
        auto const client = f.connect(f.leg->port());
        f.run_for(10ms);
        f.leg->protect(f.control.options(tls::channel_kind::data));
        f.leg->begin();
        client->start_tls(options);
        REQUIRE(f.run_until_called());
        CHECK(f.up_is(*client));
        CHECK(f.up->secured());
    }
    SECTION("TLS becomes clear, though the connection is there already") {
        f.protect();
        f.listen();
        auto const client = f.connect(f.leg->port());
        f.run_for(10ms);
        f.leg->protect(std::nullopt);
        f.leg->begin();
        REQUIRE(f.run_until_called());
        CHECK(f.up_is(*client));
        CHECK_FALSE(f.up->secured());
    }
    SECTION("what is under TLS already cannot become clear") {
        f.protect();
        f.listen();
        auto const client = f.connect_tls(options);
        REQUIRE(f.run_until([&] { return client->is_secured(); }));
        f.run_for(5ms);
        f.leg->protect(std::nullopt);
        f.leg->begin();
        REQUIRE(f.run_until_called());
        CHECK(f.failures == failures{leg_failure::handshake});
    }
}
