// The stream over real TCP on the loopback, ports chosen by the kernel.
#include "proxy/tls/stream.hpp"

#include "tests/support/memory_client.hpp"
#include "tests/tls/gate_side.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/write.hpp>
#include <catch2/catch.hpp>

#include <array>
#include <chrono>
#include <vector>

using namespace ftpsgate;
using boost::asio::ip::tcp;
using boost::system::error_code;
using tls::direction;
using tls::io_result;
using tls::io_status;

namespace {

namespace asio = boost::asio;

// A stream and the bare socket at its other end.
struct loopback {
    loopback() {
        tcp::acceptor acceptor(io, {asio::ip::make_address("127.0.0.1"), 0});
        peer.connect(acceptor.local_endpoint());
        tcp::socket accepted = acceptor.accept();
        accepted.set_option(asio::socket_base::send_buffer_size(4096));
        gate = std::make_unique<tls::stream>(std::move(accepted), side.pool);
        peer.non_blocking(true);
    }

    /// Waits for what the result asks for, as the owner of a stream does.
    void wait(io_result const& result) {
        REQUIRE(result.status == io_status::would_block);
        bool ready = false;
        auto const done = [&ready](error_code ec) {
            CHECK_FALSE(ec);
            ready = true;
        };
        gate->wait(result.wait, done);
        io.restart();
        for (auto const deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
             !ready && std::chrono::steady_clock::now() < deadline;) {
            pump();
            io.poll();
        }
        REQUIRE(ready);
    }

    io_result read(std::span<std::uint8_t> into) {
        for (;;) {
            auto const result = gate->read(into);
            if (result.status != io_status::would_block) return result;
            wait(result);
        }
    }
    /// One read as text; "" for an end, whose status is then in `last`.
    std::string read(std::size_t size = 65536) {
        std::vector<std::uint8_t> into(size);
        last = read(std::span(into));
        return {reinterpret_cast<char const*>(into.data()), last.count};
    }
    void write(std::string_view text) {
        for (auto rest = test::as_bytes(text); !rest.empty();) {
            auto const result = gate->write(rest);
            rest = rest.subspan(result.count);
            if (!rest.empty()) wait(result);
        }
        for (auto result = gate->flush(); result.status != io_status::ok; result = gate->flush())
            wait(result);
    }

    /// The other end: reads what is there, and lets the TLS client have it if there is one.
    void pump() {
        std::array<char, 65536> block{};
        error_code ec;
        auto const count = peer.read_some(asio::buffer(block), ec);
        if (ec == asio::error::eof || ec == asio::error::connection_reset) peer_end = ec;
        if (!client) {
            peer_text.append(block.data(), count);
            return;
        }
        client->put_input({block.data(), count});
        if (!client_ready) client_ready = client->step();
        if (client_ready) peer_text += client->read();
        send(client->take_output());
    }
    void pump_until(auto const& condition) {
        auto const deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
        while (!condition() && std::chrono::steady_clock::now() < deadline) {
            pump();
            gate->flush();
        }
        REQUIRE(condition());
    }
    void send(std::string_view bytes) {
        if (bytes.empty()) return;
        error_code ec;
        asio::write(peer, asio::buffer(bytes.data(), bytes.size()), ec);
    }
    void client_send(std::string const& text) {
        client->write(text);
        send(client->take_output());
    }

    io_result handshake() {
        for (;;) {
            auto const result = gate->handshake();
            if (result.status != io_status::would_block) return result;
            wait(result);
        }
    }
    void secure(test::client_options const& options = {}) {
        client = std::make_unique<test::memory_client>(options);
        gate->start_tls(side.options());
        REQUIRE(handshake().status == io_status::ok);
        pump_until([&] { return client_ready; });
    }
    void cut() {
        peer.set_option(asio::socket_base::linger(true, 0));
        peer.close();
    }

    test::gate_side side;
    asio::io_context io;
    tcp::socket peer{io};
    std::unique_ptr<tls::stream> gate;
    std::unique_ptr<test::memory_client> client;
    bool client_ready = false;
    std::string peer_text;
    error_code peer_end;
    io_result last;
};

}  // namespace

