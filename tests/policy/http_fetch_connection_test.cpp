// Where http_fetch connects to and where not, how connections fail, and how it ends.
#include "policy/http_fetch.hpp"
#include "tests/policy/fetch_bench.hpp"

#include <catch2/catch.hpp>

#include <cstdlib>

using namespace ftpsgate;
using namespace ftpsgate::test;
using namespace std::chrono_literals;
using policy::fetch_fault;

TEST_CASE("http_fetch: what URLs may not lead to is not connected to (A-081)", "[policy][http_fetch]") {
    auto const url =
        GENERATE(as<std::string>{}, "http://127.0.0.1:PORT/", "http://localhost:PORT/", "http://LOCALHOST:PORT/",
                 "http://2130706433:PORT/", "http://0x7f000001:PORT/", "http://0177.0.0.1:PORT/", "http://127.1:PORT/",
                 "http://0:PORT/", "http://0.0.0.0:PORT/", "http://[::1]:PORT/", "http://[::]:PORT/",
                 "http://[::ffff:127.0.0.1]:PORT/", "http://[::ffff:7f00:1]:PORT/", "http://[64:ff9b::127.0.0.1]:PORT/",
                 "http://[2002:7f00:1::]:PORT/", "http://user@127.0.0.1:PORT/", "http://127.0.0.1:PORT\\@8.8.8.8/",
                 "https://127.0.0.1:PORT/", "ldap://127.0.0.1:PORT/", "http://169.254.169.254/latest/meta-data/",
                 "http://2130706433/", "http://0x7f.1/", "http://localhost/", "http://10.0.0.1/", "http://[fe80::1]/",
                 "http://127.0.0.1:22/", "http://127.0.0.1:PORT/\r\nX: y", "");
    auto const allowed = GENERATE(as<std::string>{}, "192.0.2.0/24", "2001:db8::/32", "crl.example");
    auto const from = GENERATE(policy::url_rules::origin::verified, policy::url_rules::origin::unverified);
    CAPTURE(url, allowed);
    fetch_bench all;
    all.allowed = rules({allowed});  // networks make names worth resolving, on every port
    auto request = to(url, from);
    if (auto const at = url.find("PORT"); at != url.npos)
        request.url = url.substr(0, at) + std::to_string(all.server.port()) + url.substr(at + 4);
    auto const outcome = all.fetch(request);
    CHECK(outcome.fault == fetch_fault::not_allowed);
    CHECK_FALSE(outcome.words.empty());
    all.drain();
    CHECK(all.server.connections == 0);
}

TEST_CASE("http_fetch: the reason names host, port and what is in the way", "[policy][http_fetch]") {
    fetch_bench all;
    all.allowed = rules({"192.0.2.0/24"});
    CHECK(all.fetch(to("http://localhost:8080/")).words ==
          "localhost:8080: it leads to 127.0.0.1, where URLs may not lead, see url_allow");
    CHECK(all.fetch(to("http://[::1]:8080/")).words == "[::1]:8080: URLs may not lead there, see url_allow");
    CHECK(all.fetch(to("ldap://a/")).words == "this is no URL that can be fetched over http");
}

TEST_CASE("http_fetch: a permission opens the way, in every notation", "[policy][http_fetch]") {
    auto const host = GENERATE("127.0.0.1", "localhost", "2130706433", "0x7f.1", "[::ffff:127.0.0.1]");
    fetch_bench all;
    all.allowed = rules({"127.0.0.0/8:" + std::to_string(all.server.port())});
    all.server.answer.bytes = with_length(1, "x");
    auto request = to(all.server.url("/", host), policy::url_rules::origin::unverified);
    CHECK(all.fetch(request).body == "x");
}

TEST_CASE("http_fetch: a name that does not exist is told as such", "[policy][http_fetch]") {
    setenv("RES_OPTIONS", "timeout:1 attempts:1", 0);  // a machine without DNS shall not wait for it
    fetch_bench all;
    all.allowed = rules({"nothing.invalid"});
    auto const outcome = all.fetch(to("http://nothing.invalid/"));
    CHECK(outcome.fault == fetch_fault::unresolved);
    CHECK(outcome.words.starts_with("nothing.invalid:80: the name cannot be resolved: host not found"));
}

TEST_CASE("http_fetch: a port where nobody listens is unreachable", "[policy][http_fetch]") {
    fetch_bench all;
    auto const url = all.server.url();
    auto const port = std::to_string(all.server.port());
    all.drain();
    auto const outcome = all.fetch(to(url));
    CHECK(outcome.fault == fetch_fault::unreachable);
    CHECK(outcome.words == "127.0.0.1:" + port + ": 127.0.0.1: connection refused");
}

