// Threads that may outlive who started them, because what they are in cannot be interrupted (a library that waits for
// the network). Nobody waits for them while the process serves; at its end they are given a moment, as libraries must
// not be unloaded under them.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <mutex>

namespace ftpsgate::policy {

/// Thread-safe.
class thread_ledger {
public:
    void enter();
    void leave();
    /// True: none is left. False: some still are, after `patience`.
    bool wait_until_empty(std::chrono::milliseconds patience);

private:
    std::mutex mutex_;
    std::condition_variable changed_;
    std::size_t present_ = 0;
};

}  // namespace ftpsgate::policy
