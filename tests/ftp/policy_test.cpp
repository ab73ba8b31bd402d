// The IIS policies: what the control and the data rule make of a command, by the state of the control connection.
// PROTOCOL.md 3.9 (B-172 .. B-179), INTERFACE.md "FTP replies that are fixed".
#include "tests/support/script.hpp"

using namespace ftpsgate;
using ftp::control_rule;
using ftp::data_rule;
using tests::script;
using tests::script_settings;

namespace {

/// How the session came to the command: in clear, in TLS, back in clear after CCC; `in` = logged in.
enum class way { clear, clear_in, tls, tls_in, cleared };

char const* to_string(way where) {
    static char const* const names[] = {"clear", "clear, logged in", "tls", "tls, logged in", "after CCC"};
    return names[static_cast<int>(where)];
}

script_settings rules(control_rule control, data_rule data) {
    script_settings settings;
    settings.site().control = control;
    settings.site().data = data;
    return settings;
}

void come(script& talk, way how) {
    switch (how) {
        case way::clear: talk.begins().to_client("220"); return;
        case way::clear_in: talk.begins().to_client("220").login(); return;
        case way::tls: talk.secured(); return;
        case way::tls_in: talk.logged_in(); return;
        case way::cleared:
            talk.logged_in().client("CCC").to_client("200").expects<ftp::stop_tls>();
            talk.is(ftp::client_cleared{}).is_quiet();
            return;
    }
}

/// The reply, "decide" = access is asked for, "backend" = it goes to the backend, "234" includes the handshake.
std::string outcome(script& talk, std::string const& command) {
    std::string const before = talk.client_stream();
    std::string const sent = talk.backend_stream();
    talk.client(command);
    bool decides = false;
    for (auto const& one : talk.pending())
        decides = decides || std::holds_alternative<ftp::decide_access>(one);
    talk.skip();
    if (decides) return "decide";
    if (talk.backend_stream() != sent) return "backend";
    return talk.client_stream().substr(before.size(), 3);
}

struct row {
    control_rule control;
    way how;
    std::string command;
    std::string expected;
};

constexpr auto require = control_rule::require;
constexpr auto credentials = control_rule::require_credentials_only;
constexpr auto allow = control_rule::allow;

}  // namespace

TEST_CASE("policy: the control rule and a command (B-172 - B-176, A-003, A-005)", "[ftp][policy]") {
    auto const one = GENERATE(values<row>({
        // B-172: outside {AUTH, FEAT, HELP, HOST, NOOP, OPTS, QUIT, SYST} everything is 534
        {require, way::clear, "USER joe", "534"},
        {require, way::clear, "PASS x", "534"},
        {require, way::clear, "ACCT x", "534"},
        {require, way::clear, "PASV", "534"},
        {require, way::clear, "RETR a", "534"},
        {require, way::clear, "LIST", "534"},
        {require, way::clear, "STAT", "534"},
        {require, way::clear, "PWD", "534"},
        {require, way::clear, "CLNT x", "534"},
        {require, way::clear, "LANG", "534"},
        {require, way::clear, "SITE HELP", "534"},
        {require, way::clear, "ABOR", "534"},
        {require, way::clear, "AUTH TLS", "234"},
        {require, way::clear, "FEAT", "211"},
        {require, way::clear, "HELP", "214"},
        {require, way::clear, "HOST ftp.example.com", "220"},
        {require, way::clear, "NOOP", "200"},
        {require, way::clear, "OPTS UTF8 ON", "200"},
        {require, way::clear, "QUIT", "221"},
        {require, way::clear, "SYST", "215"},
        // the rows of section 3.2 are more precise than B-172 for these
        {require, way::clear, "PBSZ 0", "503"},
        {require, way::clear, "PROT P", "503"},
        {require, way::clear, "CCC", "533"},
        {require, way::clear, "ADAT x", "503"},
        // in TLS
        {require, way::tls, "USER joe", "decide"},
        {require, way::tls_in, "CCC", "534"},  // B-173
        {require, way::tls, "CCC", "534"},
        {require, way::tls_in, "PWD", "backend"},
        // B-174, B-175
        {credentials, way::clear, "USER joe", "534"},
        {credentials, way::clear, "PASS x", "534"},
        {credentials, way::clear, "ACCT x", "534"},
        {credentials, way::clear, "PWD", "530"},
        {credentials, way::clear, "STAT", "211"},
        {credentials, way::tls, "CCC", "534"},  // B-062
        {credentials, way::tls_in, "CCC", "200"},
        {credentials, way::cleared, "USER joe", "534"},
        {credentials, way::cleared, "PASS x", "534"},
        {credentials, way::cleared, "ACCT x", "534"},
        {credentials, way::cleared, "PWD", "backend"},
        {credentials, way::cleared, "AUTH TLS", "534"},  // B-038
        {credentials, way::cleared, "PBSZ 0", "503"},    // B-061
        {credentials, way::cleared, "PROT C", "503"},
        {credentials, way::cleared, "CCC", "533"},
        // B-176
        {allow, way::clear, "USER joe", "decide"},
        {allow, way::clear, "PWD", "530"},
        {allow, way::clear_in, "PWD", "backend"},
        {allow, way::clear_in, "CCC", "533"},
        {allow, way::clear_in, "PBSZ 0", "503"},
        {allow, way::clear_in, "PROT P", "503"},
        {allow, way::clear_in, "AUTH TLS", "234"},
        {allow, way::tls, "CCC", "534"},
        {allow, way::tls_in, "CCC", "200"},
        {allow, way::cleared, "PWD", "backend"},
        {allow, way::cleared, "USER joe", "534"},  // after an allowed CCC, whatever the rule
        {allow, way::cleared, "AUTH TLS", "534"},
        {allow, way::cleared, "PBSZ 0", "503"},
        {allow, way::cleared, "PROT P", "503"},
    }));
    INFO(static_cast<int>(one.control) << ", " << to_string(one.how) << ": " << one.command);
    script talk(rules(one.control, data_rule::allow));
    come(talk, one.how);
    CHECK(outcome(talk, one.command) == one.expected);
}