TEST_CASE("stream: clear text goes both ways", "[tls][stream]") {
    loopback both;
    CHECK_FALSE(both.gate->secured());
    both.send("USER x\r\n");
    CHECK(both.read() == "USER x\r\n");
    both.write("331 go on\r\n");
    both.pump_until([&] { return both.peer_text == "331 go on\r\n"; });
    CHECK(both.gate->pending_output() == 0);
}

TEST_CASE("stream: nothing to read is would_block, waiting for reading", "[tls][stream]") {
    loopback both;
    std::array<std::uint8_t, 10> into{};
    auto const result = both.gate->read(into);
    CHECK(result.status == io_status::would_block);
    CHECK(result.wait == direction::read);
    CHECK(result.count == 0);
}

TEST_CASE("stream: bytes that come after a short read are not missed", "[tls][stream]") {
    loopback both;
    for (int i = 0; i < 100; ++i) {
        both.send("a");
        REQUIRE(both.read() == "a");
        std::array<std::uint8_t, 10> into{};
        both.send("b");
        // Whether b is there already is the kernel's affair; whatever read() says, a wait must find it.
        auto const result = both.gate->read(into);
        if (result.status == io_status::would_block) {
            both.wait(result);
            REQUIRE(both.read() == "b");
        } else {
            REQUIRE(result.count == 1);
        }
    }
}

TEST_CASE("stream: the end of a clear stream", "[tls][stream]") {
    loopback both;
    both.send("last words");
    SECTION("FIN is an end, behind all bytes") {
        both.peer.close();
        CHECK(both.read() == "last words");
        both.read();
        CHECK(both.last.status == io_status::end);
    }
    SECTION("RST is a failure with the socket's error") {
        CHECK(both.read() == "last words");
        both.cut();
        both.read();
        CHECK(both.last.status == io_status::failed);
        CHECK(both.gate->error() == asio::error::connection_reset);
    }
}

TEST_CASE("stream: a full socket takes part of a clear write, the rest goes later", "[tls][stream]") {
    loopback both;
    auto const text = test::pattern(1536 * 1024);
    auto const first = both.gate->write(test::as_bytes(text));
    REQUIRE(first.status == io_status::would_block);
    CHECK(first.wait == direction::write);
    CHECK(first.count < text.size());
    both.write(std::string_view(text).substr(first.count));
    both.pump_until([&] { return both.peer_text.size() >= text.size(); });
    CHECK(both.peer_text == text);
}

TEST_CASE("stream: writing to a peer that is gone fails without a signal", "[tls][stream]") {
    loopback both;
    bool const secured = GENERATE(false, true);
    if (secured) both.secure();
    both.cut();
    auto const text = test::pattern(100000);
    io_result result;
    do {
        result = both.gate->write(test::as_bytes(text));
    } while (result.status == io_status::ok);
    CHECK(result.status == io_status::failed);
    CHECK(both.gate->error());
}

TEST_CASE("stream: TLS text goes both ways, in any version", "[tls][stream]") {
    auto const version = GENERATE(as<std::uint16_t>(), TLS1_2_VERSION, TLS1_3_VERSION);
    loopback both;
    both.secure({.minimum_version = version, .maximum_version = version});
    CHECK(both.gate->secured());
    CHECK(both.gate->pending_output() == 0);
    both.client_send("FEAT\r\n");
    CHECK(both.read() == "FEAT\r\n");
    both.write("211 end\r\n");
    both.pump_until([&] { return both.peer_text == "211 end\r\n"; });
}

TEST_CASE("stream: what a small span does not take is read next, before any wait", "[tls][stream]") {
    loopback both;
    both.secure();
    auto const text = test::pattern(50000);  // four records
    both.client_send(text);
    std::string got;
    while (got.size() < text.size()) {
        got += both.read(7);
        REQUIRE(both.last.status == io_status::ok);
        // From here no would_block may come while the record has more.
        if (got.size() % 16384 < 16377 && got.size() + 7 <= text.size()) {
            std::array<std::uint8_t, 7> into{};
            auto const next = both.gate->read(into);
            REQUIRE(next.status == io_status::ok);
            got.append(into.begin(), into.begin() + static_cast<long>(next.count));
        }
    }
    CHECK(got == text);
}

