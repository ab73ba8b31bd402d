// A TCP socket that is clear or under TLS, and can change in place: clear -> TLS (AUTH), TLS -> clear (CCC).
//
// Readiness style: no call waits. read/write/handshake/flush do what is possible now; would_block means: call wait()
// and try again from its handler. Under TLS any step may need either direction; the `wait` field says which. Buffers
// come from the worker's pool and go back when empty, so an idle stream owns none. One read system call takes as much
// as the caller reads and feeds many records; many records leave in one send.
//
// A caller reads until would_block before it waits: bytes that were received but did not fit into `into` are with the
// stream, not with the kernel, so a wait would not end for them. would_block is never said while progress is possible.
//
// Not thread-safe; handlers run on the socket's io_context. Destroying or close()ing the stream cancels waits (their
// handlers get operation_aborted).
#pragma once

#include "proxy/net/socket.hpp"
#include "proxy/tls/buffer_pool.hpp"
#include "proxy/tls/engine.hpp"

#include <boost/system/error_code.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace ftpsgate::tls {

enum class io_status {
    ok,
    would_block,  ///< see io_result::wait
    end,          ///< the peer ended cleanly: FIN on a clear stream, close_notify under TLS
    truncated,    ///< FIN or RST under TLS without close_notify (B-167)
    failed,       ///< error(), failure()
    verify_peer,  ///< handshake() only: the client's certificates are here, see peer_chain()
};

using net::direction;

struct io_result {
    io_status status = io_status::ok;
    std::size_t count = 0;             ///< bytes moved, also when status is not ok
    direction wait = direction::read;  ///< for would_block
};

class stream {
public:
    using wait_handler = net::wait_handler;

    /// Sets TCP_NODELAY. The pool must outlive the stream.
    stream(net::socket socket, buffer_pool& pool);

    net::socket& socket() { return socket_; }
    bool secured() const { return engine_ != nullptr; }

    /// From here on every byte is TLS.
    void start_tls(server_options const& options);
    /// ok: established and every byte of it is sent. truncated: the peer went away in the middle; failed: see
    /// tls_failure() (kind none: the socket failed, see error()), the alert was sent as far as the socket took it.
    io_result handshake();
    /// verify_peer: see engine. Until the answer hold_input() is to be called, then handshake() again.
    std::vector<std::string> peer_chain() const { return engine_->peer_chain(); }
    void answer_peer(std::uint8_t alert) { engine_->answer_peer(alert); }
    /// While a certificate is being verified: takes in what comes, unopened; so the end of the connection shows, and a
    /// wait does not end for bytes that nobody takes. would_block: wait and call again. truncated: the peer is
    /// gone. failed: it sends 256 KiB ahead, which no client does.
    io_result hold_input();
    /// After a failed handshake: one read of what still comes, unopened and thrown away. Closing over unread bytes
    /// would be a RST, and the alert lost.
    io_result discard(std::span<std::uint8_t> scratch) { return receive(scratch); }
    session_facts facts() const { return engine_->facts(); }
    failure const& tls_failure() const { return engine_->why(); }
    void forget_session();  ///< see engine; nothing on a clear stream

    /// Reads plain text. ok with count > 0, or another status with count == 0.
    io_result read(std::span<std::uint8_t> into);
    /// True: what can be read now is all that ever comes. False: not known.
    bool is_near_end() const { return !engine_ && socket_.has_ended(); }
    /// Accepts as much of `from` as is possible now and sends what it can. would_block with count < size: the rest was
    /// not taken. ok: all of it was taken; with failed, count says nothing about what arrived. Sealed bytes that the
    /// socket did not take stay in the stream: see pending_output(), flush(). `end_follows`: nothing else is written; a
    /// last segment that is not full waits for close_notify and FIN, for 200 ms at most (tcp(7), TCP_CORK).
    io_result write(std::span<std::uint8_t const> from, bool end_follows = false);
    io_result flush();
    std::size_t pending_output() const;

    /// See engine; nothing on a clear stream. Then flush() until ok.
    void send_tickets();
    /// close_notify under TLS; nothing on a clear stream. Then flush() until ok. `fin_follows`: shutdown_send() is
    /// called next, if flush() has nothing left to do; both then leave in one segment, which wakes the peer once.
    void send_close_notify(bool fin_follows = false);
    bool close_notify_received() const;
    /// FIN. Call after flush().
    void shutdown_send(boost::system::error_code& ec);

    /// After both close_notify went (CCC, B-061): the stream is clear again. Bytes that came behind the peer's
    /// close_notify record are kept and are what read() returns first (B-063).
    void stop_tls();

    void wait(direction way, wait_handler handler) { socket_.wait(way, std::move(handler)); }

    void close() { socket_.close(); }  ///< FIN without close_notify if nothing was sent before
    void reset() { socket_.reset(); }  ///< RST: the peer sees that the connection was cut (B-167, B-168)
    /// The peer has sent at least one byte.
    bool heard() const { return heard_; }
    bool is_open() const { return socket_.is_open(); }
    /// The socket's last error (also the RST behind a truncated); not set by would_block or end.
    boost::system::error_code error() const { return error_; }

private:
    io_result read_clear(std::span<std::uint8_t> into);
    io_result receive_into_engine(std::size_t wanted);
    io_result send_output(int flags = 0);
    io_result engine_failed();
    io_result receive(std::span<std::uint8_t> into);
    io_result send(std::span<std::uint8_t const> from, int flags = 0);

    net::socket socket_;
    buffer_pool& pool_;
    std::unique_ptr<engine> engine_;
    byte_queue clear_input_;  // left over by stop_tls()
    boost::system::error_code error_;
    bool heard_ = false;
    bool drained_ = false;             // the last receive emptied the socket: the next one needs no system call
    bool close_notify_waits_ = false;  // output had no room for it
};

}  // namespace ftpsgate::tls
