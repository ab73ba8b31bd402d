#include "proxy/backend_pool.hpp"

#include "tests/proxy/loopback.hpp"

#include <catch2/catch.hpp>

#include <utility>

using namespace ftpsgate;
using namespace ftpsgate::tests;
using namespace std::chrono_literals;
using proxy::address_list;
using proxy::backend_pool;
using proxy::health_state;

namespace {

config::backend_settings settings_of(std::vector<std::string> const& hosts) {
    config::backend_settings settings;
    for (auto const& host : hosts)
        settings.servers.push_back({{host, 21, {}}, 1, false});
    return settings;
}

/// A name server that answers when it is told to.
struct scripted_names {
    std::vector<std::pair<std::string, proxy::look_up_handler>> asked;

    proxy::look_up source() {
        return [this](boost::asio::any_io_executor const&, config::endpoint const& where, proxy::look_up_handler done) {
            asked.emplace_back(where.host, std::move(done));
        };
    }
    void answer(address_list const& found) { std::exchange(asked, {}).at(0).second({}, found); }
    void fail() { std::exchange(asked, {}).at(0).second(boost::asio::error::host_not_found_try_again, {}); }
};

address_list at(std::vector<std::string> const& addresses) {
    address_list found;
    for (auto const& each : addresses)
        found.emplace_back(boost::asio::ip::make_address(each), 21);
    return found;
}

}  // namespace

TEST_CASE("backend_pool: sessions are counted from the choice to the end of the lease", "[proxy][backend_pool]") {
    auto settings = settings_of({"10.0.0.1", "10.0.0.2"});
    settings.balance = config::balance_method::least_sessions;
    backend_pool pool(settings);
    auto first = pool.take(0, {});
    auto second = pool.take(0, {});
    CHECK(first.server() != second.server());
    CHECK(pool.sessions(0) == 1);
    auto third = pool.take(0, {});
    CHECK(pool.sessions(third.server()) == 2);
    third = std::move(second);  // one ends, the other moves
    CHECK(pool.sessions(0) + pool.sessions(1) == 2);
    first.release();
    first.release();
    CHECK(pool.sessions(0) + pool.sessions(1) == 1);
    CHECK_FALSE(first);
}

TEST_CASE("backend_pool: a session goes to none that it has passed over", "[proxy][backend_pool]") {
    backend_pool pool(settings_of({"10.0.0.1", "10.0.0.2"}));
    CHECK(pool.take(0, {true, false}).server() == 1);
    CHECK(pool.has_another({true, false}));
    CHECK_FALSE(pool.take(0, {true, true}));
    CHECK_FALSE(pool.has_another({true, true}));
}

TEST_CASE("backend_pool: what sessions and checks report decides who is up", "[proxy][backend_pool]") {
    auto settings = settings_of({"10.0.0.1", "10.0.0.2"});
    settings.fall = 2;
    backend_pool pool(settings);
    std::vector<std::size_t> doubtful;
    pool.when_in_doubt([&](std::size_t server) { doubtful.push_back(server); });
    CHECK_FALSE(pool.checked(0, std::nullopt));
    CHECK(pool.health(0).state() == health_state::up);
    auto lease = pool.take_again(0);
    CHECK_FALSE(pool.failed(lease, "gone"));
    CHECK(doubtful == std::vector<std::size_t>{0});
    auto const change = pool.checked(0, "still gone");
    REQUIRE(change);
    CHECK_FALSE(change->up);
    CHECK(doubtful == std::vector<std::size_t>{0});  // checks know by themselves
    for (int i = 0; i < 4; ++i)
        CHECK(pool.take(0, {}).server() == 1);
    CHECK(pool.is_hopeful());
    lease = pool.take_again(1);
    for (int i = 0; i < 5; ++i)
        CHECK_FALSE(pool.failed(lease, "nobody else is there"));
    CHECK(pool.take(0, {}).server() == 1);
    CHECK(pool.checked(1, "gone as well"));
    CHECK_FALSE(pool.take(0, {}));
    CHECK_FALSE(pool.is_hopeful());
}

