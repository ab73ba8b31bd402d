// Connecting a session to a backend: which server is asked, and which next when it could not be used. The pool is what
// all sessions of a site share; a connector serves one login. Nothing of FTP is known here: whether a greeting is good
// is the core's business.
//
// Addresses and words found here are for the log, never for the client.
#pragma once

#include "proxy/backend_dialer.hpp"
#include "proxy/backend_pool.hpp"
#include "proxy/net/socket.hpp"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/ip/tcp.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace ftpsgate::proxy {

/// A try that failed.
struct backend_attempt {
    std::size_t server = 0;
    backend_fault fault = backend_fault::other;
    std::string words;                               ///< "ftp1:21: Connection refused"
    std::optional<backend_health::change> change{};  ///< the server is down by that
};

struct backend_connection {
    net::socket socket;
    backend_pool::lease lease;               ///< of the server; to be told what became of the greeting
    boost::asio::ip::tcp::endpoint address;  ///< the address that answered
    /// There is another server that can be asked when this one has not greeted after so long; unset: there is none.
    std::optional<std::chrono::milliseconds> greeting_limit;
};

/// `connection` is empty when there was nobody left to try; `failures` holds the tries before a success, too.
struct backend_outcome {
    std::optional<backend_connection> connection;
    std::vector<backend_attempt> failures;
};

/// All failures in one line, in the order of the tries.
std::string describe(std::vector<backend_attempt> const& failures);

/// Tries 1 + retries times: servers that the pool chooses, each once; then those that failed at once, in the same
/// order, after a short pause. One that let connect_timeout pass is not tried again, so it costs a client no more.
///
/// To be used and destroyed on the executor's thread. `done` is called once for each start() and next(), never from
/// within and never after destruction. Destroying it from within `done` is allowed.
class backend_connector {
public:
    using handler = std::function<void(backend_outcome)>;

    /// `key`: as balancer::choose() has it.
    backend_connector(boost::asio::any_io_executor executor, std::shared_ptr<backend_pool> pool, std::uint64_t key = 0);
    ~backend_connector();
    backend_connector(backend_connector const&) = delete;
    backend_connector& operator=(backend_connector const&) = delete;

    void start(handler done);
    /// The connection that was made turned out to be of no use, which the pool has been told: another server.
    void next(handler done) { start(std::move(done)); }

private:
    struct state;  // outlives the connector while an operation is being cancelled
    std::shared_ptr<state> state_;
};

}  // namespace ftpsgate::proxy
