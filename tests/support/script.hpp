// A conversation with the sans-io core, written down like a transcript: what comes in, what must go out, in order.
//
//     script talk;                                   // explicit TLS, one site, default rules
//     talk.begins().to_client("220");
//     talk.client("AUTH TLS").to_client("234").expects<ftp::start_tls>();
//     talk.is(ftp::client_secured{}).client("USER joe") ...
//     talk.is_quiet();                               // nothing else came out
//
// Deadlines and notes do not need to be expected; they are looked at with armed() and noted<>().
#pragma once

#include "proxy/ftp/control_core.hpp"
#include "tests/support/plan_maker.hpp"

#include <catch2/catch.hpp>

#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace ftpsgate::tests {

struct script_settings {
    std::vector<ftp::site_rules> sites{default_rules()};
    ftp::tls_start tls = ftp::tls_start::explicit_tls;
    std::string client = "192.0.2.7";
    std::string gate = "198.51.100.1";
    std::function<bool(std::size_t)> may_secure{};

    static ftp::site_rules default_rules() {
        ftp::site_rules rules;
        rules.name = "ftp.example.com";
        rules.hosts = {"ftp.example.com"};
        rules.banner = "FTP server ready.";
        rules.tls_id = "certificate";
        return rules;
    }
    ftp::site_rules& site() { return sites.front(); }
};

class script {
public:
    explicit script(script_settings const& settings = {}) : core_(core_settings(settings)) {}

    script& begins() {
        take(core_.start());
        return *this;
    }
    script& client(std::string_view line) { return client_bytes(std::string(line) + "\r\n"); }
    script& client_bytes(std::string const& bytes) { return is(ftp::client_bytes{bytes}); }
    script& backend(std::string_view line) { return backend_bytes(std::string(line) + "\r\n"); }
    script& backend_bytes(std::string const& bytes) { return is(ftp::backend_bytes{bytes}); }
    script& is(ftp::event const& what) {
        take(core_.handle(what));
        return *this;
    }
    script& passes(ftp::deadline_kind kind) {
        INFO("deadline " << static_cast<int>(kind));
        CHECK(armed_.contains(kind));
        armed_.erase(kind);
        return is(ftp::deadline_passed{kind});
    }

    /// The next action is one of these; bytes must begin with `start`.
    script& to_client(std::string_view start) {
        auto const sent = expects_one<ftp::send_client>();
        if (sent) {
            CHECK(sent->bytes.substr(0, start.size()) == start);
            last_reply_ = sent->bytes;
        }
        return *this;
    }
    script& to_backend(std::string_view line) {
        auto const sent = expects_one<ftp::send_backend>();
        if (sent) CHECK(sent->bytes == std::string(line) + "\r\n");
        return *this;
    }
    template <class Action>
    script& expects() {
        expects_one<Action>();
        return *this;
    }
    template <class Action>
    std::optional<Action> expects_one() {
        if (pending_.empty()) {
            FAIL_CHECK("nothing came out, expected " << name_of(ftp::action(Action{})));
            return std::nullopt;
        }
        auto const* found = std::get_if<Action>(&pending_.front());
        if (found == nullptr) {
            FAIL_CHECK("expected " << name_of(ftp::action(Action{})) << ", got " << name_of(pending_.front()));
            return std::nullopt;
        }
        Action result = *found;
        pending_.pop_front();
        return result;
    }
    /// One command that the gate answers by itself, at once.
    script& answers(std::string_view line, std::string_view start) { return client(line).to_client(start).is_quiet(); }
    /// One command that goes to the backend as it is.
    script& forwards(std::string_view line) { return client(line).to_backend(line).is_quiet(); }
    /// What is left of the data legs may be closed (again); nothing else comes out.
    script& lets_go() {
        while (!pending_.empty() && std::holds_alternative<ftp::abort_data>(pending_.front()))
            pending_.pop_front();
        return is_quiet();
    }
    /// The same with a reply among them.
    script& lets_go_then(std::string_view start) {
        while (!pending_.empty() && std::holds_alternative<ftp::abort_data>(pending_.front()))
            pending_.pop_front();
        return to_client(start);
    }
    /// Nothing is under way, and the next command gets its own reply (B-195).
    script& is_ready() {
        lets_go();
        CHECK(core_.state().now == ftp::activity::idle);
        CHECK(core_.state().finals_due == 0);
        return forwards("SIZE marker").backend("213 77").to_client("213 77").is_quiet();
    }
    script& is_quiet() {
        for (auto const& one : pending_)
            FAIL_CHECK("not expected: " << name_of(one));
        pending_.clear();
        return *this;
    }
    script& ends(ftp::end_reason reason) {
        expects<ftp::abort_data>();
        if (!pending_.empty() && std::holds_alternative<ftp::drop_backend>(pending_.front())) pending_.pop_front();
        auto const end = expects_one<ftp::finish>();
        if (end) CHECK(std::string(to_string(end->reason)) == to_string(reason));
        return is_quiet();
    }
    /// What came out and was not expected yet.
    std::deque<ftp::action> const& pending() const { return pending_; }
    script& skip() {
        pending_.clear();
        return *this;
    }

