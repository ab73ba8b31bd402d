#include "proxy/data/step_size.hpp"

#include <catch2/catch.hpp>

using namespace ftpsgate;
using data::step_size;
using namespace std::chrono_literals;

namespace {

struct transfer {
    /// One step that its receiver takes that long for.
    void step(std::chrono::milliseconds blocked, bool full = true) {
        if (full) size.source_filled_it();
        if (blocked > 0ms) size.receiver_blocks(now);
        size.receiver_blocks(now += blocked / 2);  // a step may block more than once
        size.receiver_has_all(now += blocked - blocked / 2);
    }
    step_size size;
    step_size::clock::time_point now{};
};

}  // namespace

TEST_CASE("step_size: grows while the source has more and the receiver keeps up", "[data][relay]") {
    transfer one;
    CHECK(one.size.bytes() == 256 * 1024);
    one.step(0ms);
    CHECK(one.size.bytes() == 512 * 1024);
    one.step(step_size::patience);
    CHECK(one.size.bytes() == 1024 * 1024);
    one.step(0ms);
    CHECK(one.size.bytes() == step_size::most);
}

TEST_CASE("step_size: stays where the source has less", "[data][relay]") {
    transfer one;
    for (int i = 0; i < 10; ++i)
        one.step(0ms, false);
    CHECK(one.size.bytes() == 256 * 1024);
}

TEST_CASE("step_size: a slow receiver is given little at a time (A-062, A-063)", "[data][relay]") {
    transfer one;
    for (int i = 0; i < 3; ++i)
        one.step(0ms);
    REQUIRE(one.size.bytes() == step_size::most);
    for (std::size_t expected = step_size::most / 2; expected >= step_size::least; expected /= 2) {
        one.step(step_size::patience + 2ms);
        CHECK(one.size.bytes() == expected);
    }
    one.step(1h);
    CHECK(one.size.bytes() == step_size::least);

    one.step(1ms);  // it was slow when this step was read
    CHECK(one.size.bytes() == step_size::least);
    one.step(1ms);
    CHECK(one.size.bytes() == 2 * step_size::least);
}