TEST_CASE("http_fetch: a connection that ends too early is unreachable", "[policy][http_fetch]") {
    auto const [bytes, then, words] = GENERATE(table<std::string, then_does, std::string>({
        {"", then_does::close, "the connection was closed without an answer"},
        {"", then_does::reset, "the connection broke: connection reset by peer"},
        {"HTTP/1.1 200", then_does::close, "the connection was closed in the middle of the answer"},
        {with_length(5, "hell"), then_does::close, "the connection was closed in the middle of the answer"},
        {with_length(5, "hell"), then_does::reset, "the connection broke: connection reset by peer"},
        {ok("", "hell"), then_does::reset, "the connection broke: connection reset by peer"},
        {ok(chunked, chunk("hello")), then_does::close, "the connection was closed in the middle of the answer"},
        {ok(chunked, chunk("hello") + "0\r\n"), then_does::close,
         "the connection was closed in the middle of the answer"},
    }));
    CAPTURE(bytes);
    fetch_bench all;
    auto const outcome = all.answered(bytes, then);
    CHECK(outcome.fault == fetch_fault::unreachable);
    CHECK(all.reason(outcome) == words);
    CHECK(outcome.body.empty());
}

TEST_CASE("http_fetch: one time limit holds for everything (A-085)", "[policy][http_fetch]") {
    auto const [bytes, then, words] = GENERATE(table<std::string, then_does, std::string>({
        {"", then_does::stay, "no answer within 200ms"},
        {"HTTP/1.1 200 OK\r\n", then_does::stay, "no answer within 200ms"},
        {"HTTP/1.1 200 OK\r\n", then_does::trickle, "no answer within 200ms"},
        {with_length(1000, "x"), then_does::stay, "the answer did not end within 200ms"},
        {with_length(1000, ""), then_does::trickle, "the answer did not end within 200ms"},
        {ok(""), then_does::trickle, "the answer did not end within 200ms"},
        {ok(chunked), then_does::trickle, "the answer did not end within 200ms"},
    }));
    CAPTURE(bytes);
    fetch_bench all;
    all.server.answer = {bytes, then, "1\r\nx\r\n"};
    if (!bytes.ends_with("\r\n\r\n")) all.server.answer.more = "X: y\r\n";
    auto request = to(all.server.url());
    request.time_limit = 200ms;
    auto const outcome = all.fetch(request);
    CHECK(outcome.fault == fetch_fault::timed_out);
    CHECK(all.reason(outcome) == words);
    all.drain();
}

TEST_CASE("http_fetch: the handler is never called from within start()", "[policy][http_fetch]") {
    auto const url = GENERATE(as<std::string>{}, "", "ftp://a/", "http://10.0.0.1/", "http://127.0.0.1:1/");
    fetch_bench all;
    all.fetch(to(url));  // checks it
}

TEST_CASE("http_fetch: destroyed, it calls no handler and leaves nothing behind", "[policy][http_fetch]") {
    fetch_bench all;
    all.server.answer = {with_length(1000, "x"), then_does::stay};
    auto const url = GENERATE_REF(as<std::string>{}, "", "http://10.0.0.1/", "http://localhost:9/", all.server.url());
    for (int steps = 0; steps < 12; ++steps) {
        bool is_called = false;
        {
            policy::http_fetch one(all.io.get_executor(), rules({"127.0.0.1"}));
            one.start(to(url), [&](policy::fetch_outcome const&) { is_called = true; });
            all.io.restart();
            auto const deadline = std::chrono::steady_clock::now() + 100ms;
            for (int step = 0; step < steps && !is_called; ++step)
                all.io.run_one_until(deadline);
            is_called = false;
        }
        all.io.restart();
        all.io.poll();
        CHECK_FALSE(is_called);
    }
    all.drain();
}

TEST_CASE("http_fetch: the handler may destroy the fetch, or start it again", "[policy][http_fetch]") {
    fetch_bench all;
    all.server.answer.bytes = with_length(1, "x");
    auto one = std::make_unique<policy::http_fetch>(all.io.get_executor(), all.allowed);
    int calls = 0;
    one->start(to(all.server.url()), [&](policy::fetch_outcome const&) {
        ++calls;
        one->start(to(all.server.url()), [&](policy::fetch_outcome const& outcome) {
            ++calls;
            CHECK(outcome.body == "x");
            one.reset();
            all.server.stop();
        });
    });
    all.io.run_for(10s);
    CHECK(calls == 2);
    CHECK(all.io.stopped());
}

TEST_CASE("http_fetch: a new start replaces what is under way", "[policy][http_fetch]") {
    fetch_bench all;
    all.server.answer.then = then_does::stay;
    policy::http_fetch one(all.io.get_executor(), all.allowed);
    int first = 0;
    int second = 0;
    one.start(to(all.server.url()), [&](policy::fetch_outcome const&) { ++first; });
    one.start(to("ftp://a/"), [&](policy::fetch_outcome const&) { ++second; });
    all.drain();
    CHECK(first == 0);
    CHECK(second == 1);
}