    bool armed(ftp::deadline_kind kind) const { return armed_.contains(kind); }
    /// How often that clock was started.
    unsigned times_armed(ftp::deadline_kind kind) const {
        return times_armed_.contains(kind) ? times_armed_.at(kind) : 0;
    }
    template <class Note>
    std::vector<Note> noted() const {
        std::vector<Note> found;
        for (auto const& one : notes_)
            if (auto const* note = std::get_if<Note>(&one)) found.push_back(*note);
        return found;
    }
    std::string const& last_reply() const { return last_reply_; }
    ftp::control_core& core() { return core_; }
    /// Everything that ever went to one side.
    std::string const& client_stream() const { return client_stream_; }
    std::string const& backend_stream() const { return backend_stream_; }
    unsigned finishes() const { return finishes_; }

    // --- ready-made beginnings

    script& secured() {
        begins().to_client("220").client("AUTH TLS").to_client("234").expects<ftp::start_tls>();
        return is(handshake()).is_quiet();
    }
    static ftp::client_secured handshake(std::string const& server_name = {}) {
        ftp::client_secured done;
        done.server_name = server_name;
        done.version = "TLSv1.3";
        return done;
    }
    script& logged_in(std::string const& user = "joe") {
        secured();
        return login(user);
    }
    script& login(std::string const& user = "joe") {
        connecting(user).connected().backend("220 backend").to_backend("USER " + user);
        backend("331 password").to_backend("PASS geheim");
        return backend("230 welcome").to_client("230").is_quiet();
    }
    /// USER was accepted.
    script& named(std::string const& user = "joe") {
        client("USER " + user).expects<ftp::decide_access>();
        return is(ftp::access_decided{proxy::plan_maker::make(user)}).to_client("331").is_quiet();
    }
    /// USER and PASS came; the gate connects to the backend.
    script& connecting(std::string const& user = "joe") {
        return named(user).client("PASS geheim").expects<ftp::connect_backend>().is_quiet();
    }
    script& connected(std::string const& address = "10.0.0.5", bool refuses_epsv = false) {
        std::string const local = address.find(':') == std::string::npos ? "10.0.0.1" : "fd00::1";
        return is(
            ftp::backend_connected{*ftp::ip_address::parse(address), *ftp::ip_address::parse(local), refuses_epsv});
    }
    /// The same where another backend could be asked.
    script& connected_to_one_of_several() {
        ftp::backend_connected one{*ftp::ip_address::parse("10.0.0.5"), *ftp::ip_address::parse("10.0.0.1")};
        one.greeting_limit = std::chrono::seconds(5);
        return is(one);
    }
    script& protect() { return client("PBSZ 0").to_client("200").client("PROT P").to_client("200"); }
    script& passive() {
        client("PASV").to_backend("EPSV").backend("229 ok (|||6446|)").expects<ftp::target_backend>();
        expects<ftp::listen_client>();
        return is(ftp::client_listening{50001}).to_client("227").is_quiet();
    }
    /// A transfer whose command is at the backend; neither leg is up.
    script& begun(std::string const& command) {
        protect().passive();
        return client(command).to_backend(command).expects<ftp::begin_data>().is_quiet();
    }
    /// A transfer up to its 1yz and running copy.
    script& transferring(std::string const& command) {
        begun(command).is(ftp::backend_data_up{}).is(ftp::client_data_up{});
        return backend("150 here it comes").to_client("150").expects<ftp::start_relay>().is_quiet();
    }

