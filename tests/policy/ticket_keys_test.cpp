#include "policy/ticket_keys.hpp"

#include <catch2/catch.hpp>

using namespace ftpsgate::policy;
using namespace std::chrono_literals;

namespace {

struct keys_with_clock {
    ticket_keys::clock::time_point now{};
    ticket_keys keys{[this] { return now; }};
};

}  // namespace

TEST_CASE("ticket_keys: a key is used for one session lifetime", "[policy][ticket_keys]") {
    keys_with_clock test;
    auto const first = test.keys.current();
    test.now += session_lifetime - 1s;
    CHECK(test.keys.current().name == first.name);
    test.now += 1s;
    auto const second = test.keys.current();
    CHECK(second.name != first.name);
    CHECK(second.cipher != first.cipher);
    CHECK(second.authentication != first.authentication);
}

TEST_CASE("ticket_keys: a ticket of a key's last moment opens for a whole lifetime (B-162, A-068)",
          "[policy][ticket_keys]") {
    keys_with_clock test;
    auto const first = test.keys.current();
    test.now += 2 * session_lifetime - 1s;
    auto const found = test.keys.find(first.name);
    REQUIRE(found);
    CHECK(found->cipher == first.cipher);
    CHECK(found->authentication == first.authentication);
    test.now += 1s;
    CHECK_FALSE(test.keys.find(first.name));
}

TEST_CASE("ticket_keys: a key that nobody asked for grows old nevertheless", "[policy][ticket_keys]") {
    keys_with_clock test;
    auto const first = test.keys.current();
    test.now += 5 * session_lifetime;
    CHECK_FALSE(test.keys.find(first.name));
    CHECK(test.keys.current().name != first.name);
}

TEST_CASE("ticket_keys: an unknown name is not found", "[policy][ticket_keys]") {
    ticket_keys keys, others;
    CHECK_FALSE(keys.find(others.current().name));
}
