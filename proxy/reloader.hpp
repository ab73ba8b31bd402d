// Builds a new snapshot while the gate serves: files are read, and CRLs of many megabytes parsed, on a thread of its
// own. Nothing is changed here; the server takes the result over, or leaves it.
//
// Flow: start() calls the handler once, on the executor. One at a time: start() while one is under way has another
// follow it, for what was read may be old already. Destruction waits for the thread and calls no handler.
#pragma once

#include "metrics/metrics.hpp"
#include "policy/verification_service.hpp"
#include "proxy/runtime.hpp"

#include <boost/asio/any_io_executor.hpp>

#include <functional>
#include <memory>
#include <string>
#include <thread>

namespace ftpsgate::proxy {

class reloader {
public:
    using handler = std::function<void(runtime_result)>;

    struct surroundings {
        boost::asio::any_io_executor executor;
        metrics::registry& counters;
        std::shared_ptr<policy::verification_service> verification;
        std::function<std::shared_ptr<runtime const>()> present;  ///< the snapshot in force, asked on the executor
        handler done;
    };

    explicit reloader(surroundings around) : around_(std::move(around)) {}
    ~reloader();
    reloader(reloader const&) = delete;
    reloader& operator=(reloader const&) = delete;

    void start();

private:
    void finished(std::shared_ptr<runtime_result> result);

    surroundings around_;
    std::thread thread_;
    bool again_ = false;
    std::shared_ptr<void> alive_ = std::make_shared<char>();
};

/// The configuration file and all that it names, as one list of faults or a snapshot. What sessions share and a reload
/// must not forget (places taken, passive ports) is carried over from `previous`, which may be null.
runtime_result load_runtime(std::string const& file, metrics::registry& counters,
                            std::shared_ptr<policy::verification_service> const& verification, runtime const* previous);

}  // namespace ftpsgate::proxy
