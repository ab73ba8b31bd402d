#include "policy/http_fetch.hpp"

#include "config/units.hpp"
#include "policy/http_fetch_message.hpp"

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>

#include <optional>
#include <utility>
#include <vector>

namespace ftpsgate::policy {

namespace {

namespace asio = boost::asio;
namespace http = boost::beast::http;
using boost::system::error_code;
using tcp = asio::ip::tcp;

constexpr std::uint32_t head_limit = 8 * 1024;
constexpr std::size_t buffer_limit = 64 * 1024;  // read ahead; ends a chunk's header that does not end
constexpr std::size_t most_addresses = 8;        // of one name that are tried

ip_bytes bytes_of(asio::ip::address const& address) {
    if (address.is_v6()) return address.to_v6().to_bytes();
    return asio::ip::make_address_v6(asio::ip::v4_mapped, address.to_v4()).to_bytes();
}

}  // namespace

/// One run. Each pending operation keeps it alive; once it is over, what still completes finds nothing to do.
struct http_fetch::exchange : std::enable_shared_from_this<exchange> {
public:
    exchange(asio::any_io_executor const& executor, std::shared_ptr<url_rules const> rules, fetch_request wanted,
             handler done)
        : rules_(std::move(rules)),
          wanted_(std::move(wanted)),
          done_(std::move(done)),
          timer_(executor),
          attempt_timer_(executor),
          resolver_(executor),
          socket_(executor) {
        parser_.header_limit(head_limit);
        parser_.body_limit(wanted_.size_limit);
    }

    void begin();
    void stop();

private:
    enum class stage { resolving, connecting, answering, over };

    void resolve();
    void take_addresses(std::vector<asio::ip::address> const& found);
    void connect_next();
    void limit_attempt();
    void on_connected(error_code const& cause);
    void on_sent(error_code const& cause);
    void on_head(error_code const& cause);
    void on_body(error_code const& cause);
    void on_expired();
    void fail(fetch_failure const& why);
    void fail_later(fetch_failure const& why);
    void finish(fetch_outcome outcome);

    /// A completion handler that takes the next step, unless the run is over by then.
    auto then(void (exchange::*step)(error_code const&)) {
        return [self = shared_from_this(), step](error_code const& cause, std::size_t = 0) {
            if (self->stage_ != stage::over) ((*self).*step)(cause);
        };
    }

