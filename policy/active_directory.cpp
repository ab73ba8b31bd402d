#include "policy/active_directory.hpp"

#include "policy/backend_password.hpp"
#include "policy/directory_cache.hpp"
#include "policy/directory_client.hpp"
#include "policy/input_file.hpp"
#include "policy/ldap_filter.hpp"
#include "policy/mapping_values.hpp"
#include "policy/work_queue.hpp"

#include <atomic>
#include <chrono>
#include <exception>
#include <optional>
#include <utility>
#include <vector>

namespace ftpsgate::policy {

namespace {

using std::chrono::steady_clock;

constexpr std::size_t searching_threads = 4;
constexpr std::size_t longest_queue = 256;
constexpr std::size_t longest_memory_queue = 4096;
// Who asked does not wait any more: the default of login_timeout.
constexpr auto longest_wait = std::chrono::seconds(30);
constexpr std::size_t longest_bind_password = 1024;  // Active Directory takes 256 characters

identity_decision refuse(std::string detail, std::vector<identity_step> steps = {}) {
    identity_decision decision;
    decision.outcome = identity_outcome::refused;
    decision.source = identity_source::active_directory;
    decision.detail = std::move(detail);
    decision.steps = std::move(steps);
    return decision;
}

// All that the look-ups use. Held by each of them: the last one to let go may be one of their threads.
struct directory {
    directory_site site;
    std::vector<config::mapping_form> map_by;
    backend_password password;
    directory_cache remembered;
    std::atomic<bool> stopping{false};
    std::vector<directory_client> clients;  ///< one for each thread

    directory(directory_site where, config::active_directory_settings const& settings, backend_password of_users)
        : site(std::move(where)),
          map_by(settings.map_by),
          password(std::move(of_users)),
          remembered(settings.cache_time) {
        for (std::size_t i = 0; i < searching_threads; ++i)
            clients.emplace_back(site, stopping);
    }

    /// What the certificate offers; a doubtful value refuses before anything is sent (B-191).
    std::optional<identity_decision> question_of(verified_peer const& peer, directory_question& question,
                                                 std::vector<identity_step>& steps) const {
        X509 const& leaf = *peer.chain().front();
        auto const sid = mapping_value_of(config::mapping_form::sid, leaf);  // binds whatever the form is
        if (!sid.doubtful.empty()) return refuse("sid: " + sid.doubtful);
        if (sid.value) question.sid = sid.value->values.front();
        for (auto const form : map_by) {
            auto one = mapping_value_of(form, leaf);
            std::string const title = std::string(word_of(form)) + ": ";
            if (!one.doubtful.empty()) return refuse(title + one.doubtful);
            if (one.value) one.value->caveat = caveat_of(form, peer.path());
            if (one.value)
                question.wanted.push_back(std::move(*one.value));
            else
                steps.push_back({"active_directory", false, title + one.missing});
        }
        return std::nullopt;
    }

    identity_decision decide(directory_answer answer) const {
        if (answer.what == directory_answer::kind::refused)
            return refuse(std::move(answer.detail), std::move(answer.steps));
        identity_decision decision;
        decision.source = identity_source::active_directory;
        decision.steps = std::move(answer.steps);
        if (answer.what == directory_answer::kind::none) return decision;
        std::string fault;
        auto secret_word = password.of(answer.user, fault);
        if (!secret_word)
            return refuse("no password for the account " + answer.dn + ": " + fault, std::move(decision.steps));
        decision.outcome = identity_outcome::mapped;
        decision.rule = std::move(answer.dn);
        decision.login = std::make_shared<backend_login const>(
            backend_login{std::move(answer.user), std::move(*secret_word), std::nullopt});
        return decision;
    }

    identity_decision look_up(verified_peer const& peer, directory_client& client) {
        // The one before in the queue may have been the same client.
        if (auto known = remembered.find(peer.sha256(), steady_clock::now())) return decide(std::move(*known));
        directory_question question;
        std::vector<identity_step> steps;
        if (auto refused = question_of(peer, question, steps)) return *refused;
        directory_answer answer;
        answer.what = directory_answer::kind::none;
        if (!question.wanted.empty()) answer = client.ask(question);
        answer.steps.insert(answer.steps.begin(), steps.begin(), steps.end());
        remembered.put(peer.sha256(), answer, steady_clock::now());
        return decide(std::move(answer));
    }
};

template <typename Work>
void answer_with(directory const& of, active_directory::handler const& done, Work const& work) {
    identity_decision decision;
    try {
        decision = work();
    } catch (std::exception const& failure) {
        decision = refuse(std::string("the look-up failed: ") + failure.what());
    }
    if (!of.stopping) done(std::move(decision));
}

}  // namespace

struct active_directory::state {
    state(std::shared_ptr<directory> made, std::shared_ptr<thread_ledger> const& ledger)
        : of(std::move(made)),
          searches(searching_threads, longest_queue, ledger),
          memory(1, longest_memory_queue, ledger) {}

