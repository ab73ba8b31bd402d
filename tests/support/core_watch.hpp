// A control core under observation: whatever is fed in, what comes out is held against the invariants of
// PROTOCOL.md 6.8 and DESIGN.md 4. It knows what the core waits for, so that players can answer it. No test framework:
// fuzzers use it.
#pragma once

#include "proxy/ftp/control_core.hpp"

#include <algorithm>
#include <cctype>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace ftpsgate::tests {

/// Reads what the client got like the strictest client: every send is one complete reply.
class reply_counter {
public:
    unsigned finals = 0;
    unsigned goodbyes = 0;  ///< 421

    /// False: not exactly one reply.
    bool take(std::string_view bytes) {
        if (!has_code(bytes) || bytes.size() < 6 || bytes.substr(bytes.size() - 2) != "\r\n") return false;
        std::string const code(bytes.substr(0, 3));
        if (bytes[0] != '1') ++finals;
        if (code == "421") ++goodbyes;
        bool const multi_line = bytes[3] == '-';
        bool ended = false;
        while (!bytes.empty()) {
            std::size_t const end = bytes.find("\r\n");
            std::string_view const line = bytes.substr(0, end);
            if (ended || line.find_first_of(std::string_view("\r\n\0", 3)) != line.npos) return false;
            ended = line.substr(0, 4) == code + " ";
            bytes.remove_prefix(end + 2);
            if (!multi_line) return ended && bytes.empty();
        }
        return ended;
    }

private:
    static bool has_code(std::string_view text) {
        return text.size() > 3 && text[0] >= '1' && text[0] <= '5' && text[1] >= '0' && text[1] <= '9' &&
               text[2] >= '0' && text[2] <= '9' && (text[3] == ' ' || text[3] == '-');
    }
};

class core_watch {
public:
    /// What the core asked for and did not get yet.
    struct asked_for {
        bool tls = false;
        bool clear = false;
        bool access = false;
        bool backend = false;
        bool client_listener = false;
        bool backend_listener = false;
        bool client_leg = false;
        bool backend_leg = false;
        bool relay = false;
        bool client_end = false;
        unsigned progress = 0;
    };

    explicit core_watch(ftp::core_settings settings) : core_(std::move(settings)) {}

    void start() { take(core_.start()); }
    void feed(ftp::event const& what) {
        before(what);
        take(core_.handle(what));
    }

