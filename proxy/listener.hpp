// One listening TCP socket. Accepted sockets belong to the executor that the caller names for each (the next worker's);
// the handlers run on the listener's own, so handing a socket over is the caller's business. Who may come in is not
// decided here.
//
// Flow: open() or adopt(), start(), stop() or destruction; no handler runs afterwards. All on the executor's thread,
// except that the first two may come before it runs.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/ip/tcp.hpp>

#include <chrono>
#include <functional>
#include <memory>

namespace ftpsgate::proxy {

class listener {
public:
    using tcp = boost::asio::ip::tcp;

    struct handlers {
        /// Asked once for each socket, before it is accepted. Its context should have made a socket or timer before: it
        /// opens its own descriptors with the first, and throws when there are none left.
        std::function<boost::asio::any_io_executor()> next_executor;
        std::function<void(tcp::socket, tcp::endpoint const& peer)> on_accept;
        /// Accepting failed, most likely for want of descriptors; it goes on after the pause.
        std::function<void(boost::system::error_code, std::chrono::milliseconds pause)> on_error;
    };

    /// Pause after an error; doubles with each error in a row.
    static constexpr std::chrono::milliseconds shortest_pause{5};
    static constexpr std::chrono::milliseconds longest_pause{1000};

    listener(boost::asio::any_io_executor executor, handlers calls);
    ~listener();
    listener(listener const&) = delete;
    listener& operator=(listener const&) = delete;

    /// Whether a wildcard address and one that it covers may be listened on at once; the kernel then gives a connection
    /// to the more specific one. Both sockets must allow it, and others of the same user that do may take part as well.
    enum class overlap { refused, allowed };

    /// Binds and listens; port 0 = any. An IPv6 socket takes IPv6 only, so "[::]:21" and "0.0.0.0:21" go together.
    boost::system::error_code open(tcp::endpoint const& where, overlap with_others = overlap::refused);
    /// For one that is to be opened later.
    void allow_overlap();
    /// Takes over a socket that listens there already; whoever else has it may go on accepting.
    boost::system::error_code adopt(int descriptor, tcp::endpoint const& where);
    /// Where it listens, with the port that was picked.
    tcp::endpoint where() const;
    void start();
    /// Closes the socket: connections in the backlog that were not accepted are reset by the kernel.
    void stop();
    /// Accepts what is in the backlog, then stop(): a client whose connection is up already is served.
    void stop_after_backlog();

private:
    struct state;  // outlives the listener while an accept is being cancelled
    std::shared_ptr<state> state_;
};

}  // namespace ftpsgate::proxy
