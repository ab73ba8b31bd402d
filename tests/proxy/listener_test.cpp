#include "proxy/listener.hpp"

#include "tests/proxy/loopback.hpp"

#include <boost/asio/steady_timer.hpp>
#include <catch2/catch.hpp>

#include <algorithm>
#include <fcntl.h>
#include <functional>
#include <memory>
#include <string>
#include <sys/resource.h>
#include <unistd.h>
#include <vector>

using namespace ftpsgate::tests;
using namespace std::chrono_literals;
using boost::system::error_code;
using ftpsgate::proxy::listener;

namespace {

struct fixture {
    struct trouble {
        error_code what;
        std::chrono::milliseconds pause;
    };

    boost::asio::io_context context;
    std::vector<std::unique_ptr<boost::asio::io_context>> workers;
    std::size_t turn = 0;
    std::vector<tcp::socket> accepted;
    std::vector<tcp::endpoint> peers;
    std::vector<trouble> errors;
    std::function<void()> then = [] {};
    std::unique_ptr<listener> door;

    fixture() {
        for (int i = 0; i < 2; ++i) {
            workers.push_back(std::make_unique<boost::asio::io_context>());
            tcp::socket const warmed_up(*workers.back());  // its epoll descriptor is open before the others run out
        }
        door = make();
        // UBSan needs descriptors of its own the first time that it sees a dynamic type: let it see Asio's now.
        boost::asio::steady_timer timer(context, 0ms);
        timer.async_wait([](error_code) {});
        context.run();
        context.restart();
    }
    std::unique_ptr<listener> make() {
        return std::make_unique<listener>(
            context.get_executor(),
            listener::handlers{[this] { return workers[turn++ % workers.size()]->get_executor(); },
                               [this](tcp::socket socket, tcp::endpoint const& peer) {
                                   accepted.push_back(std::move(socket));
                                   peers.push_back(peer);
                                   then();
                               },
                               [this](error_code what, std::chrono::milliseconds pause) {
                                   errors.push_back({what, pause});
                                   then();
                               }});
    }
    tcp::socket client() {
        tcp::socket socket(context);
        socket.connect(door->where());
        return socket;
    }
    bool accepts(std::size_t count) {
        return run_until(context, [&] { return accepted.size() >= count; });
    }
    void run_to_the_end() {
        context.restart();
        context.run_for(10s);
        CHECK(context.stopped());
    }
};

// While it lives no file can be opened: the limit is what is open now.
class no_descriptors {
public:
    no_descriptors() {
        REQUIRE(::getrlimit(RLIMIT_NOFILE, &before_) == 0);
        int const next = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
        ::close(next);
        ::rlimit const tight{static_cast<::rlim_t>(next), before_.rlim_max};
        REQUIRE(::setrlimit(RLIMIT_NOFILE, &tight) == 0);
    }
    ~no_descriptors() { ::setrlimit(RLIMIT_NOFILE, &before_); }
    no_descriptors(no_descriptors const&) = delete;
    no_descriptors& operator=(no_descriptors const&) = delete;

private:
    ::rlimit before_{};
};

}  // namespace

TEST_CASE_METHOD(fixture, "listener: sockets belong to the workers in turn and come with their peer",
                 "[proxy][listener]") {
    REQUIRE_FALSE(door->open(loopback()));
    REQUIRE(door->where().port() != 0);
    door->start();
    auto const one = client();
    auto const two = client();
    auto const three = client();
    REQUIRE(accepts(3));
    for (std::size_t i = 0; i < 3; ++i)
        CHECK(accepted[i].get_executor() == workers[i % 2]->get_executor());
    CHECK(peers == std::vector<tcp::endpoint>{one.local_endpoint(), two.local_endpoint(), three.local_endpoint()});
    CHECK(errors.empty());
}

TEST_CASE_METHOD(fixture, "listener: clients that come before start are not lost", "[proxy][listener]") {
    REQUIRE_FALSE(door->open(loopback()));
    auto const early = client();
    door->start();
    CHECK(accepts(1));
}

TEST_CASE_METHOD(fixture, "listener: an address in use is an error, and may be tried again", "[proxy][listener]") {
    REQUIRE_FALSE(door->open(loopback()));
    auto const second = make();
    CHECK(second->open(door->where()) == boost::asio::error::address_in_use);
    CHECK(second->where() == tcp::endpoint());
    auto const where = door->where();
    door->stop();
    CHECK_FALSE(second->open(where));
}

TEST_CASE_METHOD(fixture, "listener: connections that are ending do not keep the port", "[proxy][listener]") {
    REQUIRE_FALSE(door->open(loopback()));
    auto const where = door->where();
    door->start();
    {
        auto const ending = client();
        REQUIRE(accepts(1));
        accepted.clear();  // our side closes first: TIME_WAIT is ours
    }
    door->stop();
    CHECK_FALSE(make()->open(where));
}

TEST_CASE_METHOD(fixture, "listener: the IPv4 and IPv6 wildcards share a port", "[proxy][listener]") {
    if (!has_ipv6(context)) {
        WARN("no ::1 on this machine");
        return;
    }
    REQUIRE_FALSE(door->open(loopback(0, "::")));
    auto const other = make();
    CHECK_FALSE(other->open(loopback(door->where().port(), "0.0.0.0")));
    door->start();
    tcp::socket socket(context);
    socket.connect(loopback(door->where().port(), "::1"));
    CHECK(accepts(1));
}

