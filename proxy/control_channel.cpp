#include "proxy/control_channel.hpp"

#include "proxy/ftp/secret.hpp"

#include <boost/asio/post.hpp>

#include <sys/socket.h>
#include <utility>

namespace ftpsgate::proxy {

namespace {
constexpr int reads_in_a_row = 8;                // then other sessions have their turn
constexpr std::chrono::seconds alert_linger{1};  // for a client that is refused to take the alert

std::span<std::uint8_t const> bytes_of(std::string const& text, std::size_t from) {
    return {reinterpret_cast<std::uint8_t const*>(text.data()) + from, text.size() - from};
}
}  // namespace

control_channel::control_channel(net::socket socket, worker& home, handlers calls)
    : home_(home), stream_(std::move(socket), home.buffers), calls_(std::move(calls)) {
}

void control_channel::start() {
    resume();
}

void control_channel::resume() {
    if (!paused_ || mode_ != mode::open) return;
    paused_ = false;
    pump_later(tls::direction::read);
}

// Not at once: handlers never run from within a call.
void control_channel::pump_later(tls::direction way) {
    boost::asio::post(stream_.socket().get_executor(), [self = shared_from_this(), way] {
        if (way == tls::direction::read)
            self->pump_read();
        else if (!self->waiting_write_)
            self->pump_write();
    });
}

void control_channel::pump_read() {
    for (int i = 0; i < reads_in_a_row; ++i) {
        if (paused_ || mode_ != mode::open || upgrade_ || clear_wanted_) return;
        paused_ = calls_.wants_bytes && !calls_.wants_bytes();
        if (paused_) return;
        auto const got = stream_.read(home_.scratch);
        if (got.status == tls::io_status::would_block) return wait(got.wait);
        if (got.status != tls::io_status::ok) return ended();
        calls_.on_bytes({reinterpret_cast<char const*>(home_.scratch.data()), got.count});
    }
    pump_later(tls::direction::read);
}

void control_channel::send(std::string bytes, after_sending then) {
    if (mode_ == mode::ended || mode_ == mode::closing || mode_ == mode::refusing) return;
    if (then == after_sending::wipe) secret_queued_ = true;
    if (out_.empty()) {
        out_ = std::move(bytes);
    } else {
        out_ += bytes;
        if (then == after_sending::wipe) ftp::wipe(bytes);
    }
    if (!waiting_write_) pump_write();
}

void control_channel::send_synch(std::string bytes) {
    // Whatever is queued goes first; if it cannot all go now, the urgent mark is left out rather than put in wrongly.
    if (!waiting_write_ && out_.empty() && !stream_.secured()) {
        int const socket = stream_.socket().native_handle();
        char const interrupt[] = "\xff\xf4\xff";
        char const mark[] = "\xf2";
        if (::send(socket, interrupt, 3, MSG_NOSIGNAL) == 3) ::send(socket, mark, 1, MSG_NOSIGNAL | MSG_OOB);
    }
    send(std::move(bytes));
}

void control_channel::pump_write() {
    if (mode_ != mode::open && mode_ != mode::clearing && mode_ != mode::closing) return;
    while (sent_ < out_.size()) {
        auto const took = stream_.write(bytes_of(out_, sent_));
        sent_ += took.count;
        if (took.status == tls::io_status::would_block) return wait(took.wait);
        if (took.status != tls::io_status::ok) return ended();
    }
    if (secret_queued_) ftp::wipe(out_);
    secret_queued_ = false;
    out_.clear();
    if (out_.capacity() > 4096) out_.shrink_to_fit();
    sent_ = 0;
    auto const rest = stream_.flush();
    if (rest.status == tls::io_status::would_block) return wait(rest.wait);
    if (rest.status != tls::io_status::ok) return ended();
    flushed();
}

void control_channel::flushed() {
    if (upgrade_) {
        mode_ = mode::securing;
        auto const options = std::move(upgrade_);
        stream_.start_tls(*options);
        return handshake();
    }
    if (clear_wanted_ && mode_ == mode::open) {
        clear_wanted_ = false;
        mode_ = mode::clearing;
    }
    if (mode_ == mode::clearing) {
        if (!std::exchange(close_notify_sent_, true)) {
            stream_.send_close_notify();
            return pump_write();
        }
        return await_close_notify();
    }
    if (mode_ == mode::closing) {
        if (stream_.secured() && !std::exchange(close_notify_sent_, true)) {
            stream_.send_close_notify();
            return pump_write();
        }
        boost::system::error_code ignored;
        stream_.shutdown_send(ignored);
        await_close_notify();
    }
}

void control_channel::handshake() {
    auto const step = stream_.handshake();
    if (step.status == tls::io_status::would_block) return wait(step.wait);
    if (step.status == tls::io_status::verify_peer) return ask_about_peer();
    if (step.status != tls::io_status::ok) {
        tls::failure why = stream_.tls_failure();
        if (step.status == tls::io_status::truncated) why.kind = tls::failure_kind::truncated;
        return secure_failed(why);
    }
    mode_ = mode::open;
    calls_.on_secured(stream_.facts());
    // Though a wait may be under way: what came with the handshake is here already.
    pump_read();
}

void control_channel::take_turn() {
    if (std::exchange(in_line_, true)) return;
    home_.handshakes.add(client_, [self = shared_from_this()] {
        self->in_line_ = false;
        if (self->mode_ == mode::securing) self->handshake();
    });
}

void control_channel::ask_about_peer() {
    mode_ = mode::verifying;
    watch_peer();
    if (mode_ != mode::verifying) return;
    if (!calls_.on_peer_certificates) return answer_peer(SSL_AD_INTERNAL_ERROR);
    calls_.on_peer_certificates(stream_.peer_chain());
}

// A client that leaves while its certificate is looked at is noticed at once (B-276).
void control_channel::watch_peer() {
    auto const got = stream_.hold_input();
    if (got.status == tls::io_status::would_block) return wait(got.wait);
    if (got.status == tls::io_status::truncated)
        return secure_failed({tls::failure_kind::truncated, "connection ended before the certificate was verified"});
    secure_failed({tls::failure_kind::protocol, "too much sent before the certificate was verified"});
}

void control_channel::answer_peer(std::uint8_t alert) {
    boost::asio::post(stream_.socket().get_executor(), [self = shared_from_this(), alert] {
        if (self->mode_ != mode::verifying) return;
        self->mode_ = mode::securing;
        self->stream_.answer_peer(alert);
        self->take_turn();
    });
}

// The alert is sent. The rest of the client's flight may still be on its way: closing over it would be a RST, and the
// client would not see why it was refused (B-171).
void control_channel::secure_failed(tls::failure const& why) {
    mode_ = mode::refusing;
    boost::system::error_code ignored;
    stream_.shutdown_send(ignored);
    close_timer_ = std::make_unique<boost::asio::steady_timer>(stream_.socket().get_executor(), alert_linger);
    close_timer_->async_wait([self = shared_from_this()](boost::system::error_code) { self->stream_.close(); });
    await_peer_end();
    if (!silent_) calls_.on_secure_failed(why);
}

void control_channel::await_peer_end() {
    auto const got = stream_.discard(home_.scratch);
    // One read, then others have their turn.
    if (got.status == tls::io_status::ok || got.status == tls::io_status::would_block) return wait(got.wait);
    mode_ = mode::ended;
    close_timer_->cancel();
    stream_.close();
}

// While clearing: the peer's close_notify ends TLS. While closing: whatever still comes is thrown away, so that the
// kernel does not turn our FIN into a reset (B-089, B-171).
void control_channel::await_close_notify() {
    for (;;) {
        auto const got = stream_.read(home_.scratch);
        if (got.status == tls::io_status::would_block) return wait(got.wait);
        if (got.status == tls::io_status::ok && mode_ == mode::closing) continue;
        if (mode_ == mode::clearing && got.status == tls::io_status::end) {
            stream_.stop_tls();
            close_notify_sent_ = false;
            mode_ = mode::open;
            calls_.on_cleared();
            return pump_read();
        }
        if (mode_ == mode::clearing && got.status == tls::io_status::ok) {
            // Commands that were sent under TLS before the client saw the reply to CCC.
            calls_.on_bytes({reinterpret_cast<char const*>(home_.scratch.data()), got.count});
            if (mode_ != mode::clearing) return;
            continue;
        }
        return ended();
    }
}

void control_channel::start_tls(tls::server_options options, client_key const& client) {
    client_ = client;
    upgrade_ = std::make_unique<tls::server_options>(std::move(options));
    pump_later(tls::direction::write);
}

void control_channel::stop_tls() {
    clear_wanted_ = true;
    pump_later(tls::direction::write);
}

void control_channel::close(std::chrono::milliseconds limit) {
    silent_ = true;
    if (mode_ == mode::closing || mode_ == mode::refusing) return;
    bool const already_over = mode_ == mode::ended || mode_ == mode::securing || mode_ == mode::verifying;
    upgrade_.reset();
    clear_wanted_ = false;
    if (already_over) {
        mode_ = mode::ended;
        return stream_.close();
    }
    mode_ = mode::closing;
    close_timer_ = std::make_unique<boost::asio::steady_timer>(stream_.socket().get_executor(), limit);
    close_timer_->async_wait([self = shared_from_this()](boost::system::error_code) { self->stream_.close(); });
    pump_later(tls::direction::write);
}

void control_channel::wait(tls::direction way) {
    bool& waiting = way == tls::direction::read ? waiting_read_ : waiting_write_;
    if (waiting) return;
    waiting = true;
    stream_.wait(way, [self = shared_from_this(), way](boost::system::error_code error) {
        (way == tls::direction::read ? self->waiting_read_ : self->waiting_write_) = false;
        if (!error) self->ready(way);
    });
}

void control_channel::ready(tls::direction way) {
    switch (mode_) {
        case mode::securing: return take_turn();
        case mode::verifying: return watch_peer();
        case mode::refusing: return await_peer_end();
        case mode::ended: return;
        case mode::clearing:
        case mode::closing:
            if (way == tls::direction::write || backlog() > 0) return pump_write();
            return await_close_notify();
        case mode::open:
            // Under TLS either direction may have been waited for by either side.
            if (way == tls::direction::write || backlog() > 0 || upgrade_ || clear_wanted_) pump_write();
            if (mode_ == mode::open && way == tls::direction::write && backlog() == 0 && calls_.on_drained)
                calls_.on_drained();
            if (mode_ == mode::open) pump_read();
    }
}

void control_channel::ended() {
    bool const closing = mode_ == mode::closing;
    mode_ = mode::ended;
    if (close_timer_) close_timer_->cancel();
    stream_.close();
    if (closing) return;
    boost::asio::post(stream_.socket().get_executor(), [self = shared_from_this()] {
        if (!self->silent_) self->calls_.on_end();
    });
}

}  // namespace ftpsgate::proxy
