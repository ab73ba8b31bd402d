// The login at the backend: PROTOCOL.md 3.3, B-248 - B-250, and what no backend may see.
#include "tests/support/script.hpp"

using namespace ftpsgate;
using ftp::deadline_kind;
using ftp::end_reason;
using tests::script;
using tests::script_settings;

namespace {

/// USER and PASS are given, the backend is connected.
script& at_greeting(script& talk) {
    return talk.secured().connecting().connected().is_quiet();
}

script& at_password(script& talk) {
    return at_greeting(talk)
        .backend("220 x")
        .to_backend("USER joe")
        .backend("331 pw")
        .to_backend("PASS geheim")
        .is_quiet();
}

std::vector<ftp::note_login> logins(script const& talk) {
    return talk.noted<ftp::note_login>();
}

}  // namespace

TEST_CASE("login: no backend is contacted before PASS (A-066, B-282)", "[ftp][login]") {
    script talk;
    talk.secured();
    for (auto const* command : {"FEAT", "HELP", "SYST", "STAT", "NOOP", "OPTS UTF8 ON", "CLNT x", "USER", "PASS x",
                                "ACCT x", "PWD", "RETR a", "SITE x"})
        talk.client(command).to_client("").is_quiet();
    talk.named().client("PASS geheim").expects<ftp::connect_backend>().is_quiet();
}

TEST_CASE("login: USER is answered alike for everybody (A-059, B-073)", "[ftp][login]") {
    script talk;
    talk.secured().named("joe");
    std::string const first = talk.last_reply();
    talk.named("nobody-like-this");
    CHECK(talk.last_reply() == first);
}

TEST_CASE("login: the backend's answers are mapped one to one (B-073)", "[ftp][login]") {
    script talk;
    at_password(talk);
    SECTION("230") {
        talk.backend("230-hello\r\n there\r\n230 in").to_client("230-hello\r\n there\r\n230 in\r\n").is_ready();
        REQUIRE(logins(talk).size() == 1);
        CHECK(logins(talk)[0].accepted);
        CHECK_FALSE(talk.armed(deadline_kind::login));
    }
    SECTION("530") {
        talk.backend("530 no").expects<ftp::drop_backend>().to_client("530 no").is_quiet();
        REQUIRE(logins(talk).size() == 1);
        CHECK_FALSE(logins(talk)[0].accepted);
        CHECK(talk.armed(deadline_kind::login));
        talk.answers("PWD", "530").answers("PASS geheim", "503");
    }
    SECTION("421") {
        talk.backend("421 full").to_client("421 full").ends(end_reason::backend_gone);
    }
    SECTION("202") {
        talk.backend("202 superfluous").to_client("230").is_ready();
    }  // B-249
    SECTION("a code that would make the client go on") {
        talk.backend(GENERATE(as<std::string>{}, "331 again", "350 more", "633 x", "234 x")).skip();
        CHECK(talk.client_stream().find("\r\n530 ") + talk.client_stream().find("\r\n230 ") != 2 * std::string::npos);
    }
}

TEST_CASE("login: greetings (B-248, B-250)", "[ftp][login]") {
    script talk;
    at_greeting(talk);
    SECTION("120, then 220") {
        talk.backend("120 in a minute").is_quiet().backend("220 now").to_backend("USER joe").is_quiet();
        CHECK(talk.armed(deadline_kind::reply));
    }
    SECTION("230: no USER is sent") {
        talk.backend("230 nobody asks").to_client("230").is_ready();
        CHECK(talk.backend_stream() == "SIZE marker\r\n");
        CHECK(logins(talk).size() == 1);
    }
    SECTION("in several segments") {
        talk.backend_bytes("22")
            .is_quiet()
            .backend_bytes("0-hello\r\n 220 x")
            .is_quiet()
            .backend_bytes("\r\n220")
            .is_quiet();
        talk.backend_bytes(" end\r").is_quiet().backend_bytes("\n").to_backend("USER joe");
    }
    SECTION("421") {
        talk.backend("421 no service").to_client("421").ends(end_reason::backend_gone);
    }
    SECTION("4yz, 5yz, 3yz") {
        talk.backend(GENERATE(as<std::string>{}, "400 x", "530 too many", "331 x")).to_client("421");
        CHECK(talk.expects<ftp::abort_data>().expects<ftp::drop_backend>().expects_one<ftp::finish>());
        CHECK(logins(talk).size() == 1);
    }
    SECTION("none") {
        talk.passes(deadline_kind::reply).skip();
    }
    SECTION("it closes") {
        talk.is(ftp::backend_gone{}).to_client("421").ends(end_reason::backend_gone);
    }
}

