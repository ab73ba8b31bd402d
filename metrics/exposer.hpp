// The monitoring port over HTTP/1.1, one request per connection, in the gate's own event loop. Anyone who reaches the
// port may send anything, so all is bounded: 32 connections at once (further ones wait in the kernel's queue), 8 KiB of
// request, 10 seconds for the request, and as much for each piece of the answer to be made and taken.
//
//   /metrics  Prometheus' text format 0.0.4
//   /healthz  200 "ok" while the process serves
//   /readyz   200 "ready", or 503 with one reason a line
//   /sessions JSON, in pieces (chunked): the next is made when the last was taken
//   /         the status page for people, HTML; "/?pause": the same, that does not refresh itself
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
    std::chrono::milliseconds time{10'000};  ///< for the request, and again for each piece of the answer
};

/// A long page: asked for its next piece when the last one was taken, until it gives an empty one. The handler is
/// called once, at once or later, on the executor; not at all after the source is destroyed.
using piece_handler = std::function<void(std::string)>;
using piece_source = std::function<void(piece_handler)>;

enum class refreshing { by_itself, paused };

/// An HTML page and the value of its Content-Security-Policy.
struct html_page {
    std::string text;
    std::string content_security_policy;
};
using html_handler = std::function<void(html_page)>;  ///< called at once or later, on the executor

struct exposer_pages {
    std::function<std::string()> metrics;                         ///< body of /metrics
    std::function<std::vector<std::string>()> reasons_not_ready;  ///< empty = ready
    std::function<piece_source()> sessions;                       ///< begins /sessions
    std::function<void(refreshing, html_handler)> status;         ///< makes /
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
