// An HTTP server on a port of 127.0.0.1 that the kernel chooses: says to each client what the test wrote, whatever was
// asked, and counts connections and requests.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/write.hpp>

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace ftpsgate::test {

/// What follows the answer.
enum class then_does { close, reset, stay, repeat, trickle };

struct scripted_answer {
    std::string bytes;
    then_does then = then_does::close;
    std::string more = {};  ///< repeated without end (repeat), or byte by byte, one every few milliseconds (trickle)
};

class scripted_http_server {
public:
    using tcp = boost::asio::ip::tcp;

    explicit scripted_http_server(boost::asio::io_context& io)
        : io_(io), acceptor_(io, {boost::asio::ip::address_v4::loopback(), 0}) {
        accept();
    }

    std::uint16_t port() const { return acceptor_.local_endpoint().port(); }
    std::string url(std::string const& target = "/", std::string const& host = "127.0.0.1") const {
        return "http://" + host + ":" + std::to_string(port()) + target;
    }
    void stop() { acceptor_.close(); }

    scripted_answer answer;
    std::size_t connections = 0;
    std::vector<std::string> requests;  ///< heads with what came along

private:
    struct client {
        client(tcp::socket accepted, boost::asio::io_context& io) : socket(std::move(accepted)), timer(io) {}

        tcp::socket socket;
        boost::asio::steady_timer timer;
        std::string input;
        scripted_answer answer;
        std::size_t next = 0;
    };
    using client_ptr = std::shared_ptr<client>;

    void accept() {
        acceptor_.async_accept([this](boost::system::error_code const& cause, tcp::socket socket) {
            if (cause) return;
            ++connections;
            read(std::make_shared<client>(std::move(socket), io_));
            accept();
        });
    }

    void read(client_ptr const& one) {
        auto const buffer = boost::asio::dynamic_buffer(one->input);
        boost::asio::async_read_until(one->socket, buffer, "\r\n\r\n", [this, one](auto const& cause, std::size_t) {
            if (cause) return;
            requests.push_back(one->input);
            one->answer = answer;
            write(one, one->answer.bytes);
        });
    }

    void write(client_ptr const& one, std::string const& bytes) {
        auto const buffer = boost::asio::buffer(bytes);
        boost::asio::async_write(one->socket, buffer, [this, one](auto const& cause, std::size_t) {
            if (!cause) go_on(one);
        });
    }

    void go_on(client_ptr const& one) {
        switch (one->answer.then) {
            case then_does::close: return end(one);
            case then_does::reset: one->socket.set_option(tcp::socket::linger(true, 0)); return one->socket.close();
            case then_does::repeat: return write(one, one->answer.more);
            case then_does::trickle: return trickle(one);
            case then_does::stay: break;
        }
        wait_for_end(one);
    }

    /// FIN, and the rest is read: a close with unread bytes would be a reset.
    void end(client_ptr const& one) {
        boost::system::error_code ignored;
        one->socket.shutdown(tcp::socket::shutdown_send, ignored);
        wait_for_end(one);
    }

    void wait_for_end(client_ptr const& one) {
        auto const buffer = boost::asio::dynamic_buffer(one->input);
        boost::asio::async_read(one->socket, buffer, [one](auto const&, std::size_t) {});
    }

    void trickle(client_ptr const& one) {
        one->timer.expires_after(std::chrono::milliseconds(2));
        one->timer.async_wait([this, one](boost::system::error_code const&) {
            one->input = one->answer.more.substr(one->next++ % one->answer.more.size(), 1);
            write(one, one->input);
        });
    }

    boost::asio::io_context& io_;
    tcp::acceptor acceptor_;
};

}  // namespace ftpsgate::test
