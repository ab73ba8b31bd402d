// Tells when sockets are ready: an epoll instance beside that of an io_context, whose loop waits for both.
//
// Asio asks the kernel anew for each wait. Here a socket is registered once, edge-triggered, and what the kernel told
// of it is remembered: a wait costs a system call only when it is the first one, for writing, or for something that was
// told already and not used up. All that is ready is collected in one go.
//
// Not thread-safe: used on the thread that runs the io_context. Handlers are called from its loop, never from within a
// call here. As long as a wait is pending the io_context has work to do.
#pragma once

#include <boost/asio/execution_context.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/system/error_code.hpp>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <list>

namespace ftpsgate::net {

enum class direction { read, write };

/// No error: it may be ready. operation_aborted: cancelled. Another one: it cannot be waited for.
using wait_handler = std::function<void(boost::system::error_code)>;

/// What is known of one descriptor.
struct watched {
    explicit watched(int wanted) : descriptor(wanted) {}

    int descriptor;
    bool is_empty = false;     ///< nothing can be received until more is told; whoever took the rest says so
    bool has_urgent = false;   ///< the peer has sent urgent data at some time
    bool has_ended = false;    ///< the peer has sent its end, or it has failed
    bool has_failed = false;   ///< an error waits, or both ends are closed
    std::uint32_t events = 0;  ///< what it is registered for; 0: not yet
    wait_handler on_readable{};
    wait_handler on_writable{};
    std::list<watched>::iterator self{};
};

class poller : public boost::asio::execution_context::service {
public:
    static inline boost::asio::execution_context::id id;  // Asio's name

    /// Use boost::asio::use_service. `owner` is an io_context.
    explicit poller(boost::asio::execution_context& owner);
    ~poller() override;

    boost::asio::io_context::executor_type executor() const { return loop_.get_executor(); }

    /// It is registered with its first wait, so before that it may be bound and connected.
    watched& add(int descriptor);
    /// Its waits are cancelled. The caller closes the descriptor.
    void remove(watched& one);

    /// One wait a direction: a second one cancels the first.
    void wait(watched& one, direction way, wait_handler handler);
    void cancel(watched& one);

private:
    void shutdown() override;
    void arm();
    void collect();
    void note(watched& one, std::uint32_t events);
    void call(wait_handler& handler);
    void abandon(wait_handler& handler, boost::system::error_code why);
    boost::system::error_code ask(watched& one, direction way);

    boost::asio::io_context& loop_;
    boost::asio::posix::stream_descriptor epoll_;
    std::list<watched> watched_;
    std::list<watched> removed_;  // while events are being handed out, which may be about them
    std::size_t waits_ = 0;
    bool is_armed_ = false;
    bool is_collecting_ = false;
};

}  // namespace ftpsgate::net