TEST_CASE("stream: a slow TLS peer holds one block at most and gets every byte", "[tls][stream]") {
    loopback both;
    both.secure();
    auto const text = test::pattern(1536 * 1024);
    auto const first = both.gate->write(test::as_bytes(text));
    REQUIRE(first.status == io_status::would_block);
    CHECK(first.wait == direction::write);
    CHECK(both.gate->pending_output() > 0);
    CHECK(both.gate->pending_output() <= tls::buffer_pool::block_size);
    auto const again = both.gate->write(test::as_bytes(text).subspan(first.count));
    CHECK(again.status == io_status::would_block);
    CHECK(again.count == 0);
    both.write(std::string_view(text).substr(first.count));
    both.pump_until([&] { return both.peer_text.size() >= text.size(); });
    CHECK(both.peer_text == text);
}

TEST_CASE("stream: a megabyte to the gate arrives in one piece", "[tls][stream]") {
    loopback both;
    both.secure();
    auto const text = test::pattern(1024 * 1024);
    both.client->write(text);
    auto const bytes = both.client->take_output();
    std::string got;
    std::vector<std::uint8_t> into(256 * 1024);
    for (std::size_t sent = 0; got.size() < text.size();) {
        error_code ec;
        sent += both.peer.write_some(asio::buffer(bytes.data() + sent, bytes.size() - sent), ec);
        auto const result = both.gate->read(into);
        REQUIRE((result.status == io_status::ok || result.status == io_status::would_block));
        got.append(into.begin(), into.begin() + static_cast<long>(result.count));
    }
    CHECK(got == text);
}

TEST_CASE("stream: how TLS ends (B-167)", "[tls][stream]") {
    loopback both;
    both.secure();
    both.client_send("half");
    CHECK(both.read() == "half");
    SECTION("close_notify is an end, also when RST follows") {
        both.client->close();
        both.send(both.client->take_output());
        both.peer.shutdown(tcp::socket::shutdown_send);
        both.read();
        CHECK(both.last.status == io_status::end);
        CHECK(both.gate->close_notify_received());
        both.cut();
        both.read();
        CHECK(both.last.status == io_status::end);
    }
    SECTION("FIN alone is truncated") {
        both.peer.shutdown(tcp::socket::shutdown_send);
        both.read();
        CHECK(both.last.status == io_status::truncated);
        CHECK(both.gate->tls_failure().kind == tls::failure_kind::truncated);
    }
    SECTION("RST is truncated") {
        both.cut();
        both.read();
        CHECK(both.last.status == io_status::truncated);
        CHECK(both.gate->error() == asio::error::connection_reset);
    }
    SECTION("a damaged record fails and the alert reaches the peer") {
        both.send("\x17\x03\x03");
        both.send(std::string("\x00\x20", 2) + std::string(32, 'x'));
        both.read();
        CHECK(both.last.status == io_status::failed);
        CHECK(both.gate->tls_failure().kind == tls::failure_kind::protocol);
        both.pump_until([&] { return both.client->alert() == SSL_AD_BAD_RECORD_MAC; });
    }
}

TEST_CASE("stream: the alert of a failed handshake reaches the peer", "[tls][stream]") {
    loopback both;
    both.client = std::make_unique<test::memory_client>(test::client_options{.applications = {"http/1.1"}});
    both.gate->start_tls(both.side.options());
    CHECK(both.handshake().status == io_status::failed);
    CHECK(both.gate->tls_failure().kind == tls::failure_kind::no_application_protocol);
    both.gate->close();
    both.pump_until([&] { return both.client->alert() == SSL_AD_NO_APPLICATION_PROTOCOL; });
}

TEST_CASE("stream: a peer that goes away in the handshake is truncated", "[tls][stream]") {
    loopback both;
    both.gate->start_tls(both.side.options());
    both.send("\x16\x03\x01");
    GENERATE(0, 1) == 0 ? both.peer.shutdown(tcp::socket::shutdown_send) : both.cut();
    CHECK(both.handshake().status == io_status::truncated);
}