TEST_CASE("policy: PASS after CCC does not log in again (A-005)", "[ftp][policy]") {
    script talk(rules(allow, data_rule::allow));
    come(talk, way::cleared);
    CHECK(outcome(talk, "PASS x").substr(0, 1) == "5");  // 503 or 534
    CHECK(talk.backend_stream().find("PASS x") == std::string::npos);
}

namespace {

struct data_row {
    control_rule control;
    data_rule data;
    bool tls;
    std::string level;  ///< of PROT; "" = none is given
    std::string level_reply;
    std::string transfer;
};

}  // namespace

TEST_CASE("policy: the data rule, PROT, and a transfer (B-177 - B-179, B-050, B-051)", "[ftp][policy]") {
    auto const one = GENERATE(values<data_row>({
        {require, data_rule::require, true, "", "", "521"},
        {require, data_rule::require, true, "C", "534", "521"},
        {require, data_rule::require, true, "P", "200", "backend"},
        {require, data_rule::allow, true, "", "", "backend"},
        {require, data_rule::allow, true, "C", "200", "backend"},
        {require, data_rule::allow, true, "P", "200", "backend"},
        {require, data_rule::deny, true, "", "", "backend"},
        {require, data_rule::deny, true, "P", "534", "backend"},
        {require, data_rule::deny, true, "C", "200", "backend"},
        {allow, data_rule::require, true, "", "", "521"},
        {allow, data_rule::require, true, "P", "200", "backend"},
        {allow, data_rule::require, false, "", "", "521"},  // B-179
        {allow, data_rule::require, false, "P", "503", "521"},
        {allow, data_rule::allow, false, "", "", "backend"},
        {allow, data_rule::allow, false, "P", "503", "backend"},
        {allow, data_rule::deny, false, "", "", "backend"},
        {credentials, data_rule::require, true, "C", "534", "521"},
        {credentials, data_rule::deny, true, "P", "534", "backend"},
    }));
    INFO(static_cast<int>(one.control) << ' ' << static_cast<int>(one.data) << (one.tls ? " tls" : " clear") << " PROT "
                                       << one.level);
    for (auto const* command : {"RETR a", "STOR a", "APPE a", "STOU", "LIST", "NLST", "MLSD"}) {  // B-152
        CAPTURE(command);
        script talk(rules(one.control, one.data));
        come(talk, one.tls ? way::tls_in : way::clear_in);
        if (!one.level.empty()) {
            if (one.tls) talk.answers("PBSZ 0", "200");
            talk.answers("PROT " + one.level, one.level_reply);
        }
        talk.passive();  // never refused for the level (B-152)
        CHECK(outcome(talk, command) == one.transfer);
    }
}

TEST_CASE("policy: after CCC the data connections stay as they were (B-061)", "[ftp][policy]") {
    script talk(rules(allow, data_rule::require));
    talk.logged_in().protect().client("CCC").to_client("200").expects<ftp::stop_tls>().is(ftp::client_cleared{});
    talk.client("PASV").to_backend("EPSV").backend("229 (|||6446|)").expects<ftp::target_backend>();
    auto const listen = talk.expects_one<ftp::listen_client>();
    REQUIRE(listen);
    CHECK(listen->level == ftp::protection::tls);
    talk.is(ftp::client_listening{50001}).to_client("227").client("RETR a").to_backend("RETR a");
}

