#include "proxy/login_bans.hpp"

#include <catch2/catch.hpp>

#include <atomic>
#include <thread>
#include <vector>

using namespace ftpsgate;
using namespace std::chrono_literals;
using boost::asio::ip::make_address;
using proxy::login_bans;

namespace {

struct bans_fixture {
    login_bans bans;
    config::limits_settings limits;
    login_bans::clock::time_point now = login_bans::clock::now();
    boost::asio::ip::address attacker = make_address("192.0.2.1");

    bans_fixture() {
        limits.ban_after = 3;
        limits.ban_window = 1min;
        limits.ban_time = 10min;
    }
    bool failed(char const* client = "192.0.2.1") { return bans.failed(limits, make_address(client), now); }
    bool banned(char const* client = "192.0.2.1") const { return bans.is_banned(make_address(client), now); }
};

}  // namespace

TEST_CASE("login_bans: the last of ban_after failures bans, for ban_time (A-059)", "[proxy][login_bans]") {
    bans_fixture made;
    CHECK_FALSE(made.failed());
    CHECK_FALSE(made.failed());
    CHECK_FALSE(made.banned());
    CHECK(made.failed());
    CHECK(made.banned());
    made.now += 10min - 1ms;
    CHECK(made.banned());
    made.now += 1ms;
    CHECK_FALSE(made.banned());
}

TEST_CASE("login_bans: a ban is told once, and begins anew with as many failures", "[proxy][login_bans]") {
    bans_fixture made;
    for (int i = 0; i < 2; ++i)
        made.failed();
    CHECK(made.failed());
    for (int i = 0; i < 3; ++i)
        CHECK_FALSE(made.failed());
    made.now += 10min;
    CHECK_FALSE(made.banned());
    CHECK_FALSE(made.failed());
    CHECK_FALSE(made.banned());
}

TEST_CASE("login_bans: failures count for ban_window, each by itself", "[proxy][login_bans]") {
    bans_fixture made;
    made.failed();
    made.now += 30s;
    made.failed();
    made.now += 30s;  // the first counts no more
    CHECK_FALSE(made.failed());
    made.now += 29s;
    CHECK(made.failed());
}

TEST_CASE("login_bans: others are not banned, the same client under another address is", "[proxy][login_bans]") {
    bans_fixture made;
    for (auto const* one : {"2001:db8::1", "2001:db8::2", "2001:db8::ffff:3"})
        made.failed(one);
    CHECK(made.banned("2001:db8::4"));
    CHECK_FALSE(made.banned("2001:db8:0:1::1"));
    for (auto const* one : {"192.0.2.7", "::ffff:192.0.2.7", "192.0.2.7"})
        made.failed(one);
    CHECK(made.banned("192.0.2.7"));
    CHECK_FALSE(made.banned("192.0.2.8"));
}

TEST_CASE("login_bans: ban_after = 0 bans nobody and remembers nobody", "[proxy][login_bans]") {
    bans_fixture made;
    made.limits.ban_after = 0;
    for (int i = 0; i < 100; ++i)
        CHECK_FALSE(made.failed());
    CHECK_FALSE(made.banned());
    CHECK(made.bans.clients() == 0);
}

TEST_CASE("login_bans: memory is bounded, and who is remembered for nothing is forgotten", "[proxy][login_bans]") {
    bans_fixture made;
    for (std::uint32_t i = 0; i < 100'500; ++i)
        made.bans.failed(made.limits, boost::asio::ip::address_v4(0x0A00'0000 + i), made.now);
    CHECK(made.bans.clients() == 100'000);
    made.now += 1min;
    made.failed();
    CHECK(made.bans.clients() == 1);
}

TEST_CASE("login_bans: a copy is the same book, as a reload needs it", "[proxy][login_bans]") {
    bans_fixture made;
    login_bans const after_reload = made.bans;
    for (int i = 0; i < 3; ++i)
        made.failed();
    CHECK(after_reload.is_banned(made.attacker, made.now));
}

TEST_CASE("login_bans: threads may fail at once; one of them bans", "[proxy][login_bans][threads]") {
    bans_fixture made;
    made.limits.ban_after = 400;
    std::atomic<int> told{0};
    std::vector<std::thread> threads;
    for (int i = 0; i < 4; ++i)
        threads.emplace_back([&] {
            for (int j = 0; j < 100; ++j)
                told += made.bans.failed(made.limits, made.attacker, made.now) ? 1 : 0;
        });
    for (auto& one : threads)
        one.join();
    CHECK(told == 1);
    CHECK(made.banned());
}
