// Sockets over real TCP on the loopback, at ports that the kernel picks; and what their poller tells of them.
#include "proxy/net/socket.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>
#include <catch2/catch.hpp>

#include <array>
#include <chrono>
#include <fcntl.h>
#include <memory>
#include <optional>
#include <string>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>
#include <vector>

using namespace ftpsgate;
using namespace std::chrono_literals;
using boost::asio::ip::tcp;
using boost::system::error_code;
using net::direction;

namespace {

namespace error = boost::asio::error;

tcp::endpoint loopback(std::uint16_t port = 0) {
    return {boost::asio::ip::make_address("127.0.0.1"), port};
}

struct fixture {
    boost::asio::io_context io;
    tcp::acceptor acceptor{io, loopback()};

    /// Until it is so, for ten seconds at most.
    template <class Condition>
    bool run_until(Condition const& condition) {
        io.restart();
        for (auto const end = std::chrono::steady_clock::now() + 10s; std::chrono::steady_clock::now() < end;) {
            if (condition()) return true;
            io.run_one_for(1ms);
            io.restart();
        }
        return condition();
    }
    /// All that can happen without anything new from outside.
    void settle() {
        io.restart();
        while (io.poll() > 0) {
        }
    }
};

/// A socket and the bare one at its other end.
struct pair : fixture {
    pair() {
        far.connect(acceptor.local_endpoint());
        near.emplace(acceptor.accept());
    }

    void say(std::string const& text) { boost::asio::write(far, boost::asio::buffer(text)); }
    std::string hear(std::size_t room = 100) {
        std::vector<std::uint8_t> bytes(room);
        auto const count = near->receive(bytes, last);
        return {bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(count)};
    }
    void wait(direction way = direction::read) {
        near->wait(way, [this](error_code ec) { told.push_back(ec); });
    }
    bool run_until_told(std::size_t times) {
        return run_until([&] { return told.size() >= times; }) && told.size() == times;
    }

    tcp::socket far{io};
    std::optional<net::socket> near;
    std::vector<error_code> told;
    error_code last;
};

}  // namespace

TEST_CASE("socket: a wait ends when bytes come, and once for each wait", "[net]") {
    pair p;
    p.wait();
    p.settle();
    CHECK(p.told.empty());
    p.say("one");
    REQUIRE(p.run_until_told(1));
    CHECK_FALSE(p.told[0]);
    CHECK(p.hear() == "one");
    p.say("two");
    p.settle();
    CHECK(p.told.size() == 1);
    p.wait();
    REQUIRE(p.run_until_told(2));
    CHECK(p.hear() == "two");
    CHECK(p.hear().empty());
    CHECK(p.last == error::would_block);
}

TEST_CASE("socket: a wait ends for what came before it, told or not, and for what was left over", "[net]") {
    pair p;
    SECTION("before the first wait") {
        p.say("early");
        p.wait();
        REQUIRE(p.run_until_told(1));
    }
    SECTION("told while nobody waited") {
        p.wait();
        p.say("first");
        REQUIRE(p.run_until_told(1));
        CHECK(p.hear() == "first");
        bool is_seen = false;  // by another wait, so that the poller collects
        p.say("second");
        p.near->wait(direction::write, [&](error_code) { is_seen = true; });
        REQUIRE(p.run_until([&] { return is_seen; }));
        p.wait();
        REQUIRE(p.run_until_told(2));
        CHECK(p.hear() == "second");
    }
    SECTION("read in part") {
        p.say("much of it");
        p.wait();
        REQUIRE(p.run_until_told(1));
        CHECK(p.hear(4) == "much");
        p.wait();
        REQUIRE(p.run_until_told(2));
        CHECK(p.hear() == " of it");
    }
    SECTION("not read at all") {
        p.say("x");
        p.wait();
        REQUIRE(p.run_until_told(1));
        p.wait();
        REQUIRE(p.run_until_told(2));
    }
    SECTION("peeked") {
        p.say("x");
        p.wait();
        REQUIRE(p.run_until_told(1));
        std::array<std::uint8_t, 100> bytes;
        CHECK(p.near->peek(bytes, p.last) == 1);
        p.wait();
        REQUIRE(p.run_until_told(2));
        CHECK(p.hear() == "x");
    }
}

