#include "metrics/exposer_connection.hpp"

#include <boost/asio/write.hpp>

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

namespace ftpsgate::metrics {

namespace {

namespace asio = boost::asio;
namespace http = boost::beast::http;
using boost::system::error_code;

constexpr std::array<std::string_view, 5> paths{"/", "/metrics", "/healthz", "/readyz", "/sessions"};

template <class Response>
Response answer_of(http::status status, std::string_view type) {
    Response answer{status, 11};
    answer.set(http::field::content_type, boost::beast::string_view(type.data(), type.size()));
    answer.set(http::field::cache_control, "no-store");
    answer.set("X-Content-Type-Options", "nosniff");
    answer.keep_alive(false);
    return answer;
}

auto text(http::status status, std::string body, std::string_view type = "text/plain; charset=utf-8") {
    auto answer = answer_of<http::response<http::string_body>>(status, type);
    answer.body() = std::move(body);
    return answer;
}

auto readiness(std::vector<std::string> const& reasons) {
    if (reasons.empty()) return text(http::status::ok, "ready\n");
    std::string body;
    for (auto const& reason : reasons)
        body += reason + "\n";
    return text(http::status::service_unavailable, std::move(body));
}

/// What came is no request the gate takes: no HTTP, too long, with a body. Otherwise the connection itself failed, or
/// its time is over, and nobody reads an answer.
bool is_bad_request(error_code ec) {
    static auto const& of_http = error_code(http::error::bad_method).category();
    return ec.category() == of_http && ec != http::error::end_of_stream && ec != http::error::partial_message;
}

}  // namespace

exposer_connection::exposer_connection(asio::ip::tcp::socket socket, exposer_pages const& pages,
                                       exposer_limits const& limits, done when_done)
    : socket_(std::move(socket)),
      deadline_(socket_.get_executor()),
      pages_(pages),
      time_(limits.time),
      buffer_(limits.request),
      when_done_(std::move(when_done)) {
    parser_.header_limit(static_cast<std::uint32_t>(limits.request));
}

void exposer_connection::start() {
    begin_step();
    http::async_read(socket_, buffer_, parser_,
                     [self = shared_from_this()](error_code ec, std::size_t) { self->request_read(ec); });
}

void exposer_connection::begin_step() {
    deadline_.expires_after(time_);
    deadline_.async_wait([self = shared_from_this()](error_code ec) {
        bool const over = self->deadline_.expiry() <= asio::steady_timer::clock_type::now();
        if (!ec && over) self->end();
    });
}

void exposer_connection::request_read(error_code ec) {
    if (ec && !is_bad_request(ec)) return end();
    if (ec) return send(text(http::status::bad_request, "bad request\n"));
    auto const& request = parser_.get();
    std::string_view const target(request.target().data(), request.target().size());
    auto const question = std::min(target.find('?'), target.size());
    auto const path = target.substr(0, question);
    if (std::find(paths.begin(), paths.end(), path) == paths.end())
        return send(text(http::status::not_found, "not found\n"));
    if (request.method() == http::verb::get) return answer(path, target.substr(question));
    auto refused = text(http::status::method_not_allowed, "GET only\n");
    refused.set(http::field::allow, "GET");
    send(std::move(refused));
}

void exposer_connection::answer(std::string_view path, std::string_view query) {
    if (path == "/healthz") return send(text(http::status::ok, "ok\n"));
    if (path == "/readyz") return send(readiness(pages_.reasons_not_ready()));
    if (path == "/sessions") return send_pieces(pages_.sessions());
    if (path == "/") return send_status(query == "?pause" ? refreshing::paused : refreshing::by_itself);
    send(text(http::status::ok, pages_.metrics(), "text/plain; version=0.0.4; charset=utf-8"));
}

void exposer_connection::send(response what) {
    if (ended_) return;
    begin_step();
    response_ = std::move(what);
    response_.prepare_payload();
    http::async_write(socket_, response_, [self = shared_from_this()](error_code ec, std::size_t) { self->sent(ec); });
}

void exposer_connection::send_status(refreshing mode) {
    begin_step();
    pages_.status(mode, [self = shared_from_this()](html_page page) {
        auto what = text(http::status::ok, std::move(page.text), "text/html; charset=utf-8");
        what.set("Content-Security-Policy", page.content_security_policy);
        what.set("Referrer-Policy", "no-referrer");
        self->send(std::move(what));
    });
}

void exposer_connection::send_pieces(piece_source pieces) {
    begin_step();
    pieces_ = std::move(pieces);
    head_ = answer_of<response_head>(http::status::ok, "application/json");
    head_.chunked(parser_.get().version() >= 11);
    head_serializer_.emplace(head_);
    http::async_write_header(socket_, *head_serializer_, [self = shared_from_this()](error_code ec, std::size_t) {
        if (ec) return self->end();
        self->next_piece();
    });
}

void exposer_connection::next_piece() {
    if (ended_) return;
    begin_step();
    pieces_([weak = weak_from_this()](std::string piece) {
        auto const self = weak.lock();
        if (self && !self->ended_) self->send_piece(std::move(piece));
    });
}

void exposer_connection::send_piece(std::string piece) {
    piece_ = std::move(piece);
    auto const taken = [self = shared_from_this()](error_code ec, std::size_t) {
        if (ec) return self->end();
        self->next_piece();
    };
    bool const chunked = head_.chunked();
    if (piece_.empty()) return chunked ? send_last_chunk() : sent({});
    if (chunked) return asio::async_write(socket_, http::make_chunk(asio::buffer(piece_)), taken);
    asio::async_write(socket_, asio::buffer(piece_), taken);
}

void exposer_connection::send_last_chunk() {
    asio::async_write(socket_, http::make_chunk_last(),
                      [self = shared_from_this()](error_code ec, std::size_t) { self->sent(ec); });
}

void exposer_connection::sent(error_code ec) {
    if (ec) return end();
    socket_.shutdown(asio::ip::tcp::socket::shutdown_send, ec);
    drain();
}

void exposer_connection::drain() {
    socket_.async_read_some(asio::buffer(discarded_), [self = shared_from_this()](error_code ec, std::size_t) {
        if (ec) return self->end();
        self->drain();
    });
}

void exposer_connection::end() {
    if (std::exchange(ended_, true)) return;
    deadline_.cancel();
    pieces_ = nullptr;
    error_code ignored;
    socket_.close(ignored);
    when_done_(this);
}

}  // namespace ftpsgate::metrics
