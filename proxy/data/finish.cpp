// finish(): the clean end of a stream. Declared in relay.hpp, beside what decides whether an end is clean.
#include "proxy/data/leg.hpp"
#include "proxy/data/relay.hpp"

#include <boost/asio/error.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>

#include <array>
#include <utility>

namespace ftpsgate::data {

namespace {

using boost::system::error_code;
using tls::io_status;

constexpr std::chrono::seconds send_patience{30};  // for close_notify behind a full socket
constexpr std::size_t discard_limit = 1024 * 1024;

struct ending : std::enable_shared_from_this<ending> {
    ending(std::unique_ptr<tls::stream> ended, std::chrono::milliseconds wait, std::function<void(bool)> sent)
        : leg(std::move(ended)), linger(wait), on_sent(std::move(sent)), timer(leg->socket().get_executor()) {}

    void start();
    void send();
    void hear_last_words();
    void report(bool is_sent);
    void drain();
    void close_in(std::chrono::milliseconds time);
    void close();
    tls::stream::wait_handler then(void (ending::*next)());

    std::unique_ptr<tls::stream> leg;
    std::chrono::milliseconds linger;
    std::function<void(bool)> on_sent;
    boost::asio::steady_timer timer;
    std::size_t discarded = 0;
};

void ending::start() {
    close_in(send_patience);
    leg->send_close_notify(true);
    send();
}

void ending::send() {
    auto const result = leg->flush();
    if (result.status == io_status::would_block) return leg->wait(tls::direction::write, then(&ending::send));
    error_code ec;
    if (result.status == io_status::ok) leg->shutdown_send(ec);
    if (result.status != io_status::ok || ec) {
        hear_last_words();
        return close();
    }
    close_in(linger);
    report(true);
    drain();
}

// The peer is gone, but what it sent before may still be there: its close_notify tells a client that was satisfied from
// one that was cut off.
void ending::hear_last_words() {
    std::array<std::uint8_t, 16 * 1024> waste;
    for (int tries = 0; tries < 4; ++tries) {
        auto const status = leg->read(waste).status;
        if (status != io_status::ok && status != io_status::would_block) return;
    }
}

void ending::report(bool is_sent) {
    if (auto const call = std::exchange(on_sent, nullptr)) call(is_sent);
}

// Reads on until the peer's end, so that the close after it sends no RST (B-171).
void ending::drain() {
    std::array<std::uint8_t, 16 * 1024> waste;
    while (discarded < discard_limit) {
        auto const result = leg->read(waste);
        discarded += result.count;
        if (result.status == io_status::would_block) return leg->wait(tls::direction::read, then(&ending::drain));
        if (result.status != io_status::ok) break;
    }
    close();
}

void ending::close_in(std::chrono::milliseconds time) {
    timer.expires_after(time);
    timer.async_wait([self = shared_from_this()](error_code ec) {
        if (!ec) self->close();
    });
}

void ending::close() {
    timer.cancel();
    // Behind its close_notify an honest peer sends nothing more that a close could answer with a RST.
    if (leg->is_open() && !leg->close_notify_received()) discard_input(leg->socket(), discard_limit);
    leg->close();
    // A peer that closed with close_notify had what it wanted: some stop at the size that the 1xx named (curl).
    report(leg->close_notify_received());
}

tls::stream::wait_handler ending::then(void (ending::*next)()) {
    return [self = shared_from_this(), next](error_code ec) {
        if (ec == boost::asio::error::operation_aborted || !self->leg->is_open()) return;
        (*self.*next)();
    };
}

}  // namespace

void finish(std::unique_ptr<tls::stream> leg, std::chrono::milliseconds linger, std::function<void(bool)> on_sent) {
    auto const executor = leg->socket().get_executor();
    auto const end = std::make_shared<ending>(std::move(leg), linger, std::move(on_sent));
    boost::asio::post(executor, [end] { end->start(); });
}

}  // namespace ftpsgate::data
