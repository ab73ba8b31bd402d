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
            [this] { return reasons_not_ready(); },
            [this] { return draining_.load(); },
            [this] { return listening(); },
            [this] { return log_.lost_lines() + transfers_.lost_lines(); }};
}

std::vector<std::string> server::reasons_not_ready() const {
    std::vector<std::string> reasons;
    if (draining_) reasons.emplace_back("draining");
    for (auto const& site : snapshot_->sites)
        if (!site->backends->is_hopeful()) reasons.push_back("site " + site->settings.name + ": no backend is up");
    return reasons;
}

}  // namespace ftpsgate::proxy