TEST_CASE("stream: clear, TLS, and clear again with text glued to close_notify (B-061, B-063)", "[tls][stream]") {
    auto const version = GENERATE(as<std::uint16_t>(), TLS1_2_VERSION, TLS1_3_VERSION);
    loopback both;
    both.send("AUTH TLS\r\n");
    CHECK(both.read() == "AUTH TLS\r\n");
    both.secure({.minimum_version = version, .maximum_version = version});
    both.client_send("CCC\r\n");
    CHECK(both.read() == "CCC\r\n");
    both.write("200 in clear now\r\n");
    both.gate->send_close_notify();
    both.pump_until([&] { return both.client->close_received(); });
    CHECK(both.peer_text == "200 in clear now\r\n");
    both.client->close();
    both.send(both.client->take_output() + "PWD\r\nSYST\r\n");  // one segment
    both.client.reset();
    CHECK(both.read().empty());
    REQUIRE(both.last.status == io_status::end);
    CHECK(both.gate->close_notify_received());
    CHECK(both.gate->flush().status == io_status::ok);
    both.gate->stop_tls();
    CHECK_FALSE(both.gate->secured());
    CHECK(both.read(5) == "PWD\r\n");
    CHECK(both.read() == "SYST\r\n");
    both.peer_text.clear();
    both.write("257 here\r\n");
    both.pump_until([&] { return both.peer_text == "257 here\r\n"; });
    both.send("QUIT\r\n");
    CHECK(both.read() == "QUIT\r\n");
}

TEST_CASE("stream: plain text after close_notify is never delivered while under TLS (A-004)", "[tls][stream]") {
    loopback both;
    both.secure();
    both.client->close();
    both.send(both.client->take_output() + "LIST\r\n");
    CHECK(both.read().empty());
    CHECK(both.last.status == io_status::end);
    CHECK(both.read().empty());
    CHECK(both.last.status == io_status::end);
}

TEST_CASE("stream: close_notify waits until a full output has room for it", "[tls][stream]") {
    loopback both;
    both.secure();
    auto const text = test::pattern(1536 * 1024);
    auto const first = both.gate->write(test::as_bytes(text));
    REQUIRE(first.status == io_status::would_block);
    both.gate->send_close_notify();
    CHECK(both.gate->pending_output() > 0);
    both.pump_until([&] { return both.client->close_received(); });
    CHECK(both.peer_text == text.substr(0, first.count));
    CHECK(both.gate->flush().status == io_status::ok);
}

TEST_CASE("stream: close_notify and FIN leave in one segment", "[tls][stream]") {
    loopback both;
    both.secure();
    both.gate->send_close_notify(true);
    CHECK(both.gate->flush().status == io_status::ok);
    error_code ec;
    CHECK(both.peer.available(ec) == 0);  // on the loopback what was sent is there at once
    both.gate->shutdown_send(ec);
    CHECK_FALSE(ec);
    both.pump_until([&] { return both.peer_end == asio::error::eof; });
    CHECK(both.client->close_received());
}

TEST_CASE("stream: shutdown_send is a FIN, reset a RST (B-168)", "[tls][stream]") {
    loopback both;
    error_code expected;
    SECTION("FIN") {
        error_code ec;
        both.gate->shutdown_send(ec);
        CHECK_FALSE(ec);
        expected = asio::error::eof;
    }
    SECTION("RST") {
        both.gate->reset();
        CHECK_FALSE(both.gate->is_open());
        expected = asio::error::connection_reset;
    }
    both.pump_until([&] { return both.peer_end == expected; });
}

TEST_CASE("stream: close cancels a wait", "[tls][stream]") {
    loopback both;
    error_code ended;
    both.gate->wait(direction::read, [&](error_code ec) { ended = ec; });
    both.gate->close();
    both.io.run_for(std::chrono::seconds(10));
    CHECK(ended == asio::error::operation_aborted);
}

TEST_CASE("stream: the socket has TCP_NODELAY", "[tls][stream]") {
    loopback both;
    int value = 0;
    socklen_t size = sizeof value;
    ::getsockopt(both.gate->socket().native_handle(), IPPROTO_TCP, TCP_NODELAY, &value, &size);
    CHECK(value != 0);
}

