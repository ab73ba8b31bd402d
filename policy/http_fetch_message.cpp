#include "policy/http_fetch_message.hpp"

#include "config/units.hpp"
#include "config/words.hpp"

#include <algorithm>
#include <iterator>

namespace ftpsgate::policy {

namespace http = boost::beast::http;
using boost::system::error_code;

namespace {

/// Without parameters, in lower case: " Application/OCSP-Response; q=1" -> "application/ocsp-response".
std::string bare_type(std::string_view field) {
    auto const blank = [](char c) { return c == ' ' || c == '\t'; };
    auto const type = field.substr(0, field.find(';'));
    auto const begin = std::find_if_not(type.begin(), type.end(), blank);
    auto const end = std::find_if_not(type.rbegin(), std::make_reverse_iterator(begin), blank).base();
    return config::to_lower({begin, end});
}

std::string_view view(boost::string_view text) {
    return {text.data(), text.size()};
}

}  // namespace

std::string in_words(error_code const& cause) {
    auto text = cause.message();
    return config::to_lower(text.substr(0, 1)) + text.substr(std::min<std::size_t>(1, text.size()));
}

std::string authority_of(http_url const& url) {
    auto const whole = config::to_text(config::endpoint{url.host, url.port, {}});
    return url.port == 80 ? whole.substr(0, whole.rfind(':')) : whole;
}

http_request make_request(fetch_request const& wanted, http_url const& url) {
    static constexpr unsigned http_1_1 = 11;
    auto const verb = wanted.body.empty() ? http::verb::get : http::verb::post;
    http_request message(verb, url.target, http_1_1);
    message.set(http::field::host, authority_of(url));
    message.set(http::field::user_agent, "ftpsgate");
    message.set(http::field::accept, wanted.wanted_type.empty() ? "*/*" : wanted.wanted_type);
    message.set(http::field::connection, "close");
    if (wanted.body.empty()) return message;
    message.set(http::field::content_type, wanted.body_type);
    message.body() = wanted.body;
    message.prepare_payload();
    return message;
}

std::optional<fetch_failure> judge_head(http::response_header<> const& head, std::string const& wanted_type) {
    if (head.result_int() != 200)
        return fetch_failure{fetch_fault::status, "HTTP status " + std::to_string(head.result_int())};
    if (head.count(http::field::content_encoding) != 0)
        return fetch_failure{fetch_fault::malformed, "the answer has a content coding, which nobody asked for"};
    for (auto [field, end] = head.equal_range(http::field::transfer_encoding); field != end; ++field)
        if (config::to_lower(view(field->value())) != "chunked")
            return fetch_failure{fetch_fault::malformed, "the answer has an unknown transfer coding"};
    auto const type = bare_type(view(head[http::field::content_type]));
    if (wanted_type.empty() || type == bare_type(wanted_type)) return std::nullopt;
    return fetch_failure{fetch_fault::malformed,
                         "the answer is of type " + config::shown(type) + ", not " + wanted_type};
}

fetch_failure judge_read_error(error_code const& cause, std::size_t size_limit) {
    if (cause == http::error::body_limit)
        return {fetch_fault::too_large, "the answer is larger than " + config::size_to_text(size_limit)};
    if (cause == http::error::end_of_stream)
        return {fetch_fault::unreachable, "the connection was closed without an answer"};
    if (cause == http::error::partial_message)
        return {fetch_fault::unreachable, "the connection was closed in the middle of the answer"};
    if (cause.category() == http::make_error_code(http::error::bad_version).category())
        return {fetch_fault::malformed, "this is no valid HTTP: " + cause.message()};
    return {fetch_fault::unreachable, "the connection broke: " + in_words(cause)};
}

}  // namespace ftpsgate::policy
