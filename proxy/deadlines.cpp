#include "proxy/deadlines.hpp"

#include <boost/asio/steady_timer.hpp>

#include <algorithm>
#include <array>
#include <cassert>
#include <cstddef>
#include <utility>

namespace ftpsgate::proxy {

namespace {

using time_clock = std::chrono::steady_clock;
constexpr auto never = time_clock::time_point::max();

// From now on, without overflow.
time_clock::time_point later(std::chrono::milliseconds after) {
    auto const now = time_clock::now();
    if (after >= std::chrono::duration_cast<std::chrono::milliseconds>(never - now)) return never;
    return now + std::max(after, std::chrono::milliseconds::zero());
}

}  // namespace

struct deadlines::state : std::enable_shared_from_this<state> {
    state(boost::asio::any_io_executor executor, handler expired)
        : timer(std::move(executor)), on_expired(std::move(expired)) {
        due.fill(never);
    }

    void arm(unsigned kind, std::chrono::milliseconds after) {
        due[kind] = later(after);
        if (due[kind] < timer_at && !in_handlers) wait_until(due[kind]);
    }

    void cancel(unsigned kind) {
        due[kind] = never;
        if (!in_handlers) stop_if_idle();
    }

    void stop_if_idle() {
        if (timer_at != never && *earliest() == never) stop_waiting();
    }

    time_clock::time_point* earliest() { return &*std::min_element(due.begin(), due.end()); }

    void wait_until(time_clock::time_point when) {
        timer_at = when;
        timer.expires_at(when);  // ends the wait before, if there is one
        timer.async_wait([self = shared_from_this(), round = ++round_](boost::system::error_code) {
            if (round == self->round_ && self->open) self->fire();
        });
    }

    void stop_waiting() {
        timer_at = never;
        ++round_;
        timer.cancel();
    }

    void fire() {
        timer_at = never;
        auto const now = time_clock::now();
        in_handlers = true;
        for (auto* next = earliest(); open && *next <= now; next = earliest()) {
            *next = never;
            on_expired(static_cast<unsigned>(next - due.data()));
        }
        in_handlers = false;
        if (open && *earliest() != never) wait_until(*earliest());
    }

    boost::asio::steady_timer timer;
    handler on_expired;
    std::array<time_clock::time_point, kinds> due;
    time_clock::time_point timer_at = never;  // never = no wait is pending
    unsigned round_ = 0;                      // which wait is the current one
    bool open = true;
    bool in_handlers = false;
};

deadlines::deadlines(boost::asio::any_io_executor executor, handler on_expired)
    : state_(std::make_shared<state>(std::move(executor), std::move(on_expired))) {
}

deadlines::~deadlines() {
    state_->open = false;
    state_->stop_waiting();
}

void deadlines::arm(unsigned kind, std::chrono::milliseconds after) {
    assert(kind < kinds);
    state_->arm(kind, after);
}

void deadlines::cancel(unsigned kind) {
    assert(kind < kinds);
    state_->cancel(kind);
}

void deadlines::cancel_all() {
    state_->due.fill(never);
    if (!state_->in_handlers) state_->stop_if_idle();
}

bool deadlines::is_armed(unsigned kind) const {
    assert(kind < kinds);
    return state_->due[kind] != never;
}

}  // namespace ftpsgate::proxy
