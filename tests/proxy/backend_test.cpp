#include "proxy/backend.hpp"

#include "tests/proxy/loopback.hpp"

#include <boost/asio/post.hpp>
#include <catch2/catch.hpp>

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <set>
#include <sys/socket.h>
#include <utility>

using namespace ftpsgate;
using namespace ftpsgate::tests;
using namespace std::chrono_literals;
using proxy::address_list;
using proxy::backend_connector;
using proxy::backend_fault;
using proxy::backend_outcome;
using proxy::backend_pool;
using proxy::look_up_handler;

namespace {

struct fixture {
    boost::asio::io_context context;
    config::backend_settings settings;
    std::shared_ptr<backend_pool> pool;
    std::optional<backend_outcome> outcome;
    int calls = 0;

    fixture() { settings.connect_timeout = 5s; }

    void add(tcp::acceptor const& server, std::string host = {}) {
        auto const where = server.local_endpoint();
        add(host.empty() ? where.address().to_string() : std::move(host), where.port());
    }
    void add(std::string const& host, std::uint16_t port) { settings.servers.push_back({{host, port, {}}, 1, false}); }
    backend_connector::handler keep() {
        return [this](backend_outcome made) {
            ++calls;
            outcome = std::move(made);
        };
    }
    backend_outcome connect() {
        if (!pool) pool = std::make_shared<backend_pool>(settings);
        outcome.reset();
        backend_connector connector(context.get_executor(), pool);
        connector.start(keep());
        CHECK_FALSE(outcome);  // never from within start()
        REQUIRE(run_until(context, [this] { return outcome.has_value(); }));
        return std::move(*outcome);
    }
    std::vector<backend_fault> faults(backend_outcome const& made) const {
        std::vector<backend_fault> found;
        for (auto const& each : made.failures)
            found.push_back(each.fault);
        return found;
    }
};

using fault_list = std::vector<backend_fault>;

int option(net::socket const& socket, int protocol, int name) {
    int value = -1;
    ::socklen_t size = sizeof value;
    REQUIRE(::getsockopt(socket.native_handle(), protocol, name, &value, &size) == 0);
    return value;
}

// A listener that answers nobody: its backlog is full, so the kernel drops further SYNs.
struct silent_server {
    explicit silent_server(boost::asio::io_context& context) : acceptor(listening(context, "127.0.0.1", 0)) {
        for (int i = 0; i < 4; ++i) {
            auto& each = fillers.emplace_back(context, tcp::v4());
            each.native_non_blocking(true);
            auto const where = acceptor.local_endpoint();
            ::connect(each.native_handle(), where.data(), static_cast<::socklen_t>(where.size()));  // in progress
        }
    }
    tcp::acceptor acceptor;
    std::vector<tcp::socket> fillers;
};

}  // namespace

TEST_CASE_METHOD(fixture, "backend: a connection comes with its server and address", "[proxy][backend]") {
    auto server = listening(context);
    add(server);
    auto const made = connect();
    REQUIRE(made.connection);
    CHECK(made.connection->lease.server() == 0);
    CHECK_FALSE(made.connection->greeting_limit);  // there is no other
    CHECK(made.connection->address == server.local_endpoint());
    CHECK(made.connection->socket.remote_endpoint() == server.local_endpoint());
    CHECK(made.failures.empty());
    context.restart();
    context.run_for(5s);
    CHECK(context.stopped());  // no timer is left
    CHECK(calls == 1);
}

TEST_CASE_METHOD(fixture, "backend: B-236 control connections are kept alive every 30 s", "[proxy][backend]") {
    auto const server = listening(context);
    add(server);
    auto made = connect();
    REQUIRE(made.connection);
    auto& socket = made.connection->socket;
    CHECK(option(socket, SOL_SOCKET, SO_KEEPALIVE) == 1);
    CHECK(option(socket, IPPROTO_TCP, TCP_KEEPIDLE) == 30);
    CHECK(option(socket, IPPROTO_TCP, TCP_KEEPINTVL) == 30);
    CHECK(option(socket, IPPROTO_TCP, TCP_KEEPCNT) == 3);
    CHECK(option(socket, IPPROTO_TCP, TCP_NODELAY) == 1);
}

