// What the tests of http_fetch share: a scripted server with a fetch that may talk to it, and answers in text.
#pragma once

#include "config/networks.hpp"
#include "policy/http_fetch.hpp"
#include "tests/policy/scripted_http_server.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace ftpsgate::test {

inline std::shared_ptr<policy::url_rules const> rules(std::vector<std::string> const& written) {
    std::vector<config::url_permission> allowed;
    for (auto const& one : written)
        allowed.push_back(*config::parse_url_permission(one));
    return std::make_shared<policy::url_rules>(allowed);
}

inline policy::fetch_request to(std::string const& url,
                                policy::url_rules::origin from = policy::url_rules::origin::verified) {
    policy::fetch_request request;
    request.url = url;
    request.from = from;
    return request;
}

/// A server, and a fetch that may talk to it.
struct fetch_bench {
    boost::asio::io_context io;
    scripted_http_server server{io};
    std::shared_ptr<policy::url_rules const> allowed = rules({"127.0.0.1"});

    policy::fetch_outcome fetch(policy::fetch_request request) {
        policy::http_fetch one(io.get_executor(), allowed);
        std::optional<policy::fetch_outcome> outcome;
        one.start(std::move(request), [&](policy::fetch_outcome result) {
            REQUIRE_FALSE(outcome);
            outcome = std::move(result);
        });
        REQUIRE_FALSE(outcome);
        io.restart();
        auto const deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
        while (!outcome && io.run_one_until(deadline) != 0) {
        }
        REQUIRE(outcome);
        return *outcome;
    }

    policy::fetch_outcome answered(std::string const& bytes, then_does then = then_does::close,
                                   std::string const& more = {}) {
        server.answer = {bytes, then, more};
        auto request = to(server.url());
        request.size_limit = 100;
        return fetch(request);
    }

    /// The words without the address in front of them.
    std::string reason(policy::fetch_outcome const& outcome) const {
        auto const start = "127.0.0.1:" + std::to_string(server.port()) + ": ";
        CHECK(outcome.words.starts_with(start));
        return outcome.words.substr(std::min(start.size(), outcome.words.size()));
    }

    /// Everything that is still pending ends by itself.
    void drain() {
        server.stop();
        io.restart();
        io.run_for(std::chrono::seconds(5));
        CHECK(io.stopped());
    }
};

inline std::string ok(std::string const& fields, std::string const& body = {}) {
    return "HTTP/1.1 200 OK\r\n" + fields + "\r\n" + body;
}

inline std::string with_length(std::size_t length, std::string const& body) {
    return ok("Content-Length: " + std::to_string(length) + "\r\n", body);
}

inline std::string chunk(std::string const& text) {
    char size[32];
    std::snprintf(size, sizeof size, "%zx\r\n", text.size());
    return size + text + "\r\n";
}

inline constexpr char chunked[] = "Transfer-Encoding: chunked\r\n";

}  // namespace ftpsgate::test
