// Several connections from the client's address at once: the one that proves the session wins.
#include "proxy/data/client_leg.hpp"
#include "tests/data/leg_fixture.hpp"

#include <catch2/catch.hpp>

using namespace ftpsgate;
using namespace std::chrono_literals;
using data::leg_failure;
using failures = std::vector<leg_failure>;
using fixture = test::client_leg_fixture;

namespace {

test::client_options of_version(int choice) {
    test::client_options options;
    options.maximum_version = choice == 0 ? TLS1_2_VERSION : TLS1_3_VERSION;
    return options;
}

}  // namespace

TEST_CASE("client_leg: a thief from the client's own address gets nothing (A-022)", "[data][client_leg]") {
    fixture f;
    f.protect();
    f.listen();
    bool const early = GENERATE(true, false);
    auto options = of_version(GENERATE(0, 1));
    if (!early) f.leg->begin();
    std::shared_ptr<test::peer> thief;
    bssl::UniquePtr<SSL_SESSION> stolen;
    SECTION("that stays silent") {
        thief = f.connect(f.leg->port());
        f.run_for(10ms);
    }
    SECTION("that does a full handshake") {
        thief = f.connect_tls(options);
        REQUIRE(f.run_until([&] { return f.intruders == failures{leg_failure::not_resumed}; }));
    }
    SECTION("that resumes its own control session (A-024)") {
        test::control_session other(test::server_context());
        stolen = other.login(options);
        auto with_session = options;
        with_session.resume = stolen.get();
        thief = f.connect_tls(with_session);
        REQUIRE(f.run_until([&] { return f.intruders == failures{leg_failure::not_resumed}; }));
    }
    CHECK(f.calls == 0);
    auto const client = f.connect_own(options);
    if (early) {
        REQUIRE(f.run_until([&] { return client->is_secured(); }));
        f.leg->begin();
    }
    REQUIRE(f.run_until_called());
    CHECK(f.up_is(*client));
    CHECK(f.failures.empty());
    REQUIRE(f.run_until([&] { return thief->end != test::tcp_end::none; }));
    CHECK(thief->received.empty());
}

TEST_CASE("client_leg: a full handshake on a data connection earns nothing that resumes on the next one (A-022)",
          "[data][client_leg]") {
    fixture f;
    f.protect();
    f.listen();
    f.leg->begin();
    auto options = of_version(GENERATE(0, 1));
    options.tickets = GENERATE(true, false);
    auto const thief = f.connect_tls(options);
    REQUIRE(f.run_until([&] { return thief->end != test::tcp_end::none; }));
    REQUIRE(f.intruders.size() == 1);
    if (thief->client().sessions().empty()) return;  // nothing to come back with
    options.resume = thief->client().sessions().front().get();
    auto const again = f.connect_tls(options);
    REQUIRE(f.run_until([&] { return f.intruders.size() == 2 || f.calls > 0; }));
    CHECK(f.intruders.size() == 2);
    CHECK_FALSE(f.up);
}

TEST_CASE("client_leg: of two honest connections one is used, the other closed (A-027)", "[data][client_leg]") {
    fixture f;
    f.protect();
    f.listen();
    f.leg->begin();
    auto const one = f.connect_own();
    auto const kept = std::move(f.own_session);
    auto const two = f.connect_own();
    REQUIRE(f.run_until_called());
    bool const first = f.up_is(*one);
    CHECK((first || f.up_is(*two)));
    auto const& loser = first ? two : one;
    REQUIRE(f.run_until([&] { return loser->end != test::tcp_end::none; }));
    CHECK_FALSE(loser->close_notify_received());
    CHECK(f.calls == 1);
}

