#include "proxy/backend_health.hpp"

#include <catch2/catch.hpp>

using namespace ftpsgate::proxy;
using namespace std::chrono_literals;

namespace {

/// A server, its rules, and a clock that stands still until it is moved.
struct observed {
    backend_health health;
    backend_health::rules rules{3, 2, true};
    backend_health::clock::time_point now{1h};

    std::optional<backend_health::change> fails(health_source by = health_source::session) {
        return health.failed(by, "why", rules, now);
    }
    std::optional<backend_health::change> does_well(health_source by = health_source::session) {
        return health.succeeded(by, rules, now);
    }
    server_standing standing() const { return health.standing(rules, now); }
    bool usable() const { return standing().share > 0; }
    void goes_down() {
        does_well();
        while (health.state() != health_state::down)
            fails();
    }
};

}  // namespace

TEST_CASE("health: a server is up until it is found otherwise", "[proxy][backend_health]") {
    observed one;
    CHECK(one.health.state() == health_state::untried);
    CHECK(one.standing().share == 100);
    CHECK_FALSE(one.health.latest());
    CHECK_FALSE(one.does_well());  // no change worth a word
    CHECK(one.health.state() == health_state::up);
    CHECK(one.standing().share == 100);
}

TEST_CASE("health: one that was never seen up is down at its first check that fails", "[proxy][backend_health]") {
    observed one;
    SECTION("by a check") {
        auto const change = one.fails(health_source::check);
        REQUIRE(change);
        CHECK_FALSE(change->up);
        CHECK(change->reason == "why");
        CHECK_FALSE(one.usable());
    }
    SECTION("but not by a session") {
        CHECK_FALSE(one.fails());
        CHECK_FALSE(one.fails());
        CHECK(one.usable());
        CHECK(one.fails());
    }
}

TEST_CASE("health: sessions alone do not take the last server out of service, but the next check does",
          "[proxy][backend_health]") {
    observed one;
    one.rules.fall = GENERATE(1U, 3U);
    one.does_well();
    for (int i = 0; i < 10; ++i)
        one.health.suspected("perhaps", one.rules);
    CHECK(one.usable());
    CHECK(one.health.state() == health_state::up);
    CHECK(one.health.latest()->words == "perhaps");
    CHECK(one.fails(health_source::check));
    CHECK_FALSE(one.usable());
}

TEST_CASE("health: `fall` failures in a row make it down, of checks and sessions together", "[proxy][backend_health]") {
    observed one;
    one.does_well();
    CHECK_FALSE(one.fails(health_source::check));
    CHECK_FALSE(one.fails());
    CHECK(one.health.is_in_doubt());
    SECTION("a third") {
        auto const change = one.fails();
        REQUIRE(change);
        CHECK_FALSE(change->up);
        CHECK_FALSE(one.usable());
        CHECK_FALSE(one.fails());  // told once
    }
    SECTION("not when there is a success between") {
        one.does_well(health_source::check);
        CHECK_FALSE(one.health.is_in_doubt());
        CHECK_FALSE(one.fails());
        CHECK_FALSE(one.fails());
        CHECK(one.usable());
        CHECK(one.fails());
    }
}

TEST_CASE("health: `rise` successes in a row make it up again", "[proxy][backend_health]") {
    observed one;
    one.goes_down();
    CHECK_FALSE(one.health.is_in_doubt());
    CHECK_FALSE(one.does_well(health_source::check));
    CHECK(one.health.is_in_doubt());
    CHECK_FALSE(one.usable());
    SECTION("a second") {
        auto const change = one.does_well(health_source::check);
        REQUIRE(change);
        CHECK(change->up);
        CHECK(change->reason == "a check found it well");
        CHECK(one.usable());
    }
    SECTION("not when there is a failure between") {
        CHECK_FALSE(one.fails(health_source::check));
        CHECK_FALSE(one.does_well(health_source::check));
        CHECK_FALSE(one.usable());
    }
}

TEST_CASE("health: who flaps below fall and rise changes nothing", "[proxy][backend_health]") {
    observed one;
    one.does_well();
    for (int i = 0; i < 20; ++i) {
        CHECK_FALSE(one.fails());
        CHECK_FALSE(one.fails());
        CHECK_FALSE(one.does_well());
        CHECK(one.standing().share == 100);
    }
}

TEST_CASE("health: where it is checked, time alone brings nobody back", "[proxy][backend_health]") {
    observed one;
    one.goes_down();
    one.now += 24h;
    CHECK_FALSE(one.usable());
    CHECK_FALSE(one.health.is_hopeful(one.rules, one.now));
}

TEST_CASE("health: who comes back gets its share within half a minute", "[proxy][backend_health]") {
    observed one;
    one.goes_down();
    one.does_well();
    one.does_well();
    CHECK(one.standing().share == 10);
    one.now += 15s;
    CHECK(one.standing().share == 55);
    one.now += 14s;
    CHECK(one.standing().share == 97);
    one.now += 1s;
    CHECK(one.standing().share == 100);
    one.now += 24h;
    CHECK(one.standing().share == 100);
}

TEST_CASE("health: unchecked, single sessions try it once the quarantine is over", "[proxy][backend_health]") {
    observed one;
    one.rules.checked = false;
    one.goes_down();
    CHECK_FALSE(one.usable());
    CHECK_FALSE(one.health.is_hopeful(one.rules, one.now));
    one.now += 1s;
    CHECK(one.standing().on_trial);
    one.health.begin_trial();
    CHECK_FALSE(one.usable());  // one at a time
    CHECK(one.health.is_hopeful(one.rules, one.now));
    SECTION("a failure doubles it, up to a minute") {
        for (auto const wait : {2s, 4s, 8s, 16s, 32s, 60s, 60s}) {
            CHECK_FALSE(one.fails());
            one.now += wait - 1ms;
            CHECK_FALSE(one.usable());
            one.now += 1ms;
            CHECK(one.standing().on_trial);
            one.health.begin_trial();
        }
    }
    SECTION("a session that began before is no trial") {
        one.health.trial_over();
        CHECK_FALSE(one.fails());
        CHECK(one.usable());
    }
    SECTION("successes are one trial each") {
        CHECK_FALSE(one.does_well());
        CHECK(one.standing().on_trial);
        one.health.begin_trial();
        auto const change = one.does_well();
        REQUIRE(change);
        CHECK(change->reason == "a session was served");
        CHECK_FALSE(one.standing().on_trial);
        CHECK(one.standing().share == 10);
        one.now += 1h;
        for (int i = 0; i < 3; ++i)
            one.fails();
        one.now += 1s;  // a new fall begins with the shortest quarantine
        CHECK(one.standing().on_trial);
    }
    SECTION("a client that leaves in the middle proves nothing") {
        one.health.trial_over();
        CHECK(one.standing().on_trial);
    }
}

TEST_CASE("health: the latest report is kept for the status page", "[proxy][backend_health]") {
    observed one;
    one.does_well(health_source::check);
    REQUIRE(one.health.latest());
    CHECK(one.health.latest()->good);
    CHECK(one.health.latest()->by == health_source::check);
    one.fails();
    CHECK_FALSE(one.health.latest()->good);
    CHECK(one.health.latest()->by == health_source::session);
    CHECK(one.health.latest()->words == "why");
}