TEST_CASE("login: it closes right behind 220, or later (B-250)", "[ftp][login]") {
    script talk;
    at_greeting(talk).backend("220 x").to_backend("USER joe");
    SECTION("at once") {
    }
    SECTION("behind USER") {
        talk.backend("331 pw").to_backend("PASS geheim");
    }
    talk.is(ftp::backend_gone{}).to_client("421").ends(end_reason::backend_gone);
    CHECK(logins(talk).size() == 1);  // every refusal is counted (B-287)
}

TEST_CASE("login: a backend that cannot be reached is 421 and the end (B-027)", "[ftp][login]") {
    script talk;
    talk.secured().connecting().is(ftp::backend_unreachable{}).to_client("421").ends(end_reason::backend_unreachable);
    CHECK(logins(talk).size() == 1);
}

TEST_CASE("login: answers to USER (B-249)", "[ftp][login]") {
    script talk;
    at_greeting(talk).backend("220 x").to_backend("USER joe");
    SECTION("230 or 232 at once: the password stays here") {
        talk.backend(GENERATE(as<std::string>{}, "230 in", "232 in")).to_client("230").is_ready();
        CHECK(talk.backend_stream().find("geheim") == std::string::npos);
    }
    SECTION("331 and 336 want it") {
        talk.backend(GENERATE(as<std::string>{}, "331 pw", "336 challenge")).to_backend("PASS geheim");
    }
    SECTION("530: the password stays here") {
        talk.backend("530 no").expects<ftp::drop_backend>().to_client("530").is_quiet();
        CHECK(talk.backend_stream().find("geheim") == std::string::npos);
    }
}

TEST_CASE("login: ACCT (B-092)", "[ftp][login]") {
    auto const answer = GENERATE(as<std::string>{}, "230", "202", "530");
    script talk;
    SECTION("behind PASS") {
        at_password(talk).backend("332 account").to_client("332").is_quiet();
    }
    SECTION("behind USER") {
        at_greeting(talk).backend("220 x").to_backend("USER joe").backend("332 account").to_client("332").is_quiet();
    }
    SECTION("a refused HOST or AUTH does not change that it is awaited (D-09, B-037)") {
        at_password(talk).backend("332 account").to_client("332").is_quiet();
        talk.answers("HOST nowhere", "504").answers("AUTH TLS", "503");
    }
    talk.answers("PWD", "530").answers("PASS x", "503");
    auto const sent = talk.client("ACCT konto").expects_one<ftp::send_backend>();
    REQUIRE(sent);
    CHECK(sent->bytes == "ACCT konto\r\n");
    CHECK(sent->content == ftp::sensitivity::secret);
    talk.backend(answer + " x");
    if (answer == "530")
        talk.expects<ftp::drop_backend>().to_client("530").is_quiet();
    else
        talk.to_client("230").is_ready();
}

TEST_CASE("login: ACCT without being asked for it (B-092)", "[ftp][login]") {
    script talk;
    SECTION("before the login") {
        talk.secured().answers("ACCT x", "503");
    }
    SECTION("after it") {
        talk.logged_in().answers("ACCT x", "503");
    }
}

TEST_CASE("login: the password is a secret, goes out once, and 0xFF is doubled (A-101, B-010, B-192)", "[ftp][login]") {
    script talk;
    talk.secured()
        .named()
        .client_bytes(
            "PASS ge\xff\xff"
            "heim\r\n")
        .expects<ftp::connect_backend>()
        .connected();
    talk.backend("220 x").to_backend("USER joe").backend("331 pw");
    auto const sent = talk.expects_one<ftp::send_backend>();
    REQUIRE(sent);
    CHECK(sent->bytes ==
          "PASS ge\xff\xff"
          "heim\r\n");
    CHECK(sent->content == ftp::sensitivity::secret);
}

TEST_CASE("login: an empty password is one, and spaces belong to it", "[ftp][login]") {
    auto const [given, sent] = GENERATE(table<std::string, std::string>(
        {{"PASS", "PASS"}, {"PASS ", "PASS"}, {"PASS  a ", "PASS  a "}, {"pass x y", "PASS x y"}}));
    script talk;
    talk.secured().named().client(given).expects<ftp::connect_backend>().connected();
    talk.backend("220 x").to_backend("USER joe").backend("331 pw").to_backend(sent);
}

TEST_CASE("login: a plan with a line end in its name sends no USER (A-041)", "[ftp][login]") {
    auto const name = GENERATE(as<std::string>{}, "bob\r\nDELE x", "bob\nQUIT", "bob\rX", std::string("bob\0root", 8));
    script talk;
    talk.secured().client("USER x").expects<ftp::decide_access>();
    talk.is(ftp::access_decided{proxy::plan_maker::make(name)}).skip().client("PASS y").skip();
    talk.connected().backend("220 x").skip();
    CHECK(talk.backend_stream().find("bob") == std::string::npos);
}

