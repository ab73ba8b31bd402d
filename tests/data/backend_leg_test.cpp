#include "proxy/data/backend_leg.hpp"

#include "tests/data/loopback.hpp"

#include <boost/asio/read.hpp>
#include <catch2/catch.hpp>

using namespace ftpsgate;
using namespace std::chrono_literals;
using boost::asio::ip::tcp;
using test::address;

namespace {

struct fixture : test::loopback {
    data::backend_leg_settings settings{address("127.0.0.1"), address("127.0.0.1"), 5s};
    std::unique_ptr<data::backend_leg> leg;
    std::unique_ptr<tls::stream> up;
    int failures = 0;
    int calls = 0;
    tcp::acceptor backend{io, tcp::endpoint(address("127.0.0.1"), 0)};

    void make() {
        data::backend_leg::handlers handlers;
        handlers.on_up = [this](std::unique_ptr<tls::stream> stream) {
            up = std::move(stream);
            ++calls;
        };
        handlers.on_failed = [this](data::leg_failure kind, std::string const& why) {
            CHECK(kind == data::leg_failure::connect);
            CHECK_FALSE(why.empty());
            ++failures;
            ++calls;
        };
        leg = std::make_unique<data::backend_leg>(io.get_executor(), pool, settings, std::move(handlers));
    }
    void listen() {
        make();
        REQUIRE_FALSE(leg->listen());
        REQUIRE(leg->port() != 0);
    }
    bool run_until_called() {
        return run_until([&] { return calls > 0; });
    }
};

}  // namespace

TEST_CASE("backend_leg: connects from the address of the control connection (B-278)", "[data][backend_leg]") {
    fixture f;
    f.settings.local = address("127.0.0.7");
    f.make();
    f.leg->connect_to(f.backend.local_endpoint());
    f.run_for(10ms);
    CHECK(f.calls == 0);  // not before begin()
    f.leg->begin();
    CHECK(f.calls == 0);                         // never inside the call
    tcp::socket const far = f.backend.accept();  // the attempt needs no turn of the event loop (B-147)
    CHECK(far.remote_endpoint().address() == address("127.0.0.7"));
    REQUIRE(f.run_until_called());
    REQUIRE(f.up);
    CHECK(f.up->socket().remote_endpoint() == f.backend.local_endpoint());
    CHECK_FALSE(f.up->secured());
}

TEST_CASE("backend_leg: an IPv4-mapped backend is an IPv4 backend", "[data][backend_leg]") {
    fixture f;
    f.settings.local = address("::ffff:127.0.0.1");
    f.make();
    f.leg->connect_to({address("::ffff:127.0.0.1"), f.backend.local_endpoint().port()});
    f.leg->begin();
    REQUIRE(f.run_until_called());
    CHECK(f.up);
}

TEST_CASE("backend_leg: a port that refuses fails at once (B-210)", "[data][backend_leg]") {
    fixture f;
    f.make();
    f.leg->connect_to(f.backend.local_endpoint());
    f.backend.close();
    f.leg->begin();
    CHECK(f.calls == 0);
    REQUIRE(f.run_until_called());
    CHECK(f.failures == 1);
}

TEST_CASE("backend_leg: an address that is not the gate's is a failure, not an exception", "[data][backend_leg]") {
    fixture f;
    f.settings.local = address(GENERATE("192.0.2.1", "::1"));
    f.make();
    f.leg->connect_to(f.backend.local_endpoint());
    f.leg->begin();
    CHECK(f.calls == 0);
    REQUIRE(f.run_until_called());
    CHECK(f.failures == 1);
}

TEST_CASE("backend_leg: a backend that does not answer fails in time (B-210)", "[data][backend_leg]") {
    fixture f;
    f.settings.connect_timeout = 40ms;
    test::full_listener const full(f.io);
    f.make();
    f.leg->connect_to(full.endpoint());
    f.leg->begin();
    REQUIRE(f.run_until_called());
    CHECK(f.failures == 1);
}

TEST_CASE("backend_leg: a connection that comes early is parked until the command (B-146)", "[data][backend_leg]") {
    fixture f;
    f.listen();
    auto const backend = f.connect(f.leg->port());
    f.run_for(10ms);
    CHECK(f.calls == 0);
    CHECK(backend->end == test::tcp_end::none);
    f.leg->begin();
    CHECK(f.calls == 0);
    REQUIRE(f.run_until_called());
    REQUIRE(f.up);
    CHECK(f.up->socket().remote_endpoint() == backend->socket().local_endpoint());
    f.run_for(10ms);
    CHECK(f.calls == 1);
}

