// Plays the client, the backend, the driver and the clock of a watched core, by chance: commands that a client may
// give, replies that a backend may give, legs that come up or not. A hostile one also sends what nobody should. All
// decisions come from `pick`, so that a seed or a fuzzer's input names the whole session.
#pragma once

#include "tests/support/core_watch.hpp"
#include "tests/support/plan_maker.hpp"

#include <deque>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace ftpsgate::tests {

enum class manners { polite, hostile };

/// One event that owns its bytes: sessions can be written down and played again.
struct step {
    enum class side { client, backend, driver };
    side from = side::driver;
    std::string bytes;
    ftp::event what = ftp::client_gone{};

    ftp::event as_event() const {
        if (from == side::client) return ftp::client_bytes{bytes};
        if (from == side::backend) return ftp::backend_bytes{bytes};
        return what;
    }
};

/// For messages: who, and what.
inline std::string to_string(step const& one) {
    static constexpr char const* names[] = {"client_bytes",
                                            "client_secured",
                                            "client_cleared",
                                            "client_gone",
                                            "access_decided",
                                            "backend_connected",
                                            "unreachable",
                                            "backend_bytes",
                                            "backend_gone",
                                            "client_listening",
                                            "listen_failed",
                                            "backend_listens",
                                            "backend_listen_fail",
                                            "client_handshaking",
                                            "client_data_up",
                                            "client_data_failed",
                                            "backend_data_up",
                                            "backend_data_failed",
                                            "relay_done",
                                            "client_data_finished",
                                            "progress",
                                            "deadline_passed",
                                            "shutdown"};
    if (one.from == step::side::driver) {
        std::string name = names[one.what.index()];
        if (auto const* time = std::get_if<ftp::deadline_passed>(&one.what))
            name += ' ' + std::to_string(static_cast<int>(time->kind));
        if (auto const* done = std::get_if<ftp::relay_done>(&one.what))
            name += ' ' + std::to_string(static_cast<int>(done->result));
        return name;
    }
    return (one.from == step::side::client ? "C: " : "B: ") +
           one.bytes.substr(0, one.bytes.find_last_not_of("\r\n") + 1);
}

class core_player {
public:
    using chooser = std::function<unsigned(unsigned)>;  ///< below the bound

    core_player(core_watch& watch, manners how, chooser pick) : watch_(watch), how_(how), pick_(std::move(pick)) {}

    /// One event.
    void plays() {
        collect();
        if (choices_.empty()) return;
        auto const chosen = choices_[pick_(static_cast<unsigned>(choices_.size()))];
        (this->*chosen)();
    }
    /// Answers what is still open and gives no command any more: every command must have got its reply then (B-281).
    void comes_to_rest() {
        resting_ = true;
        for (unsigned i = 0; i < 2000 && !watch_.is_over(); ++i) {
            collect();
            if (choices_.empty()) return;
            (this->*choices_[pick_(static_cast<unsigned>(choices_.size()))])();
        }
    }
    std::vector<step> const& history() const { return history_; }

private:
    using choice = void (core_player::*)();

    void collect() {
        choices_.clear();
        auto const& asked = watch_.asked();
        auto const offer = [this](bool possible, unsigned weight, choice what) {
            if (possible) choices_.insert(choices_.end(), weight, what);
        };
        offer(!resting_ && !watch_.is_over() && (watch_.core().wants_client_bytes() || rude()), 6,
              &core_player::command);
        offer(asked.tls, 6, &core_player::secured);
        offer(asked.clear, 6, &core_player::cleared);
        offer(asked.access, 6, &core_player::access);
        offer(asked.backend, 6, &core_player::backend_comes);
        offer(asked.client_listener, 6, &core_player::client_listener);
        offer(asked.backend_listener, 6, &core_player::backend_listener);
        offer(asked.client_leg, 3, &core_player::client_leg);
        offer(asked.backend_leg, 3, &core_player::backend_leg);
        offer(asked.relay, 3, &core_player::relay);
        offer(asked.client_end, 3, &core_player::client_end);
        offer(asked.progress > 0, 6, &core_player::progress);
        offer(backend_owes(), 6, &core_player::reply);
        offer(!resting_ && !watch_.armed().empty() && pick_(20) == 0, 2, &core_player::deadline);
        offer(!resting_ && pick_(100) == 0, 1, &core_player::accident);
        offer(rude(), 3, &core_player::rudeness);
    }
    bool rude() const { return how_ == manners::hostile && !resting_; }

    template <class Text, std::size_t Count>
    std::string one_of(Text const (&texts)[Count]) {
        return std::string(texts[pick_(Count)]);
    }
    void give(step::side from, std::string bytes) { give({from, std::move(bytes), {}}); }
    void give(ftp::event what) { give({step::side::driver, {}, std::move(what)}); }
    void give(step what) {
        history_.push_back(what);
        bool const connected = watch_.backend_is_connected();
        std::size_t const said = watch_.backend_lines().size();
        watch_.feed(history_.back().as_event());
        if (!watch_.backend_is_connected())
            owed_.clear();
        else if (!connected)
            owed_.assign(1, "greeting");
        for (std::size_t i = said; i < watch_.backend_lines().size() && watch_.backend_is_connected(); ++i)
            owed_.push_back(watch_.backend_lines()[i]);
    }

