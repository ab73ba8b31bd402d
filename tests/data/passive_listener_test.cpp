#include "proxy/data/passive_listener.hpp"

#include "tests/data/loopback.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <array>
#include <string>
#include <sys/resource.h>

using namespace ftpsgate;
using namespace std::chrono_literals;
using boost::asio::ip::tcp;
using data::passive_listener;
using test::address;

namespace {

struct listening : test::loopback {
    std::optional<passive_listener> listener{io.get_executor()};
    std::vector<net::socket> accepted;
    std::vector<std::string> strangers;
    std::vector<std::string> faults;

    boost::system::error_code open(char const* local = "127.0.0.1", char const* peer = "127.0.0.1") {
        return listener->open(address(local), *ports, address(peer));
    }
    void start() {
        listener->start([this](net::socket socket) { accepted.push_back(std::move(socket)); },
                        [this](auto const& from) { strangers.push_back(from.to_string()); });
    }
    /// 127.0.0.9 is a balancer.
    void expect_headers(std::chrono::milliseconds limit = 10s) {
        listener->expect_headers({[](auto const& from) { return from == address("127.0.0.9"); }, limit,
                                  [this](auto const& from, std::string const& text) {
                                      CHECK(from == address("127.0.0.9"));
                                      faults.push_back(text);
                                  }});
    }
    std::shared_ptr<test::peer> connect_balancer(std::string const& header) {
        auto one = connect(listener->port(), {.from = "127.0.0.9"});
        one->send(header);
        return one;
    }
};

// A descriptor limit that leaves no room, for the life of the object.
class no_descriptors_left {
public:
    no_descriptors_left() {
        getrlimit(RLIMIT_NOFILE, &before_);
        int const lowest_free = dup(0);
        ::close(lowest_free);
        rlimit tight = before_;
        tight.rlim_cur = static_cast<rlim_t>(lowest_free);
        setrlimit(RLIMIT_NOFILE, &tight);
    }
    ~no_descriptors_left() { setrlimit(RLIMIT_NOFILE, &before_); }

private:
    rlimit before_{};
};

}  // namespace

TEST_CASE("passive_listener: hands over the connections of the expected peer", "[data][passive_listener]") {
    listening l;
    REQUIRE_FALSE(l.open());
    CHECK(l.listener->port() != 0);
    l.start();
    auto const one = l.connect(l.listener->port());
    auto const two = l.connect(l.listener->port());
    REQUIRE(l.run_until([&] { return l.accepted.size() == 2; }));
    CHECK(l.strangers.empty());
}

TEST_CASE("passive_listener: a stranger is closed at once and the wait goes on (B-119, A-021)",
          "[data][passive_listener]") {
    listening l;
    REQUIRE_FALSE(l.open());
    l.start();
    auto const thief = l.connect(l.listener->port(), {.from = "127.0.0.2"});
    REQUIRE(l.run_until([&] { return thief->end != test::tcp_end::none; }));
    CHECK(l.strangers == std::vector<std::string>{"127.0.0.2"});
    CHECK(l.accepted.empty());

    auto const client = l.connect(l.listener->port());
    REQUIRE(l.run_until([&] { return l.accepted.size() == 1; }));
    CHECK(client->end == test::tcp_end::none);
}

TEST_CASE("passive_listener: any number of strangers does not exhaust it", "[data][passive_listener]") {
    listening l;
    REQUIRE_FALSE(l.open());
    l.start();
    for (std::size_t i = 0; i < 500; ++i) {
        l.connect(l.listener->port(), {.from = "127.0.0.2"});
        REQUIRE(l.run_until([&] { return l.strangers.size() == i + 1; }));
    }
    auto const client = l.connect(l.listener->port());
    CHECK(l.run_until([&] { return l.accepted.size() == 1; }));
}

TEST_CASE("passive_listener: is bound to the control connection's address only (B-117)", "[data][passive_listener]") {
    listening l;
    REQUIRE_FALSE(l.open());
    l.start();
    CHECK_THROWS(l.connect(l.listener->port(), {.to = "127.0.0.3"}));
}

TEST_CASE("passive_listener: IPv4-mapped addresses are IPv4 addresses (B-110)", "[data][passive_listener]") {
    listening l;
    REQUIRE_FALSE(l.open("::ffff:127.0.0.1", "::ffff:127.0.0.1"));
    l.start();
    auto const client = l.connect(l.listener->port());
    REQUIRE(l.run_until([&] { return l.accepted.size() == 1; }));
    CHECK(l.accepted[0].local_endpoint().address() == address("127.0.0.1"));
}

