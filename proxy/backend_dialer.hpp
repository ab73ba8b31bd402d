// One TCP connection to one server of a pool: its name is resolved if it has to be, its addresses are tried one after
// the other, the one that answered last first, all within connect_timeout. Nothing of FTP is known here.
#pragma once

#include "proxy/backend_pool.hpp"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/ip/tcp.hpp>

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>

namespace ftpsgate::proxy {

/// TCP keep-alive for control connections of either side (B-236): a probe after 30 s without traffic, every 30 s, dead
/// after three without an answer. Failure is of no consequence.
void keep_alive(int socket);

/// Why a server could not be used. The last two: it accepted the connection.
enum class backend_fault { unresolved, refused, unreachable, timed_out, other, no_greeting, bad_greeting };
/// One word, for metrics and logs: "unresolved", "refused", ...
char const* word_of(backend_fault fault);

/// To be used and destroyed on the executor's thread. `done` is called once, from within start() only where there was
/// nothing to wait for, and never after destruction. Destroying it from within `done` is allowed.
class backend_dialer {
public:
    struct outcome {
        std::optional<boost::asio::ip::tcp::socket> socket;  ///< unset: every address failed
        boost::asio::ip::tcp::endpoint address;              ///< that answered
        backend_fault fault = backend_fault::other;          ///< of the last one
        std::string words;  ///< "Connection refused", "[10.0.0.5:21]: Connection refused, [...": for the log only
    };
    using handler = std::function<void(outcome)>;

    backend_dialer(boost::asio::any_io_executor executor, std::shared_ptr<backend_pool> pool);
    ~backend_dialer();
    backend_dialer(backend_dialer const&) = delete;
    backend_dialer& operator=(backend_dialer const&) = delete;

    void start(std::size_t server, handler done);

private:
    struct state;  // outlives the dialer while an operation is being cancelled
    std::shared_ptr<state> state_;
};

}  // namespace ftpsgate::proxy
