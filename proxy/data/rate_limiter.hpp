// How fast the data connections of one session may be together (data.rate_limit): a token bucket that holds what may be
// read at once, at most a tenth of a second's worth, so that the rate holds over short times as well.
//
// Used by one thread. The clock is the caller's.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

namespace ftpsgate::data {

class rate_limiter {
public:
    using clock = std::chrono::steady_clock;

    /// In bytes a second; 0 = as fast as it goes.
    explicit rate_limiter(std::uint64_t rate = 0);

    bool is_limited() const { return rate_ != 0; }
    /// Bytes that may be read now; 0: none until wait() has passed.
    std::size_t allowance(clock::time_point now);
    void spend(std::size_t bytes);
    /// Until a piece worth reading is allowed.
    clock::duration wait() const;

private:
    std::uint64_t rate_;
    double most_;       // bytes that can be saved up
    double available_;  // may be below zero: more was spent than allowed
    clock::time_point filled_{};
};

}  // namespace ftpsgate::data
