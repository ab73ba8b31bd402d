// What holds in every session, whatever the peers do: the invariants of PROTOCOL.md 6.8 and DESIGN.md 4.
#include "tests/support/core_player.hpp"
#include "tests/support/script.hpp"

#include <map>
#include <random>

using namespace ftpsgate;
using tests::core_player;
using tests::core_watch;
using tests::manners;
using tests::script;
using tests::script_settings;
using tests::step;

namespace {

step client(std::string_view line) {
    return {step::side::client, std::string(line) + "\r\n", {}};
}
step backend(std::string_view lines) {
    return {step::side::backend, std::string(lines) + "\r\n", {}};
}
step is(ftp::event what) {
    return {step::side::driver, {}, std::move(what)};
}

std::vector<step> login_steps() {
    auto const address = [](char const* text) { return *ftp::ip_address::parse(text); };
    return {client("AUTH TLS"),
            is(ftp::client_secured{}),
            client("FEAT"),
            client("USER joe"),
            is(ftp::access_decided{proxy::plan_maker::make("joe")}),
            client("PASS geheim"),
            is(ftp::backend_connected{address("10.0.0.5"), address("10.0.0.1"), false}),
            backend("220 hello"),
            backend("331 password"),
            backend("230-welcome\r\n230 in"),
            client("PBSZ 0"),
            client("PROT P")};
}

std::vector<step> transfer_steps(std::string const& command) {
    std::vector<step> steps{client("PASV"),
                            backend("229 ok (|||6446|)"),
                            is(ftp::client_listening{50001}),
                            client(command),
                            is(ftp::backend_data_up{}),
                            backend("150 go"),
                            is(ftp::client_data_up{}),
                            is(ftp::relay_done{}),
                            backend("226 done")};
    if (command.substr(0, 4) == "RETR") steps.push_back(is(ftp::client_data_finished{}));
    return steps;
}

std::vector<step> full_session() {
    std::vector<step> steps = login_steps();
    for (auto const* command : {"STOR a", "RETR a"}) {
        auto more = transfer_steps(command);
        steps.insert(steps.end(), more.begin(), more.end());
        steps.push_back(client("PWD"));
        steps.push_back(backend("257 \"/\""));
    }
    steps.push_back(client("QUIT"));
    return steps;
}

void play(core_watch& watch, std::vector<step> const& steps, std::size_t from, std::size_t to) {
    for (std::size_t i = from; i < to; ++i)
        watch.feed(steps[i].as_event());
}

std::size_t count(std::string const& text, std::string const& what) {
    std::size_t found = 0;
    for (std::size_t at = text.find(what); at != text.npos; at = text.find(what, at + 1))
        ++found;
    return found;
}

/// What breaks in at one step; `ends` = the session may not outlive it.
struct fault {
    std::string name;
    ftp::event what;
    bool ends = true;
};

std::vector<fault> faults_at(core_watch const& watch) {
    std::vector<fault> all{{"client gone", ftp::client_gone{}, true},
                           {"shutdown now", ftp::shutdown{ftp::shutdown_kind::now}, true},
                           {"drain", ftp::shutdown{ftp::shutdown_kind::drain}, false},
                           {"backend gone", ftp::backend_gone{}, false}};
    for (auto const kind : watch.armed())
        all.push_back({"deadline " + std::to_string(static_cast<int>(kind)), ftp::deadline_passed{kind}, false});
    return all;
}

core_watch begun(script_settings const& settings = {}) {
    return core_watch(script::core_settings(settings));
}

/// Plays `steps` once for each fault at each step; `check` looks at the watch afterwards.
template <class Check>
void fails_at_every_step(std::vector<step> const& steps, Check check) {
    for (std::size_t k = 0; k <= steps.size(); ++k) {
        std::size_t count_of_faults = 1;
        for (std::size_t which = 0; which < count_of_faults; ++which) {
            core_watch watch = begun();
            watch.start();
            play(watch, steps, 0, k);
            auto const faults = faults_at(watch);
            count_of_faults = faults.size();
            INFO("at step " << k << ": " << faults[which].name);
            watch.feed(faults[which].what);
            if (faults[which].ends) CHECK(watch.is_over());
            play(watch, steps, k, steps.size());  // whatever comes late
            watch.feed(ftp::client_gone{});
            check(watch);
        }
    }
}

}  // namespace