TEST_CASE("client_leg: the fifth candidate is closed at once, one of the four may still win", "[data][client_leg]") {
    fixture f;
    f.protect();
    f.listen();
    f.leg->begin();
    auto const client = f.connect(f.leg->port());
    std::vector<std::shared_ptr<test::peer>> thieves;
    for (int i = 0; i < 3; ++i)
        thieves.push_back(f.connect(f.leg->port()));
    f.run_for(10ms);
    auto const fifth = f.connect(f.leg->port());
    REQUIRE(f.run_until([&] { return fifth->end != test::tcp_end::none; }));
    for (auto const& thief : thieves)
        CHECK(thief->end == test::tcp_end::none);
    CHECK(f.calls == 0);

    auto const session = f.control.login();
    test::client_options options;
    options.resume = session.get();
    client->start_tls(options);
    REQUIRE(f.run_until_called());
    CHECK(f.up_is(*client));
}

TEST_CASE("client_leg: a silent candidate beside another is dropped without failing the transfer (A-022)",
          "[data][client_leg]") {
    fixture f;
    f.protect();
    bool const by_handshake_timeout = GENERATE(true, false);  // the shorter one counts
    (by_handshake_timeout ? f.settings.handshake_timeout : f.settings.silence_timeout) = 60ms;
    f.listen();
    f.leg->begin();
    auto const silent = f.connect(f.leg->port());
    f.run_for(30ms);
    auto const client = f.connect(f.leg->port());
    REQUIRE(f.run_until([&] { return silent->end != test::tcp_end::none; }));
    CHECK(f.calls == 0);
    auto const session = f.control.login();
    test::client_options options;
    options.resume = session.get();
    client->start_tls(options);
    REQUIRE(f.run_until_called());
    CHECK(f.up_is(*client));
    CHECK(f.failures.empty());
}

TEST_CASE("client_leg: silence is no failure, and a candidate that sent something is not silent",
          "[data][client_leg]") {
    fixture f;
    f.protect();
    f.settings.silence_timeout = 40ms;
    f.settings.connect_timeout = 300ms;
    f.listen();
    f.leg->begin();
    auto const silent = f.connect(f.leg->port());
    auto const slow = f.connect(f.leg->port());
    slow->send(std::string("\x16\x03\x01\x02\x00\x01", 6));
    REQUIRE(f.run_until([&] { return silent->end != test::tcp_end::none; }));
    f.run_for(80ms);
    CHECK(slow->end == test::tcp_end::none);
    CHECK(f.calls == 0);
}

TEST_CASE("client_leg: after a failed candidate another has a second (A-022)", "[data][client_leg]") {
    fixture f;
    f.protect();
    f.listen();
    bool const early = GENERATE(true, false);
    if (!early) f.leg->begin();
    auto const thief = f.connect(f.leg->port());
    thief->send("no TLS at all\r\n");
    REQUIRE(f.run_until([&] { return thief->end != test::tcp_end::none; }));
    if (early) f.leg->begin();
    auto const start = test::loopback::clock::now();
    SECTION("and wins when it comes") {
        f.run_for(100ms);
        CHECK(f.calls == 0);
        auto const client = f.connect_own();
        REQUIRE(f.run_until_called());
        CHECK(f.up_is(*client));
    }
    SECTION("and then the transfer fails as the candidate did") {
        REQUIRE(f.run_until_called());
        CHECK(f.failures == failures{leg_failure::handshake});
        CHECK(test::loopback::clock::now() - start >= 900ms);
    }
}

TEST_CASE("client_leg: a thief who comes again and again cannot delay the failure past the connect time-out",
          "[data][client_leg]") {
    fixture f;
    f.protect();
    f.settings.connect_timeout = 150ms;
    f.listen();
    f.leg->begin();
    std::shared_ptr<test::peer> thief;
    auto const start = test::loopback::clock::now();
    REQUIRE(f.run_until([&] {
        bool const comes_again = !thief || thief->end != test::tcp_end::none;
        if (comes_again && f.leg->port() != 0) {
            thief = f.connect(f.leg->port());
            thief->send("no TLS at all\r\n");
        }
        return f.calls > 0;
    }));
    CHECK(f.failures == failures{leg_failure::handshake});
    CHECK(test::loopback::clock::now() - start < 1000ms);
}
