#include "proxy/backend_health.hpp"

#include <algorithm>
#include <utility>

namespace ftpsgate::proxy {

std::optional<backend_health::change> backend_health::failed(health_source by, std::string words, rules const& wanted,
                                                             clock::time_point now) {
    latest_ = report{by, false, std::chrono::system_clock::now(), words};
    successes_ = 0;
    if (state_ == health_state::down) {
        // What other sessions began before it went down tells nothing of it now.
        if (std::exchange(trial_, false)) {
            quarantine_ = std::min(2 * quarantine_, longest_quarantine);
            quarantine_end_ = now + quarantine_;
        }
        return std::nullopt;
    }
    ++failures_;
    bool const first_check = state_ == health_state::untried && by == health_source::check;
    if (!first_check && failures_ < wanted.fall) return std::nullopt;
    state_ = health_state::down;
    trial_ = false;
    quarantine_ = first_quarantine;
    quarantine_end_ = now + quarantine_;
    return change{false, std::move(words)};
}

void backend_health::suspected(std::string words, rules const& wanted) {
    latest_ = report{health_source::session, false, std::chrono::system_clock::now(), std::move(words)};
    successes_ = 0;
    failures_ = std::min(failures_ + 1, wanted.fall - 1);
}

std::optional<backend_health::change> backend_health::succeeded(health_source by, rules const& wanted,
                                                                clock::time_point now) {
    latest_ = report{by, true, std::chrono::system_clock::now(), {}};
    failures_ = 0;
    trial_ = false;
    if (state_ != health_state::down) {
        state_ = health_state::up;
        return std::nullopt;
    }
    if (++successes_ < wanted.rise) return std::nullopt;
    state_ = health_state::up;
    successes_ = 0;
    returned_ = now;
    return change{true, by == health_source::check ? "a check found it well" : "a session was served"};
}

server_standing backend_health::standing(rules const& wanted, clock::time_point now) const {
    server_standing found;
    if (state_ == health_state::down) {
        found.on_trial = !wanted.checked && !trial_ && now >= quarantine_end_;
        found.share = found.on_trial ? 100 : 0;
        return found;
    }
    if (!returned_ || now - *returned_ >= slow_start) return found;
    using percent = std::chrono::duration<unsigned>;
    auto const grown = (100 - least_share) * std::chrono::duration_cast<percent>(now - *returned_) / slow_start;
    found.share = least_share + static_cast<unsigned>(grown);
    return found;
}

}  // namespace ftpsgate::proxy