    // --- the client

    void command() {
        std::string bytes;
        // Nothing may come with AUTH.
        bool const clear = watch_.core().state().control == ftp::control_channel::clear;
        if (clear && pick_(2) == 0) return give(step::side::client, "AUTH TLS\r\n");
        for (unsigned count = 1 + pick_(3) / 2; count > 0; --count)
            bytes += one_command() + "\r\n";
        give(step::side::client, std::move(bytes));
    }
    std::string one_command() {
        auto const& now = watch_.core().state();
        if (now.login == ftp::login_phase::none && pick_(2) == 0) return "USER joe";
        if (now.login == ftp::login_phase::user_given && pick_(2) == 0) return "PASS geheim";
        if (now.login == ftp::login_phase::in && now.setup != ftp::data_setup::none && pick_(2) == 0) return transfer();
        if (now.login == ftp::login_phase::in && pick_(3) == 0) return setup();
        return other();
    }
    std::string setup() {
        static constexpr std::string_view all[] = {"PASV",
                                                   "EPSV",
                                                   "EPSV 1",
                                                   "PORT 192,0,2,7,200,1",
                                                   "PBSZ 0",
                                                   "PROT P",
                                                   "EPRT |1|192.0.2.7|51201|",
                                                   "PORT 10,0,0,5,0,22",
                                                   "PROT C"};
        return one_of(all);
    }
    std::string transfer() {
        static constexpr std::string_view all[] = {"RETR a", "STOR a", "LIST", "STOU", "MLSD", "APPE b", "PROT P"};
        return one_of(all);
    }
    std::string other() {
        static constexpr std::string_view all[] = {
            "NOOP",         "NOOP",   "PWD",    "CWD x",        "USER ann",     "PASS other",
            "FEAT",         "SYST",   "TYPE I", "ABOR",         "ABOR",         "ABOR",
            "STAT",         "STAT x", "QUIT",   "REST 5",       "REST x",       "RNFR a",
            "RNTO b",       "MODE S", "MODE B", "CCC",          "OPTS UTF8 ON", "HOST ftp.example.com",
            "HOST nowhere", "ACCT x", "REIN",   "AUTH SSL",     "SITE HELP",    "SITE EXEC x",
            "HELP",         "XYZZY",  "P@SW",   "MKD \xc3\xbc", "DELE a  b ",   "EPSV ALL",
            "RETR",         "ADAT x", "LANG",   "CLNT x",       "ABOR x"};
        return one_of(all);
    }

    // --- the backend

    bool backend_owes() const { return watch_.backend_is_connected() && !owed_.empty(); }
    void reply() {
        std::string const asked = owed_.front();
        bool const transfer = watch_.core().state().now == ftp::activity::transfer;
        if (transfer && pick_(3) == 0 && asked != "ABOR") return give(step::side::backend, "150 here it comes\r\n");
        owed_.pop_front();
        give(step::side::backend, as_reply(asked, reply_for(asked)));
    }
    // Paths are shown as they are (B-242): there the address would be a name.
    std::string as_reply(std::string_view asked, std::string const& line) {
        bool const path = asked == "PWD" || asked == "STAT x" || asked.substr(0, 3) == "MKD";
        if (pick_(5) > 0) return line + "\r\n";
        std::string const where = path ? "here" : "10.0.0.5 (10,0,0,5,20,20)";
        return line.substr(0, 3) + "-more at " + where + "\r\n 200 in between\r\n" + line + "\r\n";
    }
    std::string reply_for(std::string_view asked) {
        static constexpr std::string_view any[] = {"200 ok",    "250 ok", "257 \"/\"", "550 no", "500 what",
                                                   "350 go on", "226 ok", "425 no",    "451 no", "426 cut"};
        static constexpr std::string_view user[] = {"331 pw", "331 pw", "331 pw", "230 in", "530 no", "332 acct"};
        static constexpr std::string_view pass[] = {"230 in", "230 in", "230 in", "202 in", "530 no", "332 acct"};
        static constexpr std::string_view epsv[] = {"229 ok (|||6446|)", "229 ok (|||6446|)",       "500 what",
                                                    "229 ok (|||22|)",   "227 ok (10,0,0,9,20,20)", "421 idle"};
        static constexpr std::string_view pasv[] = {"227 ok (10,0,0,5,20,20)", "227 Entering", "500 what"};
        if (asked == "greeting") return pick_(10) == 0 ? "230 in" : "220 hello";
        if (asked.substr(0, 4) == "USER") return one_of(user);
        if (asked.substr(0, 4) == "PASS") return one_of(pass);
        if (asked == "EPSV") return one_of(epsv);
        if (asked == "PASV") return one_of(pasv);
        if (asked == "FEAT") return "211 End";
        return one_of(any);
    }

