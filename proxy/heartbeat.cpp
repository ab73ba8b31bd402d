#include "proxy/heartbeat.hpp"

#include <boost/asio/post.hpp>

#include <algorithm>
#include <utility>

namespace ftpsgate::proxy {

heartbeat::heartbeat(boost::asio::any_io_executor own, std::vector<boost::asio::any_io_executor> loops,
                     std::function<void()> alive)
    : timer_(std::move(own)), alive_(std::move(alive)) {
    for (auto& loop : loops)
        pulses_.push_back({std::move(loop), std::make_shared<std::atomic<bool>>(true)});
}

void heartbeat::start(std::chrono::microseconds pause) {
    pause_ = pause;
    beat();
}

void heartbeat::beat() {
    if (std::all_of(pulses_.begin(), pulses_.end(), [](pulse const& one) { return one.answered->load(); })) alive_();
    for (auto const& one : pulses_) {
        if (!one.answered->exchange(false)) continue;  // the last question is still on its way
        boost::asio::post(one.loop, [answered = one.answered] { *answered = true; });
    }
    timer_.expires_after(pause_);
    timer_.async_wait([this](boost::system::error_code error) {
        if (!error) beat();
    });
}

}  // namespace ftpsgate::proxy
