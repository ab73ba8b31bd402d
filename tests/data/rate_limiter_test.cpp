#include "proxy/data/rate_limiter.hpp"

#include <catch2/catch.hpp>

#include <algorithm>

using ftpsgate::data::rate_limiter;
using namespace std::chrono_literals;

namespace {

/// Bytes that go through in `time`, by one who takes what it gets in pieces of at most `piece`.
std::size_t moved(rate_limiter& limiter, rate_limiter::clock::duration time, std::size_t piece) {
    auto now = rate_limiter::clock::time_point{} + 1h;
    auto const end = now + time;
    std::size_t total = 0;
    while (now < end) {
        auto const count = std::min(limiter.allowance(now), piece);
        limiter.spend(count);
        total += count;
        if (count == 0) now += limiter.wait();
    }
    return total;
}

}  // namespace

TEST_CASE("rate_limiter: the rate holds, whatever it is and in whatever pieces", "[data][rate_limiter]") {
    auto const rate = GENERATE(as<std::size_t>{}, 1024, 100'000, 10U << 20U);
    auto const piece = GENERATE(as<std::size_t>{}, 256 * 1024, 1000);
    rate_limiter limiter(rate);
    auto const total = static_cast<double>(moved(limiter, 10s, piece));
    CHECK(total <= static_cast<double>(rate) * 10.2);
    CHECK(total >= static_cast<double>(rate) * 9.8);
}

TEST_CASE("rate_limiter: who was idle has saved up a tenth of a second's worth at most", "[data][rate_limiter]") {
    rate_limiter limiter(1'000'000);
    auto const now = rate_limiter::clock::time_point{} + 1h;
    CHECK(limiter.allowance(now) == 100'000);
    limiter.spend(100'000);
    CHECK(limiter.allowance(now) == 0);
    CHECK(limiter.wait() == 50ms);
    CHECK(limiter.allowance(now + 50ms) == 50'000);
    CHECK(limiter.allowance(now + 1h) == 100'000);
}

TEST_CASE("rate_limiter: none is none", "[data][rate_limiter]") {
    CHECK_FALSE(rate_limiter().is_limited());
    CHECK(rate_limiter(1).is_limited());
}
