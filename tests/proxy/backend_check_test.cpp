#include "proxy/backend_check.hpp"

#include "tests/proxy/loopback.hpp"

#include <boost/asio/write.hpp>
#include <catch2/catch.hpp>

#include <array>
#include <deque>
#include <memory>
#include <string>
#include <utility>
#include <vector>

using namespace ftpsgate;
using namespace ftpsgate::tests;
using namespace std::chrono_literals;
using proxy::backend_check;
using proxy::backend_pool;

namespace {

/// Accepts one connection, says its first line, and one more for each line that comes. "" ends the connection.
struct scripted_server {
    scripted_server(boost::asio::io_context& loop, std::deque<std::string> lines)
        : context(loop), acceptor(listening(loop)), says(std::move(lines)) {
        acceptor.async_accept([this](boost::system::error_code error, tcp::socket socket) {
            if (error) return;
            peer.emplace(std::move(socket));
            say();
        });
    }

    void say() {
        if (says.empty()) return read();
        auto const line = says.front();
        says.pop_front();
        if (line.empty()) return peer->close();
        boost::asio::write(*peer, boost::asio::buffer(line));
        read();
    }

    void read() {
        peer->async_read_some(boost::asio::buffer(buffer), [this](boost::system::error_code error, std::size_t count) {
            if (error) {
                ended = true;
                return;
            }
            heard.append(buffer.data(), count);
            say();
        });
    }

    boost::asio::io_context& context;
    tcp::acceptor acceptor;
    std::deque<std::string> says;
    std::optional<tcp::socket> peer;
    std::array<char, 512> buffer{};
    std::string heard;
    bool ended = false;
};

struct fixture {
    boost::asio::io_context context;
    config::backend_settings settings;
    std::shared_ptr<proxy::health_login const> login;
    std::optional<std::optional<std::string>> outcome;

    fixture() { settings.connect_timeout = settings.reply_timeout = 5s; }

    std::shared_ptr<backend_pool> pool_of(tcp::acceptor const& server) {
        auto const where = server.local_endpoint();
        settings.servers.push_back({{where.address().to_string(), where.port(), {}}, 1, false});
        return std::make_shared<backend_pool>(settings, login);
    }
    /// What a check finds: "" = it is well.
    std::string check(tcp::acceptor const& server) {
        outcome.reset();
        backend_check one(context.get_executor(), pool_of(server), 0);
        one.start([this](std::optional<std::string> fault) { outcome = std::move(fault); });
        REQUIRE(run_until(context, [this] { return outcome.has_value(); }));
        return outcome->value_or("");
    }
    std::string check(scripted_server const& server) { return check(server.acceptor); }
    void with_login() {
        login = std::make_shared<proxy::health_login const>(
            proxy::health_login{"probe", ftp::secret_string(std::string("geheim"))});
    }
};

}  // namespace

TEST_CASE_METHOD(fixture, "check: a server that greets is well, and is left with QUIT", "[proxy][backend_check]") {
    auto const greeting = GENERATE(as<std::string>{}, "220 x\r\n", "220-a\r\n b\r\n220 c\r\n", "230 come in\r\n");
    scripted_server server(context, {greeting, "221 bye\r\n", ""});
    CHECK(check(server) == "");
    CHECK(run_until(context, [&] { return server.ended; }));
    CHECK(server.heard == "QUIT\r\n");
}