TEST_CASE("login: failed logins are counted, the last one ends the session (INTERFACE, A-059)", "[ftp][login]") {
    script talk;
    talk.secured();
    for (int i = 0; i < 2; ++i) {
        talk.connecting()
            .connected()
            .backend("220 x")
            .to_backend("USER joe")
            .backend("331 x")
            .to_backend("PASS geheim");
        talk.backend("530 no").expects<ftp::drop_backend>().to_client("530").is_quiet();
    }
    talk.connecting().connected().backend("220 x").to_backend("USER joe").backend("530 no");
    talk.expects<ftp::drop_backend>().to_client("530").to_client("421").ends(end_reason::failed_logins);
}

TEST_CASE("login: USER again starts over, on a new connection (B-075, RFC 959)", "[ftp][login]") {
    script talk;
    SECTION("logged in") {
        talk.logged_in().protect().passive();
        talk.client("USER ann").expects<ftp::abort_data>().expects<ftp::drop_backend>().expects<ftp::decide_access>();
    }
    SECTION("the account was awaited") {
        at_password(talk).backend("332 account").to_client("332");
        talk.client("USER ann").expects<ftp::drop_backend>().expects<ftp::decide_access>();
    }
    SECTION("before PASS") {
        talk.secured().named("joe").client("USER ann").expects<ftp::decide_access>();
    }
    talk.is(ftp::access_decided{proxy::plan_maker::make("ann")}).to_client("331").answers("PWD", "530");
    CHECK(talk.armed(deadline_kind::login));
    talk.client("PASS x").expects<ftp::connect_backend>().connected().backend("220 x").to_backend("USER ann");
}

TEST_CASE("login: USER again that is refused leaves nobody logged in", "[ftp][login]") {
    script talk;
    talk.logged_in().client("USER ann").expects<ftp::drop_backend>().expects<ftp::decide_access>();
    talk.is(ftp::access_decided{}).to_client("530").answers("PWD", "530").answers("PASS x", "503");
}

TEST_CASE("login: PASS without USER, or again (A-051)", "[ftp][login]") {
    script talk;
    SECTION("without USER") {
        talk.secured().answers("PASS x", "503");
    }
    SECTION("logged in") {
        talk.logged_in().answers("PASS x", "503").is_ready();
    }
    CHECK(talk.backend_stream().find("PASS x") == std::string::npos);
}

TEST_CASE("login: UTF8 that was asked for before the login is told to the backend after it (B-099, B-145)",
          "[ftp][login]") {
    auto const answer = GENERATE(as<std::string>{}, "200 on", "501 what");
    script talk;
    talk.secured();
    SECTION("before USER") {
        talk.answers("opts utf8 on", "200").named();
    }
    SECTION("between USER and PASS") {
        talk.named().answers("OPTS UTF8 ON", "200");
    }
    talk.client("PASS geheim").expects<ftp::connect_backend>().connected().backend("220 x").to_backend("USER joe");
    talk.backend("331 x").to_backend("PASS geheim").is_quiet();
    talk.backend("230 welcome").to_backend("OPTS UTF8 ON").is_quiet();
    talk.backend(answer).to_client("230 welcome").is_ready();
}

TEST_CASE("login: the clock (A-055)", "[ftp][login]") {
    script talk;
    SECTION("before USER") {
        talk.secured();
    }
    SECTION("before PASS") {
        talk.secured().named();
    }
    SECTION("while connecting") {
        talk.secured().connecting();
    }
    SECTION("in the middle of the login") {
        at_password(talk);
    }
    CHECK(talk.times_armed(deadline_kind::login) == 1);
    talk.passes(deadline_kind::login).to_client("421").ends(end_reason::login_timeout);
}

TEST_CASE("login: a backend that does not answer (B-249, A-048)", "[ftp][login]") {
    script talk;
    at_password(talk);
    CHECK(talk.armed(deadline_kind::reply));
    talk.passes(deadline_kind::reply).skip();
    CHECK(talk.finishes() == 1);
    CHECK(talk.client_stream().find("421 ") != std::string::npos);
}

TEST_CASE("login: commands behind PASS wait for it", "[ftp][login]") {
    script talk;
    talk.secured().named().client_bytes("PASS geheim\r\nPWD\r\nNOOP\r\n").expects<ftp::connect_backend>().is_quiet();
    talk.connected()
        .backend("220 x")
        .to_backend("USER joe")
        .backend("230 in")
        .to_client("230")
        .to_backend("PWD")
        .is_quiet();
    talk.backend("257 \"/\"").to_client("257").to_client("200").is_quiet();
}