TEST_CASE("passive_listener: works over IPv6", "[data][passive_listener]") {
    listening l;
    if (l.open("::1", "::1")) return;  // a machine without IPv6
    l.start();
    auto const client = l.connect(l.listener->port(), {.to = "::1"});
    CHECK(l.run_until([&] { return l.accepted.size() == 1; }));
}

TEST_CASE("passive_listener: skips a port that another program holds (B-118)", "[data][passive_listener]") {
    listening l;
    std::optional<tcp::acceptor> taken;
    std::uint16_t first = 0;
    for (int attempt = 0; attempt < 50 && first == 0; ++attempt) {  // looks for two neighbours, the second free
        taken.emplace(l.io, tcp::endpoint(address("127.0.0.1"), 0));
        std::uint16_t const port = taken->local_endpoint().port();
        boost::system::error_code ec;
        tcp::acceptor probe(l.io, tcp::v4());
        if (port < 65535) probe.bind({address("127.0.0.1"), static_cast<std::uint16_t>(port + 1)}, ec);
        if (port < 65535 && !ec) first = port;
    }
    REQUIRE(first != 0);

    SECTION("when another is free") {
        for (int round = 0; round < 8; ++round) {  // chance picks the taken one first half of the time
            l.ports = std::make_shared<data::port_allocator>(first, static_cast<std::uint16_t>(first + 1));
            REQUIRE_FALSE(l.open());
            CHECK(l.listener->port() == first + 1);
            l.listener->close();
        }
    }
    SECTION("and says so when none is free") {
        l.ports = std::make_shared<data::port_allocator>(first, first);
        CHECK(l.open() == boost::asio::error::address_in_use);
        CHECK(l.ports->in_use() == 0);
    }
}

TEST_CASE("passive_listener: a faulty address is reported as such", "[data][passive_listener]") {
    listening l;
    CHECK(l.open("192.0.2.1") == boost::system::errc::address_not_available);
    CHECK_FALSE(l.listener->is_open());
}

TEST_CASE("passive_listener: the port is leased while it listens", "[data][passive_listener]") {
    listening l;
    REQUIRE_FALSE(l.open());
    std::uint16_t const port = l.listener->port();
    l.listener->close();
    auto now = data::port_allocator::clock::now();
    l.ports = std::make_shared<data::port_allocator>(port, port, [&now] { return now; });
    REQUIRE_FALSE(l.open());
    CHECK(l.ports->in_use() == 1);
    l.start();
    auto const client = l.connect(port);
    REQUIRE(l.run_until([&] { return l.accepted.size() == 1; }));

    l.listener->close();
    CHECK(l.ports->in_use() == 0);
    l.accepted.clear();  // the gate closes first: the port is in TIME_WAIT now
    REQUIRE(l.run_until([&] { return client->end != test::tcp_end::none; }));
    client->close();
    now += 2s;
    CHECK_FALSE(l.open());
}

TEST_CASE("passive_listener: calls nobody after close", "[data][passive_listener]") {
    listening l;
    REQUIRE_FALSE(l.open());
    l.start();
    l.io.poll();  // the accept is on its way
    auto const client = l.connect(l.listener->port());
    auto const thief = l.connect(l.listener->port(), {.from = "127.0.0.2"});
    SECTION("closed") {
        l.listener->close();
    }
    SECTION("destroyed") {
        l.listener.reset();
    }
    l.run_for(20ms);
    CHECK(l.accepted.empty());
    CHECK(l.strangers.empty());
}

TEST_CASE("passive_listener: may be destroyed by its own handlers", "[data][passive_listener]") {
    listening l;
    REQUIRE_FALSE(l.open());
    int calls = 0;
    auto const end = [&, keep = std::string(100, 'x')] {
        l.listener.reset();
        calls += static_cast<int>(keep.size()) / 100;  // what the handler holds is still there
    };
    l.listener->start([end](net::socket const&) { end(); }, [end](auto const&) { end(); });
    std::uint16_t const port = l.listener->port();
    SECTION("by the expected peer") {
        auto const one = l.connect(port);
        auto const two = l.connect(port);
        REQUIRE(l.run_until([&] { return calls > 0; }));
    }
    SECTION("by a stranger") {
        auto const one = l.connect(port, {.from = "127.0.0.2"});
        auto const two = l.connect(port);
        REQUIRE(l.run_until([&] { return calls > 0; }));
    }
    l.run_for(10ms);
    CHECK(calls == 1);
}

