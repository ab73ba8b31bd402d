#include "policy/thread_ledger.hpp"

namespace ftpsgate::policy {

void thread_ledger::enter() {
    std::lock_guard const lock(mutex_);
    ++present_;
}

void thread_ledger::leave() {
    std::lock_guard const lock(mutex_);
    --present_;
    changed_.notify_all();
}

bool thread_ledger::wait_until_empty(std::chrono::milliseconds patience) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, patience, [this] { return present_ == 0; });
}

}  // namespace ftpsgate::policy
