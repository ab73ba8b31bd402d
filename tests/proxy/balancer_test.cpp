#include "proxy/balancer.hpp"

#include <catch2/catch.hpp>

#include <map>
#include <string>
#include <vector>

using namespace ftpsgate;
using config::balance_method;
using proxy::balancer;
using proxy::server_standing;
using proxy::stable_hash;

namespace {

using indexes = std::vector<std::size_t>;

balancer::member server(std::string const& name, unsigned weight = 1, bool backup = false) {
    return {stable_hash(name), weight, backup};
}

/// Some servers with these weights.
struct choices {
    choices(balance_method method, std::vector<unsigned> const& weights)
        : now(weights.size()), chooser(method, [&] {
              std::vector<balancer::member> members;
              for (auto const weight : weights)
                  members.push_back(server("s" + std::to_string(members.size()), weight));
              return members;
          }()) {}

    indexes next(std::size_t count, bool sessions_stay = false) {
        indexes found;
        for (std::size_t i = 0; i < count; ++i) {
            found.push_back(chooser.choose(now, 0).value());
            if (sessions_stay) ++now[found.back()].sessions;
        }
        return found;
    }
    std::vector<int> shares(std::size_t count, bool sessions_stay = false) {
        std::vector<int> counted(now.size());
        for (auto const index : next(count, sessions_stay))
            ++counted[index];
        return counted;
    }

    std::vector<server_standing> now;
    balancer chooser;
};

std::uint64_t user(int number) {
    return stable_hash("user" + std::to_string(number));
}

}  // namespace

TEST_CASE("balancer: round-robin goes by weight, and evenly within a round", "[proxy][balancer]") {
    CHECK(choices(balance_method::round_robin, {1, 1, 1}).next(6) == indexes{0, 1, 2, 0, 1, 2});
    CHECK(choices(balance_method::round_robin, {3, 1}).next(8) == indexes{0, 0, 1, 0, 0, 0, 1, 0});
    CHECK(choices(balance_method::round_robin, {5, 1, 1}).next(7) == indexes{0, 0, 1, 0, 2, 0, 0});
    CHECK(choices(balance_method::round_robin, {1000, 1}).shares(1001) == std::vector<int>{1000, 1});
}

TEST_CASE("balancer: round-robin passes over what cannot be used, and saves nothing up for it", "[proxy][balancer]") {
    choices of(balance_method::round_robin, {1, 1, 1});
    of.next(2);
    of.now[1].share = 0;
    CHECK(of.shares(299)[1] == 0);
    of.now[1].share = 100;
    auto const back = of.next(6);
    CHECK(std::count(back.begin(), back.end(), 1U) == 2);
}

TEST_CASE("balancer: nobody is nobody", "[proxy][balancer]") {
    auto const method = GENERATE(balance_method::round_robin, balance_method::least_sessions, balance_method::per_user,
                                 balance_method::per_client, balance_method::first);
    choices of(method, {1, 1});
    of.now[0].share = of.now[1].share = 0;
    CHECK_FALSE(of.chooser.choose(of.now, 7));
    of.now[1].share = 1;
    CHECK(of.chooser.choose(of.now, 7) == 1U);
}

TEST_CASE("balancer: least-sessions evens out what there is, by weight", "[proxy][balancer]") {
    choices of(balance_method::least_sessions, {1, 1, 1});
    of.now[0].sessions = 5;
    of.now[1].sessions = 2;
    CHECK(of.next(2, true) == indexes{2, 2});
    of.next(6, true);
    for (auto const& one : of.now)
        CHECK(one.sessions == 5);
    choices weighed(balance_method::least_sessions, {3, 1});
    CHECK(weighed.shares(400, true) == std::vector<int>{300, 100});
    SECTION("sessions that are over at once go to all") {
        CHECK(choices(balance_method::least_sessions, {1, 1, 1}).shares(300) == std::vector<int>{100, 100, 100});
        CHECK(choices(balance_method::least_sessions, {2, 2}).shares(300) == std::vector<int>{150, 150});
    }
}

TEST_CASE("balancer: first is the first that can be used", "[proxy][balancer]") {
    choices of(balance_method::first, {1, 1000, 1});
    CHECK(of.next(3) == indexes{0, 0, 0});
    of.now[0].share = 0;
    CHECK(of.next(2) == indexes{1, 1});
    of.now[1].share = 0;
    CHECK(of.next(2) == indexes{2, 2});
    of.now[0].share = 100;
    CHECK(of.next(1) == indexes{0});
}

TEST_CASE("balancer: a user stays with its server, and the servers get users by weight", "[proxy][balancer]") {
    choices of(GENERATE(balance_method::per_user, balance_method::per_client), {2, 1, 1});
    std::vector<int> counted(3);
    for (int i = 0; i < 8000; ++i) {
        auto const chosen = of.chooser.choose(of.now, user(i)).value();
        ++counted[chosen];
        CHECK(of.chooser.choose(of.now, user(i)) == chosen);
    }
    CHECK(counted[0] == Approx(4000).margin(250));
    CHECK(counted[1] == Approx(2000).margin(200));
    CHECK(counted[2] == Approx(2000).margin(200));
}

