#include "proxy/data/port_allocator.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <fstream>
#include <map>
#include <set>
#include <string>
#include <thread>

using ftpsgate::data::port_allocator;
using ftpsgate::data::port_lease;

namespace {

using namespace std::chrono_literals;

struct fake_clock {
    std::shared_ptr<port_allocator::clock::time_point> now =
        std::make_shared<port_allocator::clock::time_point>(port_allocator::clock::time_point{} + 1h);

    port_allocator::clock_source source() const {
        return [moment = now] { return *moment; };
    }
    void advance(std::chrono::milliseconds by) const { *now += by; }
};

}  // namespace

TEST_CASE("port_allocator: without a range any port will do and nothing is counted", "[data][port_allocator]") {
    auto const ports = std::make_shared<port_allocator>(0, 0);
    auto const first = ports->take();
    auto const second = ports->take();
    REQUIRE(first);
    REQUIRE(second);
    CHECK(first->port() == 0);
    CHECK(second->port() == 0);
    CHECK(ports->in_use() == 0);
}

TEST_CASE("port_allocator: every port of the range is leased once, then none is left (B-118)",
          "[data][port_allocator]") {
    auto const ports = std::make_shared<port_allocator>(50000, 50099);
    std::vector<port_lease> leases;
    std::set<std::uint16_t> seen;
    for (int i = 0; i < 100; ++i) {
        auto lease = ports->take();
        REQUIRE(lease);
        seen.insert(lease->port());
        leases.push_back(std::move(*lease));
    }
    CHECK(seen.size() == 100);
    CHECK(*seen.begin() == 50000);
    CHECK(*seen.rbegin() == 50099);
    CHECK(ports->in_use() == 100);
    CHECK_FALSE(ports->take());
}

TEST_CASE("port_allocator: a range may be one port or all there are", "[data][port_allocator]") {
    auto const one = std::make_shared<port_allocator>(65535, 65535);
    auto const lease = one->take();
    REQUIRE(lease);
    CHECK(lease->port() == 65535);
    CHECK_FALSE(one->take());

    auto const all = std::make_shared<port_allocator>(1, 65535);
    std::vector<port_lease> leases;
    while (auto next = all->take())
        leases.push_back(std::move(*next));
    CHECK(leases.size() == 65535);
    leases.clear();
    CHECK(all->in_use() == 0);
}

TEST_CASE("port_allocator: a moved lease gives its port back once", "[data][port_allocator]") {
    auto const ports = std::make_shared<port_allocator>(50000, 50009);
    {
        auto first = ports->take();
        port_lease second = std::move(*first);
        CHECK(first->port() == 0);
        first.reset();
        CHECK(ports->in_use() == 1);

        port_lease third;
        third = std::move(second);
        CHECK(third.port() != 0);
        CHECK(ports->in_use() == 1);

        auto other = ports->take();
        CHECK(ports->in_use() == 2);
        third = std::move(*other);  // the port that it held goes back
        CHECK(ports->in_use() == 1);
    }
    CHECK(ports->in_use() == 0);
}

TEST_CASE("port_allocator: a port rests two seconds after its return (A-025)", "[data][port_allocator]") {
    fake_clock const clock;
    auto const ports = std::make_shared<port_allocator>(50000, 50001, clock.source());
    auto first = ports->take();
    auto second = ports->take();
    std::uint16_t const earlier = first->port();
    first.reset();
    clock.advance(1000ms);
    second.reset();
    CHECK(ports->in_use() == 0);
    CHECK_FALSE(ports->take());
    clock.advance(999ms);
    CHECK_FALSE(ports->take());
    clock.advance(1ms);
    auto const again = ports->take();
    REQUIRE(again);
    CHECK(again->port() == earlier);
    CHECK_FALSE(ports->take());
    clock.advance(1000ms);
    CHECK(ports->take());
}

TEST_CASE("port_allocator: a lease keeps the allocator alive", "[data][port_allocator]") {
    auto ports = std::make_shared<port_allocator>(50000, 50001);
    auto const lease = ports->take();
    ports.reset();
    CHECK(lease->port() >= 50000);
}

TEST_CASE("port_allocator: the choice is even and in no order (A-025)", "[data][port_allocator]") {
    fake_clock const clock;
    auto const ports = std::make_shared<port_allocator>(50000, 50049, clock.source());
    std::map<int, int> counts;
    int neighbours = 0;
    int previous = 0;
    constexpr int takes = 10000;
    for (int i = 0; i < takes; ++i) {
        int const port = ports->take()->port();
        neighbours += port == previous + 1 ? 1 : 0;
        previous = port;
        ++counts[port];
        clock.advance(2000ms);
    }
    double chi_square = 0;
    for (int port = 50000; port < 50050; ++port) {
        double const off = counts[port] - takes / 50.0;
        chi_square += off * off / (takes / 50.0);
    }
    CHECK(chi_square < 120);  // 49 degrees of freedom: p below 1e-7
    CHECK(chi_square > 10);   // a tour through the range would be far too even
    CHECK(neighbours < 300);  // 196 expected
}

TEST_CASE("port_allocator: workers never hold the same port", "[data][port_allocator]") {
    fake_clock const clock;
    auto const ports = std::make_shared<port_allocator>(50000, 50399, clock.source());
    std::vector<std::vector<port_lease>> held(4);
    std::vector<std::thread> workers;
    for (auto& mine : held) {
        workers.emplace_back([&mine, &ports] {
            for (int i = 0; i < 100; ++i)
                mine.push_back(std::move(*ports->take()));
        });
    }
    for (auto& worker : workers)
        worker.join();
    std::set<std::uint16_t> seen;
    for (auto const& mine : held) {
        for (auto const& lease : mine)
            seen.insert(lease.port());
    }
    CHECK(seen.size() == 400);
}

TEST_CASE("port_allocator: ports are drawn where the kernel takes its own for listeners (A-025)",
          "[data][port_allocator]") {
    unsigned first = 0, last = 0;
    std::ifstream("/proc/sys/net/ipv4/ip_local_port_range") >> first >> last;
    std::string reserved;
    std::ifstream("/proc/sys/net/ipv4/ip_local_reserved_ports") >> reserved;
    REQUIRE(first > 0);
    std::set<std::uint16_t> seen;
    for (int i = 0; i < 200; ++i) {
        auto const port = ftpsgate::data::draw_ephemeral_port();
        REQUIRE(port.has_value() == reserved.empty());
        if (!port) return;
        CHECK(*port >= first);
        CHECK(*port <= last);
        CHECK((*port - first) % 2 == 1);
        seen.insert(*port);
    }
    CHECK(seen.size() > std::min<std::size_t>(100, (last - first) / 8));
}
