#include "policy/directory_client.hpp"

#include "policy/account_state.hpp"
#include "policy/ldap_filter.hpp"

#include <algorithm>
#include <utility>

namespace ftpsgate::policy {

namespace {

using std::chrono::steady_clock;
using kind = directory_answer::kind;

// How long another server is used before the first is tried again.
constexpr auto longest_exile = std::chrono::minutes(5);

}  // namespace

struct directory_client::attempt {
    directory_question const& question;
    deadline until{};
    search_status ended = search_status::answered;  ///< of the last search
    directory_answer answer{};
};

directory_answer directory_client::ask(directory_question const& question) {
    attempt now{question};
    if (server_ != 0 && steady_clock::now() - opened_ > longest_exile) kept_.reset();
    bool const reused = kept_ != nullptr;
    if (auto done = ask_kept(now)) return *done;
    bool const silent = reused && now.ended == search_status::no_answer;
    if (reused && now.ended == search_status::lost) now.answer.steps.clear();  // servers close idle connections
    for (std::size_t which = 0; which < site_.servers.size() && !stopping_; ++which) {
        if (silent && which == server_) continue;  // has had its time
        if (auto done = ask_server(which, now)) return *done;
    }
    now.answer.what = kind::refused;
    now.answer.detail = "the directory gives no answer";
    if (!now.answer.steps.empty()) now.answer.detail += ": " + now.answer.steps.back().detail;
    return now.answer;
}

std::optional<directory_answer> directory_client::ask_kept(attempt& now) {
    if (!kept_) return std::nullopt;
    now.until = steady_clock::now() + site_.timeout;
    return search_all(now);
}

std::optional<directory_answer> directory_client::ask_server(std::size_t which, attempt& now) {
    now.until = steady_clock::now() + site_.timeout;
    server_ = which;
    opened_ = steady_clock::now();
    std::string fault;
    kept_ = ldap_connection::open(site_.servers[which], now.until, fault);
    if (kept_) return search_all(now);
    note(now, fault);
    return std::nullopt;
}

// nullopt: another server has to be asked.
std::optional<directory_answer> directory_client::search_all(attempt& now) {
    auto const steps = now.answer.steps.size();
    for (auto const& wanted : now.question.wanted) {
        std::vector<ldap_entry> found;
        now.ended = stopping_ ? search_status::no_answer : search_one(wanted, now, found);
        if (now.ended == search_status::refused) {
            kept_.reset();  // a server may refuse because of what became of the connection
            return now.answer;
        }
        if (now.ended != search_status::answered) {
            kept_.reset();
            // What it said before counts no more; why it stopped does.
            auto const first = now.answer.steps.begin() + static_cast<std::ptrdiff_t>(steps);
            if (first != now.answer.steps.end()) now.answer.steps.erase(first, now.answer.steps.end() - 1);
            return std::nullopt;
        }
        if (!found.empty()) return conclude(wanted, found, now);
    }
    now.answer.what = kind::none;
    return now.answer;
}

search_status directory_client::search_one(mapping_value const& wanted, attempt& now, std::vector<ldap_entry>& found) {
    std::string const title = std::string(word_of(wanted.form)) + ": " + wanted.shown;
    ldap_search what{site_.base_dn, account_filter(wanted.attribute, wanted.values), account_attributes()};
    what.attributes.push_back(site_.user_attribute);
    what.attributes.push_back(wanted.attribute);
    what.attributes.emplace_back("objectSid");
    auto result = kept_->search(what, now.until);
    if (result.status != search_status::answered) {
        note(now, title + ": " + result.detail);
        now.answer.what = kind::refused;
        now.answer.detail = "the directory answers: " + result.detail;
        return result.status;
    }
    std::string lower = wanted.attribute;
    std::transform(lower.begin(), lower.end(), lower.begin(),
                   [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
    auto const other = [&](ldap_entry const& entry) { return !is_match(wanted, entry.values_of(lower)); };
    bool const similar = std::erase_if(result.entries, other) > 0;
    found = std::move(result.entries);
    if (found.empty()) note(now, title + (similar ? ": only accounts with a similar value" : ": no account"));
    return search_status::answered;
}

directory_answer directory_client::conclude(mapping_value const& wanted, std::vector<ldap_entry> const& found,
                                            attempt& now) const {
    auto& answer = now.answer;
    auto const& entry = found.front();
    std::string const title = std::string(word_of(wanted.form)) + ": " + wanted.shown;
    answer.what = kind::refused;
    if (found.size() > 1) {
        answer.detail = "more than one account has " + title;
        note(now, answer.detail);
        return answer;
    }
    if (!wanted.caveat.empty()) {
        answer.detail = "the account " + entry.dn + " is not the certificate's for sure: " + wanted.caveat;
        note(now, title + ": " + answer.detail);
        return answer;
    }
    auto fault = fault_of_sid(entry, now.question.sid);
    if (fault.empty()) fault = fault_of_account(entry, std::chrono::system_clock::now());
    std::optional<std::string> user;
    if (fault.empty()) user = backend_name_of(entry, site_.user_attribute, fault);
    if (!user) {
        answer.detail = "the account " + entry.dn + " cannot be used: " + fault;
        note(now, title + ": " + answer.detail);
        return answer;
    }
    answer.what = kind::found;
    answer.dn = entry.dn;
    answer.user = std::move(*user);
    answer.steps.push_back({site_.servers[server_].url, true, title + ": " + entry.dn});
    return answer;
}

void directory_client::note(attempt& now, std::string detail) const {
    now.answer.steps.push_back({site_.servers[server_].url, false, std::move(detail)});
}

}  // namespace ftpsgate::policy
