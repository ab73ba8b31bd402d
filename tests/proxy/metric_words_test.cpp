// Every word that the gate counts by is in metrics/names.hpp, so its series is there before it is needed.
#include "metrics/names.hpp"
#include "proxy/backend.hpp"
#include "proxy/data/leg.hpp"
#include "proxy/ftp/actions.hpp"
#include "proxy/tls/error.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <string_view>

namespace ftpsgate::proxy::test {
namespace {

/// Of the enumerators from `first` to `last`, the first whose word is not known; "" if all are.
template <class Words, class Enum, class ToWord>
std::string_view missing(Words const& known, Enum first, Enum last, ToWord word_of) {
    for (int value = static_cast<int>(first); value <= static_cast<int>(last); ++value) {
        std::string_view const word = word_of(static_cast<Enum>(value));
        if (std::find(known.begin(), known.end(), word) == known.end()) return word;
    }
    return "";
}

}  // namespace

namespace words = metrics::words;
constexpr auto to_word = [](auto value) { return to_string(value); };

TEST_CASE("metric words: how sessions, transfers and attacks are called", "[proxy][metric_words]") {
    CHECK(missing(words::session_results, ftp::end_reason::closed, ftp::end_reason::shutdown, to_word) == "");
    CHECK(missing(words::transfer_results, ftp::transfer_result::ok, ftp::transfer_result::timeout, to_word) == "");
    CHECK(missing(words::attack_kinds, ftp::attack_kind::starttls_injection, ftp::attack_kind::proxy_header, to_word) ==
          "");
}

TEST_CASE("metric words: why handshakes and connections fail", "[proxy][metric_words]") {
    CHECK(missing(words::handshake_results, tls::failure_kind::protocol, tls::failure_kind::other, to_word) == "");
    CHECK(missing(words::handshake_results, data::leg_failure::handshake, data::leg_failure::other_certificate,
                  to_word) == "");
    CHECK(missing(words::connect_results, backend_fault::unresolved, backend_fault::bad_greeting,
                  [](backend_fault fault) { return word_of(fault); }) == "");
}

}  // namespace ftpsgate::proxy::test