TEST_CASE("policy: a clear login ends at AUTH: the user must log in again (B-039)", "[ftp][policy]") {
    script talk(rules(allow, data_rule::allow));
    come(talk, way::clear_in);
    talk.passive();
    talk.client("AUTH TLS").expects<ftp::abort_data>().expects<ftp::drop_backend>();
    talk.to_client("234").expects<ftp::start_tls>().is(ftp::client_secured{}).is_quiet();
    CHECK(talk.armed(ftp::deadline_kind::login));  // nobody is logged in: its clock runs
    talk.answers("RETR a", "530").answers("PWD", "530").answers("PROT P", "503");
}

TEST_CASE("policy: implicit TLS starts with PROT P, under deny with PROT C (B-031, B-185)", "[ftp][policy]") {
    auto const [data, level] = GENERATE(table<data_rule, ftp::protection>({
        {data_rule::require, ftp::protection::tls},
        {data_rule::allow, ftp::protection::tls},
        {data_rule::deny, ftp::protection::clear},
    }));
    script_settings settings = rules(require, data);
    settings.tls = ftp::tls_start::implicit_tls;
    script talk(settings);
    talk.begins().expects<ftp::start_tls>().is_quiet();  // not a byte before the handshake
    talk.is(ftp::client_secured{}).to_client("220").is_quiet().login();
    talk.client("PASV").to_backend("EPSV").backend("229 (|||6446|)").expects<ftp::target_backend>();
    auto const listen = talk.expects_one<ftp::listen_client>();
    REQUIRE(listen);
    CHECK(listen->level == level);
    talk.is(ftp::client_listening{50001}).to_client("227").client("RETR a").to_backend("RETR a");
}

TEST_CASE("policy: a denied verb is 502 and does not reach the backend, nor do its aliases (A-052)", "[ftp][policy]") {
    auto const [denied, command] = GENERATE(table<ftp::verb, std::string>({
        {ftp::verb::dele, "DELE a"},
        {ftp::verb::mkd, "MKD a"},
        {ftp::verb::mkd, "XMKD a"},
        {ftp::verb::rmd, "XRMD a"},
        {ftp::verb::cwd, "XCWD a"},
        {ftp::verb::cdup, "XCUP"},
        {ftp::verb::pwd, "XPWD"},
        {ftp::verb::stor, "APPE a"},
        {ftp::verb::stor, "STOU"},
        {ftp::verb::list, "NLST"},
        {ftp::verb::list, "MLSD"},
        {ftp::verb::list, "MLST a"},
        {ftp::verb::list, "STAT a"},
        {ftp::verb::site, "SITE HELP"},
        {ftp::verb::abor, "ABOR"},
        {ftp::verb::site, "site  exec"},
    }));
    CAPTURE(command);
    script_settings settings;
    settings.site().denied.set(static_cast<std::size_t>(denied));
    script talk(settings);
    talk.logged_in().protect().passive();
    CHECK(outcome(talk, command) == "502");
    CHECK(talk.noted<ftp::note_denied>().size() == 1);
}

TEST_CASE("policy: a denied ABOR has no effect on a transfer either (A-052)", "[ftp][policy]") {
    script_settings settings;
    settings.site().denied.set(static_cast<std::size_t>(ftp::verb::abor));
    script talk(settings);
    talk.logged_in().transferring("RETR a").client("ABOR").is_quiet();
    talk.is(ftp::relay_done{}).backend("226 done").expects<ftp::finish_client_data>();
    talk.is(ftp::client_data_finished{}).to_client("226").expects<ftp::abort_data>().to_client("502").is_quiet();
}

TEST_CASE("policy: SITE commands that run, copy or change passwords are refused (B-106, A-052)", "[ftp][policy]") {
    auto const command = GENERATE(as<std::string>{}, "SITE EXEC ls", "site exec ls", "SITE  EXEC ls", "SITE \tEXEC ls",
                                  "SITE \xa0"
                                  "EXEC ls",
                                  "SITE CPFR a", "SITE CPTO b", "SITE PSWD a b", "SITE EXEC");
    script talk;
    talk.logged_in();
    CHECK(outcome(talk, command).substr(0, 1) == "5");
    CHECK(talk.backend_stream().find("SITE") == std::string::npos);
}

TEST_CASE("policy: unknown verbs (D-10, A-011)", "[ftp][policy]") {
    script_settings settings;
    SECTION("refused") {
        script talk(settings);
        talk.logged_in().answers("XYZZY a", "50");
    }
    SECTION("let through where the site says so") {
        settings.site().pass_unknown = true;
        script talk(settings);
        talk.logged_in().forwards("XYZZY a").backend("200 nothing happens").to_client("200");
    }
    SECTION("never before the login, and ten of them are enough") {
        settings.site().pass_unknown = true;
        script talk(settings);
        talk.secured();
        for (int i = 0; i < 9; ++i)
            talk.answers("XYZZY", "500");
        talk.client("XYZZY").skip().client("XYZZY").skip();
        CHECK(talk.finishes() == 1);
    }
}