    static std::string name_of(ftp::action const& what);
    static ftp::core_settings core_settings(script_settings const& from) {
        ftp::core_settings settings;
        settings.sites = std::make_shared<std::vector<ftp::site_rules> const>(from.sites);
        settings.tls = from.tls;
        settings.client = *ftp::ip_address::parse(from.client);
        settings.gate = *ftp::ip_address::parse(from.gate);
        settings.may_secure = from.may_secure;
        return settings;
    }

private:
    void take(ftp::actions todo) {
        if (finishes_ > 0) CHECK(todo.empty());
        for (std::size_t i = 0; i < todo.size(); ++i) {
            auto& one = todo[i];
            if (std::holds_alternative<ftp::start_tls>(one)) check_nothing_behind(todo, i);
            if (auto const* deadline = std::get_if<ftp::arm_deadline>(&one)) {
                armed_.insert(deadline->kind);
                ++times_armed_[deadline->kind];
            } else if (auto const* off = std::get_if<ftp::cancel_deadline>(&one)) {
                armed_.erase(off->kind);
            } else if (is_note(one)) {
                notes_.push_back(std::move(one));
            } else {
                remember(one);
                pending_.push_back(std::move(one));
            }
        }
    }
    // Nothing may be said behind start_tls: it would be read as part of the handshake, or in clear.
    static void check_nothing_behind(ftp::actions const& todo, std::size_t at) {
        for (std::size_t i = at + 1; i < todo.size(); ++i)
            CHECK_FALSE(std::holds_alternative<ftp::send_client>(todo[i]));
    }
    static bool is_note(ftp::action const& one) {
        return std::holds_alternative<ftp::note_command>(one) || std::holds_alternative<ftp::note_denied>(one) ||
               std::holds_alternative<ftp::note_greeting>(one) || std::holds_alternative<ftp::note_login>(one) ||
               std::holds_alternative<ftp::note_transfer>(one) || std::holds_alternative<ftp::note_attack>(one);
    }
    void remember(ftp::action const& one) {
        if (auto const* sent = std::get_if<ftp::send_client>(&one)) client_stream_ += sent->bytes;
        if (auto const* sent = std::get_if<ftp::send_backend>(&one)) backend_stream_ += sent->bytes;
        if (std::holds_alternative<ftp::finish>(one)) ++finishes_;
    }

    ftp::control_core core_;
    std::deque<ftp::action> pending_;
    std::vector<ftp::action> notes_;
    std::set<ftp::deadline_kind> armed_;
    std::map<ftp::deadline_kind, unsigned> times_armed_;
    std::string last_reply_;
    std::string client_stream_;
    std::string backend_stream_;
    unsigned finishes_ = 0;
};

inline std::string script::name_of(ftp::action const& what) {
    if (auto const* sent = std::get_if<ftp::send_client>(&what)) return "send_client \"" + sent->bytes + "\"";
    if (auto const* sent = std::get_if<ftp::send_backend>(&what)) return "send_backend \"" + sent->bytes + "\"";
    static char const* const names[] = {"send_client",
                                        "start_tls",
                                        "stop_tls",
                                        "decide_access",
                                        "connect_backend",
                                        "send_backend",
                                        "drop_backend",
                                        "pass_over_backend",
                                        "learn_epsv",
                                        "listen_client",
                                        "target_client",
                                        "protect_client",
                                        "listen_backend",
                                        "target_backend",
                                        "begin_data",
                                        "start_relay",
                                        "finish_client_data",
                                        "finish_backend_data",
                                        "abort_data",
                                        "ask_progress",
                                        "arm_deadline",
                                        "cancel_deadline",
                                        "note_command",
                                        "note_denied",
                                        "note_greeting",
                                        "note_login",
                                        "note_transfer",
                                        "note_attack",
                                        "finish"};
    return names[what.index()];
}

}  // namespace ftpsgate::tests