TEST_CASE("balancer: when a server comes or goes, only its own users move", "[proxy][balancer]") {
    choices of(balance_method::per_user, {1, 3, 2, 1});
    std::map<int, std::size_t> before;
    for (int i = 0; i < 2000; ++i)
        before[i] = of.chooser.choose(of.now, user(i)).value();
    of.now[1].share = 0;
    std::vector<int> heirs(4);
    for (int i = 0; i < 2000; ++i) {
        auto const chosen = of.chooser.choose(of.now, user(i)).value();
        if (before[i] != 1) CHECK(chosen == before[i]);
        if (before[i] == 1) ++heirs[chosen];
    }
    CHECK(heirs[1] == 0);
    for (auto const index : {0, 2, 3})
        CHECK(heirs[static_cast<std::size_t>(index)] > 100);  // all of the others take over
    of.now[1].share = 100;
    for (int i = 0; i < 2000; ++i)
        CHECK(of.chooser.choose(of.now, user(i)) == before[i]);
}

TEST_CASE("balancer: where a user goes depends on the server's name, not on its place in the list",
          "[proxy][balancer]") {
    balancer one(balance_method::per_user, {server("a:21"), server("b:21"), server("c:21")});
    balancer other(balance_method::per_user, {server("c:21"), server("a:21"), server("b:21")});
    std::vector<server_standing> const now(3);
    std::size_t const places[] = {1, 2, 0};
    for (int i = 0; i < 500; ++i)
        CHECK(other.choose(now, user(i)) == places[one.choose(now, user(i)).value()]);
}

TEST_CASE("balancer: the hash is the same for every gate", "[proxy][balancer]") {
    // FNV-1a's published value for "a", through splitmix64's finalizer
    CHECK(stable_hash("a") == 0x02c0bdbf481420f8ULL);
    CHECK(stable_hash("a") != stable_hash("b"));
    CHECK(stable_hash("") != stable_hash(std::string_view("\0", 1)));
}

TEST_CASE("balancer: backups serve while nobody else can", "[proxy][balancer]") {
    auto const method = GENERATE(balance_method::round_robin, balance_method::least_sessions, balance_method::per_user,
                                 balance_method::first);
    balancer chooser(method, {server("b", 100, true), server("a"), server("c", 100, true)});
    std::vector<server_standing> now(3);
    for (int i = 0; i < 50; ++i)
        CHECK(chooser.choose(now, user(i)) == 1U);
    now[1].share = 0;
    for (int i = 0; i < 50; ++i)
        CHECK(chooser.choose(now, user(i)) != 1U);
    now[1].share = 10;  // back, if only just
    CHECK(chooser.choose(now, 0) == 1U);
}

TEST_CASE("balancer: who comes back gets its share gradually", "[proxy][balancer]") {
    SECTION("round-robin") {
        choices of(balance_method::round_robin, {1, 1});
        of.now[0].share = 10;
        CHECK(of.shares(110) == std::vector<int>{10, 100});
    }
    SECTION("first") {
        choices of(balance_method::first, {1, 1});
        of.now[0].share = 10;
        CHECK(of.shares(100) == std::vector<int>{10, 90});
    }
    SECTION("least-sessions: no stampede to the empty one") {
        choices of(balance_method::least_sessions, {1, 1});
        of.now[0].share = 10;
        of.now[1].sessions = 100;
        CHECK(of.shares(50, true) == std::vector<int>{13, 37});
    }
    SECTION("per-user: its users come back one by one, the others stay") {
        choices of(balance_method::per_user, {1, 1, 1});
        indexes whole;
        for (int i = 0; i < 1000; ++i)
            whole.push_back(of.chooser.choose(of.now, user(i)).value());
        of.now[0].share = 30;
        int back = 0;
        for (int i = 0; i < 1000; ++i) {
            auto const chosen = of.chooser.choose(of.now, user(i)).value();
            if (chosen == 0) ++back;
            if (whole[static_cast<std::size_t>(i)] != 0) CHECK(chosen == whole[static_cast<std::size_t>(i)]);
        }
        CHECK(back > 50);
        CHECK(back < 250);
    }
}

TEST_CASE("balancer: a server on trial gets the next session", "[proxy][balancer]") {
    auto const method = GENERATE(balance_method::round_robin, balance_method::least_sessions, balance_method::first);
    balancer chooser(method, {server("a"), server("b"), server("c", 1, true)});
    std::vector<server_standing> now(3);
    now[1].on_trial = true;
    now[1].sessions = 1000;
    CHECK(chooser.choose(now, 0) == 1U);
    SECTION("but a backup only when it is needed") {
        now[1].on_trial = false;
        now[2].on_trial = true;
        CHECK(chooser.choose(now, 0) != 2U);
    }
}

TEST_CASE("balancer: a server on trial gets a user of its own", "[proxy][balancer]") {
    choices of(balance_method::per_user, {1, 1});
    of.now[1].on_trial = true;
    std::vector<int> counted(2);
    for (int i = 0; i < 200; ++i)
        ++counted[of.chooser.choose(of.now, user(i)).value()];
    CHECK(counted[0] > 60);
    CHECK(counted[1] > 60);
}
