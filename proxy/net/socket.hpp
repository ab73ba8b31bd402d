// A TCP socket that never blocks: what Asio's does, with fewer system calls (see poller). Receiving and sending do what
// is possible now; wait() tells when to try again.
//
// Not thread-safe; handlers are called on the io_context that it was made for. Closing or destroying it cancels its
// waits: their handlers get operation_aborted.
#pragma once

#include "proxy/net/poller.hpp"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/system/error_code.hpp>

#include <cstddef>
#include <cstdint>
#include <span>

namespace ftpsgate::net {

class socket {
public:
    using endpoint = boost::asio::ip::tcp::endpoint;
    using error_code = boost::system::error_code;

    /// Closed. The executor is that of an io_context.
    explicit socket(boost::asio::any_io_executor const& executor);
    /// Takes it out of Asio's hands: no operation may be pending. Implicit, as nothing of it is lost.
    socket(boost::asio::ip::tcp::socket from);
    socket(socket&& other) noexcept;
    socket& operator=(socket&& other) noexcept;
    ~socket();

    boost::asio::any_io_executor get_executor() const { return poller_->executor(); }
    bool is_open() const { return watched_ != nullptr; }
    int native_handle() const { return is_open() ? watched_->descriptor : -1; }
    /// Of what is not bound or not connected any more: 0.0.0.0, port 0.
    endpoint local_endpoint() const;
    endpoint remote_endpoint() const;

    /// A new one of the address family of `like`; one that was open is closed.
    void open(endpoint const& like, error_code& ec);
    void bind(endpoint const& local, error_code& ec);
    void listen(int backlog, error_code& ec);
    /// Closed, and would_block or another error: there is none.
    socket accept(endpoint& peer, error_code& ec);
    /// The handler is told how it ended, never from within the call.
    void connect(endpoint const& peer, wait_handler handler);
    void set_option(int level, int name, int value, error_code& ec);

    /// eof: the peer has sent its end. would_block: nothing is there.
    std::size_t receive(std::span<std::uint8_t> into, error_code& ec) { return receive(into, 0, ec); }
    std::size_t peek(std::span<std::uint8_t> into, error_code& ec);
    /// `flags` as send(2) has them. would_block: nothing was taken.
    std::size_t send(std::span<std::uint8_t const> from, int flags, error_code& ec);
    /// The last receive took all that was there: another one before a wait is of no use. False: not known.
    bool is_empty() const { return is_open() && watched_->is_empty; }
    /// What can be received now is all that ever comes. False: not known.
    bool has_ended() const { return is_open() && watched_->has_ended; }
    void shutdown_send(error_code& ec);

    /// Anew each time; a second wait in the same direction cancels the first. On a closed one: bad_descriptor.
    void wait(direction way, wait_handler handler);
    void cancel();
    void close();
    void reset();  ///< close, with a RST

private:
    std::size_t receive(std::span<std::uint8_t> into, int flags, error_code& ec);
    void adopt(int descriptor);

    poller* poller_;
    watched* watched_ = nullptr;  // null: closed
};

}  // namespace ftpsgate::net
