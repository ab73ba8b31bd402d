// The latest refusals, for the status page: what the log has as certificate_refused, login, command_denied, attack and
// so on, with the reason in words. Bounded, also for each client: the same refusal again only counts, and one client
// that tries a thousand names does not push the others out.
//
// Thread-safe. Its lock is taken when something is refused, and when the page is made.
#pragma once

#include "metrics/status.hpp"
#include "policy/verdict.hpp"
#include "proxy/ftp/actions.hpp"

#include <cstddef>
#include <list>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

namespace ftpsgate::proxy {

class recent_refusals {
public:
    static constexpr std::size_t kept = 60;
    static constexpr std::size_t kept_of_one_client = 20;
    static constexpr std::size_t longest_text = 300;  ///< bytes

    struct refusal {
        std::string_view what;  ///< a fixed word or two: "certificate refused"
        std::string_view site;
        std::string_view client;  ///< "192.0.2.7:40312"; the port does not tell clients apart
        std::string_view who;     ///< user or certificate, if known
        std::string reason;       ///< in words
    };

    void note(refusal const& happened);
    std::vector<metrics::refusal_row> latest() const;  ///< newest first

private:
    void forget_oldest_of(std::string const& client);

    mutable std::mutex mutex_;
    std::list<metrics::refusal_row> rows_;  // newest first
};

/// Reasons in words, for people.
std::string words_of(policy::refusal why);
std::string words_of(ftp::attack_kind kind);
std::string words_of_session_refusal(std::string_view reason);  ///< as in the log event session_refused

}  // namespace ftpsgate::proxy