TEST_CASE("backend_leg: waits for a connection that comes after the command", "[data][backend_leg]") {
    fixture f;
    f.listen();
    f.leg->begin();
    f.run_for(10ms);
    CHECK(f.calls == 0);
    auto const backend = f.connect(f.leg->port());
    REQUIRE(f.run_until_called());
    CHECK(f.up);
    CHECK(f.leg->port() == 0);  // nobody listens any more
}

TEST_CASE("backend_leg: another host is refused, the backend still gets through (A-073)", "[data][backend_leg]") {
    fixture f;
    f.listen();
    f.leg->begin();
    auto const stranger = f.connect(f.leg->port(), {.from = "127.0.0.2"});
    REQUIRE(f.run_until([&] { return stranger->end != test::tcp_end::none; }));
    CHECK(f.calls == 0);
    auto const backend = f.connect(f.leg->port());
    REQUIRE(f.run_until_called());
    CHECK(f.up->socket().remote_endpoint() == backend->socket().local_endpoint());
}

TEST_CASE("backend_leg: a backend that never connects fails in time, counted from the command", "[data][backend_leg]") {
    fixture f;
    f.settings.connect_timeout = 40ms;
    f.listen();
    f.run_for(60ms);
    CHECK(f.calls == 0);
    f.leg->begin();
    REQUIRE(f.run_until_called());
    CHECK(f.failures == 1);
    f.run_for(60ms);
    CHECK(f.calls == 1);
}

TEST_CASE("backend_leg: calls nobody after close or destruction", "[data][backend_leg]") {
    bool const destroyed = GENERATE(true, false);
    fixture f;
    f.settings.connect_timeout = 20ms;
    SECTION("connecting") {
        f.make();
        f.leg->connect_to(f.backend.local_endpoint());
    }
    SECTION("listening") {
        f.listen();
    }
    std::shared_ptr<test::peer> backend;
    SECTION("parked") {
        f.listen();
        backend = f.connect(f.leg->port());
        f.run_for(10ms);
    }
    f.leg->begin();
    if (destroyed) {
        f.leg.reset();
    } else {
        f.leg->close();
    }
    f.run_for(50ms);
    CHECK(f.calls == 0);
    if (backend) CHECK(backend->end != test::tcp_end::none);
}

TEST_CASE("backend_leg: may be destroyed by its own handler", "[data][backend_leg]") {
    fixture f;
    std::unique_ptr<data::backend_leg> leg;
    int calls = 0;
    data::backend_leg::handlers handlers;
    handlers.on_up = [&](std::unique_ptr<tls::stream>) { leg.reset(), ++calls; };
    handlers.on_failed = [&](data::leg_failure, std::string const&) { leg.reset(), ++calls; };
    leg = std::make_unique<data::backend_leg>(f.io.get_executor(), f.pool, f.settings, std::move(handlers));
    leg->connect_to(f.backend.local_endpoint());
    if (GENERATE(true, false)) f.backend.close();
    leg->begin();
    REQUIRE(f.run_until([&] { return calls > 0; }));
    f.run_for(10ms);
    CHECK(calls == 1);
}

TEST_CASE("backend_leg: a preamble is the first that the backend gets", "[data][backend_leg]") {
    fixture f;
    f.settings.preamble = "PROXY UNKNOWN\r\n";
    f.make();
    f.leg->connect_to(f.backend.local_endpoint());
    f.leg->begin();
    tcp::socket far = f.backend.accept();
    REQUIRE(f.run_until_called());
    REQUIRE(f.up);
    std::string first(f.settings.preamble.size(), ' ');
    boost::asio::read(far, boost::asio::buffer(first));
    CHECK(first == f.settings.preamble);
    CHECK(far.available() == 0);
}

TEST_CASE("backend_leg: where the backend connects there is no preamble", "[data][backend_leg]") {
    fixture f;
    f.settings.preamble = "PROXY UNKNOWN\r\n";
    f.listen();
    f.leg->begin();
    auto const far = f.connect(f.leg->port());
    REQUIRE(f.run_until_called());
    f.run_for(20ms);
    CHECK(far->received.empty());
}
