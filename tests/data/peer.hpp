// The far end of a data connection, clear or TLS, driven by hand: a non-blocking socket whose pump() moves what can be
// moved. Notes how the gate ended the connection.
#pragma once

#include "proxy/tls/engine.hpp"
#include "tests/support/memory_client.hpp"
#include "tests/support/test_pki.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace ftpsgate::test {

struct peer_options {
    char const* from = "127.0.0.1";  ///< source address
    char const* to = "127.0.0.1";
    int receive_buffer = 0;  ///< SO_RCVBUF before connecting; 0 = the kernel's choice
};

boost::asio::ip::tcp::socket connected_socket(boost::asio::io_context& io, std::uint16_t port,
                                              peer_options const& options);

/// Two ends of one TCP connection; the first is the gate's.
std::pair<boost::asio::ip::tcp::socket, boost::asio::ip::tcp::socket> socket_pair(boost::asio::io_context& io,
                                                                                  int buffer_size = 0);

enum class tcp_end { none, fin, rst };

class peer {
public:
    explicit peer(boost::asio::ip::tcp::socket socket, peer_options const& options = {});

    /// Becomes a TLS client; the ClientHello leaves with the next pump().
    void start_tls(client_options const& options);
    /// Moves bytes; true when any moved.
    bool pump();

    void send(std::string_view text);
    /// Sealed only when the handshake is done; sent as far as the socket takes it, the rest by pump().
    void send_close_notify();
    void shutdown();  ///< FIN
    void close();
    void reset();  ///< RST

    std::string received;
    bool is_reading = true;
    tcp_end end = tcp_end::none;  ///< how the gate ended the connection, as far as was read

    bool is_secured() const { return secured_; }
    bool close_notify_received() const { return client_ && client_->close_received(); }
    std::size_t unsent() const { return output_.size() - sent_; }
    memory_client& client() { return *client_; }
    boost::asio::ip::tcp::socket& socket() { return socket_; }

private:
    bool pump_out();
    bool pump_in();

    boost::asio::ip::tcp::socket socket_;
    std::unique_ptr<memory_client> client_;
    bool secured_ = false;
    std::size_t sent_ = 0;  // of output_
    std::string output_;    // clear text, or sealed
};

/// The gate's side of a control session, as far as the data connections are concerned.
class control_session {
public:
    explicit control_session(SSL_CTX* context) : context_(bssl::UpRef(context)) {}

    tls::certificate_request request = tls::certificate_request::none;

    tls::server_options options(tls::channel_kind channel) const;
    /// A control handshake with this client; returns a session that its data connections may resume.
    bssl::UniquePtr<SSL_SESSION> login(client_options const& client = {});

    /// Of the client that logged in last.
    std::optional<tls::sha256_digest> certificate;

private:
    bssl::UniquePtr<SSL_CTX> context_;
    tls::session_binding binding_;
};

/// A context that serves a certificate made for the test.
SSL_CTX* server_context();

}  // namespace ftpsgate::test