TEST_CASE("control_core: the whole session, for the tests below", "[ftp][core]") {
    core_watch watch = begun();
    watch.start();
    auto const steps = full_session();
    play(watch, steps, 0, steps.size());
    CHECK(watch.broken().empty());
    CHECK(watch.finishes() == 1);
    CHECK(watch.transfers_begun() == 2);
    CHECK(watch.transfers_noted() == 2);
    CHECK(count(watch.to_client(), "226 done\r\n") == 2);
    CHECK(watch.replies().finals == watch.lines() + 1);
    CHECK(watch.to_backend() == "USER joe\r\nPASS geheim\r\nEPSV\r\nSTOR a\r\nPWD\r\nEPSV\r\nRETR a\r\nPWD\r\n");
}

TEST_CASE("control_core: whatever breaks at whatever step, the session ends once and holds nothing (B-281, B-285)",
          "[ftp][core]") {
    auto const steps = full_session();
    fails_at_every_step(steps, [](core_watch const& watch) {
        CHECK(watch.broken() == "");
        CHECK(watch.finishes() == 1);
        CHECK(watch.to_client().find("geheim") == std::string::npos);
        CHECK(watch.to_client().find("10.0.0.5") == std::string::npos);
        CHECK(watch.notes().find("geheim") == std::string::npos);
        bool const user_sent = watch.to_backend().find("USER joe") != std::string::npos;
        CHECK(count(watch.to_backend(), "geheim") <= (user_sent ? 1 : 0));
        if (watch.transfers_begun() > 0) CHECK(count(watch.to_backend(), "geheim") == 1);
    });
}

TEST_CASE("control_core: whatever breaks, every transfer is written down once (INTERFACE, log events)", "[ftp][core]") {
    fails_at_every_step(full_session(),
                        [](core_watch const& watch) { CHECK(watch.transfers_noted() == watch.transfers_begun()); });
}

namespace {

struct broken_rule {
    unsigned times = 0;
    unsigned first_seed = 0;
    std::string shortest;  ///< session
    std::size_t length = 0;
};

std::string described(std::vector<step> const& steps) {
    std::string text;
    for (auto const& one : steps)
        text += "\n  " + to_string(one);
    return text;
}

void check_secrets(core_watch& watch) {
    std::string const& shown = watch.to_client();
    watch.require(shown.find("10.0.0.5") == shown.npos, "the backend's address is shown (B-285)");
    watch.require(shown.find("10,0,0,5") == shown.npos, "the backend's address is shown as in 227 (B-285, A-032)");
    watch.require(shown.find("geheim") == shown.npos, "the password is shown (B-285)");
    watch.require(watch.notes().find("geheim") == std::string::npos, "the password is noted (B-285)");
}

/// `sessions` random ones; the rules that they broke.
std::map<std::string, broken_rule> play_random(manners how, unsigned sessions, unsigned events,
                                               script_settings settings) {
    std::map<std::string, broken_rule> rules;
    for (unsigned seed = 0; seed < sessions; ++seed) {
        std::mt19937 random(seed);
        core_watch watch = begun(settings);
        core_player player(watch, how, [&random](unsigned bound) { return static_cast<unsigned>(random() % bound); });
        watch.start();
        for (unsigned i = 0; i < events && !watch.is_over() && watch.broken().empty(); ++i)
            player.plays();
        if (how == manners::polite) player.comes_to_rest();
        auto const& state = watch.core().state();
        bool const at_rest = how == manners::polite && !watch.is_over() && state.now == ftp::activity::idle;
        if (at_rest) watch.require(watch.replies().finals == watch.lines() + 1, "a command without a reply (B-281)");
        watch.feed(ftp::shutdown{ftp::shutdown_kind::now});
        watch.require(watch.finishes() == 1, "not exactly one finish");
        if (how == manners::polite) check_secrets(watch);  // noise makes a path of a password
        if (watch.broken().empty()) continue;
        auto& rule = rules[watch.broken()];
        if (rule.times++ == 0) rule.first_seed = seed;
        if (rule.length != 0 && rule.length <= player.history().size()) continue;
        rule.length = player.history().size();
        rule.shortest = described(player.history());
    }
    return rules;
}

void check_random(manners how, unsigned sessions, unsigned events, script_settings const& settings) {
    for (auto const& [rule, found] : play_random(how, sessions, events, settings))
        FAIL_CHECK(rule << ": in " << found.times << " sessions, first with seed " << found.first_seed
                        << found.shortest);
}

script_settings with(ftp::control_rule control, ftp::data_rule data, ftp::backend_mode mode) {
    script_settings settings;
    settings.site().control = control;
    settings.site().data = data;
    settings.site().data_mode = mode;
    return settings;
}

}  // namespace