TEST_CASE("socket: bytes and the end of the peer that come together are both told", "[net]") {
    pair p;
    p.wait();
    p.settle();
    p.say("last words");
    p.far.shutdown(tcp::socket::shutdown_send);
    REQUIRE(p.run_until_told(1));
    CHECK(p.hear() == "last words");
    // The kernel tells of it once: nothing new comes, and still the wait must end.
    REQUIRE(p.run_until([&] { return p.near->has_ended() || p.told.size() > 1; }));
    p.wait();
    REQUIRE(p.run_until_told(2));
    CHECK(p.hear().empty());
    CHECK(p.last == error::eof);
}

TEST_CASE("socket: what stands behind urgent data is told, in line or not (B-231)", "[net]") {
    pair p;
    bool const in_line = GENERATE(true, false);
    p.near->set_option(SOL_SOCKET, SO_OOBINLINE, in_line, p.last);
    p.wait();
    p.settle();
    p.far.send(boost::asio::buffer("ab!", 3), MSG_OOB);
    p.far.send(boost::asio::buffer("cd", 2));
    REQUIRE(p.run_until_told(1));
    std::string heard;
    auto const all = std::string(in_line ? "ab!cd" : "abcd");
    for (std::size_t told = 1; heard.size() < all.size();) {
        heard += p.hear();
        if (!p.last && !p.near->is_empty()) continue;
        p.wait();
        REQUIRE(p.run_until_told(++told));
    }
    CHECK(heard == all);
}

TEST_CASE("socket: the end of the peer is known before it is read, and not before it came", "[net]") {
    pair p;
    p.wait();
    p.say("text");
    REQUIRE(p.run_until_told(1));
    CHECK_FALSE(p.near->has_ended());
    CHECK(p.hear() == "text");
    SECTION("FIN") {
        p.far.shutdown(tcp::socket::shutdown_send);
    }
    SECTION("RST") {
        p.far.set_option(boost::asio::socket_base::linger(true, 0));
        p.far.close();
    }
    p.wait();
    REQUIRE(p.run_until_told(2));
    CHECK(p.near->has_ended());
    CHECK_FALSE(p.told[1]);
}

TEST_CASE("socket: a full socket tells when there is room again", "[net]") {
    pair p;
    std::vector<std::uint8_t> const block(1 << 20);
    std::size_t sent = 0;
    while (!p.last)
        sent += p.near->send(block, 0, p.last);
    CHECK(p.last == error::would_block);
    p.wait(direction::write);
    p.settle();
    CHECK(p.told.empty());
    std::vector<char> sink(sent);
    boost::asio::read(p.far, boost::asio::buffer(sink), p.last);
    REQUIRE(p.run_until_told(1));
    CHECK(p.near->send(block, 0, p.last) > 0);
    CHECK_FALSE(p.last);
}

TEST_CASE("socket: a peer that is gone is an error of send, not a signal", "[net]") {
    pair p;
    p.far.set_option(boost::asio::socket_base::linger(true, 0));
    p.far.close();
    std::array<std::uint8_t, 1> const byte{};
    REQUIRE(p.run_until([&] {
        p.near->send(byte, 0, p.last);
        return p.last && p.last != error::connection_reset;
    }));
    CHECK(p.last == error::broken_pipe);
}

TEST_CASE("socket: waits are cancelled by cancel, close, destruction and a second wait, never within the call",
          "[net]") {
    pair p;
    p.wait();
    SECTION("cancel") {
        p.near->cancel();
    }
    SECTION("close") {
        p.near->close();
    }
    SECTION("reset") {
        p.near->reset();
    }
    SECTION("destruction") {
        p.near.reset();
    }
    SECTION("replacement by another socket") {
        *p.near = net::socket(p.io.get_executor());
    }
    SECTION("a second wait") {
        p.near->wait(direction::read, [](error_code) {});
    }
    CHECK(p.told.empty());
    REQUIRE(p.run_until_told(1));
    CHECK(p.told[0] == error::operation_aborted);
}

