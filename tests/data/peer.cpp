#include "tests/data/peer.hpp"

#include <array>
#include <stdexcept>
#include <utility>

namespace ftpsgate::test {

namespace {

using boost::asio::ip::tcp;
using boost::system::error_code;

bool is_would_block(error_code const& ec) {
    return ec == boost::asio::error::would_block || ec == boost::asio::error::try_again;
}

}  // namespace

tcp::socket connected_socket(boost::asio::io_context& io, std::uint16_t port, peer_options const& options) {
    auto const to = boost::asio::ip::make_address(options.to);
    tcp::socket socket(io, to.is_v6() ? tcp::v6() : tcp::v4());
    if (options.receive_buffer > 0) {
        socket.set_option(boost::asio::socket_base::receive_buffer_size(options.receive_buffer));
    }
    if (to.is_v4()) socket.bind({boost::asio::ip::make_address(options.from), 0});
    socket.connect({to, port});
    return socket;
}

std::pair<tcp::socket, tcp::socket> socket_pair(boost::asio::io_context& io, int buffer_size) {
    tcp::acceptor acceptor(io, {boost::asio::ip::address_v4::loopback(), 0});
    if (buffer_size > 0) {
        acceptor.set_option(boost::asio::socket_base::receive_buffer_size(buffer_size));
        acceptor.set_option(boost::asio::socket_base::send_buffer_size(buffer_size));
    }
    auto far = connected_socket(io, acceptor.local_endpoint().port(), {.receive_buffer = buffer_size});
    if (buffer_size > 0) far.set_option(boost::asio::socket_base::send_buffer_size(buffer_size));
    return {acceptor.accept(), std::move(far)};
}

peer::peer(tcp::socket socket, peer_options const&) : socket_(std::move(socket)) {
    socket_.non_blocking(true);
}

void peer::start_tls(client_options const& options) {
    client_ = std::make_unique<memory_client>(options);
}

bool peer::pump() {
    if (!socket_.is_open()) return false;
    bool const moved_in = pump_in();
    if (client_) {
        secured_ = secured_ || client_->step();
        if (secured_) received += client_->read();
        output_ += client_->take_output();
    }
    bool const moved_out = pump_out();
    return moved_in || moved_out;
}

bool peer::pump_in() {
    std::array<char, 64 * 1024> block;
    bool moved = false;
    while (is_reading && end == tcp_end::none) {
        error_code ec;
        std::size_t const count = socket_.read_some(boost::asio::buffer(block), ec);
        if (is_would_block(ec)) break;
        moved = true;
        if (ec) end = ec == boost::asio::error::eof ? tcp_end::fin : tcp_end::rst;
        if (client_) {
            client_->put_input({block.data(), count});
        } else {
            received.append(block.data(), count);
        }
        if (count < block.size()) break;  // others want their turn as well
    }
    return moved;
}

bool peer::pump_out() {
    if (unsent() == 0) return false;
    error_code ec;
    std::size_t const count = socket_.write_some(boost::asio::buffer(output_) + sent_, ec);
    sent_ += count;
    bool const failed = ec && !is_would_block(ec);
    if (failed && end == tcp_end::none) end = tcp_end::rst;
    if (failed || unsent() == 0) {
        output_.clear();
        sent_ = 0;
    }
    return count > 0;
}

void peer::send(std::string_view text) {
    if (client_) {
        if (!secured_) throw std::logic_error("peer: not secured yet");
        client_->write(std::string(text));
        output_ += client_->take_output();
    } else {
        output_ += text;
    }
    pump_out();
}

void peer::send_close_notify() {
    client_->close();
    output_ += client_->take_output();
    pump_out();
}

void peer::shutdown() {
    error_code ignored;
    socket_.shutdown(tcp::socket::shutdown_send, ignored);
}

void peer::close() {
    error_code ignored;
    socket_.close(ignored);
}

void peer::reset() {
    socket_.set_option(boost::asio::socket_base::linger(true, 0));
    close();
}

tls::server_options control_session::options(tls::channel_kind channel) const {
    tls::server_options wanted;
    wanted.context = context_.get();
    wanted.channel = channel;
    wanted.binding = &binding_;
    wanted.choose_context = [this](std::string_view) {
        return tls::site_choice{tls::context_list(&context_, 1), request};
    };
    return wanted;
}

bssl::UniquePtr<SSL_SESSION> control_session::login(client_options const& client) {
    tls::buffer_pool pool;
    tls::engine gate(options(tls::channel_kind::control), pool);
    memory_client one(client);
    if (one.handshake_accepted(gate) != tls::want::nothing) throw std::runtime_error("control handshake failed");
    certificate = gate.facts().peer_sha256;
    std::string const greeting = "220 ready\r\n";  // carries the tickets of TLS 1.3 (B-160)
    gate.write({reinterpret_cast<std::uint8_t const*>(greeting.data()), greeting.size()});
    one.exchange(gate);
    one.read();
    if (one.sessions().empty()) throw std::runtime_error("no session to resume");
    return std::move(one.sessions().front());
}

SSL_CTX* server_context() {
    static auto const context = [] {
        test_authority const root;
        auto made = make_server_context(root.issue({}));
        tls::prepare_context(made.get());
        return made;
    }();
    return context.get();
}

}  // namespace ftpsgate::test
