// The monitoring port: GET /metrics, /healthz, /readyz over HTTP/1.1, one request per connection, in the gate's own
// event loop. Anyone who reaches the port may send anything, so all is bounded: 32 connections at once (further ones
// wait in the kernel's queue), 8 KiB of request, 10 seconds from accept to close.
//
//   /healthz  200 "ok" while the process serves
//   /readyz   200 "ready", or 503 with one reason a line
//   other paths 404, other methods 405, what is no HTTP 400
//
// Not thread-safe: everything happens on the given executor, and so must the calls. Flow: open(), ..., stop().
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/system/error_code.hpp>

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace ftpsgate::metrics {

struct exposer_limits {
    std::size_t connections = 32;
    std::size_t request = 8 * 1024;          ///< bytes
    std::chrono::milliseconds time{10'000};  ///< from accept to close
};

struct exposer_pages {
    std::function<std::string()> metrics;                         ///< body of /metrics
    std::function<std::vector<std::string>()> reasons_not_ready;  ///< empty = ready
};

class exposer {
public:
    exposer(boost::asio::any_io_executor executor, exposer_pages pages, exposer_limits limits = {});
    ~exposer();  ///< stops
    exposer(exposer const&) = delete;
    exposer& operator=(exposer const&) = delete;

    /// Binds and begins to accept; the error of the step that failed (address in use, not of this machine, ...).
    boost::system::error_code open(boost::asio::ip::tcp::endpoint const& where);
    /// Where it listens; tells the port that the kernel chose for port 0.
    boost::asio::ip::tcp::endpoint local() const;
    /// Closes the port and every connection.
    void stop();

private:
    class listener;
    std::shared_ptr<listener> listener_;
};

}  // namespace ftpsgate::metrics
