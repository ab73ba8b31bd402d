// A few threads for work that blocks, with a bounded queue in front. The threads start with the first piece of work,
// with all signals blocked: those are for the threads that wait for them.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

namespace ftpsgate::policy {

class work_queue {
public:
    /// Told which of the threads it runs on, from 0. Must not throw.
    using work = std::function<void(std::size_t thread)>;

    work_queue(std::size_t threads, std::size_t longest) : threads_wanted_(threads), longest_(longest) {}
    /// Waits for the work under way - unless called from it -; what waits is dropped.
    ~work_queue();
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
    std::vector<std::thread> threads_;
    std::mutex starting_;

    static std::shared_ptr<shared> make_shared_state();
};

}  // namespace ftpsgate::policy
