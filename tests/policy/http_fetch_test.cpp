#include "policy/http_fetch.hpp"

#include "tests/policy/fetch_bench.hpp"

#include <catch2/catch.hpp>

using namespace ftpsgate;
using namespace ftpsgate::test;
using policy::fetch_fault;

TEST_CASE("http_fetch: GET brings the body", "[policy][http_fetch]") {
    fetch_bench all;
    all.server.answer.bytes = with_length(5, "hello");
    auto request = to(all.server.url("/ca.crl?x=1"));
    request.wanted_type = "application/pkix-crl";
    all.server.answer.bytes = ok("Content-Type: Application/PKIX-CRL; q=1\r\nContent-Length: 5\r\n", "hello");
    auto const outcome = all.fetch(request);
    CHECK(outcome.fault == fetch_fault::none);
    CHECK(outcome.body == "hello");
    CHECK(outcome.words.empty());
    CHECK(all.server.requests ==
          std::vector<std::string>{"GET /ca.crl?x=1 HTTP/1.1\r\nHost: 127.0.0.1:" + std::to_string(all.server.port()) +
                                   "\r\nUser-Agent: ftpsgate\r\nAccept: application/pkix-crl\r\nConnection: close"
                                   "\r\n\r\n"});
    all.drain();
}

TEST_CASE("http_fetch: a body makes it POST (B-270)", "[policy][http_fetch]") {
    fetch_bench all;
    all.server.answer.bytes = with_length(2, "ok");
    auto request = to(all.server.url("", "localhost"));
    all.allowed = rules({"localhost"});
    request.body = std::string("\0\r\n\x01", 4);
    request.body_type = "application/ocsp-request";
    CHECK(all.fetch(request).body == "ok");
    REQUIRE(all.server.requests.size() == 1);
    CHECK(all.server.requests[0] == "POST / HTTP/1.1\r\nHost: localhost:" + std::to_string(all.server.port()) +
                                        "\r\nUser-Agent: ftpsgate\r\nAccept: */*\r\nConnection: close\r\nContent-Type: "
                                        "application/ocsp-request\r\nContent-Length: 4\r\n\r\n" +
                                        request.body);
}

TEST_CASE("http_fetch: a body may come in every form that HTTP has", "[policy][http_fetch]") {
    auto const bytes = GENERATE(as<std::string>{}, with_length(5, "hello"), with_length(5, "hello and more"),
                                ok("", "hello"), ok("Connection: keep-alive\r\n", "hello"),
                                "HTTP/1.0 200 OK\r\n\r\nhello", "HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\nhello",
                                "HTTP/1.1 200\x20\r\nContent-Length: 5\r\n\r\nhello",
                                ok(chunked, chunk("hel") + chunk("lo") + "0\r\n\r\n"),
                                ok(chunked, "5;x=y\r\nhello\r\n0\r\nTrailer: x\r\n\r\n"));
    CAPTURE(bytes);
    fetch_bench all;
    auto const outcome = all.answered(bytes);
    CHECK(outcome.words.empty());
    CHECK(outcome.fault == fetch_fault::none);
    CHECK(outcome.body == "hello");
}

TEST_CASE("http_fetch: the end is where the answer says, not where the connection ends", "[policy][http_fetch]") {
    fetch_bench all;
    CHECK(all.answered(with_length(5, "hello"), then_does::stay).body == "hello");
    CHECK(all.answered(ok(chunked, chunk("hello") + "0\r\n\r\n"), then_does::stay).body == "hello");
    CHECK(all.answered(with_length(0, ""), then_does::stay).fault == fetch_fault::none);
}

