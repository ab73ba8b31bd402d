#include "proxy/listener.hpp"

#include <boost/asio/ip/v6_only.hpp>
#include <boost/asio/steady_timer.hpp>

#include <algorithm>
#include <optional>
#include <utility>

namespace ftpsgate::proxy {

namespace {

// Connections accepted in a row before others on this thread have their turn.
constexpr unsigned batch = 16;

using tcp = boost::asio::ip::tcp;

using reuse_port = boost::asio::detail::socket_option::boolean<SOL_SOCKET, SO_REUSEPORT>;

boost::system::error_code bind_and_listen(tcp::acceptor& acceptor, tcp::endpoint const& where,
                                          listener::overlap with_others) {
    boost::system::error_code error;
    acceptor.open(where.protocol(), error);
    if (!error) acceptor.set_option(tcp::acceptor::reuse_address(true), error);
    if (!error && where.protocol() == tcp::v6()) acceptor.set_option(boost::asio::ip::v6_only(true), error);
    if (!error && with_others == listener::overlap::allowed) acceptor.set_option(reuse_port(true), error);
    if (!error) acceptor.bind(where, error);
    if (!error) acceptor.non_blocking(true, error);
    if (!error) acceptor.listen(tcp::acceptor::max_listen_connections, error);
    return error;
}

}  // namespace

struct listener::state : std::enable_shared_from_this<state> {
    state(boost::asio::any_io_executor const& executor, handlers calls)
        : acceptor(executor), timer(executor), call(std::move(calls)) {}

    // Waits first and accepts then: an asynchronous accept would hold a socket of a worker's executor in an operation
    // of this one, and the two could not be torn down in any order.
    void wait() {
        acceptor.async_wait(tcp::acceptor::wait_read, [self = shared_from_this()](boost::system::error_code) {
            if (!self->stopped) self->accept_waiting();
        });
    }

    void accept_waiting() {
        for (unsigned taken = 0; taken < batch; ++taken) {
            auto const error = accept_one();
            if (error == boost::asio::error::would_block) break;
            if (error) return pause_after(error);
            if (stopped) return;
        }
        wait();
    }

    boost::system::error_code accept_one() {
        if (!next_executor) next_executor = call.next_executor();
        boost::system::error_code error;
        tcp::endpoint peer;
        tcp::socket socket(*next_executor);
        acceptor.accept(socket, peer, error);
        if (error) return error;
        pause = shortest_pause;
        next_executor.reset();
        call.on_accept(std::move(socket), peer);
        return error;
    }

    // The connection that could not be accepted is still in the backlog: without a pause this would spin.
    void pause_after(boost::system::error_code error) {
        auto const now = std::exchange(pause, std::min(pause * 2, longest_pause));
        call.on_error(error, now);
        if (stopped) return;
        timer.expires_after(now);
        timer.async_wait([self = shared_from_this()](boost::system::error_code) {
            if (!self->stopped) self->accept_waiting();
        });
    }

    void stop() {
        stopped = true;
        boost::system::error_code ignored;
        acceptor.close(ignored);
        timer.cancel();
    }

    tcp::acceptor acceptor;
    boost::asio::steady_timer timer;
    handlers call;
    std::optional<boost::asio::any_io_executor> next_executor;  // asked for and not used yet
    std::chrono::milliseconds pause = shortest_pause;
    bool stopped = false;
};

listener::listener(boost::asio::any_io_executor executor, handlers calls)
    : state_(std::make_shared<state>(executor, std::move(calls))) {
}

listener::~listener() {
    stop();
}

boost::system::error_code listener::open(tcp::endpoint const& where, overlap with_others) {
    auto const error = bind_and_listen(state_->acceptor, where, with_others);
    boost::system::error_code ignored;
    if (error) state_->acceptor.close(ignored);
    return error;
}

void listener::allow_overlap() {
    boost::system::error_code ignored;  // then the other cannot be opened, and says so
    state_->acceptor.set_option(reuse_port(true), ignored);
}

boost::system::error_code listener::adopt(int descriptor, tcp::endpoint const& where) {
    boost::system::error_code error;
    state_->acceptor.assign(where.protocol(), descriptor, error);
    if (!error) state_->acceptor.non_blocking(true, error);
    return error;
}

listener::tcp::endpoint listener::where() const {
    boost::system::error_code error;
    return state_->acceptor.local_endpoint(error);
}

void listener::start() {
    state_->wait();
}

void listener::stop() {
    state_->stop();
}

// No more than fit into a backlog: others may come as fast as these are taken.
void listener::stop_after_backlog() {
    auto const self = state_;
    int left = tcp::acceptor::max_listen_connections;
    while (!self->stopped && left-- > 0 && !self->accept_one()) {
    }
    self->stop();
}

}  // namespace ftpsgate::proxy
