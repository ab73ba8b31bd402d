// One connection to the monitoring port: one request, one answer, then FIN and reading to the peer's end: closing with
// bytes unread would be a reset, which can take the answer away from the peer. Only for metrics/exposer.cpp.
#pragma once

#include "metrics/exposer.hpp"

#include <boost/asio/steady_timer.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>

#include <array>
#include <functional>
#include <memory>
#include <optional>
#include <string>

namespace ftpsgate::metrics {

class exposer_connection : public std::enable_shared_from_this<exposer_connection> {
public:
    using done = std::function<void(exposer_connection*)>;

    /// `pages` lives as long as `when_done` does.
    exposer_connection(boost::asio::ip::tcp::socket socket, exposer_pages const& pages, exposer_limits const& limits,
                       done when_done);

    void start();
    void stop() { end(); }

private:
    using response = boost::beast::http::response<boost::beast::http::string_body>;
    using response_head = boost::beast::http::response<boost::beast::http::empty_body>;

    void request_read(boost::system::error_code ec);
    void answer(std::string_view path, std::string_view query);
    void send(response what);
    void send_status(refreshing mode);
    void send_pieces(piece_source pieces);
    void next_piece();
    void send_piece(std::string piece);
    void send_last_chunk();
    void sent(boost::system::error_code ec);
    void drain();
    void begin_step();
    void end();

    boost::asio::ip::tcp::socket socket_;
    boost::asio::steady_timer deadline_;
    exposer_pages const& pages_;
    std::chrono::milliseconds const time_;
    boost::beast::flat_buffer buffer_;
    boost::beast::http::request_parser<boost::beast::http::empty_body> parser_;
    response response_;
    response_head head_;
    std::optional<boost::beast::http::response_serializer<boost::beast::http::empty_body>> head_serializer_;
    piece_source pieces_;
    std::string piece_;
    std::array<char, 1024> discarded_{};
    done when_done_;
    bool ended_ = false;
};

}  // namespace ftpsgate::metrics
