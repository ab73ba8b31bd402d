// A few threads for work that blocks, with a bounded queue in front. The threads start with the first piece of work,
// with all signals blocked: those are for the threads that wait for them. The end of the queue waits for none of them:
// they go home when their piece is done.
#pragma once

#include "policy/thread_ledger.hpp"

#include <cstddef>
#include <functional>
#include <memory>
#include <mutex>
#include <utility>

namespace ftpsgate::policy {

class work_queue {
public:
    /// Told which of the threads it runs on, from 0. Must not throw.
    using work = std::function<void(std::size_t thread)>;

    /// The threads are in the ledger from their start to their end.
    work_queue(std::size_t threads, std::size_t longest, std::shared_ptr<thread_ledger> ledger)
        : threads_wanted_(threads), longest_(longest), ledger_(std::move(ledger)) {}
    ~work_queue();  ///< what waits is dropped, what is under way goes on
    work_queue(work_queue const&) = delete;
    work_queue& operator=(work_queue const&) = delete;

    /// False: `longest` are waiting.
    bool push(work piece);

private:
    struct shared;
    void start();

    std::size_t threads_wanted_;
    std::size_t longest_;
    std::shared_ptr<shared> shared_ = make_shared_state();
    std::shared_ptr<thread_ledger> ledger_;
    std::once_flag started_;

    static std::shared_ptr<shared> make_shared_state();
};

}  // namespace ftpsgate::policy
