#include "proxy/data/rate_limiter.hpp"

#include <algorithm>

namespace ftpsgate::data {

namespace {
constexpr double saved_up = 0.1;    // seconds
constexpr double worthwhile = 0.5;  // of what can be saved up
}  // namespace

rate_limiter::rate_limiter(std::uint64_t rate)
    : rate_(rate), most_(std::max(1.0, static_cast<double>(rate) * saved_up)), available_(most_) {
}

std::size_t rate_limiter::allowance(clock::time_point now) {
    std::chrono::duration<double> const passed = filled_ == clock::time_point{} ? clock::duration{} : now - filled_;
    filled_ = now;
    available_ = std::min(most_, available_ + passed.count() * static_cast<double>(rate_));
    return available_ >= std::max(1.0, most_ * worthwhile) ? static_cast<std::size_t>(available_) : 0;
}

void rate_limiter::spend(std::size_t bytes) {
    available_ -= static_cast<double>(bytes);
}

rate_limiter::clock::duration rate_limiter::wait() const {
    std::chrono::duration<double> const needed((std::max(1.0, most_ * worthwhile) - available_) /
                                               static_cast<double>(rate_));
    return std::max(std::chrono::ceil<clock::duration>(needed), clock::duration(std::chrono::milliseconds(1)));
}

}  // namespace ftpsgate::data
