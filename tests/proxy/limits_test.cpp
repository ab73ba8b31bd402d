#include "proxy/limits.hpp"

#include <catch2/catch.hpp>

#include <atomic>
#include <optional>
#include <thread>
#include <vector>

using namespace ftpsgate;
using boost::asio::ip::make_address;
using proxy::key_of;
using proxy::limit_reason;
using proxy::session_limits;

namespace {

config::limits_settings limits(std::size_t sessions, std::size_t per_client) {
    config::limits_settings made;
    made.sessions = sessions;
    made.sessions_per_client = per_client;
    return made;
}

std::optional<limit_reason> refusal(std::variant<session_limits::slot, limit_reason> const& outcome) {
    auto const* const reason = std::get_if<limit_reason>(&outcome);
    return reason ? std::optional(*reason) : std::nullopt;
}

}  // namespace

TEST_CASE("limits: an address is refused at its limit while others come in", "[proxy][limits]") {
    session_limits counted;
    auto const first = counted.admit(limits(10, 2), make_address("192.0.2.1"));
    auto second = counted.admit(limits(10, 2), make_address("192.0.2.1"));
    CHECK_FALSE(refusal(first));
    CHECK_FALSE(refusal(second));
    CHECK(refusal(counted.admit(limits(10, 2), make_address("192.0.2.1"))) == limit_reason::client_full);
    CHECK_FALSE(refusal(counted.admit(limits(10, 2), make_address("192.0.2.2"))));
    std::get<session_limits::slot>(second).release();
    CHECK_FALSE(refusal(counted.admit(limits(10, 2), make_address("192.0.2.1"))));
}

TEST_CASE("limits: a full site refuses everybody", "[proxy][limits]") {
    session_limits counted;
    auto const one = counted.admit(limits(2, 2), make_address("192.0.2.1"));
    auto const two = counted.admit(limits(2, 2), make_address("192.0.2.2"));
    CHECK(refusal(counted.admit(limits(2, 2), make_address("192.0.2.3"))) == limit_reason::site_full);
    CHECK(counted.sessions() == 2);
    CHECK(counted.clients() == 2);
}

TEST_CASE("limits: lower limits after a reload count the sessions that are there", "[proxy][limits]") {
    session_limits counted;
    auto const one = counted.admit(limits(10, 10), make_address("192.0.2.1"));
    auto const two = counted.admit(limits(10, 10), make_address("192.0.2.1"));
    CHECK(refusal(counted.admit(limits(10, 1), make_address("192.0.2.1"))) == limit_reason::client_full);
    CHECK(refusal(counted.admit(limits(1, 10), make_address("192.0.2.9"))) == limit_reason::site_full);
}

TEST_CASE("limits: one client is an IPv4 address or an IPv6 /64", "[proxy][limits]") {
    CHECK(key_of(make_address("192.0.2.1")) == key_of(make_address("::ffff:192.0.2.1")));
    CHECK_FALSE(key_of(make_address("192.0.2.1")) == key_of(make_address("192.0.2.2")));
    CHECK(key_of(make_address("2001:db8:0:1::1")) == key_of(make_address("2001:db8:0:1:ffff:ffff:ffff:ffff")));
    CHECK_FALSE(key_of(make_address("2001:db8:0:1::1")) == key_of(make_address("2001:db8:0:2::1")));
    CHECK_FALSE(key_of(make_address("::1")) == key_of(make_address("0.0.0.0")));
    CHECK(key_of(make_address("fe80::1%1")) == key_of(make_address("fe80::1%2")));
}

TEST_CASE("limits: a client without sessions is forgotten", "[proxy][limits]") {
    session_limits counted;
    for (unsigned i = 0; i < 1000; ++i) {
        auto const slot = counted.admit(limits(10, 1), boost::asio::ip::address_v4(0x0A000000 + i));
        CHECK_FALSE(refusal(slot));
    }
    CHECK(refusal(counted.admit(limits(10, 0), make_address("192.0.2.1"))) == limit_reason::client_full);
    CHECK(counted.clients() == 0);
    CHECK(counted.sessions() == 0);
}

TEST_CASE("limits: a slot is given back once, wherever it was moved", "[proxy][limits]") {
    session_limits counted;
    auto const take = [&](char const* client) {
        return std::get<session_limits::slot>(counted.admit(limits(10, 10), make_address(client)));
    };
    {
        auto first = take("192.0.2.1");
        auto second = take("192.0.2.2");
        auto moved = std::move(first);
        CHECK(counted.sessions() == 2);
        CHECK(moved);
        CHECK_FALSE(first);  // NOLINT: that is the question
        moved = std::move(second);
        CHECK(counted.sessions() == 1);
        CHECK(counted.clients() == 1);
        auto& same = moved;
        moved = std::move(same);
        CHECK(moved);
        session_limits::slot none;
        none.release();
    }
    CHECK(counted.sessions() == 0);
}

TEST_CASE("limits: a slot may outlive the counters", "[proxy][limits]") {
    auto counted = std::make_unique<session_limits>();
    auto slot = std::get<session_limits::slot>(counted->admit(limits(1, 1), make_address("192.0.2.1")));
    counted.reset();
    slot.release();
    CHECK_FALSE(slot);
}

TEST_CASE("limits: several threads never exceed a limit and leave nothing behind", "[proxy][limits]") {
    session_limits counted;
    std::atomic<int> inside{0};
    std::atomic<int> most{0};
    std::vector<std::thread> threads;
    for (int each = 0; each < 4; ++each) {
        threads.emplace_back([&] {
            for (int i = 0; i < 2000; ++i) {
                auto slot = counted.admit(limits(3, 2), make_address(i % 2 ? "192.0.2.1" : "2001:db8::1"));
                if (refusal(slot)) continue;
                int const now = ++inside;
                for (int seen = most; now > seen && !most.compare_exchange_weak(seen, now);)
                    continue;
                --inside;
            }
        });
    }
    for (auto& each : threads)
        each.join();
    CHECK(most <= 3);
    CHECK(counted.sessions() == 0);
    CHECK(counted.clients() == 0);
}
