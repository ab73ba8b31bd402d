// What the server lets the monitoring port see.
#include "proxy/server.hpp"

namespace ftpsgate::proxy {

monitoring::surroundings server::what_monitoring_sees() {
    std::vector<session_shelf> shelves;
    for (auto const& one : places_)
        shelves.push_back({&one->home.loop, &one->sessions});
    return {places_.front()->home.loop.get_executor(),
            counters_,
            refusals_,
            std::move(shelves),
            [this] { return snapshot_; },
            [this] { return draining_ ? std::vector<std::string>{"draining"} : std::vector<std::string>{}; },
            [this] { return draining_.load(); },
            [this] { return listening(); },
            [this] { return log_.lost_lines() + transfers_.lost_lines(); }};
}

}  // namespace ftpsgate::proxy