// As IIS has it: "*:21" and "192.0.2.1:21" are two bindings, and the address that says more wins.
TEST_CASE_METHOD(fixture, "listener: a wildcard and an address below it go together when both allow it",
                 "[proxy][listener]") {
    bool const wildcard_first = GENERATE(true, false);
    auto const other = make();
    char const* const first = wildcard_first ? "0.0.0.0" : "127.0.0.2";
    char const* const second = wildcard_first ? "127.0.0.2" : "0.0.0.0";
    REQUIRE_FALSE(door->open(loopback(0, first)));
    auto const port = door->where().port();
    CHECK(other->open(loopback(port, second)) == boost::asio::error::address_in_use);
    CHECK(other->open(loopback(port, second), listener::overlap::allowed) == boost::asio::error::address_in_use);
    door->allow_overlap();
    CHECK(other->open(loopback(port, second)) == boost::asio::error::address_in_use);
    REQUIRE_FALSE(other->open(loopback(port, second), listener::overlap::allowed));
    (wildcard_first ? other : door)->start();
    for (std::size_t count = 1; count <= 20; ++count) {  // none of them goes to the wildcard, which does not accept
        tcp::socket socket(context);
        socket.connect(loopback(port, "127.0.0.2"));
        REQUIRE(accepts(count));
    }
    (wildcard_first ? door : other)->start();
    tcp::socket socket(context);
    socket.connect(loopback(port, "127.0.0.3"));
    CHECK(accepts(21));
    // A second gate with the same configuration still finds the address in use.
    for (char const* address : {"0.0.0.0", "127.0.0.2"})
        CHECK(make()->open(loopback(port, address)) == boost::asio::error::address_in_use);
}

TEST_CASE_METHOD(fixture, "listener: A-064 without descriptors it waits, does not spin, and recovers",
                 "[proxy][listener]") {
    REQUIRE_FALSE(door->open(loopback()));
    door->start();
    auto const one = client();
    auto const two = client();
    tcp::socket three(context, tcp::v4());
    auto const begin = std::chrono::steady_clock::now();
    {
        no_descriptors const until_the_end_of_the_block;
        run_until(context, [this] { return errors.size() == 5; });
        three.connect(door->where());
    }
    CHECK(accepted.empty());
    CHECK(errors.size() == 5);
    CHECK(std::chrono::steady_clock::now() - begin >= 5ms + 10ms + 20ms + 40ms);
    auto pause = 5ms;
    for (auto const& each : errors) {
        CHECK(each.what == boost::system::errc::too_many_files_open);
        CHECK(each.pause == pause);
        pause *= 2;
    }
    CHECK(accepts(3));
    SECTION("the next shortage begins with the shortest pause again") {
        errors.clear();
        tcp::socket four(context, tcp::v4());
        {
            no_descriptors const again;
            four.connect(door->where());
            run_until(context, [this] { return !errors.empty(); });
        }
        REQUIRE_FALSE(errors.empty());
        CHECK(errors.front().pause == 5ms);
    }
}

TEST_CASE_METHOD(fixture, "listener: nothing runs after stop, and clients are refused", "[proxy][listener]") {
    REQUIRE_FALSE(door->open(loopback()));
    auto const where = door->where();
    door->start();
    auto const waiting = client();
    SECTION("stop") {
        door->stop();
    }
    SECTION("twice") {
        door->stop();
        door->stop();
    }
    SECTION("destruction") {
        door.reset();
    }
    run_to_the_end();
    CHECK(accepted.empty());
    CHECK(errors.empty());
    tcp::socket late(context);
    error_code error;
    late.connect(where, error);
    CHECK(error == boost::asio::error::connection_refused);
}

TEST_CASE_METHOD(fixture, "listener: a handler may stop or destroy it", "[proxy][listener]") {
    REQUIRE_FALSE(door->open(loopback()));
    door->start();
    auto const one = client();
    auto const two = client();
    SECTION("stop when accepted") {
        then = [this] { door->stop(); };
        run_to_the_end();
        CHECK(accepted.size() == 1);
    }
    SECTION("destroy when accepted") {
        then = [this] { door.reset(); };
        run_to_the_end();
        CHECK(accepted.size() == 1);
    }
    SECTION("destroy on an error") {
        then = [this] { door.reset(); };
        {
            no_descriptors const until_the_end_of_the_block;
            context.run_for(10s);
        }
        CHECK(context.stopped());
        CHECK(errors.size() == 1);
    }
}

TEST_CASE_METHOD(fixture, "listener: at the end those are accepted who have connected already (B-222)",
                 "[proxy][listener]") {
    REQUIRE_FALSE(door->open(loopback()));
    auto const where = door->where();
    std::vector<tcp::socket> clients;
    for (int i = 0; i < 40; ++i)
        clients.push_back(client());
    SECTION("all of them") {
        door->stop_after_backlog();
        CHECK(accepted.size() == clients.size());
    }
    SECTION("until a handler has enough") {
        then = [this] {
            if (accepted.size() == 3) door->stop();
        };
        door->stop_after_backlog();
        CHECK(accepted.size() == 3);
    }
    tcp::socket late(context);
    error_code refused;
    late.connect(where, refused);
    CHECK(refused == boost::asio::error::connection_refused);
    CHECK(errors.empty());
    run_to_the_end();
}

TEST_CASE_METHOD(fixture, "listener: an end without descriptors is an end (A-064)", "[proxy][listener]") {
    REQUIRE_FALSE(door->open(loopback()));
    auto const waiting = client();
    {
        no_descriptors const tight;
        door->stop_after_backlog();
    }
    CHECK(accepted.empty());
    run_to_the_end();
}