TEST_CASE("passive_listener: out of descriptors it pauses instead of spinning, and recovers (A-064)",
          "[data][passive_listener]") {
    listening l;
    REQUIRE_FALSE(l.open());
    l.start();
    l.io.poll();
    tcp::socket client(l.io, tcp::v4());
    std::size_t handlers = 0;
    {
        no_descriptors_left const tight;  // no assertion in here: UBSan needs descriptors for its own checks
        client.connect({address("127.0.0.1"), l.listener->port()});
        auto const limit = test::loopback::clock::now() + 250ms;
        while (test::loopback::clock::now() < limit) {
            l.io.restart();
            handlers += l.io.run_one_until(limit);
        }
    }
    CHECK(handlers >= 1);
    CHECK(handlers < 12);
    CHECK(l.accepted.empty());
    CHECK(l.run_until([&] { return l.accepted.size() == 1; }));
}

TEST_CASE("passive_listener: behind a balancer the header tells whose connection it is", "[data][passive_listener]") {
    listening l;
    REQUIRE_FALSE(l.open("127.0.0.1", "192.0.2.7"));
    l.expect_headers();
    l.start();
    auto const client = l.connect_balancer("PROXY TCP4 192.0.2.7 198.51.100.1 4660 21\r\n");
    auto const thief = l.connect_balancer("PROXY TCP4 192.0.2.8 198.51.100.1 4660 21\r\n");
    auto const balancer_itself = l.connect_balancer("PROXY UNKNOWN\r\n");
    auto const stranger = l.connect(l.listener->port(), {.from = "127.0.0.2"});
    REQUIRE(l.run_until([&] { return l.accepted.size() + l.strangers.size() == 4; }));
    CHECK(l.accepted.size() == 1);
    std::sort(l.strangers.begin(), l.strangers.end());
    CHECK(l.strangers == std::vector<std::string>{"127.0.0.2", "127.0.0.9", "192.0.2.8"});
    CHECK(l.faults.empty());
}

TEST_CASE("passive_listener: a balancer's own connection says so with LOCAL", "[data][passive_listener]") {
    listening l;
    REQUIRE_FALSE(l.open("127.0.0.1", "127.0.0.9"));
    l.expect_headers();
    l.start();
    auto const balancer = l.connect_balancer("PROXY UNKNOWN\r\n");
    CHECK(l.run_until([&] { return l.accepted.size() == 1; }));
}

TEST_CASE("passive_listener: a balancer without a header is nobody's, and others are waited for",
          "[data][passive_listener]") {
    listening l;
    REQUIRE_FALSE(l.open("127.0.0.1", "127.0.0.9"));
    l.expect_headers(50ms);
    l.start();
    auto const silent = l.connect_balancer("");
    auto const wrong = l.connect_balancer("HELLO");
    auto const probe = l.connect_balancer("");
    probe->shutdown();
    REQUIRE(l.run_until([&] { return l.faults.size() == 2; }));
    CHECK(l.accepted.empty());
    CHECK(l.strangers.empty());
    auto const client = l.connect_balancer("PROXY UNKNOWN\r\n");
    CHECK(l.run_until([&] { return l.accepted.size() == 1; }));
    CHECK(l.faults.size() == 2);  // who left without a byte is not told of
}

TEST_CASE("passive_listener: no more than eight headers are waited for", "[data][passive_listener]") {
    listening l;
    REQUIRE_FALSE(l.open("127.0.0.1", "192.0.2.7"));
    l.expect_headers();
    l.start();
    std::vector<std::shared_ptr<test::peer>> silent;
    for (int i = 0; i < 8; ++i)
        silent.push_back(l.connect_balancer(""));
    l.run_for(20ms);
    auto const ninth = l.connect_balancer("");
    REQUIRE(l.run_until([&] { return ninth->end != test::tcp_end::none; }));
    CHECK(std::all_of(silent.begin(), silent.end(), [](auto const& one) { return one->end == test::tcp_end::none; }));

    silent.back()->close();
    l.run_for(20ms);
    auto const client = l.connect_balancer("PROXY TCP4 192.0.2.7 198.51.100.1 4660 21\r\n");
    CHECK(l.run_until([&] { return l.accepted.size() == 1; }));
}

TEST_CASE("passive_listener: closed, it waits for no header any more", "[data][passive_listener]") {
    listening l;
    REQUIRE_FALSE(l.open("127.0.0.1", "192.0.2.7"));
    l.expect_headers();
    l.start();
    auto const client = l.connect_balancer("PROXY TCP4 192.0.2.7");
    l.run_for(20ms);
    l.listener->close();
    CHECK(l.run_until([&] { return client->end != test::tcp_end::none; }));
    client->send(" 198.51.100.1 4660 21\r\n");
    l.run_for(20ms);
    CHECK(l.accepted.empty());
    CHECK(l.faults.empty());
}
