// The monitoring port (metrics/exposer.hpp) with the gate behind it: what its pages show is gathered here, on the first
// worker's loop. Counters are read where they are, sessions are asked for on their own workers.
#pragma once

#include "metrics/exposer.hpp"
#include "metrics/metrics.hpp"
#include "metrics/rate_meter.hpp"
#include "metrics/status.hpp"
#include "proxy/refusals.hpp"
#include "proxy/runtime.hpp"
#include "proxy/session_walk.hpp"

#include <boost/asio/steady_timer.hpp>

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace ftpsgate::proxy {

class monitoring {
public:
    /// A listening address of a site.
    struct listening {
        std::string site;
        std::string address;  ///< "0.0.0.0:21"
        std::string mode;     ///< "explicit" or "implicit"
    };

    struct surroundings {
        boost::asio::any_io_executor executor;
        metrics::registry& counters;
        recent_refusals& refusals;
        std::vector<session_shelf> shelves;
        std::function<std::shared_ptr<runtime const>()> present;  ///< these five are asked on the executor
        std::function<std::vector<std::string>()> reasons_not_ready;
        std::function<bool()> draining;
        std::function<std::vector<listening>()> listeners;
        std::function<std::uint64_t()> lost_log_lines;
    };

    explicit monitoring(surroundings around);
    monitoring(monitoring const&) = delete;
    monitoring& operator=(monitoring const&) = delete;

    boost::system::error_code open(boost::asio::ip::tcp::endpoint const& where);
    boost::asio::ip::tcp::endpoint local() const { return exposer_.local(); }
    void stop();

private:
    class page_in_work;

    metrics::exposer_pages pages();
    void status_page(metrics::refreshing mode, metrics::html_handler done);
    metrics::status overview() const;
    void measure();

    surroundings around_;
    metrics::exposer exposer_;
    boost::asio::steady_timer measuring_;
    std::map<std::string, metrics::rate_meter> rates_;  // by site
    std::chrono::steady_clock::time_point const began_ = std::chrono::steady_clock::now();
};

}  // namespace ftpsgate::proxy