TEST_CASE("control_core: random sessions of polite peers keep the invariants (B-280, B-281, B-285)", "[ftp][core]") {
    SECTION("strict") {
        check_random(manners::polite, 10000, 80, {});
    }
    SECTION("lenient, active at the backend") {
        check_random(manners::polite, 5000, 80,
                     with(ftp::control_rule::allow, ftp::data_rule::allow, ftp::backend_mode::active));
    }
    SECTION("credentials only, the client's mode") {
        check_random(
            manners::polite, 5000, 80,
            with(ftp::control_rule::require_credentials_only, ftp::data_rule::allow, ftp::backend_mode::client));
    }
}

TEST_CASE("control_core: random sessions of hostile peers keep the invariants (B-280, B-281)", "[ftp][core]") {
    SECTION("strict") {
        check_random(manners::hostile, 10000, 60, {});
    }
    SECTION("lenient") {
        check_random(manners::hostile, 10000, 60,
                     with(ftp::control_rule::allow, ftp::data_rule::deny, ftp::backend_mode::passive));
    }
}

namespace {

/// The same session with the bytes of each event cut at random places.
std::vector<step> recut(std::vector<step> const& steps, std::mt19937& random) {
    std::vector<step> cut;
    for (auto const& one : steps) {
        std::string_view rest = one.bytes;
        bool const whole =
            one.from == step::side::driver || rest.find("AUTH") != rest.npos;  // what is behind it counts
        if (whole) cut.push_back(one);
        if (whole) continue;
        while (!rest.empty()) {
            std::size_t const length = 1 + random() % std::min<std::size_t>(rest.size(), 9);
            cut.push_back({one.from, std::string(rest.substr(0, length)), {}});
            rest.remove_prefix(length);
        }
    }
    return cut;
}

/// Several commands in one read where the client gave them one after the other.
std::vector<step> merged(std::vector<step> const& steps) {
    std::vector<step> out;
    for (auto const& one : steps) {
        bool const joins = one.from == step::side::client && !out.empty() && out.back().from == one.from &&
                           one.bytes.substr(0, 4) != "AUTH" && out.back().bytes.substr(0, 4) != "AUTH";
        if (joins)
            out.back().bytes += one.bytes;
        else
            out.push_back(one);
    }
    return out;
}

void check_same(std::vector<step> const& steps, std::vector<step> const& other) {
    core_watch whole = begun();
    core_watch pieces = begun();
    whole.start();
    pieces.start();
    play(whole, steps, 0, steps.size());
    play(pieces, other, 0, other.size());
    CHECK(whole.to_client() == pieces.to_client());
    CHECK(whole.to_backend() == pieces.to_backend());
    CHECK(whole.trace() == pieces.trace());
}

}  // namespace

TEST_CASE("control_core: cutting the same bytes elsewhere changes nothing (B-288, B-001)", "[ftp][core]") {
    auto const steps = full_session();
    std::mt19937 random(7);
    for (unsigned i = 0; i < 200; ++i)
        check_same(steps, recut(steps, random));
    check_same(steps, merged(steps));
}

TEST_CASE("control_core: cutting the bytes of random sessions elsewhere changes nothing (B-288)", "[ftp][core]") {
    for (unsigned seed = 0; seed < 2000; ++seed) {
        CAPTURE(seed);
        std::mt19937 random(seed);
        core_watch watch = begun();
        core_player player(watch, manners::polite,
                           [&](unsigned bound) { return static_cast<unsigned>(random() % bound); });
        watch.start();
        for (unsigned i = 0; i < 60 && !watch.is_over(); ++i)
            player.plays();
        check_same(player.history(), recut(player.history(), random));
    }
}
