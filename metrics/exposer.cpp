#include "metrics/exposer.hpp"

#include "metrics/exposer_connection.hpp"

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>

#include <list>
#include <utility>

namespace ftpsgate::metrics {

namespace {

namespace asio = boost::asio;
using boost::system::error_code;
using tcp = asio::ip::tcp;
using connection = exposer_connection;

/// How long accepting rests after an error such as "too many open files".
constexpr auto accept_pause = std::chrono::seconds(1);

}  // namespace

class exposer::listener : public std::enable_shared_from_this<listener> {
public:
    listener(asio::any_io_executor const& executor, exposer_pages pages, exposer_limits limits)
        : acceptor_(executor), pause_(executor), pages_(std::move(pages)), limits_(limits) {}

    error_code open(tcp::endpoint const& where) {
        error_code ec;
        acceptor_.open(where.protocol(), ec);
        if (!ec) acceptor_.set_option(asio::socket_base::reuse_address(true), ec);
        if (!ec) acceptor_.bind(where, ec);
        if (!ec) acceptor_.listen(asio::socket_base::max_listen_connections, ec);
        if (ec)
            stop();
        else
            accept();
        return ec;
    }

    tcp::endpoint local() const {
        error_code ignored;
        return acceptor_.local_endpoint(ignored);
    }

    void stop() {
        error_code ignored;
        acceptor_.close(ignored);
        pause_.cancel();
        for (auto const& open : std::exchange(connections_, {}))
            open->stop();
    }

private:
    void accept() {
        if (accepting_ || !acceptor_.is_open() || connections_.size() >= limits_.connections) return;
        accepting_ = true;
        acceptor_.async_accept([self = shared_from_this()](error_code ec, tcp::socket socket) {
            self->accepting_ = false;
            if (ec) return self->rest(ec);
            self->serve(std::move(socket));
            self->accept();
        });
    }

    void rest(error_code ec) {
        if (ec == asio::error::operation_aborted) return;
        pause_.expires_after(accept_pause);
        pause_.async_wait([self = shared_from_this()](error_code error) {
            if (!error) self->accept();
        });
    }

    void serve(tcp::socket socket) {
        auto const opened = std::make_shared<connection>(
            std::move(socket), pages_, limits_, [self = shared_from_this()](connection* ended) { self->ended(ended); });
        connections_.push_back(opened);
        opened->start();
    }

    void ended(connection* which) {
        connections_.remove_if([which](auto const& open) { return open.get() == which; });
        accept();
    }

    tcp::acceptor acceptor_;
    asio::steady_timer pause_;
    exposer_pages pages_;
    exposer_limits limits_;
    std::list<std::shared_ptr<connection>> connections_;
    bool accepting_ = false;
};

exposer::exposer(asio::any_io_executor executor, exposer_pages pages, exposer_limits limits)
    : listener_(std::make_shared<listener>(executor, std::move(pages), limits)) {
}

exposer::~exposer() {
    stop();
}

error_code exposer::open(tcp::endpoint const& where) {
    return listener_->open(where);
}

tcp::endpoint exposer::local() const {
    return listener_->local();
}

void exposer::stop() {
    listener_->stop();
}

}  // namespace ftpsgate::metrics