TEST_CASE_METHOD(fixture, "backend: sessions begin with the servers in turn", "[proxy][backend]") {
    auto const one = listening(context);
    auto const two = listening(context);
    add(one);
    add(two);
    std::vector<std::size_t> order;
    for (int i = 0; i < 4; ++i)
        order.push_back(connect().connection.value().lease.server());
    CHECK(order == std::vector<std::size_t>{0, 1, 0, 1});
}

TEST_CASE_METHOD(fixture, "backend: a server that refuses is passed over", "[proxy][backend]") {
    auto const dead = refusing(context);
    auto const alive = listening(context);
    add(dead);
    add(alive);
    auto const made = connect();
    REQUIRE(made.connection);
    CHECK(made.connection->lease.server() == 1);
    REQUIRE(faults(made) == fault_list{backend_fault::refused});
    CHECK(made.failures[0].server == 0);
    CHECK(made.failures[0].words == pool->name(0) + ": Connection refused");
}

TEST_CASE_METHOD(fixture, "backend: there are 1 + retries tries, with a pause before a repetition",
                 "[proxy][backend]") {
    auto const dead = refusing(context);
    add(dead);
    SECTION("none") {
        settings.retries = 0;
        auto const made = connect();
        CHECK_FALSE(made.connection);
        CHECK(made.failures.size() == 1);
        CHECK(proxy::describe(made.failures) == pool->name(0) + ": Connection refused");
    }
    SECTION("one") {
        settings.retries = 1;
        auto const begin = std::chrono::steady_clock::now();
        auto const made = connect();
        CHECK_FALSE(made.connection);
        CHECK(faults(made) == fault_list{backend_fault::refused, backend_fault::refused});
        CHECK(std::chrono::steady_clock::now() - begin >= 200ms);
        CHECK(calls == 1);
        auto const& words = made.failures[0].words;
        CHECK(proxy::describe(made.failures) == words + "; " + words);
    }
}

TEST_CASE_METHOD(fixture, "backend: a server that comes back during the pause is reached", "[proxy][backend]") {
    auto server = refusing(context);
    add(server);
    pool = std::make_shared<backend_pool>(settings);
    backend_connector connector(context.get_executor(), pool);
    connector.start(keep());
    context.run_for(50ms);
    server.listen();
    REQUIRE(run_until(context, [this] { return outcome.has_value(); }));
    CHECK(outcome->connection);
    CHECK(faults(*outcome) == fault_list{backend_fault::refused});
}

TEST_CASE_METHOD(fixture, "backend: one that does not answer is given up after connect_timeout", "[proxy][backend]") {
    silent_server const silent(context);
    auto const alive = listening(context);
    add(silent.acceptor);
    add(alive);
    settings.connect_timeout = 100ms;
    auto const begin = std::chrono::steady_clock::now();
    auto const made = connect();
    REQUIRE(made.connection);
    CHECK(made.connection->lease.server() == 1);
    REQUIRE(faults(made) == fault_list{backend_fault::timed_out});
    CHECK(made.failures[0].words == pool->name(0) + ": no connection within 100 ms");
    CHECK(std::chrono::steady_clock::now() - begin >= 100ms);
}

TEST_CASE_METHOD(fixture, "backend: names are resolved, and another address is tried in each round",
                 "[proxy][backend]") {
    auto const server = listening(context);
    add(server, "localhost");
    auto const made = connect();
    REQUIRE(made.connection);
    CHECK(made.connection->address == server.local_endpoint());
    for (auto const& each : made.failures) {
        CHECK(each.words.substr(0, each.words.find(']')) ==
              pool->name(0) + " [[::1");  // nothing else can fail but ::1, where nobody listens
    }
    CHECK(made.failures.size() <= 1);
}

TEST_CASE_METHOD(fixture, "backend: a name that does not exist is a failure like any other", "[proxy][backend]") {
    auto const alive = listening(context);
    add(std::string(70, 'x'), 21);  // too long for a label: no look-up leaves the machine
    add(alive);
    auto const made = connect();
    REQUIRE(made.connection);
    REQUIRE(faults(made) == fault_list{backend_fault::unresolved});
    CHECK(made.failures[0].words.substr(0, 75) == pool->name(0) + ": ");
}

