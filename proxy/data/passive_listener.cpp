#include "proxy/data/passive_listener.hpp"

#include "proxy/data/leg.hpp"

#include <boost/asio/error.hpp>
#include <boost/asio/steady_timer.hpp>

#include <algorithm>
#include <chrono>
#include <utility>

namespace ftpsgate::data {

namespace {

using boost::asio::ip::tcp;
using boost::system::error_code;
using std::chrono::milliseconds;

constexpr int backlog = 8;           // one client, four candidates, some strangers
constexpr int most_attempts = 1000;  // a range so full that this fails is full
constexpr milliseconds shortest_pause{100};
constexpr milliseconds longest_pause{1000};

error_code bind_and_listen(tcp::acceptor& acceptor, tcp::endpoint const& local) {
    error_code ec;
    acceptor.open(local.protocol(), ec);
    // A port whose last connection is in TIME_WAIT must be usable; two listeners still exclude each other.
    if (!ec) acceptor.set_option(tcp::acceptor::reuse_address(true), ec);
    if (!ec) acceptor.bind(local, ec);
    if (!ec) acceptor.listen(backlog, ec);
    return ec;
}

}  // namespace

struct passive_listener::state : std::enable_shared_from_this<state> {
    explicit state(boost::asio::any_io_executor const& executor) : acceptor(executor), pause_timer(executor) {}

    void accept_next();
    void accepted(error_code ec, tcp::socket socket);
    void pause();

    tcp::acceptor acceptor;
    boost::asio::steady_timer pause_timer;
    port_lease lease;
    boost::asio::ip::address expected;
    tcp::endpoint remote;
    milliseconds pause_time{0};
    accept_handler on_accept;
    stranger_handler on_stranger;
};

passive_listener::passive_listener(boost::asio::any_io_executor executor) : executor_(std::move(executor)) {
}

passive_listener::~passive_listener() {
    close();
}

error_code passive_listener::open(boost::asio::ip::address const& local, port_allocator& ports,
                                  boost::asio::ip::address const& expected_peer) {
    close();
    auto fresh = std::make_shared<state>(executor_);
    fresh->expected = unmapped(expected_peer);
    for (int attempt = 0; attempt < most_attempts; ++attempt) {
        auto lease = ports.take();
        if (!lease) break;
        error_code const ec = bind_and_listen(fresh->acceptor, {unmapped(local), lease->port()});
        if (!ec) {
            port_ = fresh->acceptor.local_endpoint().port();
            fresh->lease = std::move(*lease);
            state_ = std::move(fresh);
            return {};
        }
        error_code ignored;
        fresh->acceptor.close(ignored);
        // Taken by another program: its lease goes back and rests, so the next one is another.
        if (ec != boost::asio::error::address_in_use) return ec;
    }
    return boost::asio::error::address_in_use;
}

bool passive_listener::is_open() const {
    return state_ != nullptr;
}

void passive_listener::start(accept_handler on_accept, stranger_handler on_stranger) {
    if (!state_) return;
    state_->on_accept = std::move(on_accept);
    state_->on_stranger = std::move(on_stranger);
    state_->accept_next();
}

// The handlers stay with the state: one of them may be the caller.
void passive_listener::close() {
    if (!state_) return;
    error_code ignored;
    state_->acceptor.close(ignored);
    state_->pause_timer.cancel();
    state_->lease = port_lease{};
    state_.reset();
    port_ = 0;
}

void passive_listener::state::accept_next() {
    acceptor.async_accept(remote, [self = shared_from_this()](error_code ec, tcp::socket socket) {
        self->accepted(ec, std::move(socket));
    });
}

void passive_listener::state::accepted(error_code ec, tcp::socket socket) {
    if (!acceptor.is_open()) return;
    if (ec) return pause();
    pause_time = milliseconds{0};
    auto const from = unmapped(remote.address());
    if (from == expected) {
        on_accept(std::move(socket));
    } else {
        error_code ignored;
        socket.close(ignored);
        if (on_stranger) on_stranger(from);
    }
    if (acceptor.is_open()) accept_next();
}

// Out of descriptors, most likely: the connection stays in the backlog and would be reported again at once.
void passive_listener::state::pause() {
    pause_time = std::clamp(pause_time * 2, shortest_pause, longest_pause);
    pause_timer.expires_after(pause_time);
    pause_timer.async_wait([self = shared_from_this()](error_code ec) {
        if (!ec && self->acceptor.is_open()) self->accept_next();
    });
}

}  // namespace ftpsgate::data
