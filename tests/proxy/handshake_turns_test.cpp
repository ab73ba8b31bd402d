#include "proxy/handshake_turns.hpp"

#include "tests/proxy/loopback.hpp"

#include <boost/asio/post.hpp>
#include <catch2/catch.hpp>

#include <functional>
#include <memory>
#include <string>

using namespace ftpsgate::tests;
using boost::asio::ip::make_address;
using ftpsgate::proxy::handshake_turns;
using ftpsgate::proxy::key_of;

namespace {

struct fixture {
    boost::asio::io_context loop{1};
    handshake_turns turns{loop.get_executor()};
    std::string order;

    void add(char const* client, char name) {
        turns.add(key_of(make_address(client)), [this, name] { order += name; });
    }
};

}  // namespace

TEST_CASE_METHOD(fixture, "handshake_turns: a client with many waits behind those with few (A-057)",
                 "[proxy][handshake_turns]") {
    for (char name : {'a', 'b', 'c', 'd'})
        add("192.0.2.1", name);
    add("192.0.2.2", 'x');
    add("2001:db8:0:1::1", 'y');
    add("2001:db8:0:1::2", 'z');  // the same /64
    CHECK(turns.waiting() == 7);
    loop.run();
    CHECK(order == "axybzcd");
    CHECK(turns.waiting() == 0);
}

TEST_CASE_METHOD(fixture, "handshake_turns: nothing runs from within add(), and whoever comes later is served",
                 "[proxy][handshake_turns]") {
    turns.add(key_of(make_address("192.0.2.1")), [this] {
        order += 'a';
        add("192.0.2.1", 'b');  // the next step of the same client
        CHECK(order == "a");
    });
    CHECK(order.empty());
    loop.run();
    CHECK(order == "ab");
    loop.restart();
    add("192.0.2.1", 'c');
    loop.run();
    CHECK(order == "abc");
}

// What an established session has to wait for, with any number of handshakes before it.
TEST_CASE_METHOD(fixture, "handshake_turns: other work of the loop waits for two steps at most (A-057)",
                 "[proxy][handshake_turns]") {
    for (int i = 0; i < 100; ++i)
        add("192.0.2.1", '.');
    auto [gate, far] = std::pair{tcp::socket(loop), tcp::socket(loop)};
    auto acceptor = listening(loop);
    far.connect(acceptor.local_endpoint());
    acceptor.accept(gate);
    std::size_t worst = 0;
    std::size_t before = 0;
    int rounds = 0;
    std::function<void()> ask = [&] {
        far.send(boost::asio::buffer("x", 1));
        before = order.size();
        gate.async_wait(tcp::socket::wait_read, [&](boost::system::error_code) {
            char byte = 0;
            gate.receive(boost::asio::buffer(&byte, 1));
            worst = std::max(worst, order.size() - before);
            if (++rounds < 20) ask();
        });
    };
    ask();
    loop.run();
    CHECK(rounds == 20);
    CHECK(worst <= 2);
    CHECK(order.size() == 100);
}

TEST_CASE("handshake_turns: what waits is dropped with it", "[proxy][handshake_turns]") {
    auto const owned = std::make_shared<int>(0);
    {
        boost::asio::io_context loop{1};
        handshake_turns turns(loop.get_executor());
        turns.add(key_of(make_address("192.0.2.1")), [owned] { FAIL("runs"); });
        CHECK(owned.use_count() == 2);
    }
    CHECK(owned.use_count() == 1);
}
