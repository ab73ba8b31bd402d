// What is known of one server: up or down, and from what. Checks and sessions report successes and failures; `fall`
// failures in a row make it down, `rise` successes in a row up again. A value with a clock that is told: no lock, no
// timer.
//
// A server starts as up without proof (`untried`) and, as nothing speaks for it, is down at the first check that fails.
// Where nobody checks, a server that is down is left alone for a second, longer after each trial that failed, up to a
// minute; then single sessions may try it. Who comes back gets its share of new sessions gradually.
#pragma once

#include "proxy/balancer.hpp"

#include <chrono>
#include <optional>
#include <string>

namespace ftpsgate::proxy {

enum class health_source { session, check };
enum class health_state { untried, up, down };

class backend_health {
public:
    using clock = std::chrono::steady_clock;

    static constexpr std::chrono::seconds slow_start{30};
    static constexpr unsigned least_share = 10;  ///< percent, at the beginning of the slow start
    static constexpr std::chrono::seconds first_quarantine{1};
    static constexpr std::chrono::seconds longest_quarantine{60};

    struct rules {
        unsigned fall = 3;
        unsigned rise = 2;
        bool checked = true;  ///< somebody checks; else only sessions tell
    };

    /// Down or up now, and was not before.
    struct change {
        bool up = false;
        std::string reason;  ///< in words, for the log
    };

    /// The latest report.
    struct report {
        health_source by = health_source::session;
        bool good = false;
        std::chrono::system_clock::time_point when;
        std::string words;  ///< why not
    };

    std::optional<change> failed(health_source by, std::string words, rules const& wanted, clock::time_point now);
    /// A session failed on the only server that could be used. Sessions alone do not take that one out of service, as
    /// this would make sure of what may be an accident; the next check that fails does.
    void suspected(std::string words, rules const& wanted);
    std::optional<change> succeeded(health_source by, rules const& wanted, clock::time_point now);

    /// `sessions` is left for the caller to fill in.
    server_standing standing(rules const& wanted, clock::time_point now) const;
    /// One session was sent to find out; until it reports, or trial_over(), there is no other.
    void begin_trial() { trial_ = true; }
    void trial_over() { trial_ = false; }

    health_state state() const { return state_; }
    /// Sessions may be sent there: up, or down and due for a trial.
    bool is_hopeful(rules const& wanted, clock::time_point now) const {
        return trial_ || standing(wanted, now).share > 0;
    }
    /// The next report decides: a check should not wait for its turn.
    bool is_in_doubt() const { return state_ == health_state::down ? successes_ > 0 : failures_ > 0; }
    std::optional<report> const& latest() const { return latest_; }

private:
    health_state state_ = health_state::untried;
    unsigned failures_ = 0;   // in a row
    unsigned successes_ = 0;  // in a row, while down
    bool trial_ = false;
    std::chrono::seconds quarantine_ = first_quarantine;
    clock::time_point quarantine_end_{};
    std::optional<clock::time_point> returned_;  // when it came back; unset: it never went
    std::optional<report> latest_;
};

}  // namespace ftpsgate::proxy
