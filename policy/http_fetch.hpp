// One HTTP/1.1 request over a connection of its own, for CRLs, OCSP answers and issuers' certificates (RFC 5280
// 4.2.1.13, RFC 6960 A.1). http only, no redirects, no proxies, no content codings; the answer's size and the whole
// time are limited, and the address is filtered after resolving (url_rules.hpp).
//
// Flow: start() calls the handler exactly once, on the executor, never from within start(). Not thread-safe: to be used
// on the executor's thread. Destroying the returned object does not call the handler any more.
#pragma once

#include "policy/url_rules.hpp"

#include <boost/asio/any_io_executor.hpp>

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <string>

namespace ftpsgate::policy {

enum class fetch_fault {
    none,
    not_allowed,  ///< by url_rules, or no usable URL
    unresolved,
    unreachable,  ///< connect failed or the connection broke
    timed_out,
    status,     ///< not 200; redirects are here too
    too_large,  ///< announced or received
    malformed,  ///< no HTTP, or another content type than was asked for
};

struct fetch_request {
    std::string url;
    url_rules::origin from = url_rules::origin::verified;
    std::string body;                              ///< not empty: POST
    std::string body_type;                         ///< its content type
    std::string wanted_type;                       ///< the answer's content type; "" = any
    std::size_t size_limit = 64 * 1024;            ///< bytes of the answer's body
    std::chrono::milliseconds time_limit{60'000};  ///< from start() to the last byte
};

struct fetch_outcome {
    fetch_fault fault = fetch_fault::none;
    std::string body;
    std::string words;  ///< why it failed, for the log: "connection refused", "HTTP status 404", "no answer within 5s"
};

class http_fetch {
public:
    using handler = std::function<void(fetch_outcome)>;

    http_fetch(boost::asio::any_io_executor executor, std::shared_ptr<url_rules const> rules);
    ~http_fetch();
    http_fetch(http_fetch const&) = delete;
    http_fetch& operator=(http_fetch const&) = delete;

    void start(fetch_request request, handler done);

private:
    struct exchange;
    std::shared_ptr<exchange> exchange_;
    boost::asio::any_io_executor executor_;
    std::shared_ptr<url_rules const> rules_;
};

}  // namespace ftpsgate::policy