    // --- the driver

    void secured() { give(ftp::client_secured{}); }
    void cleared() { give(ftp::client_cleared{}); }
    void access() {
        ftp::access_decided decision;
        if (pick_(10) > 0) decision.plan = proxy::plan_maker::make("joe");
        give(decision);
    }
    void backend_comes() {
        if (pick_(20) == 0) return give(ftp::backend_unreachable{});
        ftp::backend_connected backend{*ftp::ip_address::parse("10.0.0.5"), *ftp::ip_address::parse("10.0.0.1"),
                                       pick_(2) == 0};
        if (pick_(3) == 0) backend.greeting_limit = std::chrono::seconds(5);
        give(backend);
    }
    void client_listener() { pick_(10) > 0 ? give(ftp::client_listening{50001}) : give(ftp::client_listen_failed{}); }
    void backend_listener() {
        if (pick_(10) == 0) return give(ftp::backend_listen_failed{});
        give(ftp::backend_listening{{*ftp::ip_address::parse("10.0.0.1"), 40001}});
    }
    void client_leg() {
        static constexpr ftp::data_fault faults[] = {ftp::data_fault::connect, ftp::data_fault::handshake,
                                                     ftp::data_fault::not_resumed};
        if (pick_(3) == 0) return give(ftp::client_data_handshaking{});
        if (pick_(5) > 0) return give(ftp::client_data_up{});
        give(ftp::client_data_failed{faults[pick_(3)]});
    }
    void backend_leg() { pick_(5) > 0 ? give(ftp::backend_data_up{}) : give(ftp::backend_data_failed{}); }
    void relay() {
        static constexpr ftp::copy_result bad[] = {ftp::copy_result::client_truncated, ftp::copy_result::client_failed,
                                                   ftp::copy_result::backend_failed, ftp::copy_result::idle};
        give(ftp::relay_done{pick_(3) > 0 ? ftp::copy_result::clean : bad[pick_(4)]});
    }
    void client_end() { give(ftp::client_data_finished{pick_(8) > 0}); }
    void progress() { give(ftp::progress{pick_(3), pick_(2) == 0}); }
    void deadline() {
        auto at = watch_.armed().begin();
        std::advance(at, pick_(static_cast<unsigned>(watch_.armed().size())));
        give(ftp::deadline_passed{*at});
    }
    void accident() {
        switch (pick_(4)) {
            case 0: return give(ftp::client_gone{});
            case 1: return give(ftp::backend_gone{});
            case 2: return give(ftp::shutdown{ftp::shutdown_kind::drain});
            default: return give(ftp::shutdown{ftp::shutdown_kind::now});
        }
    }

    // --- what nobody should do

    std::string noise(unsigned longest) {
        static constexpr std::string_view pieces[] = {
            "\r\n",
            "\n",
            "\r",
            std::string_view("\0", 1),
            "\xff\xf4",
            "\xff\xf2",
            "\xff",
            "\xff\xfa",
            " ",
            "\t",
            "USER x",
            "PASS y",
            "RETR a",
            "ABOR",
            "220 ",
            "226 ok\r\n",
            "150-",
            "421 bye\r\n",
            "227 (",
            "10,0,0,5,0,21",
            ")",
            "633 ",
            "000 ",
            "999 x\r\n",
            "\x80\x9b",
            "%n%s",
            "||||",
            "-",
            "GET / HTTP/1.1\r\n",
            "\x16\x03\x01",
            "AUTH TLS\r\n",
            "234 ok\r\n",
            "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"};
        std::string made;
        for (unsigned count = 1 + pick_(longest); count > 0; --count)
            made += one_of(pieces);
        return made;
    }
    void rudeness() {
        switch (pick_(4)) {
            case 0: return give(step::side::client, noise(6));
            case 1: return give(step::side::backend, noise(6));
            case 2: return surprise();
            default: return surprise_data();
        }
    }
    void surprise() {
        switch (pick_(7)) {
            case 0: return give(ftp::client_secured{});
            case 1: return give(ftp::client_cleared{});
            case 2: return access();
            case 3: return backend_comes();
            case 4: return client_listener();
            case 5: return backend_listener();
            default: return give(ftp::progress{1, true});
        }
    }
    void surprise_data() {
        switch (pick_(4)) {
            case 0: return client_leg();
            case 1: return backend_leg();
            case 2: return relay();
            default: return client_end();
        }
    }

    core_watch& watch_;
    manners how_;
    chooser pick_;
    std::vector<choice> choices_;
    std::deque<std::string> owed_;
    std::vector<step> history_;
    bool resting_ = false;
};

}  // namespace ftpsgate::tests
