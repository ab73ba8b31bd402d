#include "proxy/tls/session_binding.hpp"

#include <catch2/catch.hpp>

#include <set>

using ftpsgate::tls::session_binding;

TEST_CASE("session_binding: each control session draws another context (B-157)", "[tls][session_binding]") {
    std::set<std::array<std::uint8_t, 32>> drawn;
    for (int i = 0; i < 1000; ++i)
        drawn.insert(session_binding().context());
    CHECK(drawn.size() == 1000);
}

TEST_CASE("session_binding: a copy is the same binding", "[tls][session_binding]") {
    session_binding const one;
    auto const other = one;
    CHECK(one.context() == other.context());
}
