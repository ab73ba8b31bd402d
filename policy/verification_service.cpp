#include "policy/verification_service.hpp"

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/thread_pool.hpp>

#include <algorithm>
#include <thread>

namespace ftpsgate::policy {

struct verification_service::engine_room {
    engine_room(unsigned threads, revocation_cache& cache)
        : processors(threads),
          fetcher({loop.get_executor(), lists.get_executor(), processors.get_executor()}, cache),
          fetching([this] { loop.run(); }) {}

    ~engine_room() {
        loop.stop();
        fetching.join();
        lists.stop();
        processors.stop();
        lists.join();
        processors.join();
    }

    boost::asio::io_context loop{1};
    boost::asio::executor_work_guard<boost::asio::io_context::executor_type> keeps_running{loop.get_executor()};
    // What waits in the pools may hold timers of the loop: the loop goes last.
    boost::asio::thread_pool processors;
    boost::asio::thread_pool lists{1};
    revocation_fetcher fetcher;
    std::thread fetching;
};

verification_service::verification_service(unsigned threads)
    : threads_(threads != 0 ? threads : std::max(2U, std::thread::hardware_concurrency())) {
}

verification_service::~verification_service() = default;

verification_service::engine_room& verification_service::running() {
    std::call_once(started_, [this] { room_ = std::make_unique<engine_room>(threads_, cache_); });
    return *room_;
}

revocation_fetcher& verification_service::fetcher() {
    return running().fetcher;
}

boost::asio::any_io_executor verification_service::processors() {
    return running().processors.get_executor();
}

boost::asio::any_io_executor verification_service::io() {
    return running().loop.get_executor();
}

}  // namespace ftpsgate::policy