    std::shared_ptr<url_rules const> rules_;
    fetch_request wanted_;
    handler done_;
    stage stage_ = stage::resolving;
    http_url url_;
    asio::steady_timer timer_;          ///< over everything
    asio::steady_timer attempt_timer_;  ///< over one address, while there are others
    tcp::resolver resolver_;
    tcp::socket socket_;
    std::vector<tcp::endpoint> addresses_;
    std::size_t attempts_ = 0;
    std::string attempt_words_;  ///< why the last one failed
    http_request message_;
    boost::beast::flat_buffer buffer_{buffer_limit};
    http_answer_parser parser_;
};

void http_fetch::exchange::begin() {
    timer_.expires_after(wanted_.time_limit);
    timer_.async_wait([self = shared_from_this()](error_code const&) {
        if (self->stage_ != stage::over) self->on_expired();
    });
    auto const url = parse_http_url(wanted_.url);
    if (!url) return fail_later({fetch_fault::not_allowed, "this is no URL that can be fetched over http"});
    url_ = *url;
    if (!rules_->may_resolve(url_, wanted_.from))
        return fail_later({fetch_fault::not_allowed, "URLs may not lead there, see url_allow"});
    resolve();
}

void http_fetch::exchange::resolve() {
    error_code not_literal;
    auto const literal = asio::ip::make_address(url_.host, not_literal);
    if (!not_literal) return take_addresses({literal});
    auto const resolved = [self = shared_from_this()](error_code const& cause, tcp::resolver::results_type found) {
        if (self->stage_ == stage::over) return;
        if (cause) return self->fail({fetch_fault::unresolved, "the name cannot be resolved: " + in_words(cause)});
        std::vector<asio::ip::address> addresses;
        for (auto const& one : found)
            addresses.push_back(one.endpoint().address());
        self->take_addresses(addresses);
    };
    resolver_.async_resolve(url_.host, std::to_string(url_.port), tcp::resolver::numeric_service, resolved);
}

/// Judged here, behind the resolver: names and numbers in odd notations lead to loopback, too.
void http_fetch::exchange::take_addresses(std::vector<asio::ip::address> const& found) {
    for (auto const& address : found) {
        bool const is_allowed = rules_->may_connect(url_, bytes_of(address), wanted_.from);
        if (is_allowed && addresses_.size() < most_addresses) addresses_.emplace_back(address, url_.port);
    }
    if (!addresses_.empty()) return connect_next();
    auto const first = found.empty() ? "no address" : found.front().to_string();
    fail({fetch_fault::not_allowed, "it leads to " + first + ", where URLs may not lead, see url_allow"});
}

void http_fetch::exchange::connect_next() {
    stage_ = stage::connecting;
    if (attempts_ == addresses_.size()) return fail({fetch_fault::unreachable, attempt_words_});
    error_code ignored;
    socket_.close(ignored);
    socket_.async_connect(addresses_[attempts_++], then(&exchange::on_connected));
    limit_attempt();
}

/// One address that swallows everything shall not take the time of the others.
void http_fetch::exchange::limit_attempt() {
    auto const others = addresses_.size() - attempts_;
    attempt_timer_.cancel();
    if (others == 0) return;
    attempt_timer_.expires_after((timer_.expiry() - std::chrono::steady_clock::now()) / static_cast<int>(others + 1));
    attempt_timer_.async_wait([self = shared_from_this(), attempt = attempts_](error_code const&) {
        if (self->stage_ != stage::connecting || self->attempts_ != attempt) return;
        error_code ignored;
        self->socket_.close(ignored);
    });
}

void http_fetch::exchange::on_connected(error_code const& cause) {
    if (cause || !socket_.is_open()) {
        auto const words =
            !cause || cause == asio::error::operation_aborted ? "no connection in time" : in_words(cause);
        attempt_words_ = addresses_[attempts_ - 1].address().to_string() + ": " + words;
        return connect_next();
    }
    stage_ = stage::answering;
    attempt_timer_.cancel();
    message_ = make_request(wanted_, url_);
    http::async_write(socket_, message_, then(&exchange::on_sent));
}

/// A server may have answered and closed before it read everything: what it said counts.
void http_fetch::exchange::on_sent(error_code const&) {
    http::async_read_header(socket_, buffer_, parser_, then(&exchange::on_head));
}

void http_fetch::exchange::on_head(error_code const& cause) {
    bool const is_read = !cause || cause == http::error::body_limit;
    if (auto const refused = is_read ? judge_head(parser_.get(), wanted_.wanted_type) : std::nullopt)
        return fail(*refused);
    if (cause || parser_.is_done()) return on_body(cause);
    http::async_read(socket_, buffer_, parser_, then(&exchange::on_body));
}

void http_fetch::exchange::on_body(error_code const& cause) {
    if (cause) return fail(judge_read_error(cause, wanted_.size_limit));
    finish({fetch_fault::none, std::move(parser_.get().body()), {}});
}

void http_fetch::exchange::on_expired() {
    auto const within = " within " + config::to_text(wanted_.time_limit);
    auto const words = stage_ == stage::resolving    ? "the name was not resolved" + within
                       : stage_ == stage::connecting ? "no connection" + within
                       : parser_.is_header_done()    ? "the answer did not end" + within
                                                     : "no answer" + within;
    fail({fetch_fault::timed_out, words});
}

void http_fetch::exchange::fail(fetch_failure const& why) {
    auto const where = url_.host.empty() ? "" : config::to_text(config::endpoint{url_.host, url_.port, {}}) + ": ";
    finish({why.fault, {}, where + why.words});
}

void http_fetch::exchange::fail_later(fetch_failure const& why) {
    asio::post(timer_.get_executor(), [self = shared_from_this(), why] {
        if (self->stage_ != stage::over) self->fail(why);
    });
}

void http_fetch::exchange::finish(fetch_outcome outcome) {
    auto const done = std::exchange(done_, nullptr);
    stop();
    done(std::move(outcome));
}

void http_fetch::exchange::stop() {
    stage_ = stage::over;
    done_ = nullptr;
    timer_.cancel();
    attempt_timer_.cancel();
    resolver_.cancel();
    error_code ignored;
    socket_.close(ignored);
}

http_fetch::http_fetch(asio::any_io_executor executor, std::shared_ptr<url_rules const> rules)
    : executor_(std::move(executor)), rules_(std::move(rules)) {
}

http_fetch::~http_fetch() {
    if (exchange_) exchange_->stop();
}

void http_fetch::start(fetch_request request, handler done) {
    if (exchange_) exchange_->stop();
    exchange_ = std::make_shared<exchange>(executor_, rules_, std::move(request), std::move(done));
    exchange_->begin();
}

}  // namespace ftpsgate::policy
