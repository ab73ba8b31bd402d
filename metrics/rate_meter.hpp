// How fast counters have risen lately: totals go in now and then, the mean rate over the last minute comes out.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <deque>

namespace ftpsgate::metrics {

class rate_meter {
public:
    using clock = std::chrono::steady_clock;
    using totals = std::array<double, 3>;

    static constexpr std::chrono::seconds window{60};

    void sample(clock::time_point now, totals const& counted) {
        samples_.push_back({now, counted});
        while (samples_.size() > 2 && now - samples_[1].when >= window)
            samples_.pop_front();
    }

    /// A second, between the oldest sample of the window and the newest; 0 while there are less than two.
    totals rates() const {
        totals found{};
        if (samples_.size() < 2) return found;
        std::chrono::duration<double> const span = samples_.back().when - samples_.front().when;
        for (std::size_t i = 0; span.count() > 0 && i < found.size(); ++i)
            found[i] = (samples_.back().counted[i] - samples_.front().counted[i]) / span.count();
        return found;
    }

private:
    struct one {
        clock::time_point when;
        totals counted;
    };
    std::deque<one> samples_;
};

}  // namespace ftpsgate::metrics
