// What http_fetch says and what it makes of the answer, without a connection: the request, the judgement of the
// answer's head and of what went wrong while it was read, in words for the log.
#pragma once

#include "policy/http_fetch.hpp"

#include <boost/beast/http.hpp>

#include <optional>
#include <string>

namespace ftpsgate::policy {

using http_request = boost::beast::http::request<boost::beast::http::string_body>;
using http_answer_parser = boost::beast::http::response_parser<boost::beast::http::string_body>;
using http_answer_head = boost::beast::http::response_header<>;

struct fetch_failure {
    fetch_fault fault;
    std::string words;
};

/// "host" or "host:8080", as in the Host field.
std::string authority_of(http_url const& url);
http_request make_request(fetch_request const& wanted, http_url const& url);

/// Everything that can be told before the body is read. nullopt: go on.
std::optional<fetch_failure> judge_head(http_answer_head const& head, std::string const& wanted_type);
fetch_failure judge_read_error(boost::system::error_code const& cause, std::size_t size_limit);

/// The system's words, beginning in lower case: "connection refused".
std::string in_words(boost::system::error_code const& cause);

}  // namespace ftpsgate::policy