TEST_CASE("http_fetch: a body of the limit passes, one byte more does not (A-085)", "[policy][http_fetch]") {
    fetch_bench all;
    for (std::size_t const size : {std::size_t{100}, std::size_t{101}}) {
        std::string const body(size, 'x');
        std::string const forms[] = {with_length(size, body), ok("", body), ok(chunked, chunk(body) + "0\r\n\r\n"),
                                     ok(chunked, chunk(body.substr(50)) + chunk(body.substr(0, 50)) + "0\r\n\r\n")};
        for (auto const& bytes : forms) {
            CAPTURE(bytes);
            auto const outcome = all.answered(bytes);
            CHECK(outcome.fault == (size == 100 ? fetch_fault::none : fetch_fault::too_large));
            CHECK(outcome.body == (size == 100 ? body : ""));
            if (size > 100) CHECK(all.reason(outcome) == "the answer is larger than 100B");
        }
    }
}

TEST_CASE("http_fetch: a large body comes whole", "[policy][http_fetch]") {
    fetch_bench all;
    std::string body;
    for (std::size_t at = 0; body.size() < (5U << 20U); ++at)
        body += std::to_string(at);
    all.server.answer.bytes = with_length(body.size(), body);
    auto request = to(all.server.url());
    request.size_limit = body.size();
    CHECK(all.fetch(request).body == body);
}

TEST_CASE("http_fetch: an answer that is too large is not read (A-085)", "[policy][http_fetch]") {
    fetch_bench all;
    auto const fault_of = [&](std::string const& bytes, then_does then, std::string const& more = {}) {
        return all.answered(bytes, then, more).fault;
    };
    CHECK(fault_of(with_length(101, ""), then_does::stay) == fetch_fault::too_large);
    CHECK(fault_of(ok("Content-Length: 9223372036854775807\r\n"), then_does::stay) == fetch_fault::too_large);
    CHECK(fault_of(ok("Content-Length: 18446744073709551615\r\n"), then_does::stay) == fetch_fault::too_large);
    CHECK(fault_of(ok(chunked), then_does::repeat, chunk("hello")) == fetch_fault::too_large);
    CHECK(fault_of(ok(chunked, "ffffffffffffffff\r\n"), then_does::stay) == fetch_fault::too_large);
    CHECK(fault_of(ok(""), then_does::repeat, "hello") == fetch_fault::too_large);
}

TEST_CASE("http_fetch: only status 200 counts, whatever comes with it", "[policy][http_fetch]") {
    auto const line = GENERATE("100 Continue", "101 Switching Protocols", "201 Created", "204 No Content",
                               "206 Partial Content", "304 Not Modified", "404 Not Found", "500 Oops", "999 x");
    CAPTURE(line);
    fetch_bench all;
    auto const body = GENERATE("\r\n", "Content-Length: 5\r\n\r\nhello", "Content-Length: 1000000\r\n\r\n");
    auto const outcome = all.answered("HTTP/1.1 " + std::string(line) + "\r\n" + body);
    CHECK(outcome.fault == fetch_fault::status);
    CHECK(all.reason(outcome) == "HTTP status " + std::string(line, 3));
    CHECK(outcome.body.empty());
}

TEST_CASE("http_fetch: redirects are not followed (A-081)", "[policy][http_fetch]") {
    auto const status = GENERATE(as<std::string>{}, "301", "302", "303", "307", "308");
    fetch_bench all;
    auto const outcome = all.answered("HTTP/1.1 " + status + " Moved\r\nLocation: " + all.server.url("/other") +
                                      "\r\nContent-Length: 0\r\n\r\n");
    CHECK(outcome.fault == fetch_fault::status);
    CHECK(all.reason(outcome) == "HTTP status " + status);
    all.drain();
    CHECK(all.server.connections == 1);
    CHECK(all.server.requests.size() == 1);
}