TEST_CASE_METHOD(fixture, "backend: IPv6 servers are reached and named in brackets", "[proxy][backend]") {
    if (!has_ipv6(context)) {
        WARN("no ::1 on this machine");
        return;
    }
    auto const server = listening(context, "::1");
    add(server);
    auto const made = connect();
    REQUIRE(made.connection);
    CHECK(made.connection->address == server.local_endpoint());
    CHECK(pool->name(0) == "[::1]:" + std::to_string(server.local_endpoint().port()));
}

TEST_CASE_METHOD(fixture, "backend: connections come from source_address", "[proxy][backend]") {
    auto server = listening(context);
    add(server);
    settings.retries = 0;
    SECTION("an address of this machine") {
        settings.source_address = "127.0.0.2";
        auto const made = connect();
        REQUIRE(made.connection);
        CHECK(server.accept().remote_endpoint().address().to_string() == "127.0.0.2");
    }
    SECTION("of the other family") {
        settings.source_address = "::1";
        CHECK(faults(connect()) == fault_list{backend_fault::unresolved});
    }
    SECTION("not an address of this machine") {
        settings.source_address = "192.0.2.77";
        auto const made = connect();
        CHECK(faults(made) == fault_list{backend_fault::other});
        CHECK(proxy::describe(made.failures).find("assign requested address") != std::string::npos);
    }
}

TEST_CASE_METHOD(fixture, "backend: destruction ends it without a call", "[proxy][backend]") {
    silent_server const silent(context);
    auto const dead = refusing(context);
    auto const alive = listening(context);
    auto connector = std::optional<backend_connector>();
    auto const begin = [&](tcp::acceptor const& server, std::string const& host = {}) {
        add(server, host);
        connector.emplace(context.get_executor(), std::make_shared<backend_pool>(settings));
        connector->start(keep());
    };
    SECTION("before it began") {
        begin(alive);
    }
    SECTION("while connecting") {
        begin(silent.acceptor);
        context.run_for(20ms);
    }
    SECTION("in the pause") {
        begin(dead);
        context.run_for(50ms);
    }
    SECTION("while resolving") {
        begin(alive, "localhost");
        context.run_one();
    }
    CHECK_FALSE(outcome);
    connector.reset();
    context.restart();
    context.run_for(10s);
    CHECK(context.stopped());
    CHECK(calls == 0);
}

TEST_CASE_METHOD(fixture, "backend: the handler may destroy the connector", "[proxy][backend]") {
    auto const alive = listening(context);
    auto const dead = refusing(context);
    add(GENERATE(true, false) ? alive : dead);
    settings.retries = 0;
    std::unique_ptr<backend_connector> connector;
    connector = std::make_unique<backend_connector>(context.get_executor(), std::make_shared<backend_pool>(settings));
    connector->start([&](backend_outcome) {
        connector.reset();
        ++calls;
    });
    context.run_for(10s);
    CHECK(context.stopped());
    CHECK(calls == 1);
}

TEST_CASE_METHOD(fixture, "backend: who let connect_timeout pass is not tried again", "[proxy][backend]") {
    silent_server const silent(context);
    auto const dead = refusing(context);
    add(silent.acceptor);
    add(dead);
    settings.connect_timeout = 100ms;
    settings.retries = 3;
    auto const made = connect();
    CHECK_FALSE(made.connection);
    using enum backend_fault;
    CHECK(faults(made) == fault_list{timed_out, refused, refused, refused});
}

TEST_CASE_METHOD(fixture, "backend: one session is one report, and once a server is down the next one does not wait",
                 "[proxy][backend]") {
    silent_server const silent(context);
    auto const alive = listening(context);
    add(silent.acceptor);
    add(alive);
    settings.balance = config::balance_method::first;
    settings.connect_timeout = 100ms;
    settings.fall = 2;
    pool = std::make_shared<backend_pool>(settings);
    CHECK_FALSE(pool->checked(0, std::nullopt));
    for (int i = 0; i < 2; ++i) {
        auto const made = connect();
        REQUIRE(made.connection);
        REQUIRE(made.failures.size() == 1);
        CHECK(made.failures[0].change.has_value() == (i == 1));
    }
    CHECK(connect().failures.empty());
}

