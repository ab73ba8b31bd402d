#include "proxy/handshake_limits.hpp"

#include <catch2/catch.hpp>

#include <optional>
#include <variant>
#include <vector>

using namespace ftpsgate;
using boost::asio::ip::make_address;
using proxy::handshake_limits;
using proxy::limit_reason;
using proxy::session_limits;

namespace {

struct fixture {
    handshake_limits counted;
    config::limits_settings limits;
    std::vector<session_limits::slot> held;

    bool begins(boost::asio::ip::address const& client) {
        auto admitted = counted.admit(limits, client);
        if (auto const* const full = std::get_if<limit_reason>(&admitted)) {
            why = *full;
            return false;
        }
        held.push_back(std::move(std::get<session_limits::slot>(admitted)));
        return true;
    }
    /// How many the client may have under way.
    std::size_t most_of(char const* client, std::size_t sessions) {
        limits.sessions_per_client = sessions;
        std::size_t count = 0;
        while (begins(make_address(client)))
            ++count;
        return count;
    }
    std::optional<limit_reason> why;
};

}  // namespace

TEST_CASE("handshake_limits: a client may have a part of its sessions in a handshake (A-057)",
          "[proxy][handshake_limits]") {
    auto const [sessions, most] = GENERATE(table<std::size_t, std::size_t>(
        {{1, 1}, {2, 2}, {16, 16}, {20, 16}, {100, 75}, {682, 511}, {700, 512}, {1'000'000, 512}}));
    fixture f;
    CHECK(f.most_of("192.0.2.1", sessions) == most);
    CHECK(f.why == limit_reason::client_full);
    CHECK(f.begins(make_address("192.0.2.2")));
    f.held.erase(f.held.begin());
    CHECK(f.begins(make_address("192.0.2.1")));
}

TEST_CASE("handshake_limits: all clients together may have so many, and places are given back (A-057)",
          "[proxy][handshake_limits]") {
    fixture f;
    f.limits.sessions = 1;  // is about sessions
    for (unsigned i = 0; i < handshake_limits::most; ++i)
        REQUIRE(f.begins(boost::asio::ip::address_v4(0x0A000000 + i)));
    CHECK_FALSE(f.begins(make_address("192.0.2.1")));
    CHECK(f.why == limit_reason::site_full);
    f.held.pop_back();
    CHECK(f.begins(make_address("192.0.2.1")));
    CHECK(f.counted.under_way() == handshake_limits::most);
    f.held.clear();
    CHECK(f.counted.under_way() == 0);
}