    /// The first rule that did not hold; "" = all did.
    std::string const& broken() const { return broken_; }
    asked_for const& asked() const { return asked_; }
    std::set<ftp::deadline_kind> const& armed() const { return armed_; }
    bool is_over() const { return finishes_ > 0; }
    bool backend_is_connected() const { return connected_; }
    unsigned finishes() const { return finishes_; }
    unsigned lines() const { return lines_; }
    reply_counter const& replies() const { return replies_; }
    unsigned transfers_begun() const { return transfers_begun_; }
    unsigned transfers_noted() const { return transfers_noted_; }
    std::string const& to_client() const { return to_client_; }
    std::string const& to_backend() const { return to_backend_; }
    std::vector<std::string> const& backend_lines() const { return backend_lines_; }
    /// All that may be written down somewhere.
    std::string const& notes() const { return notes_; }
    /// The actions but for clocks and texts, one letter each: their order is a part of the behaviour, too.
    std::string const& trace() const { return trace_; }
    ftp::control_core const& core() const { return core_; }
    void require(bool holds, std::string const& rule) {
        if (!holds && broken_.empty()) broken_ = rule;
    }

private:
    // --- events: what was asked for has come
    void before(ftp::event const& what) {
        if (auto const* in = std::get_if<ftp::client_bytes>(&what)) lines_ += count_lines(in->bytes);
        if (auto const* time = std::get_if<ftp::deadline_passed>(&what)) armed_.erase(time->kind);
        if (std::holds_alternative<ftp::client_secured>(what)) asked_.tls = false;
        if (std::holds_alternative<ftp::client_cleared>(what)) asked_.clear = false;
        if (std::holds_alternative<ftp::access_decided>(what)) asked_.access = false;
        if (std::holds_alternative<ftp::backend_unreachable>(what)) asked_.backend = false;
        if (std::holds_alternative<ftp::backend_connected>(what) && std::exchange(asked_.backend, false)) {
            connected_ = greets_ = true;
            login_sent_ = false;
        }
        if (std::holds_alternative<ftp::backend_gone>(what)) connected_ = false;
        before_data(what);
    }
    void before_data(ftp::event const& what) {
        bool const client_failed = std::holds_alternative<ftp::client_data_failed>(what);
        bool const backend_failed = std::holds_alternative<ftp::backend_data_failed>(what);
        if (std::holds_alternative<ftp::client_listening>(what)) asked_.client_listener = false;
        if (std::holds_alternative<ftp::client_listen_failed>(what)) asked_.client_listener = false;
        if (std::holds_alternative<ftp::backend_listening>(what)) asked_.backend_listener = false;
        if (std::holds_alternative<ftp::backend_listen_failed>(what)) asked_.backend_listener = false;
        if (std::holds_alternative<ftp::client_data_up>(what)) client_up_ = true;
        if (std::holds_alternative<ftp::backend_data_up>(what)) backend_up_ = true;
        if (std::holds_alternative<ftp::client_data_up>(what) || client_failed) asked_.client_leg = false;
        if (std::holds_alternative<ftp::backend_data_up>(what) || backend_failed) asked_.backend_leg = false;
        if (auto const* done = std::get_if<ftp::relay_done>(&what)) {
            if (std::exchange(asked_.relay, false)) copied_clean_ = done->result == ftp::copy_result::clean;
        }
        if (std::holds_alternative<ftp::client_data_finished>(what)) asked_.client_end = false;
        if (std::holds_alternative<ftp::progress>(what) && asked_.progress > 0) --asked_.progress;
    }
    static unsigned count_lines(std::string_view bytes) {
        return static_cast<unsigned>(std::count(bytes.begin(), bytes.end(), '\n'));
    }

    // --- actions
    void take(ftp::actions const& todo) {
        require(finishes_ == 0 || todo.empty(), "something follows finish");
        bool handshake_began = false;
        for (std::size_t i = 0; i < todo.size(); ++i) {
            std::visit([this](auto const& one) { on(one); }, todo[i]);
            bool const clock = std::holds_alternative<ftp::arm_deadline>(todo[i]) ||
                               std::holds_alternative<ftp::cancel_deadline>(todo[i]);
            require(!handshake_began || clock, "something follows start_tls in its batch (A-001)");
            handshake_began = handshake_began || std::holds_alternative<ftp::start_tls>(todo[i]);
            require(!std::holds_alternative<ftp::finish>(todo[i]) || i + 1 == todo.size(),
                    "finish is not the last action");
            if (!clock) trace_ += static_cast<char>('a' + todo[i].index());
        }
        unsigned const greeting = 1;
        require(replies_.finals <= lines_ + replies_.goodbyes + greeting, "more final replies than commands (B-281)");
        require(core_.state().finals_due <= 2, "more than a command and an ABOR at the backend");
        require(finishes_ == 0 || !core_.wants_client_bytes(), "reads from the client after finish");
    }

    void on(ftp::send_client const& one) {
        require(replies_.take(one.bytes), "not one well-formed reply for the client: " + one.bytes);
        require(!asked_.tls, "a reply in the middle of a handshake");
        bool const preliminary = one.bytes.substr(0, 1) == "1";
        require(!preliminary || (begun_ && !std::exchange(told_, true)), "a 1yz too many (B-194)");
        to_client_ += one.bytes;
    }
    void on(ftp::send_backend const& one) {
        std::string_view line = one.bytes;
        require(connected_, "a command for a backend that is not connected");
        require(line.size() > 2 && line.substr(line.size() - 2) == "\r\n", "no line for the backend (B-280)");
        line.remove_suffix(std::min<std::size_t>(2, line.size()));
        require(line.find_first_of(std::string_view("\r\n\0", 3)) == line.npos, "a line end inside a line (B-280)");
        require(!line.empty() && std::isgraph(static_cast<unsigned char>(line.front())) != 0, "no verb (B-280)");
        login_sent_ = true;
        to_backend_ += one.bytes;
        backend_lines_.emplace_back(line);
    }
    void on(ftp::start_tls const&) { asked_.tls = true; }
    void on(ftp::stop_tls const&) { asked_.clear = true; }
    void on(ftp::decide_access const&) { asked_.access = true; }
    void on(ftp::connect_backend const&) {
        require(!connected_ && !asked_.backend, "a second backend");
        asked_.backend = true;
    }
    void on(ftp::drop_backend const&) { connected_ = asked_.backend = greets_ = false; }
    void on(ftp::pass_over_backend const&) {
        require(!login_sent_, "a login was sent, and another backend is asked");
        require(!greets_, "another backend is asked, and nobody knows why");
        connected_ = false;
        asked_.backend = true;
    }
    void on(ftp::learn_backend_refuses_epsv const&) {}