TEST_CASE_METHOD(fixture, "backend: when all were found down nobody is asked", "[proxy][backend]") {
    auto const alive = listening(context);
    add(alive);
    pool = std::make_shared<backend_pool>(settings);
    CHECK(pool->checked(0, "found down"));
    auto const made = connect();
    CHECK_FALSE(made.connection);
    CHECK(made.failures.empty());
}

TEST_CASE_METHOD(fixture, "backend: after a greeting that would not do, the next server is asked", "[proxy][backend]") {
    auto const one = listening(context);
    auto const two = listening(context);
    auto const three = refusing(context);
    add(one);
    add(two);
    add(three);
    pool = std::make_shared<backend_pool>(settings);
    backend_connector connector(context.get_executor(), pool);
    connector.start(keep());
    REQUIRE(run_until(context, [this] { return outcome.has_value(); }));
    auto first = std::move(*outcome);
    REQUIRE(first.connection);
    CHECK(first.connection->lease.server() == 0);
    REQUIRE(first.connection->greeting_limit);
    CHECK(*first.connection->greeting_limit <= settings.connect_timeout);
    CHECK(*first.connection->greeting_limit > settings.connect_timeout / 2);
    CHECK_FALSE(pool->failed(first.connection->lease, "greeted with \"421\""));  // the first of three

    outcome.reset();
    connector.next(keep());
    CHECK_FALSE(outcome);
    REQUIRE(run_until(context, [this] { return outcome.has_value(); }));
    REQUIRE(outcome->connection);
    CHECK(outcome->connection->lease.server() == 1);
    CHECK(outcome->failures.empty());
    CHECK(outcome->connection->greeting_limit);

    outcome.reset();
    connector.next(keep());
    REQUIRE(run_until(context, [this] { return outcome.has_value(); }));
    CHECK_FALSE(outcome->connection);
    CHECK(faults(*outcome) == fault_list{backend_fault::refused});
    CHECK(calls == 3);
}

TEST_CASE_METHOD(fixture, "backend: a session that may not retry is told of no other server", "[proxy][backend]") {
    auto const one = listening(context);
    auto const two = listening(context);
    add(one);
    add(two);
    settings.retries = 0;
    auto const made = connect();
    REQUIRE(made.connection);
    CHECK_FALSE(made.connection->greeting_limit);
}

TEST_CASE_METHOD(fixture, "backend: a name's addresses share connect_timeout, and the one that answered is remembered",
                 "[proxy][backend]") {
    silent_server const silent(context);
    auto const alive = listening(context);
    add("ftp.test", 21);
    settings.connect_timeout = 400ms;
    address_list const known{silent.acceptor.local_endpoint(), alive.local_endpoint()};
    int asked = 0;
    pool = std::make_shared<backend_pool>(
        settings, nullptr, [&](boost::asio::any_io_executor const&, config::endpoint const&, look_up_handler done) {
            ++asked;
            boost::asio::post(context, [done = std::move(done), known] { done({}, known); });
        });
    auto begin = std::chrono::steady_clock::now();
    auto const slow = connect();
    REQUIRE(slow.connection);
    CHECK(slow.connection->address == alive.local_endpoint());
    CHECK(slow.failures.empty());
    CHECK(std::chrono::steady_clock::now() - begin >= 190ms);
    begin = std::chrono::steady_clock::now();
    REQUIRE(connect().connection);
    CHECK(std::chrono::steady_clock::now() - begin < 150ms);
    CHECK(asked == 1);
}

TEST_CASE("backend: each fault has a word of its own", "[proxy][backend]") {
    std::set<std::string> words;
    for (auto const each :
         {backend_fault::unresolved, backend_fault::refused, backend_fault::unreachable, backend_fault::timed_out,
          backend_fault::other, backend_fault::no_greeting, backend_fault::bad_greeting}) {
        words.insert(proxy::word_of(each));
    }
    CHECK(words.size() == 7);
}
