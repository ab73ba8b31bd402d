// All sessions, cut down to what fits on a page: how many in which state, and the ones to look at first, which are
// those that move data and then those that have moved the most.
#pragma once

#include "metrics/status.hpp"

#include <cstddef>
#include <vector>

namespace ftpsgate::metrics {

class session_digest {
public:
    static constexpr std::size_t shown = 50;

    void add(std::vector<session_row> portion);
    /// Fills sessions, session_count and states.
    void into(status& page);

private:
    void keep_first();

    std::vector<session_row> rows_;
    std::uint64_t count_ = 0;
    std::map<std::string_view, std::uint64_t> states_;
};

}  // namespace ftpsgate::metrics
