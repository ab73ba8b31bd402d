#include "proxy/data/proxy_header_wait.hpp"

#include "tests/data/loopback.hpp"

#include <catch2/catch.hpp>

#include <array>
#include <string>

using namespace ftpsgate;
using namespace std::chrono_literals;
using boost::asio::ip::tcp;
using data::proxy_header_wait;
using kind = data::proxy_header_outcome::kind;

namespace {

constexpr char header[] = "PROXY TCP4 192.0.2.7 198.51.100.1 4660 21\r\n";

struct waiting : test::loopback {
    std::shared_ptr<test::peer> balancer;
    std::weak_ptr<proxy_header_wait> wait;
    std::optional<net::socket> handed_over;
    std::optional<data::proxy_header_outcome> outcome;
    int calls = 0;

    explicit waiting(std::chrono::milliseconds limit = 10s) {
        auto [gate, far] = test::socket_pair(io);
        balancer = drive(std::make_shared<test::peer>(std::move(far)));
        auto const fresh = std::make_shared<proxy_header_wait>(
            std::move(gate), [this](net::socket socket, data::proxy_header_outcome const& what) {
                handed_over = std::move(socket);
                outcome = what;
                ++calls;
            });
        fresh->start(limit);
        wait = fresh;
    }

    bool run_until_called() {
        return run_until([&] { return calls > 0; });
    }

    std::string left_in_socket() {
        std::array<std::uint8_t, 256> bytes;
        boost::system::error_code error;
        std::size_t const count = handed_over->receive(bytes, error);
        return {reinterpret_cast<char const*>(bytes.data()), error ? 0 : count};
    }
};

}  // namespace

TEST_CASE("proxy_header_wait: what stands behind the header is left in the socket", "[data][proxy_header_wait]") {
    waiting w;
    w.balancer->send(std::string(header) + "USER x\r\n");
    REQUIRE(w.run_until_called());
    CHECK(w.outcome->what == kind::header);
    REQUIRE(w.outcome->ends);
    CHECK(w.outcome->ends->source.address() == test::address("192.0.2.7"));
    CHECK(w.left_in_socket() == "USER x\r\n");
    CHECK(w.run_until([&] { return w.wait.expired(); }));
}

TEST_CASE("proxy_header_wait: a header may come byte by byte", "[data][proxy_header_wait]") {
    waiting w;
    for (char const each : std::string(header)) {
        CHECK(w.calls == 0);
        w.balancer->send(std::string(1, each));
        w.run_for(1ms);
    }
    REQUIRE(w.run_until_called());
    CHECK(w.outcome->what == kind::header);
    CHECK(w.left_in_socket().empty());
}

TEST_CASE("proxy_header_wait: one that is longer than a look is read to its end", "[data][proxy_header_wait]") {
    waiting w;
    std::string local = data::format_local_proxy_header(data::proxy_version::v2);
    local[14] = '\x10';  // 4096 bytes follow
    w.balancer->send(local + std::string(4096, 'x') + "behind");
    REQUIRE(w.run_until_called());
    CHECK(w.outcome->what == kind::header);
    CHECK_FALSE(w.outcome->ends);
    CHECK(w.left_in_socket() == "behind");
}

TEST_CASE("proxy_header_wait: without a usable header the connection is closed and nothing said",
          "[data][proxy_header_wait]") {
    waiting w;
    SECTION("something else") {
        w.balancer->send("USER x\r\n");
    }
    SECTION("the end in the middle") {
        w.balancer->send("PROXY TCP4 192.");
        w.balancer->shutdown();
    }
    REQUIRE(w.run_until_called());
    CHECK(w.outcome->what == kind::malformed);
    CHECK_FALSE(w.outcome->fault.empty());
    CHECK(w.run_until([&] { return w.balancer->end != test::tcp_end::none; }));
    CHECK(w.balancer->received.empty());
}

TEST_CASE("proxy_header_wait: has a limit for the whole header", "[data][proxy_header_wait]") {
    waiting w(30ms);
    w.balancer->send("PROXY ");
    REQUIRE(w.run_until_called());
    CHECK(w.outcome->what == kind::malformed);
    CHECK(w.run_until([&] { return w.balancer->end != test::tcp_end::none; }));
}

TEST_CASE("proxy_header_wait: who leaves without a byte only looked", "[data][proxy_header_wait]") {
    waiting w;
    SECTION("politely") {
        w.balancer->shutdown();
    }
    SECTION("by reset") {
        w.balancer->reset();
    }
    REQUIRE(w.run_until_called());
    CHECK(w.outcome->what == kind::no_bytes);
}

TEST_CASE("proxy_header_wait: calls nobody once it is cancelled", "[data][proxy_header_wait]") {
    waiting w;
    w.balancer->send(header);
    w.wait.lock()->cancel();
    CHECK(w.run_until([&] { return w.wait.expired(); }));
    CHECK(w.run_until([&] { return w.balancer->end != test::tcp_end::none; }));
    CHECK(w.calls == 0);
}