TEST_CASE("socket: moving it keeps its wait", "[net]") {
    pair p;
    p.wait();
    net::socket moved = std::move(*p.near);
    CHECK_FALSE(p.near->is_open());
    p.near.reset();
    p.say("x");
    REQUIRE(p.run_until_told(1));
    CHECK_FALSE(p.told[0]);
    CHECK(moved.is_open());
}

TEST_CASE("socket: to wait on a closed one is an error", "[net]") {
    pair p;
    p.near->close();
    p.wait();
    CHECK(p.told.empty());
    REQUIRE(p.run_until_told(1));
    CHECK(p.told[0] == error::bad_descriptor);
    CHECK(p.near->native_handle() == -1);
    CHECK(p.hear().empty());
    CHECK(p.last == error::bad_descriptor);
}

TEST_CASE("socket: what epoll does not take is an error of the wait", "[net]") {
    pair p;
    int const file = ::open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
    REQUIRE(::dup2(file, p.near->native_handle()) >= 0);
    ::close(file);
    p.wait();
    REQUIRE(p.run_until_told(1));
    CHECK(p.told[0] == boost::system::errc::operation_not_permitted);
}

TEST_CASE("socket: a loop ends when no wait is left", "[net]") {
    pair p;
    p.wait();
    boost::asio::post(p.io, [&] { p.near->cancel(); });
    p.io.run();  // for ever, if the poller were work
    CHECK(p.told.size() == 1);
    p.io.restart();
    p.say("x");
    p.wait();
    p.io.run();
    REQUIRE(p.told.size() == 2);
    CHECK_FALSE(p.told[1]);
}

TEST_CASE("socket: a loop that is destroyed destroys what waits, with the sockets that it holds", "[net]") {
    auto const alive = std::make_shared<int>();
    {
        boost::asio::io_context io;
        tcp::acceptor acceptor(io, loopback());
        tcp::socket far(io);
        far.connect(acceptor.local_endpoint());
        auto const near = std::make_shared<net::socket>(acceptor.accept());
        near->wait(direction::read, [near, alive](error_code) { FAIL("called"); });
        near->wait(direction::write, [near, alive](error_code) { FAIL("called"); });
        boost::asio::post(io, [near, alive] { FAIL("called"); });
        CHECK(alive.use_count() == 4);
    }
    CHECK(alive.use_count() == 1);
}

TEST_CASE("socket: a handler may close any socket, also one that is told of in the same round", "[net]") {
    pair p;
    net::socket second([&] {
        tcp::socket far(p.io);
        far.connect(p.acceptor.local_endpoint());
        return far;
    }());
    auto third = std::make_unique<tcp::socket>(p.acceptor.accept());
    int calls = 0;
    // Both are readable when the poller looks; whichever comes first closes both.
    auto const close_both = [&](error_code ec) {
        if (ec) return;
        ++calls;
        p.near->close();
        second.close();
    };
    p.near->wait(direction::read, close_both);
    second.wait(direction::read, close_both);
    p.say("x");
    boost::asio::write(*third, boost::asio::buffer("y", 1));
    REQUIRE(p.run_until([&] { return calls > 0; }));
    p.settle();
    CHECK(calls == 1);
}

TEST_CASE("socket: more sockets than are told of in one round are told of all", "[net]") {
    fixture f;
    std::vector<tcp::socket> far;
    std::vector<net::socket> near;
    std::size_t calls = 0;
    for (int i = 0; i < 200; ++i) {
        far.emplace_back(f.io).connect(f.acceptor.local_endpoint());
        near.emplace_back(f.acceptor.accept());
        boost::asio::write(far.back(), boost::asio::buffer("x", 1));
    }
    for (auto& one : near)
        one.wait(direction::read, [&](error_code ec) { calls += ec ? 0 : 1; });
    CHECK(f.run_until([&] { return calls == near.size(); }));
}

