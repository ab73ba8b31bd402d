#include "policy/work_queue.hpp"

#include <condition_variable>
#include <csignal>
#include <deque>
#include <optional>
#include <thread>
#include <utility>

namespace ftpsgate::policy {

// Held by the threads as well: they outlive the queue.
struct work_queue::shared {
    std::mutex mutex;
    std::condition_variable changed;
    std::deque<work> waiting;
    bool stopping = false;

    std::optional<work> next() {
        std::unique_lock lock(mutex);
        changed.wait(lock, [this] { return stopping || !waiting.empty(); });
        if (stopping) return std::nullopt;
        std::optional<work> piece(std::move(waiting.front()));
        waiting.pop_front();
        return piece;
    }
};

std::shared_ptr<work_queue::shared> work_queue::make_shared_state() {
    return std::make_shared<shared>();
}

void work_queue::start() {
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);  // inherited
    for (std::size_t number = 0; number < threads_wanted_; ++number) {
        ledger_->enter();
        std::thread([state = shared_, ledger = ledger_, number]() mutable {
            while (auto piece = state->next())
                (*piece)(number);
            state.reset();
            ledger->leave();
        }).detach();
    }
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

bool work_queue::push(work piece) {
    std::call_once(started_, [this] { start(); });
    auto const state = shared_;  // the piece may run at once, and be the last to hold this queue
    {
        std::lock_guard const lock(state->mutex);
        if (state->waiting.size() >= longest_) return false;
        state->waiting.push_back(std::move(piece));
    }
    state->changed.notify_one();
    return true;
}

work_queue::~work_queue() {
    std::deque<work> dropped;  // destroyed outside the lock: what it holds may be a lot
    {
        std::lock_guard const lock(shared_->mutex);
        shared_->stopping = true;
        dropped.swap(shared_->waiting);
    }
    shared_->changed.notify_all();
}

}  // namespace ftpsgate::policy