    void on(ftp::listen_client const&) { open_ = asked_.client_listener = true; }
    void on(ftp::target_client const&) { open_ = true; }
    void on(ftp::protect_client const&) { require(open_, "protects no set-up"); }
    void on(ftp::listen_backend const&) { open_ = asked_.backend_listener = true; }
    void on(ftp::target_backend const&) { open_ = true; }
    void on(ftp::begin_data const&) {
        require(open_, "begins without a set-up");
        ++transfers_begun_;
        told_ = false;
        client_up_ = backend_up_ = copied_clean_ = false;
        asked_.client_leg = asked_.backend_leg = begun_ = true;
    }
    void on(ftp::start_relay const&) {
        require(begun_ && client_up_ && backend_up_ && !asked_.relay, "copies without two legs");
        asked_.relay = true;
    }
    void on(ftp::finish_client_data const&) {
        require(begun_ && client_up_, "a clean end for a leg that is not there or was reset (B-168)");
        asked_.client_end = true;
    }
    void on(ftp::finish_backend_data const&) {
        require(begun_ && backend_up_ && copied_clean_, "a clean end for what is not a whole file (B-167)");
    }
    void on(ftp::abort_data const&) {
        open_ = begun_ = client_up_ = backend_up_ = false;
        asked_.client_listener = asked_.backend_listener = asked_.client_leg = asked_.backend_leg = false;
        asked_.relay = asked_.client_end = false;
    }
    void on(ftp::ask_progress const&) { ++asked_.progress; }

    void on(ftp::arm_deadline const& one) { armed_.insert(one.kind); }
    void on(ftp::cancel_deadline const& one) { armed_.erase(one.kind); }
    void on(ftp::note_command const&) {}
    void on(ftp::note_denied const& one) { notes_ += one.command + '\n'; }
    void on(ftp::note_greeting const& one) {
        require(greets_, "a greeting that is told of twice, or of nobody");
        greets_ = false;
        notes_ += one.words + '\n';
    }
    void on(ftp::note_login const& one) { notes_ += one.user + ' ' + one.mapped_user + ' ' + one.reason + '\n'; }
    void on(ftp::note_transfer const& one) {
        if (one.result != ftp::transfer_result::not_protected) ++transfers_noted_;  // that one never began (B-153)
        notes_ += one.path + '\n';
    }
    void on(ftp::note_attack const&) {}
    void on(ftp::finish const&) {
        ++finishes_;
        require(!open_, "a data leg outlives finish");
        require(!connected_, "the backend outlives finish");
        asked_ = {};
    }

    ftp::control_core core_;
    asked_for asked_;
    std::set<ftp::deadline_kind> armed_;
    reply_counter replies_;
    std::string broken_;
    std::string to_client_;
    std::string to_backend_;
    std::string notes_;
    std::string trace_;
    std::vector<std::string> backend_lines_;
    unsigned finishes_ = 0;
    unsigned lines_ = 0;
    unsigned transfers_begun_ = 0;
    unsigned transfers_noted_ = 0;
    bool connected_ = false;
    bool greets_ = false;
    bool login_sent_ = false;
    bool open_ = false;
    bool begun_ = false;
    bool told_ = false;
    bool client_up_ = false;
    bool backend_up_ = false;
    bool copied_clean_ = false;
};

}  // namespace ftpsgate::tests