TEST_CASE("socket: connects, and tells how that ended, never within the call", "[net]") {
    fixture f;
    std::optional<error_code> told;
    net::socket one(f.io.get_executor());
    error_code ec;
    one.open(loopback(), ec);
    REQUIRE_FALSE(ec);
    auto const tell = [&](error_code result) { told = result; };
    SECTION("well") {
        one.connect(f.acceptor.local_endpoint(), tell);
        CHECK_FALSE(told);
        REQUIRE(f.run_until([&] { return told.has_value(); }));
        CHECK_FALSE(*told);
        CHECK(one.remote_endpoint() == f.acceptor.local_endpoint());
    }
    SECTION("to one who has sent all and closed already") {
        one.connect(f.acceptor.local_endpoint(), tell);
        tcp::socket far = f.acceptor.accept();
        boost::asio::write(far, boost::asio::buffer("all", 3));
        far.close();
        REQUIRE(f.run_until([&] { return told.has_value(); }));
        CHECK_FALSE(*told);
        std::array<std::uint8_t, 8> bytes;
        CHECK(one.receive(bytes, ec) == 3);
    }
    SECTION("refused") {
        auto const nobody = f.acceptor.local_endpoint();
        f.acceptor.close();
        one.connect(nobody, tell);
        CHECK_FALSE(told);
        REQUIRE(f.run_until([&] { return told.has_value(); }));
        CHECK(*told == error::connection_refused);
    }
    SECTION("at once") {
        one.connect({boost::asio::ip::make_address("::1"), 1}, tell);
        CHECK_FALSE(told);
        REQUIRE(f.run_until([&] { return told.has_value(); }));
        CHECK(*told == error::address_family_not_supported);
    }
    SECTION("not: closed before") {
        one.connect(f.acceptor.local_endpoint(), tell);
        one.close();
        REQUIRE(f.run_until([&] { return told.has_value(); }));
        CHECK(*told == error::operation_aborted);
    }
}

TEST_CASE("socket: listens and accepts, one after the other", "[net]") {
    fixture f;
    net::socket listening(f.io.get_executor());
    error_code ec;
    listening.open(loopback(), ec);
    listening.bind(loopback(), ec);
    REQUIRE_FALSE(ec);
    listening.listen(8, ec);
    REQUIRE_FALSE(ec);
    int told = 0;
    auto const wait = [&] { listening.wait(direction::read, [&](error_code failed) { told += failed ? 100 : 1; }); };
    tcp::endpoint peer;
    CHECK_FALSE(listening.accept(peer, ec).is_open());
    CHECK(ec == error::would_block);
    wait();
    tcp::socket one(f.io);
    tcp::socket two(f.io);
    one.connect(listening.local_endpoint());
    two.connect(listening.local_endpoint());
    REQUIRE(f.run_until([&] { return told == 1; }));
    auto const first = listening.accept(peer, ec);
    CHECK_FALSE(ec);
    CHECK(peer == one.local_endpoint());
    CHECK(first.remote_endpoint() == peer);
    CHECK((::fcntl(first.native_handle(), F_GETFL) & O_NONBLOCK) != 0);
    CHECK((::fcntl(first.native_handle(), F_GETFD) & FD_CLOEXEC) != 0);
    wait();  // the second came long ago
    REQUIRE(f.run_until([&] { return told == 2; }));
    CHECK(listening.accept(peer, ec).is_open());
    CHECK(peer == two.local_endpoint());
}

TEST_CASE("socket: taken over from Asio it does not block, and a closed one stays closed", "[net]") {
    pair p;
    CHECK((::fcntl(p.near->native_handle(), F_GETFL) & O_NONBLOCK) != 0);
    CHECK(p.near->remote_endpoint() == p.far.local_endpoint());
    CHECK_FALSE(net::socket(tcp::socket(p.io)).is_open());
    CHECK(net::socket(p.io.get_executor()).local_endpoint() == tcp::endpoint());
}

TEST_CASE("socket: a reset is seen as one", "[net]") {
    pair p;
    p.near->reset();
    std::array<char, 1> byte;
    p.far.read_some(boost::asio::buffer(byte), p.last);
    CHECK(p.last == error::connection_reset);
}

TEST_CASE("socket: a handler is called with nothing held: it may wait again and destroy its socket", "[net]") {
    pair p;
    int calls = 0;
    std::function<void(error_code)> again = [&](error_code ec) {
        if (ec) return;
        if (++calls == 3) return p.near.reset();
        p.hear();
        p.near->wait(direction::read, again);
        p.say("more");
    };
    p.near->wait(direction::read, again);
    p.say("x");
    REQUIRE(p.run_until([&] { return calls == 3; }));
    CHECK_FALSE(p.near);
}
