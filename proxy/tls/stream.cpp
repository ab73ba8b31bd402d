#include "proxy/tls/stream.hpp"

#include <boost/asio/error.hpp>

#include <algorithm>
#include <cstring>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <utility>

namespace ftpsgate::tls {

namespace {

namespace asio = boost::asio;
using boost::system::error_code;

constexpr std::size_t handshake_step = 64 * 1024;
constexpr std::size_t most_held = 256 * 1024;  // of a client that is being verified

bool is_would_block(error_code const& ec) {
    return ec == asio::error::would_block || ec == asio::error::try_again;
}

std::size_t take(byte_queue& from, std::span<std::uint8_t> into) {
    auto const count = std::min(from.size(), into.size());
    if (count == 0) return 0;
    std::memcpy(into.data(), from.data().data(), count);
    from.consume(count);
    return count;
}

}  // namespace

stream::stream(net::socket socket, buffer_pool& pool) : socket_(std::move(socket)), pool_(pool), clear_input_(pool) {
    error_code ignored;  // faults show at the first read or write
    socket_.set_option(IPPROTO_TCP, TCP_NODELAY, 1, ignored);
}

void stream::start_tls(server_options const& options) {
    engine_ = std::make_unique<engine>(options, pool_);
}

io_result stream::handshake() {
    for (;;) {
        want const next = engine_->handshake();
        if (next == want::failed) return engine_failed();
        if (io_result const sent = send_output(); sent.status != io_status::ok) return sent;
        if (next == want::nothing) return {};
        if (next == want::output) continue;
        if (next == want::verify_peer) return {io_status::verify_peer, 0, direction::read};
        io_result const received = receive_into_engine(handshake_step);
        if (received.status != io_status::ok) return received;
    }
}

io_result stream::hold_input() {
    drained_ = false;  // the end may have come right behind the certificate
    for (;;) {
        std::size_t const held = engine_->input.size();
        if (held >= most_held) return {io_status::failed, 0, direction::read};
        auto const space = engine_->input.space();
        io_result const received = receive(space.first(std::min(space.size(), most_held - held)));
        engine_->input.commit(received.count);
        if (received.status == io_status::would_block) return received;
        if (received.status != io_status::ok) return {io_status::truncated, 0, direction::read};
    }
}

void stream::forget_session() {
    if (engine_) engine_->forget_session();
}

io_result stream::read(std::span<std::uint8_t> into) {
    if (!engine_) return read_clear(into);
    for (;;) {
        transfer const opened = engine_->read(into);
        if (opened.count > 0 || opened.next == want::nothing) return {io_status::ok, opened.count, direction::read};
        if (opened.next == want::closed) return {io_status::end, 0, direction::read};
        if (opened.next == want::failed) return engine_failed();
        io_result const received = receive_into_engine(into.size());
        if (received.status != io_status::ok) return received;
    }
}

io_result stream::write(std::span<std::uint8_t const> from, bool end_follows) {
    int const flags = end_follows ? MSG_MORE : 0;
    if (!engine_) return send(from, flags);
    for (std::size_t taken = 0;;) {
        // Plain text is taken only when nothing sealed is left over: what waits for a slow peer is one block at most.
        io_result const sent = send_output(flags);
        if (sent.status == io_status::failed) return {io_status::failed, taken, direction::write};
        if (taken == from.size()) return {io_status::ok, taken, direction::write};
        if (sent.status == io_status::would_block) return {io_status::would_block, taken, direction::write};
        transfer const sealed = engine_->write(from.subspan(taken));
        if (sealed.next == want::failed) return {io_status::failed, taken, direction::write};
        taken += sealed.count;
    }
}

io_result stream::flush() {
    return engine_ ? send_output() : io_result{};
}

std::size_t stream::pending_output() const {
    return engine_ ? engine_->output.size() : 0;
}

void stream::send_tickets() {
    if (!engine_) return;
    engine_->send_tickets();
    send_output();
}

void stream::send_close_notify(bool fin_follows) {
    if (!engine_) return;
    close_notify_waits_ = engine_->close() == want::output;
    send_output(fin_follows ? MSG_MORE : 0);
}

bool stream::close_notify_received() const {
    return engine_ && engine_->close_received();
}

void stream::shutdown_send(error_code& ec) {
    socket_.shutdown_send(ec);
}

void stream::stop_tls() {
    if (!engine_) return;
    clear_input_ = std::move(engine_->input);
    engine_.reset();
    close_notify_waits_ = false;
}

io_result stream::read_clear(std::span<std::uint8_t> into) {
    if (into.empty()) return {};
    if (!clear_input_.empty()) return {io_status::ok, take(clear_input_, into), direction::read};
    return receive(into);
}

io_result stream::receive_into_engine(std::size_t wanted) {
    auto const space = engine_->input.space();
    // What is there already is the part of a record: with the rest of it the step ends between two records.
    auto const step = engine::sealed_size(wanted);
    io_result const received = receive(space.first(std::min(space.size(), step - engine_->input.size() % step)));
    engine_->input.commit(received.count);
    if (received.status == io_status::ok || received.status == io_status::would_block) return received;
    // FIN and RST alike: whether that is a clean end depends on close_notify, which the engine knows (B-167).
    engine_->input_ended();
    return {};
}

io_result stream::send_output(int flags) {
    for (;;) {
        if (!engine_->output.empty()) {
            io_result const sent = send(engine_->output.data(), flags);
            engine_->output.consume(sent.count);
            if (sent.status != io_status::ok) return {sent.status, 0, direction::write};
        }
        if (!std::exchange(close_notify_waits_, false)) return {};
        engine_->close();
    }
}

io_result stream::engine_failed() {
    // What is left in output is the alert: the peer should learn why. Its loss changes nothing.
    if (!engine_->output.empty()) engine_->output.consume(send(engine_->output.data()).count);
    bool const cut = engine_->why().kind == failure_kind::truncated;
    return {cut ? io_status::truncated : io_status::failed, 0, direction::read};
}

io_result stream::receive(std::span<std::uint8_t> into) {
    // What emptied the socket is followed by a call that says so without asking the kernel. The wait behind it ends for
    // whatever comes later, so nothing is missed.
    if (std::exchange(drained_, false)) return {io_status::would_block, 0, direction::read};
    error_code ec;
    std::size_t const count = socket_.receive(into, ec);
    drained_ = count > 0 && socket_.is_empty();
    heard_ = heard_ || count > 0;
    if (count > 0) return {io_status::ok, count, direction::read};
    if (is_would_block(ec)) return {io_status::would_block, 0, direction::read};
    if (ec == asio::error::eof) return {io_status::end, 0, direction::read};
    error_ = ec;
    return {io_status::failed, 0, direction::read};
}

io_result stream::send(std::span<std::uint8_t const> from, int flags) {
    std::size_t sent = 0;
    while (sent < from.size()) {
        auto const rest = from.subspan(sent);
        error_code ec;
        std::size_t const count = socket_.send(rest, flags, ec);
        sent += count;
        if (ec && !is_would_block(ec)) {
            error_ = ec;
            return {io_status::failed, sent, direction::write};
        }
        // A short send filled the socket: asking again would only cost a system call.
        if (count < rest.size()) return {io_status::would_block, sent, direction::write};
    }
    return {io_status::ok, sent, direction::write};
}

}  // namespace ftpsgate::tls