TEST_CASE("http_fetch: what is not HTTP, or not what was asked for, is malformed", "[policy][http_fetch]") {
    auto const [bytes, words] = GENERATE(table<std::string, std::string>({
        {"220 FTP server ready.\r\n", "this is no valid HTTP: bad version"},
        {"SSH-2.0-x\r\n\r\n", "this is no valid HTTP: bad version"},
        {"HTTP/2.0 200 OK\r\n\r\n", "this is no valid HTTP: bad version"},
        {"HTTP/1.1 20 OK\r\n\r\n", "this is no valid HTTP: bad status"},
        {ok("Content-Length: -1\r\n"), "this is no valid HTTP: bad Content-Length"},
        {ok("Content-Length: 18446744073709551616\r\n"), "this is no valid HTTP: bad Content-Length"},
        {ok("Content-Length: 5\r\nContent-Length: 6\r\n", "hello!"), "this is no valid HTTP: "},
        {ok("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", chunk("x")),
         "this is no valid HTTP: bad Transfer-Encoding"},
        {ok("No colon\r\n"), "this is no valid HTTP: bad field"},
        {ok(chunked, "xyz\r\n"), "this is no valid HTTP: bad chunk"},
        {ok("Transfer-Encoding: gzip, chunked\r\n", chunk("x")), "the answer has an unknown transfer coding"},
        {ok("Transfer-Encoding: gzip\r\n", "x"), "the answer has an unknown transfer coding"},
        {ok("Content-Encoding: gzip\r\nContent-Length: 1\r\n", "x"),
         "the answer has a content coding, which nobody asked for"},
        {ok("Content-Encoding: identity\r\nContent-Length: 1\r\n", "x"),
         "the answer has a content coding, which nobody asked for"},
    }));
    CAPTURE(bytes);
    fetch_bench all;
    auto const outcome = all.answered(bytes, then_does::stay);
    CHECK(outcome.fault == fetch_fault::malformed);
    CHECK(all.reason(outcome).starts_with(words));
    CHECK(outcome.body.empty());
}

TEST_CASE("http_fetch: another content type than was asked for is malformed (B-270)", "[policy][http_fetch]") {
    auto const [fields, shown] = GENERATE(table<std::string, std::string>({
        {"Content-Type: text/html\r\n", "\"text/html\""},
        {"Content-Type: application/ocsp-response-x\r\n", "\"application/ocsp-response-x\""},
        {"Content-Type: ;application/ocsp-response\r\n", "\"\""},
        {"", "\"\""},
    }));
    fetch_bench all;
    all.server.answer = {ok(fields + "Content-Length: 1\r\n", "x"), then_does::stay};
    auto request = to(all.server.url());
    request.wanted_type = "application/ocsp-response";
    auto const outcome = all.fetch(request);
    CHECK(outcome.fault == fetch_fault::malformed);
    CHECK(all.reason(outcome) == "the answer is of type " + shown + ", not application/ocsp-response");
}

TEST_CASE("http_fetch: a head that does not end is malformed, not stored (A-085)", "[policy][http_fetch]") {
    fetch_bench all;
    CHECK(all.answered(ok("X: " + std::string(9000, 'x') + "\r\n")).fault == fetch_fault::malformed);
    CHECK(all.answered("HTTP/1.1 200 OK\r\n", then_does::repeat, "X: y\r\n").fault == fetch_fault::malformed);
    CHECK(all.answered("", then_does::repeat, "x").fault == fetch_fault::malformed);
    CHECK(all.answered("HTTP/1.1 200 ", then_does::repeat, "x").fault == fetch_fault::malformed);
    CHECK(all.answered(ok("X: " + std::string(7000, 'x') + "\r\nContent-Length: 0\r\n")).fault == fetch_fault::none);
}

TEST_CASE("http_fetch: a chunk's header or trailer that does not end is malformed (A-085)", "[policy][http_fetch]") {
    fetch_bench all;
    CHECK(all.answered(ok(chunked, "5;"), then_does::repeat, "x").fault == fetch_fault::malformed);
    CHECK(all.answered(ok(chunked, "0\r\n"), then_does::repeat, "X: y\r\n").fault == fetch_fault::malformed);
}