    std::shared_ptr<directory> of;
    work_queue searches;
    work_queue memory;  ///< for what is remembered: does not wait for a slow directory
};

active_directory::active_directory(std::unique_ptr<state> made) : state_(std::move(made)) {
}

active_directory::~active_directory() {
    state_->of->stopping = true;
}

void active_directory::look_up(std::shared_ptr<verified_peer const> peer, handler done) const {
    auto const asked = steady_clock::now();
    auto const call = std::make_shared<handler>(std::move(done));
    bool taken = false;
    if (auto known = state_->of->remembered.find(peer->sha256(), asked)) {
        taken = state_->memory.push([of = state_->of, call, known](std::size_t) {
            answer_with(*of, *call, [&] { return of->decide(*known); });
        });
    } else {
        taken = state_->searches.push([of = state_->of, call, peer, asked](std::size_t thread) {
            answer_with(*of, *call, [&] {
                bool const late = steady_clock::now() - asked > longest_wait;
                return late ? refuse("directory busy") : of->look_up(*peer, of->clients[thread]);
            });
        });
    }
    if (!taken) (*call)(refuse("directory busy"));
}

namespace {

// Adds the faults of one table.
struct fault_list {
    config::active_directory_settings const& settings;
    std::string table;
    config::problems& faults;

    void add(config::location const& where, char const* key, std::string message) {
        faults.push_back({where, table + "." + key, std::move(message), ""});
    }
    void add(char const* key, std::string message) { add(settings.where, key, std::move(message)); }
};

secret read_bind_password(fault_list& list) {
    auto const& file = list.settings.bind_password.file;
    if (!file) {
        list.add("bind_password_file", "missing");
        return {};
    }
    if (file->path.empty()) return {};  // the loader has said why
    std::string fault;
    auto const found = read_password_file(file->path, longest_bind_password, fault);
    if (!found) list.add(file->where, "bind_password_file", fault);
    return found.value_or(secret());
}

void check_ca_file(fault_list& list) {
    auto const& file = list.settings.ca_file;
    if (!file) return list.add("ca_file", "missing");
    auto const pem = read_input_file(*file, list.table + ".ca_file", list.faults);
    std::string fault;
    if (pem) parse_certificates(*pem, fault);
    if (!fault.empty()) list.add(file->where, "ca_file", file->path + ": " + fault);
}

directory_site read_site(fault_list& list) {
    auto const& settings = list.settings;
    directory_site site{{}, settings.base_dn, settings.user_attribute, settings.timeout};
    check_ca_file(list);
    auto const password = read_bind_password(list);
    for (auto const& url : settings.urls) {
        auto const fault = fault_of_ldap_url(url.text, settings.start_tls);
        if (!fault.empty()) list.add(url.where, "url", "'" + url.text + "': " + fault);
        site.servers.push_back(
            {url.text, settings.start_tls, settings.ca_file ? settings.ca_file->path : "", settings.bind_dn, password});
    }
    if (settings.urls.empty()) list.add("url", "missing");
    if (settings.bind_dn.empty()) list.add("bind_dn", "missing");
    if (settings.base_dn.empty()) list.add("base_dn", "missing");
    if (settings.map_by.empty()) list.add("map_by", "empty");
    if (!is_attribute_description(settings.user_attribute)) list.add("user_attribute", "not the name of an attribute");
    return site;
}

}  // namespace

std::shared_ptr<active_directory const> build_active_directory(config::site_settings const& site,
                                                               std::shared_ptr<thread_ledger> const& ledger,
                                                               config::problems& faults) {
    auto const& settings = site.active_directory;
    if (!settings.enabled) return nullptr;
    auto const before = faults.size();
    fault_list list{settings, "site[" + site.name + "].active_directory", faults};
    auto where = read_site(list);
    auto password = backend_password::load(settings.password, list.table, faults);
    if (faults.size() != before || !password) return nullptr;
    auto made = std::make_shared<directory>(std::move(where), settings, std::move(*password));
    return std::shared_ptr<active_directory const>(
        new active_directory(std::make_unique<active_directory::state>(std::move(made), ledger)));
}

}  // namespace ftpsgate::policy