TEST_CASE("backend_pool: unchecked, one session at a time is the trial", "[proxy][backend_pool]") {
    auto settings = settings_of({"10.0.0.1"});
    settings.health_interval = 0s;
    settings.fall = settings.rise = 1;
    auto const pool = std::make_shared<backend_pool>(settings);
    auto lease = pool->take(0, {});
    CHECK(pool->failed(lease, "gone"));
    CHECK_FALSE(pool->take(0, {}));
    CHECK_FALSE(pool->is_hopeful());
    boost::asio::io_context context;
    backend_pool::lease trial;
    REQUIRE(run_until(context, [&] {
        if (!trial) trial = pool->take(0, {});
        return bool(trial);
    }));
    CHECK_FALSE(pool->take(0, {}));
    CHECK(pool->is_hopeful());
    SECTION("its end without an outcome lets the next one try") {
        trial.release();
        CHECK(pool->take(0, {}));
    }
    SECTION("its success ends the quarantine") {
        CHECK(pool->succeeded(trial)->up);
        CHECK(pool->take(0, {}));
        trial.release();
        CHECK(pool->take(0, {}));
    }
    SECTION("its failure begins another") {
        CHECK_FALSE(pool->failed(trial, "still gone"));
        trial.release();
        CHECK_FALSE(pool->take(0, {}));
    }
}

TEST_CASE("backend_pool: a reload leaves servers what they are", "[proxy][backend_pool]") {
    backend_pool before(settings_of({"10.0.0.1", "10.0.0.2"}));
    before.learned(1).epsv_refused = true;
    CHECK(before.checked(1, "gone"));
    auto const lease = before.take_again(1);

    auto settings = settings_of({"10.0.0.2", "10.0.0.3"});
    settings.servers[0].weight = 7;
    backend_pool after(settings);
    after.carry_over(before);
    CHECK(after.learned(0).epsv_refused);
    CHECK(after.health(0).state() == health_state::down);
    CHECK(after.sessions(0) == 1);
    CHECK_FALSE(after.learned(1).epsv_refused);
    CHECK(after.health(1).state() == health_state::untried);
    CHECK(after.take(0, {}).server() == 1);
    after.checked(0, std::nullopt);
    after.checked(0, std::nullopt);
    CHECK(before.health(1).state() == health_state::up);  // sessions of before the reload see the same
}

TEST_CASE("backend_pool: B-137 what was learned of a server is kept for the next sessions", "[proxy][backend_pool]") {
    backend_pool shared(settings_of({"10.0.0.1", "10.0.0.2"}));
    CHECK_FALSE(shared.learned(0).epsv_refused);
    shared.learned(0).epsv_refused = true;
    CHECK(shared.learned(0).epsv_refused);
    CHECK_FALSE(shared.learned(1).epsv_refused);
}

TEST_CASE("backend_pool: addresses are known at once, names when they were looked up", "[proxy][backend_pool]") {
    boost::asio::io_context context;
    scripted_names names;
    auto const pool =
        std::make_shared<backend_pool>(settings_of({"10.0.0.1", "::1", "ftp.test"}), nullptr, names.source());
    CHECK(pool->addresses(0) == at({"10.0.0.1"}));
    CHECK(pool->addresses(1) == at({"::1"}));
    CHECK(pool->name(1) == "[::1]:21");
    CHECK(pool->addresses(2).empty());
    pool->refresh_addresses(0, context.get_executor(), 0s);
    CHECK(names.asked.empty());

    pool->refresh_addresses(2, context.get_executor(), 0s);
    REQUIRE(names.asked.size() == 1);
    CHECK(names.asked[0].first == "ftp.test");
    pool->refresh_addresses(2, context.get_executor(), 0s);
    CHECK(names.asked.size() == 1);  // one question at a time
    names.answer(at({"10.0.0.7", "10.0.0.8"}));
    CHECK(pool->addresses(2) == at({"10.0.0.7", "10.0.0.8"}));

    SECTION("young ones are not looked up again") {
        pool->refresh_addresses(2, context.get_executor(), 1h);
        CHECK(names.asked.empty());
    }
    SECTION("a name that moves is found at its new place") {
        pool->refresh_addresses(2, context.get_executor(), 0s);
        names.answer(at({"10.0.0.9"}));
        CHECK(pool->addresses(2) == at({"10.0.0.9"}));
    }
    SECTION("a look-up that fails, or finds nothing, leaves what is known") {
        pool->refresh_addresses(2, context.get_executor(), 0s);
        names.fail();
        pool->refresh_addresses(2, context.get_executor(), 0s);
        names.answer({});
        CHECK(pool->addresses(2) == at({"10.0.0.7", "10.0.0.8"}));
        pool->refresh_addresses(2, context.get_executor(), 0s);
        CHECK(names.asked.size() == 1);  // and is asked again
    }
    SECTION("the one that answered comes first, after the next look-up too") {
        pool->answered(2, at({"10.0.0.8"}).front());
        CHECK(pool->addresses(2) == at({"10.0.0.8", "10.0.0.7"}));
        pool->refresh_addresses(2, context.get_executor(), 0s);
        names.answer(at({"10.0.0.7", "10.0.0.9", "10.0.0.8"}));
        CHECK(pool->addresses(2) == at({"10.0.0.8", "10.0.0.7", "10.0.0.9"}));
    }
}
