// The sign of life that a service manager's watchdog waits for, given only while every event loop answers: one that is
// stuck gets the whole process started anew.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/steady_timer.hpp>

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <vector>

namespace ftpsgate::proxy {

class heartbeat {
public:
    /// `own` runs the timer and calls `alive`. The loops have to outlive this.
    heartbeat(boost::asio::any_io_executor own, std::vector<boost::asio::any_io_executor> loops,
              std::function<void()> alive);

    void start(std::chrono::microseconds pause);
    void stop() { timer_.cancel(); }

private:
    void beat();

    struct pulse {
        boost::asio::any_io_executor loop;
        std::shared_ptr<std::atomic<bool>> answered;  ///< since it was asked last
    };

    boost::asio::steady_timer timer_;
    std::vector<pulse> pulses_;
    std::function<void()> alive_;
    std::chrono::microseconds pause_{};
};

}  // namespace ftpsgate::proxy
