// The certificate logs in, in place of USER and PASS: PROTOCOL.md B-069 .. B-075, D-04, A-032, A-051.
#include "tests/support/script.hpp"

using namespace ftpsgate;
using ftp::end_reason;
using ftp::login_method;
using proxy::plan_maker;
using tests::script;

namespace {

plan_maker::mapped const plc{"plc7", "hidden-word"};

/// USER came and the certificate was found to stand for somebody.
script& mapped(script& talk, plan_maker::mapped const& who = plc, std::string const& typed = "whoever") {
    talk.client("USER " + typed).expects<ftp::decide_access>();
    return talk.is(ftp::access_decided{plan_maker::make(who), {}, login_method::certificate})
        .expects<ftp::connect_backend>()
        .is_quiet();
}

script& at_password(script& talk, plan_maker::mapped const& who = plc) {
    return mapped(talk, who)
        .connected()
        .backend("220 x")
        .to_backend("USER " + who.user)
        .backend("331 pw")
        .to_backend("PASS " + who.password)
        .is_quiet();
}

void check_nothing_leaked(script const& talk) {
    CHECK(talk.client_stream().find(plc.user) == std::string::npos);
    CHECK(talk.client_stream().find(plc.password) == std::string::npos);
    CHECK(talk.backend_stream().find("whoever") == std::string::npos);
    for (auto const& note : talk.noted<ftp::note_login>())
        CHECK((note.user + note.reason + note.mapped_user).find(plc.password) == std::string::npos);
}

}  // namespace

TEST_CASE("mapped login: USER logs in at the backend and is answered 232, or 230 where asked for (B-069, D-04)",
          "[ftp][login][mapped]") {
    script talk;
    talk.secured();
    auto const reply = GENERATE(232, 230);
    auto who = plc;
    who.reply = reply;
    at_password(talk, who).backend("230 welcome, plc7").to_client(std::to_string(reply) + " ").is_ready();
    auto const logins = talk.noted<ftp::note_login>();
    REQUIRE(logins.size() == 1);
    CHECK(logins[0].accepted);
    CHECK(logins[0].by_certificate);
    CHECK(logins[0].user == "whoever");
    CHECK(logins[0].mapped_user == plc.user);
    check_nothing_leaked(talk);
}

TEST_CASE("mapped login: a PASS that follows is answered 230 and goes nowhere (B-070)", "[ftp][login][mapped]") {
    script talk;
    at_password(talk.secured()).backend("230 in").to_client("232");
    SECTION("after the reply") {
        talk.answers("PASS typed-by-hand", "230").answers("PASS again", "230").is_ready();
    }
    SECTION("ACCT is not asked for") {
        talk.answers("ACCT x", "503");
    }
    CHECK(talk.backend_stream().find("typed-by-hand") == std::string::npos);
    check_nothing_leaked(talk);
}

TEST_CASE("mapped login: a PASS pipelined behind USER waits for the login", "[ftp][login][mapped]") {
    script talk;
    talk.secured();
    at_password(talk).client("PASS early").is_quiet().backend("230 in").to_client("232").to_client("230").is_ready();
    CHECK(talk.backend_stream().find("early") == std::string::npos);
}

TEST_CASE("mapped login: what the backend says of the mapped user is not shown (B-071, A-032)",
          "[ftp][login][mapped]") {
    script talk;
    talk.secured();
    SECTION("530 to PASS") {
        at_password(talk).backend("530 plc7: wrong password hidden-word").expects<ftp::drop_backend>();
        talk.to_client("530 User cannot log in.\r\n").is_quiet().answers("PASS x", "503");
    }
    SECTION("530 to USER") {
        mapped(talk).connected().backend("220 x").to_backend("USER plc7").backend("530 no plc7 here");
        talk.expects<ftp::drop_backend>().to_client("530 User cannot log in.\r\n").is_quiet();
    }
    SECTION("421 in the login") {
        at_password(talk).backend("421 too many sessions of plc7").to_client("421 Service not available.\r\n");
        talk.ends(end_reason::backend_gone);
    }
    SECTION("later replies") {
        at_password(talk).backend("230 in").to_client("232");
        talk.client("NOOP").to_client("200");
        talk.forwards("SIZE a").backend("550 plc7 may not").to_client("550 user may not\r\n");
    }
    check_nothing_leaked(talk);
}

TEST_CASE("mapped login: ACCT comes from the configuration or the login fails (B-072)", "[ftp][login][mapped]") {
    script talk;
    talk.secured();
    SECTION("there is one") {
        auto who = plc;
        who.account = "line 3";
        at_password(talk, who).backend("332 account?").to_backend("ACCT line 3").backend("230 in").to_client("232");
    }
    SECTION("there is none") {
        at_password(talk).backend("332 account?").expects<ftp::drop_backend>().to_client("530").is_quiet();
    }
    SECTION("asked for at USER") {
        mapped(talk).connected().backend("220 x").to_backend("USER plc7").backend("332 account?");
        talk.expects<ftp::drop_backend>().to_client("530").is_quiet();
    }
}

TEST_CASE("mapped login: a backend that wants no password is fine (B-248, B-249)", "[ftp][login][mapped]") {
    script talk;
    talk.secured();
    mapped(talk).connected().backend("220 x").to_backend("USER plc7").backend("230 in").to_client("232").is_ready();
    CHECK(talk.backend_stream().find(plc.password) == std::string::npos);
}

TEST_CASE("mapped login: USER again is decided anew, on a fresh connection (B-075, A-051)", "[ftp][login][mapped]") {
    script talk;
    at_password(talk.secured()).backend("230 in").to_client("232");
    talk.client("USER root").expects<ftp::drop_backend>().expects<ftp::decide_access>().is_quiet();
    talk.is(ftp::access_decided{plan_maker::make(plc), {}, login_method::certificate}).expects<ftp::connect_backend>();
    talk.connected().backend("220 x").to_backend("USER plc7").is_quiet();
    CHECK(talk.backend_stream().find("root") == std::string::npos);
}

TEST_CASE("mapped login: who is refused by the decision gets 530, and 421 after too many (B-074)",
          "[ftp][login][mapped]") {
    script talk;
    talk.secured();
    auto const refuse = [&] {
        talk.client("USER whoever").expects<ftp::decide_access>();
        talk.is(ftp::access_decided{std::nullopt, "denied by rule guests", login_method::certificate});
    };
    refuse();
    talk.to_client("530 User cannot log in.\r\n").is_quiet();
    refuse();
    talk.to_client("530").is_quiet();
    refuse();
    talk.to_client("530").to_client("421").ends(end_reason::failed_logins);
    auto const logins = talk.noted<ftp::note_login>();
    REQUIRE(logins.size() == 3);
    CHECK(logins[0].by_certificate);
    CHECK(logins[0].reason == "denied by rule guests");
    CHECK(talk.client_stream().find("guests") == std::string::npos);
}

TEST_CASE("mapped login: nobody mapped means the client's own name and password (B-073)", "[ftp][login][mapped]") {
    script talk;
    talk.secured().login("joe");
    auto const logins = talk.noted<ftp::note_login>();
    REQUIRE(logins.size() == 1);
    CHECK_FALSE(logins[0].by_certificate);
    CHECK(logins[0].mapped_user.empty());
}
