#include "proxy/data/passive_listener.hpp"

#include "proxy/data/leg.hpp"
#include "proxy/data/proxy_header_wait.hpp"

#include <boost/asio/error.hpp>
#include <boost/asio/steady_timer.hpp>

#include <algorithm>
#include <chrono>
#include <sys/socket.h>
#include <utility>
#include <vector>

namespace ftpsgate::data {

namespace {

using boost::system::error_code;
using std::chrono::milliseconds;

constexpr int backlog = 8;           // one client, four candidates, some strangers
constexpr int most_attempts = 1000;  // a range so full that this fails is full
constexpr int most_draws = 16;       // without a range; then the kernel may look through all that there is
// A balancer sends the header at once, so that many at a time come from no balancer that works.
constexpr std::size_t most_header_waits = 8;
constexpr milliseconds shortest_pause{100};
constexpr milliseconds longest_pause{1000};

error_code bind_and_listen(net::socket& socket, net::socket::endpoint const& local) {
    error_code ec;
    socket.open(local, ec);
    // A port whose last connection is in TIME_WAIT must be usable; two listeners still exclude each other.
    if (!ec) socket.set_option(SOL_SOCKET, SO_REUSEADDR, 1, ec);
    if (!ec) socket.bind(local, ec);
    if (!ec) socket.listen(backlog, ec);
    return ec;
}

}  // namespace

struct passive_listener::state : std::enable_shared_from_this<state> {
    explicit state(boost::asio::any_io_executor const& executor) : listening(executor), pause_timer(executor) {}

    void accept_later();
    void accept();
    void await_header(net::socket socket, boost::asio::ip::address const& balancer);
    void header_came(net::socket socket, boost::asio::ip::address const& balancer, proxy_header_outcome const& outcome);
    void judge(net::socket socket, boost::asio::ip::address const& from);
    void close();
    void pause();

    net::socket listening;
    boost::asio::steady_timer pause_timer;
    port_lease lease;
    boost::asio::ip::address expected;
    milliseconds pause_time{0};
    accept_handler on_accept;
    stranger_handler on_stranger;
    header_rule headers;
    std::vector<std::weak_ptr<proxy_header_wait>> header_waits;
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
        bool const may_draw = lease->port() == 0 && attempt < most_draws;
        auto const wanted = may_draw ? draw_ephemeral_port().value_or(0) : lease->port();
        error_code const ec = bind_and_listen(fresh->listening, {unmapped(local), wanted});
        if (!ec) {
            port_ = wanted != 0 ? wanted : fresh->listening.local_endpoint().port();
            fresh->lease = std::move(*lease);
            state_ = std::move(fresh);
            return {};
        }
        fresh->listening.close();
        // Taken by another program: its lease goes back and rests, so the next one is another. Where the kernel finds
        // none, nobody does.
        if (ec != boost::asio::error::address_in_use || wanted == 0) return ec;
    }
    return boost::asio::error::address_in_use;
}

bool passive_listener::is_open() const {
    return state_ != nullptr;
}

void passive_listener::expect_headers(header_rule rule) {
    if (state_) state_->headers = std::move(rule);
}

void passive_listener::start(accept_handler on_accept, stranger_handler on_stranger) {
    if (!state_) return;
    state_->on_accept = std::move(on_accept);
    state_->on_stranger = std::move(on_stranger);
    state_->accept_later();
}

// The handlers stay with the state: one of them may be the caller.
void passive_listener::close() {
    if (!state_) return;
    state_->close();
    state_.reset();
    port_ = 0;
}

void passive_listener::state::close() {
    listening.close();
    pause_timer.cancel();
    lease = port_lease{};
    for (auto const& each : std::exchange(header_waits, {}))
        if (auto const pending = each.lock()) pending->cancel();
}

void passive_listener::state::accept_later() {
    listening.wait(net::direction::read, [self = shared_from_this()](error_code ec) {
        if (ec != boost::asio::error::operation_aborted && self->listening.is_open()) self->accept();
    });
}

void passive_listener::state::accept() {
    net::socket::endpoint remote;
    error_code ec;
    auto socket = listening.accept(remote, ec);
    // It may have been taken back before it was taken.
    if (ec == boost::asio::error::would_block || ec == boost::asio::error::connection_aborted) return accept_later();
    if (ec) return pause();
    pause_time = milliseconds{0};
    auto const from = unmapped(remote.address());
    if (headers.from && headers.from(from))
        await_header(std::move(socket), from);
    else
        judge(std::move(socket), from);
    if (listening.is_open()) accept_later();
}

void passive_listener::state::judge(net::socket socket, boost::asio::ip::address const& from) {
    if (from == expected) return on_accept(std::move(socket));
    socket.close();
    if (on_stranger) on_stranger(from);
}

void passive_listener::state::await_header(net::socket socket, boost::asio::ip::address const& balancer) {
    std::erase_if(header_waits, [](auto const& each) { return each.expired(); });
    if (header_waits.size() == most_header_waits) return;  // the socket closes itself
    auto const wait = std::make_shared<proxy_header_wait>(
        std::move(socket),
        [weak = weak_from_this(), balancer](net::socket with_header, proxy_header_outcome const& outcome) {
            auto const self = weak.lock();
            if (self && self->listening.is_open()) self->header_came(std::move(with_header), balancer, outcome);
        });
    header_waits.push_back(wait);
    wait->start(headers.limit);
}

void passive_listener::state::header_came(net::socket socket, boost::asio::ip::address const& balancer,
                                          proxy_header_outcome const& outcome) {
    using kind = proxy_header_outcome::kind;
    if (outcome.what == kind::header)
        judge(std::move(socket), outcome.ends ? unmapped(outcome.ends->source.address()) : balancer);
    else if (outcome.what == kind::malformed && headers.on_fault)
        headers.on_fault(balancer, outcome.fault);
}

// Out of descriptors, most likely: the connection stays in the backlog and would be reported again at once.
void passive_listener::state::pause() {
    pause_time = std::clamp(pause_time * 2, shortest_pause, longest_pause);
    pause_timer.expires_after(pause_time);
    pause_timer.async_wait([self = shared_from_this()](error_code ec) {
        if (!ec && self->listening.is_open()) self->accept();
    });
}

}  // namespace ftpsgate::data