namespace {

// A client with a certificate, paused for its verification.
struct paused : loopback {
    explicit paused(std::uint16_t version) {
        client = std::make_unique<test::memory_client>(
            test::client_options{.minimum_version = version, .maximum_version = version, .who = &who});
        gate->start_tls(side.asking(tls::certificate_request::required));
        REQUIRE(handshake().status == io_status::verify_peer);
    }
    /// Waits until what is held is no would_block any more.
    io_result hold() {
        for (;;) {
            auto const result = gate->hold_input();
            if (result.status != io_status::would_block) return result;
            wait(result);
        }
    }

    test::identity who = test::test_authority().issue({});
};

std::uint16_t any_version() {
    return GENERATE(as<std::uint16_t>(), TLS1_2_VERSION, TLS1_3_VERSION);
}

}  // namespace

TEST_CASE("stream: the handshake pauses for the client's certificate and goes on", "[tls][stream]") {
    paused both(any_version());
    CHECK(both.gate->peer_chain().size() == 1);
    CHECK(both.gate->hold_input().status == io_status::would_block);
    CHECK(both.gate->hold_input().status == io_status::would_block);
    CHECK(both.gate->handshake().status == io_status::verify_peer);
    both.gate->answer_peer(0);
    CHECK(both.handshake().status == io_status::ok);
    CHECK(both.gate->facts().peer_sha256);
    both.pump_until([&] { return both.client_ready; });
    both.client_send("FEAT\r\n");
    CHECK(both.read() == "FEAT\r\n");
}

TEST_CASE("stream: what comes during the pause is held and does not end a wait", "[tls][stream]") {
    paused both(TLS1_3_VERSION);
    both.pump_until([&] { return both.client_ready; });
    both.peer.set_option(tcp::no_delay(true));
    both.client_send("USER anna\r\n");
    int wakes = 0;
    bool ready = true;
    while (ready && wakes < 100) {
        ready = false;
        both.gate->wait(direction::read, [&](error_code) { ready = true; });
        both.io.restart();
        both.io.run_for(std::chrono::milliseconds(20));
        if (ready) ++wakes;
        REQUIRE(both.gate->hold_input().status == io_status::would_block);
    }
    CHECK(wakes >= 1);
    CHECK(wakes <= 3);  // else the gate would spin
    both.gate->answer_peer(0);
    REQUIRE(both.handshake().status == io_status::ok);
    CHECK(both.read() == "USER anna\r\n");
}

TEST_CASE("stream: a peer that goes away during the pause is noticed (B-276)", "[tls][stream]") {
    paused both(any_version());
    GENERATE(0, 1) == 0 ? both.peer.shutdown(tcp::socket::shutdown_send) : both.cut();
    CHECK(both.hold().status == io_status::truncated);
}

TEST_CASE("stream: a peer that floods the pause is refused", "[tls][stream]") {
    paused both(any_version());
    std::string const flood(16 * 1024, 'x');
    std::size_t sent = 0;
    io_result held;
    do {
        error_code ec;
        sent += both.peer.write_some(asio::buffer(flood), ec);
        held = both.gate->hold_input();
    } while (held.status == io_status::would_block);
    CHECK(held.status == io_status::failed);
    CHECK(sent <= 512 * 1024);  // 256 KiB, and what the kernel had not delivered yet
}

TEST_CASE("stream: the alert for a refused certificate reaches the peer", "[tls][stream]") {
    paused both(any_version());
    both.gate->answer_peer(SSL_AD_CERTIFICATE_EXPIRED);
    CHECK(both.handshake().status == io_status::failed);
    CHECK(both.gate->tls_failure().kind == tls::failure_kind::certificate_refused);
    error_code ec;
    both.gate->shutdown_send(ec);
    both.pump_until([&] { return both.client->alert() == SSL_AD_CERTIFICATE_EXPIRED; });
    both.pump_until([&] { return both.peer_end == asio::error::eof; });
    std::array<std::uint8_t, 100> waste{};
    CHECK(both.gate->discard(waste).status == io_status::would_block);
}
