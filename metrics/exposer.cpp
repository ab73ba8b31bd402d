#include "metrics/exposer.hpp"

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http.hpp>

#include <algorithm>
#include <array>
#include <list>
#include <optional>
#include <string_view>
#include <utility>

namespace ftpsgate::metrics {

namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
using boost::system::error_code;
using tcp = asio::ip::tcp;

using response = http::response<http::string_body>;

/// How long accepting rests after an error such as "too many open files".
constexpr auto accept_pause = std::chrono::seconds(1);

response plain(http::status status, std::string body) {
    response answer{status, 11};
    answer.set(http::field::content_type, "text/plain; charset=utf-8");
    answer.set(http::field::cache_control, "no-store");
    answer.keep_alive(false);
    answer.body() = std::move(body);
    return answer;
}

response readiness(std::vector<std::string> const& reasons) {
    if (reasons.empty()) return plain(http::status::ok, "ready\n");
    std::string body;
    for (auto const& reason : reasons)
        body += reason + "\n";
    return plain(http::status::service_unavailable, std::move(body));
}

response page(std::string_view path, exposer_pages const& pages) {
    if (path == "/healthz") return plain(http::status::ok, "ok\n");
    if (path == "/readyz") return readiness(pages.reasons_not_ready());
    auto answer = plain(http::status::ok, pages.metrics());
    answer.set(http::field::content_type, "text/plain; version=0.0.4; charset=utf-8");
    return answer;
}

response answer_to(http::verb method, std::string_view target, exposer_pages const& pages) {
    constexpr std::array<std::string_view, 3> paths{"/metrics", "/healthz", "/readyz"};
    auto const path = target.substr(0, target.find('?'));
    if (std::find(paths.begin(), paths.end(), path) == paths.end())
        return plain(http::status::not_found, "not found\n");
    if (method == http::verb::get) return page(path, pages);
    auto answer = plain(http::status::method_not_allowed, "GET only\n");
    answer.set(http::field::allow, "GET");
    return answer;
}

/// What came is no request the gate takes: no HTTP, too long, with a body. Otherwise the connection itself failed, or
/// its time is over, and nobody reads an answer.
bool is_bad_request(error_code ec) {
    static auto const& of_http = error_code(http::error::bad_method).category();
    return ec.category() == of_http && ec != http::error::end_of_stream && ec != http::error::partial_message;
}

/// One request, one answer, then FIN and reading to the peer's end: closing with bytes unread would be a reset, which
/// can take the answer away from the peer. The stream's deadline is set once and covers all of it.
class connection : public std::enable_shared_from_this<connection> {
public:
    using done = std::function<void(connection*)>;

    connection(tcp::socket socket, exposer_pages const& pages, exposer_limits const& limits, done when_done)
        : stream_(std::move(socket)), pages_(pages), buffer_(limits.request), when_done_(std::move(when_done)) {
        parser_.header_limit(static_cast<std::uint32_t>(limits.request));
        stream_.expires_after(limits.time);
    }

    void start() {
        http::async_read(stream_, buffer_, parser_,
                         [self = shared_from_this()](error_code ec, std::size_t) { self->request_read(ec); });
    }

    void stop() { stream_.close(); }

private:
    void request_read(error_code ec) {
        if (ec && !is_bad_request(ec)) return end();
        auto const& request = parser_.get();
        answer_ = ec ? plain(http::status::bad_request, "bad request\n")
                     : answer_to(request.method(), {request.target().data(), request.target().size()}, pages_);
        answer_.prepare_payload();
        http::async_write(stream_, answer_,
                          [self = shared_from_this()](error_code error, std::size_t) { self->answered(error); });
    }

    void answered(error_code ec) {
        if (ec) return end();
        stream_.socket().shutdown(tcp::socket::shutdown_send, ec);
        drain();
    }

    void drain() {
        stream_.async_read_some(asio::buffer(discarded_), [self = shared_from_this()](error_code ec, std::size_t) {
            if (ec) return self->end();
            self->drain();
        });
    }

    void end() {
        stream_.close();
        when_done_(this);
    }

    beast::tcp_stream stream_;
    exposer_pages const& pages_;  // of the listener, which the callback keeps alive
    beast::flat_buffer buffer_;
    http::request_parser<http::empty_body> parser_;
    response answer_;
    std::array<char, 1024> discarded_{};
    done when_done_;
};

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
