// How many bytes a relay moves at a time. Each step wakes two peers, so a receiver that keeps up gets large ones: 1 MiB
// in place of 256 KiB takes 0.7 of the CPU time. What a slow one does not take soon would only be held for it,
// so its steps become small.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <optional>

namespace ftpsgate::data {

class step_size {
public:
    using clock = std::chrono::steady_clock;

    static constexpr std::size_t least = 128 * 1024;
    static constexpr std::size_t most = 1024 * 1024;
    /// A receiver that takes longer for a step is slow.
    static constexpr std::chrono::milliseconds patience{50};

    std::size_t bytes() const { return bytes_; }

    /// The receiver did not take all of a step at once.
    void receiver_blocks(clock::time_point now) { blocks_since_ = blocks_since_.value_or(now); }
    /// It has all of it now.
    void receiver_has_all(clock::time_point now) {
        is_slow_ = blocks_since_ && now - *blocks_since_ > patience;
        blocks_since_.reset();
        if (is_slow_) bytes_ = std::max(bytes_ / 2, least);
    }
    /// The source had a whole step.
    void source_filled_it() {
        if (!is_slow_) bytes_ = std::min(2 * bytes_, most);
    }

private:
    std::size_t bytes_ = 2 * least;
    std::optional<clock::time_point> blocks_since_;
    bool is_slow_ = false;
};

}  // namespace ftpsgate::data
