#include "metrics/exposer.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/write.hpp>
#include <catch2/catch.hpp>

#include <array>
#include <string>
#include <vector>

namespace ftpsgate::metrics::test {
namespace {

using namespace std::chrono_literals;
using boost::system::error_code;
using tcp = boost::asio::ip::tcp;

/// The exposer and its clients in one thread: clients are non-blocking, the event loop runs while they wait.
struct served {
    explicit served(exposer_limits limits = {})
        : page(events.get_executor(),
               {.metrics = [] { return std::string("a_metric 1\n"); },
                .reasons_not_ready = [this] { return reasons; },
                .sessions = [this] { return pieces(); },
                .status = [this](refreshing mode, html_handler done) { show_status(mode, std::move(done)); }},
               limits) {
        REQUIRE_FALSE(page.open({boost::asio::ip::address_v4::loopback(), 0}));
    }

    tcp::socket connect() {
        tcp::socket client(events);
        client.connect(page.local());
        client.non_blocking(true);
        return client;
    }

    /// Everything the peer sends until it closes; "RESET" or "TIMEOUT" behind it if that is how it ended.
    std::string read_to_end(tcp::socket& client) {
        std::string all;
        auto const deadline = std::chrono::steady_clock::now() + 20s;
        while (std::chrono::steady_clock::now() < deadline) {
            std::array<char, 4096> bytes{};
            error_code ec;
            auto const count = client.read_some(boost::asio::buffer(bytes), ec);
            all.append(bytes.data(), count);
            if (ec == boost::asio::error::eof) return all;
            if (ec && ec != boost::asio::error::would_block) return all + "RESET";
            if (ec) events.run_one_for(10ms);
        }
        return all + "TIMEOUT";
    }

    /// Sends, piece by piece if the socket is full (the exposer may have stopped reading), and reads to the end.
    std::string exchange(tcp::socket& client, std::string_view request) {
        while (!request.empty()) {
            error_code ec;
            request.remove_prefix(client.write_some(boost::asio::buffer(request.data(), request.size()), ec));
            if (ec && ec != boost::asio::error::would_block) break;
            if (ec) events.run_one_for(10ms);
        }
        return read_to_end(client);
    }

    std::string exchange(std::string_view request) {
        auto client = connect();
        return exchange(client, request);
    }

    /// The script's pieces; where there is none any more, nothing comes.
    piece_source pieces() {
        return [this](piece_handler done) {
            if (script.empty()) return;
            boost::asio::post(events, [done = std::move(done), piece = script.front()] { done(piece); });
            script.erase(script.begin());
        };
    }

    void show_status(refreshing mode, html_handler done) {
        if (!answers_status) return;
        html_page shown{mode == refreshing::paused ? "paused" : "by itself", "default-src 'none'"};
        boost::asio::post(events, [done = std::move(done), shown = std::move(shown)] { done(shown); });
    }

    void run_ready() {
        while (events.poll() > 0) {
        }
    }

