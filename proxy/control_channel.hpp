// One side's control connection: a stream that is clear or under TLS, one reader that honours back-pressure and one
// writer with a queue, so replies cannot interleave and a change of protection waits for what was said before.
//
// Handlers run from the event loop, never from within a call; none runs after close(). Kept alive by its own pending
// operations.
#pragma once

#include "proxy/limits.hpp"
#include "proxy/tls/stream.hpp"
#include "proxy/worker.hpp"

#include <boost/asio/steady_timer.hpp>

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace ftpsgate::proxy {

class control_channel : public std::enable_shared_from_this<control_channel> {
public:
    enum class after_sending { keep, wipe };

    struct handlers {
        std::function<void(std::string_view)> on_bytes;
        std::function<void()> on_end;  ///< the peer ended or broke it; nothing follows
        /// DER, leaf first: the handshake waits for answer_peer(). May be followed by on_secure_failed at any time: the
        /// client left, nobody needs the answer any more (B-276). Unset: certificates are refused.
        std::function<void(std::vector<std::string> chain)> on_peer_certificates;
        std::function<void(tls::session_facts const&)> on_secured;
        std::function<void(tls::failure const&)> on_secure_failed;  ///< nothing follows
        std::function<void()> on_cleared;
        /// Asked before each read; false pauses until resume().
        std::function<bool()> wants_bytes;
        /// The peer took what it had left waiting: backlog() is 0 again.
        std::function<void()> on_drained;
    };

    control_channel(net::socket socket, worker& home, handlers calls);

    void start();   ///< begins to read
    void resume();  ///< wants_bytes may have become true
    void send(std::string bytes, after_sending then = after_sending::keep);
    /// IAC IP as data and IAC DM as TCP urgent data (RFC 959 3.4.6, B-229), then the bytes. Clear connections only.
    void send_synch(std::string bytes);
    /// Bytes that the peer has not taken yet: stop producing beyond a few ten thousand.
    std::size_t backlog() const { return out_.size() - sent_ + stream_.pending_output(); }

    /// After the queue is flushed: from then on TLS. What the peer sent before is not read as clear text any more. The
    /// handshake takes turns with those of other clients on this worker.
    void start_tls(tls::server_options options, client_key const& client = {});
    /// Lets the handshake go on, with 0, or fail with an alert of TLS. Nothing where none waits for it any more.
    void answer_peer(std::uint8_t alert);
    /// After the queue is flushed: close_notify, wait for the peer's, then clear (B-061).
    void stop_tls();

    /// Flushes within `limit`, close_notify, FIN, close. No handler is called any more.
    void close(std::chrono::milliseconds limit);

    tls::stream& stream() { return stream_; }

private:
    enum class mode {
        open,
        securing,
        verifying,  // the handshake waits for answer_peer()
        refusing,   // it failed: the alert is sent, the client's last bytes are waited for
        clearing,
        closing,
        ended
    };

    void pump_read();
    void pump_later(tls::direction way);
    void pump_write();
    void flushed();
    void handshake();
    void take_turn();
    void ask_about_peer();
    void watch_peer();
    void secure_failed(tls::failure const& why);
    void await_peer_end();
    void await_close_notify();
    void wait(tls::direction way);
    void ready(tls::direction way);
    void ended();

    worker& home_;
    tls::stream stream_;
    handlers calls_;
    mode mode_ = mode::open;
    bool paused_ = true;   // by wants_bytes, or not started
    bool silent_ = false;  // closed: no handler is called any more
    bool waiting_read_ = false;
    bool waiting_write_ = false;
    bool secret_queued_ = false;
    bool close_notify_sent_ = false;
    std::string out_;
    std::size_t sent_ = 0;  // of out_
    std::unique_ptr<tls::server_options> upgrade_;
    client_key client_;     // whose turn a handshake takes
    bool in_line_ = false;  // for it
    bool clear_wanted_ = false;
    std::unique_ptr<boost::asio::steady_timer> close_timer_;
};

}  // namespace ftpsgate::proxy