TEST_CASE_METHOD(fixture, "check: what is no greeting", "[proxy][backend_check]") {
    SECTION("nobody listens") {
        auto const dead = refusing(context);
        CHECK(check(dead) == "Connection refused");
    }
    SECTION("421") {
        scripted_server const server(context, {"421 full\r\n"});
        CHECK(check(server) == "greeted with \"421 full\"");
    }
    SECTION("530") {
        scripted_server const server(context, {"530-go\r\n530 away\r\n"});
        CHECK(check(server) == "greeted with \"530 go\"");
    }
    SECTION("garbage") {
        scripted_server const server(context, {"SSH-2.0-OpenSSH_9.2\r\n"});
        CHECK(check(server) == "what it says is no FTP reply");
    }
    SECTION("endless") {
        std::string lines = "220-begin\r\n";
        while (lines.size() < 80'000)
            lines += "220-and so on\r\n";
        scripted_server const server(context, {lines});
        CHECK(check(server) == "what it says is no FTP reply");
    }
    SECTION("it closes") {
        scripted_server const server(context, {""});
        CHECK(check(server) == "closed the connection before its greeting");
    }
    SECTION("it says nothing") {
        settings.reply_timeout = 50ms;  // of the only server
        auto const silent = listening(context);
        CHECK(check(silent) == "no greeting within 50 ms");
    }
    SECTION("half a line") {
        settings.reply_timeout = 50ms;
        scripted_server const server(context, {"220 hel"});
        CHECK(check(server) == "no greeting within 50 ms");
    }
    SECTION("120 and nothing more; where there are others, for as long as a connection may take") {
        settings.connect_timeout = 60ms;
        scripted_server const server(context, {"120 in ten minutes\r\n"});
        auto pool = pool_of(server.acceptor);
        settings.servers.push_back({{"192.0.2.1", 21, {}}, 1, false});
        pool = std::make_shared<backend_pool>(settings);
        backend_check one(context.get_executor(), pool, 0);
        one.start([this](std::optional<std::string> fault) { outcome = std::move(fault); });
        REQUIRE(run_until(context, [this] { return outcome.has_value(); }));
        CHECK(outcome->value_or("") == "no greeting within 60 ms");
    }
}

TEST_CASE_METHOD(fixture, "check: 120, then 220 in time, is a greeting (B-248)", "[proxy][backend_check]") {
    scripted_server server(context, {"120 soon\r\n220 now\r\n"});
    CHECK(check(server) == "");
}

TEST_CASE_METHOD(fixture, "check: with a login the server has to let it in", "[proxy][backend_check]") {
    with_login();
    SECTION("with a password") {
        scripted_server server(context, {"220 x\r\n", "331 pw\r\n", "230 in\r\n", "221 bye\r\n", ""});
        CHECK(check(server) == "");
        CHECK(run_until(context, [&] { return server.ended; }));
        CHECK(server.heard == "USER probe\r\nPASS geheim\r\nQUIT\r\n");
    }
    SECTION("without one") {
        scripted_server server(context, {"220 x\r\n", "230 in\r\n", "221 bye\r\n", ""});
        CHECK(check(server) == "");
        CHECK(run_until(context, [&] { return server.ended; }));
        CHECK(server.heard == "USER probe\r\nQUIT\r\n");
    }
    SECTION("where nobody has to") {
        scripted_server server(context, {"230 x\r\n", "221 bye\r\n", ""});
        CHECK(check(server) == "");
        CHECK(run_until(context, [&] { return server.ended; }));
        CHECK(server.heard == "QUIT\r\n");
    }
    SECTION("refused; what the server says of it stays out of the log, as it may be the password") {
        scripted_server const server(context, {"220 x\r\n", "331 pw\r\n", "530 not with geheim\r\n"});
        CHECK(check(server) == "refused the login of the health_user: 530");
    }
    SECTION("the user is refused") {
        scripted_server const server(context, {"220 x\r\n", "530 probe?\r\n"});
        CHECK(check(server) == "did not take the health_user: 530");
        CHECK(server.heard == "USER probe\r\n");
    }
    SECTION("an account is wanted") {
        scripted_server const server(context, {"220 x\r\n", "331 pw\r\n", "332 account\r\n"});
        CHECK(check(server) == "refused the login of the health_user: 332");
    }
    SECTION("no reply") {
        settings.reply_timeout = 100ms;
        scripted_server const server(context, {"220 x\r\n"});
        CHECK(check(server) == "no reply to the login within 100 ms");
    }
    SECTION("it closes") {
        scripted_server const server(context, {"220 x\r\n", ""});
        CHECK(check(server) == "closed the connection at the login");
    }
    SECTION("answers before the questions") {
        scripted_server const server(context, {"220 x\r\n331 pw\r\n230 in\r\n221 bye\r\n"});
        CHECK(check(server) == "");
    }
}

TEST_CASE_METHOD(fixture, "check: a backend that expects a PROXY header gets one, which speaks of no client",
                 "[proxy][backend_check]") {
    using std::string_literals::operator""s;
    auto const [wanted, header] = GENERATE(
        table<config::proxy_header, std::string>({{config::proxy_header::v1, "PROXY UNKNOWN\r\n"s},
                                                  {config::proxy_header::v2, "\r\n\r\n\0\r\nQUIT\n\x20\0\0\0"s}}));
    settings.proxy_protocol = wanted;
    scripted_server server(context, {"220 x\r\n"});
    CHECK(check(server) == "");
    CHECK(run_until(context, [&] { return server.ended; }));
    CHECK(server.heard == header + "QUIT\r\n");
}

TEST_CASE_METHOD(fixture, "check: it comes from source_address", "[proxy][backend_check]") {
    settings.source_address = "127.0.0.2";
    scripted_server const server(context, {"220 x\r\n"});
    CHECK(check(server) == "");
    CHECK(server.peer->remote_endpoint().address().to_string() == "127.0.0.2");
}

TEST_CASE_METHOD(fixture, "check: destruction ends it without a call", "[proxy][backend_check]") {
    auto const silent = listening(context);
    std::optional<backend_check> one(std::in_place, context.get_executor(), pool_of(silent), 0U);
    one->start([this](std::optional<std::string> fault) { outcome = std::move(fault); });
    if (GENERATE(true, false)) context.run_for(20ms);
    one.reset();
    context.restart();
    context.run_for(10s);
    CHECK(context.stopped());
    CHECK_FALSE(outcome);
}

TEST_CASE_METHOD(fixture, "check: a server that does not answer QUIT holds nobody up for long",
                 "[proxy][backend_check]") {
    scripted_server server(context, {"220 x\r\n"});
    CHECK(check(server) == "");
    auto const begin = std::chrono::steady_clock::now();
    CHECK(run_until(context, [&] { return server.ended; }));
    CHECK(std::chrono::steady_clock::now() - begin < 3s);
}