    boost::asio::io_context events;
    std::vector<std::string> reasons;
    std::vector<std::string> script;
    bool answers_status = true;
    exposer page;
};

std::string status(std::string const& answer) {
    return answer.substr(0, answer.find("\r\n"));
}

std::string body(std::string const& answer) {
    return answer.substr(answer.find("\r\n\r\n") + 4);
}

}  // namespace

TEST_CASE("exposer: GET /metrics is the page in Prometheus' text format", "[metrics][exposer]") {
    served http;
    auto const answer = http.exchange("GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n");
    CHECK(status(answer) == "HTTP/1.1 200 OK");
    CHECK(answer.find("Content-Type: text/plain; version=0.0.4; charset=utf-8\r\n") != std::string::npos);
    CHECK(answer.find("Connection: close\r\n") != std::string::npos);
    CHECK(body(answer) == "a_metric 1\n");
}

TEST_CASE("exposer: paths and methods have their answers", "[metrics][exposer]") {
    auto const [request, expected] = GENERATE(table<std::string, std::string>({
        {"GET /healthz HTTP/1.1\r\n\r\n", "HTTP/1.1 200 OK"},
        {"GET /healthz HTTP/1.0\r\n\r\n", "HTTP/1.1 200 OK"},
        {"GET /metrics?name=x HTTP/1.1\r\n\r\n", "HTTP/1.1 200 OK"},
        {"GET / HTTP/1.1\r\n\r\n", "HTTP/1.1 200 OK"},
        {"GET /status HTTP/1.1\r\n\r\n", "HTTP/1.1 404 Not Found"},
        {"GET //sessions HTTP/1.1\r\n\r\n", "HTTP/1.1 404 Not Found"},
        {"POST / HTTP/1.1\r\nContent-Length: 0\r\n\r\n", "HTTP/1.1 405 Method Not Allowed"},
        {"GET /metrics/ HTTP/1.1\r\n\r\n", "HTTP/1.1 404 Not Found"},
        {"GET /../etc/passwd HTTP/1.1\r\n\r\n", "HTTP/1.1 404 Not Found"},
        {"POST /nothing HTTP/1.1\r\nContent-Length: 0\r\n\r\n", "HTTP/1.1 404 Not Found"},
        {"POST /metrics HTTP/1.1\r\nContent-Length: 0\r\n\r\n", "HTTP/1.1 405 Method Not Allowed"},
        {"HEAD /metrics HTTP/1.1\r\n\r\n", "HTTP/1.1 405 Method Not Allowed"},
        {"BREW /metrics HTTP/1.1\r\n\r\n", "HTTP/1.1 405 Method Not Allowed"},
    }));
    served http;
    INFO(request);
    CHECK(status(http.exchange(request)) == expected);
}

TEST_CASE("exposer: the status page is HTML with its policy, and may be asked not to refresh", "[metrics][exposer]") {
    served http;
    auto const answer = http.exchange("GET / HTTP/1.1\r\n\r\n");
    CHECK(answer.find("Content-Type: text/html; charset=utf-8\r\n") != std::string::npos);
    CHECK(answer.find("Content-Security-Policy: default-src 'none'\r\n") != std::string::npos);
    CHECK(answer.find("X-Content-Type-Options: nosniff\r\n") != std::string::npos);
    CHECK(body(answer) == "by itself");
    CHECK(body(http.exchange("GET /?pause HTTP/1.1\r\n\r\n")) == "paused");
}

TEST_CASE("exposer: /sessions goes out in pieces, as chunks where the client knows them", "[metrics][exposer]") {
    served http;
    http.script = {"[1,\n", "2]\n", ""};
    auto const answer = http.exchange("GET /sessions HTTP/1.1\r\n\r\n");
    CHECK(answer.find("Content-Type: application/json\r\n") != std::string::npos);
    CHECK(answer.find("Transfer-Encoding: chunked\r\n") != std::string::npos);
    CHECK(body(answer) == "4\r\n[1,\n\r\n3\r\n2]\n\r\n0\r\n\r\n");
    http.script = {"[1,\n", "2]\n", ""};
    auto const old = http.exchange("GET /sessions HTTP/1.0\r\n\r\n");
    CHECK(old.find("chunked") == std::string::npos);
    CHECK(body(old) == "[1,\n2]\n");
}

TEST_CASE("exposer: a page that is not made in time ends unfinished, and the next request is served",
          "[metrics][exposer]") {
    served http({.connections = 1, .time = 50ms});
    http.script = {"[1,\n"};
    auto const answer = http.exchange("GET /sessions HTTP/1.1\r\n\r\n");
    CHECK(body(answer) == "4\r\n[1,\n\r\n");
    http.answers_status = false;
    CHECK(http.exchange("GET / HTTP/1.1\r\n\r\n") == "");
    CHECK(status(http.exchange("GET /healthz HTTP/1.1\r\n\r\n")) == "HTTP/1.1 200 OK");
}

TEST_CASE("exposer: a reader that takes no more is given up, its page is not made any further", "[metrics][exposer]") {
    served http({.time = 100ms});
    http.script.assign(1000, std::string(64 * 1024, 'x'));
    auto client = http.connect();
    boost::asio::write(client, boost::asio::buffer(std::string("GET /sessions HTTP/1.1\r\n\r\n")));
    http.events.run_for(500ms);
    CHECK(http.script.size() > 500);
    auto const left = http.script.size();
    http.events.run_for(50ms);
    CHECK(http.script.size() == left);
}

TEST_CASE("exposer: stop() while a page is being made leaves nothing behind", "[metrics][exposer]") {
    served http;
    http.answers_status = false;
    auto status_client = http.connect();
    boost::asio::write(status_client, boost::asio::buffer(std::string("GET / HTTP/1.1\r\n\r\n")));
    auto sessions_client = http.connect();
    boost::asio::write(sessions_client, boost::asio::buffer(std::string("GET /sessions HTTP/1.1\r\n\r\n")));
    http.events.run_for(20ms);
    http.page.stop();
    http.run_ready();
    CHECK(http.events.stopped());
    CHECK(http.read_to_end(status_client) == "");
}

TEST_CASE("exposer: /readyz is 503 with one reason a line until there is none", "[metrics][exposer]") {
    served http;
    http.reasons = {"site a: no backend", "draining"};
    auto const answer = http.exchange("GET /readyz HTTP/1.1\r\n\r\n");
    CHECK(status(answer) == "HTTP/1.1 503 Service Unavailable");
    CHECK(body(answer) == "site a: no backend\ndraining\n");
    http.reasons.clear();
    CHECK(status(http.exchange("GET /readyz HTTP/1.1\r\n\r\n")) == "HTTP/1.1 200 OK");
}

TEST_CASE("exposer: what is no request is answered 400 and harms nobody", "[metrics][exposer]") {
    auto const request =
        GENERATE(as<std::string>(), "\r\n\r\n\r\n", "USER anonymous\r\nPASS x\r\n",
                 std::string("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 11), std::string(64, '\0'),
                 "GET /metrics HTTP/9.9\r\n\r\n", "GET /metrics HTTP/1.1\r\nbad header\r\n\r\n",
                 "GET /metrics HTTP/1.1\r\nContent-Length: 5\r\n\r\nhello",
                 "GET /metrics HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
                 "GET /" + std::string(100'000, 'a') + " HTTP/1.1\r\n\r\n",
                 "GET /metrics HTTP/1.1\r\nX: " + std::string(9'000, 'a') + "\r\n\r\n");
    served http;
    INFO(request.substr(0, 40));
    CHECK(status(http.exchange(request)) == "HTTP/1.1 400 Bad Request");
    CHECK(status(http.exchange("GET /healthz HTTP/1.1\r\n\r\n")) == "HTTP/1.1 200 OK");
}

TEST_CASE("exposer: a client that goes away in the middle of a request is forgotten", "[metrics][exposer]") {
    served http({.connections = 1});
    for (int i = 0; i < 3; ++i) {
        auto client = http.connect();
        boost::asio::write(client, boost::asio::buffer("GET /met", 8));
        client.set_option(boost::asio::socket_base::linger(true, i == 0 ? 0 : 1));
        client.close();
    }
    CHECK(status(http.exchange("GET /healthz HTTP/1.1\r\n\r\n")) == "HTTP/1.1 200 OK");
}

TEST_CASE("exposer: a connection that sends no whole request ends when its time is over", "[metrics][exposer]") {
    served http({.time = 50ms});
    CHECK(http.exchange("GET /metrics HTTP/1.1\r\n") == "");
    CHECK(http.exchange("") == "");
}

TEST_CASE("exposer: no more connections than the limit are served at once, the next waits", "[metrics][exposer]") {
    served http({.connections = 2});
    auto idle = http.connect();
    auto idle_too = http.connect();
    auto waiting = http.connect();
    std::string const request = "GET /healthz HTTP/1.1\r\n\r\n";
    boost::asio::write(waiting, boost::asio::buffer(request));
    http.run_ready();
    CHECK(waiting.available() == 0);
    idle.close();
    CHECK(status(http.read_to_end(waiting)) == "HTTP/1.1 200 OK");
}

TEST_CASE("exposer: an address in use is an error of open()", "[metrics][exposer]") {
    served http;
    exposer second(http.events.get_executor(), {});
    CHECK(second.open(http.page.local()) == boost::asio::error::address_in_use);
}

TEST_CASE("exposer: stop() closes the port and every connection, and leaves nothing to run", "[metrics][exposer]") {
    served http;
    auto const where = http.page.local();
    auto client = http.connect();
    boost::asio::write(client, boost::asio::buffer("GET ", 4));
    http.run_ready();
    http.page.stop();
    CHECK(http.read_to_end(client).find("TIMEOUT") == std::string::npos);
    http.run_ready();
    CHECK(http.events.stopped());

    tcp::socket late(http.events);
    error_code ec;
    late.connect(where, ec);
    CHECK(ec == boost::asio::error::connection_refused);
}

}  // namespace ftpsgate::metrics::test
