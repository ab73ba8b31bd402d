// Replies of a backend that is odd, broken or hostile: PROTOCOL.md 2 (B-014 - B-025), A-002, A-045, A-046, A-048.
#include "tests/support/script.hpp"

using namespace ftpsgate;
using ftp::deadline_kind;
using ftp::end_reason;
using tests::script;

namespace {

/// SITE HELP is at the backend.
script& asked(script& talk) {
    return talk.logged_in().forwards("SITE HELP");
}

/// All that the client got since `from`.
std::string since(script const& talk, std::size_t from) {
    return talk.client_stream().substr(from);
}

/// The command was answered with 451, then 421 and the end.
void dropped(script& talk) {
    talk.to_client("451").to_client("421").ends(end_reason::backend_desync);
    CHECK(talk.noted<ftp::note_attack>().size() == 1);
}

}  // namespace

TEST_CASE("backend: replies come through re-framed (B-014 - B-017, B-019, B-024)", "[ftp][backend]") {
    auto const [reply, shown] = GENERATE(table<std::string, std::string>({
        {"200 ok\r\n", "200 ok\r\n"},
        {"200 ok\n", "200 ok\r\n"},
        {"\r\n\r\n200 ok\r\n", "200 ok\r\n"},  // B-019
        {"200\r\n", "200 \r\n"},               // B-016
        {"200-a\r\nb\r\n200\r\n", "200-a\r\nb\r\n200 \r\n"},
        {"200-a\r\n200-b\r\n 200 c\r\n200 d\r\n", "200-a\r\n200-b\r\n 200 c\r\n200 d\r\n"},
        {"211-a\r\nno space\r\n220-x\r\n211 d\r\n", "211-a\r\nno space\r\n220-x\r\n211 d\r\n"},  // B-017
        {"200 gr\xfc\xc3\xbc\r\n", "200 gr\xfc\xc3\xbc\r\n"},                                    // B-024
    }));
    CAPTURE(reply);
    script talk;
    asked(talk).backend_bytes(reply).to_client(shown).is_ready();
}

TEST_CASE("backend: a line inside that looks like another end is padded, not passed (B-015, B-018)", "[ftp][backend]") {
    script talk;
    asked(talk).backend_bytes("214-a\r\n500 inside\r\n421 too\r\n214 end\r\n").to_client("214-a\r\n");
    CHECK(talk.last_reply().find("\r\n500 ") == std::string::npos);
    CHECK(talk.last_reply().find("\r\n421 ") == std::string::npos);
    talk.is_ready();
}

TEST_CASE("backend: a reply that is closed by another code is never closed (B-018)", "[ftp][backend]") {
    script talk;
    asked(talk).backend("214-a\r\n250 end").is_quiet();
    CHECK(talk.armed(deadline_kind::rest));
    talk.passes(deadline_kind::rest);
    dropped(talk);
}

TEST_CASE("backend: the wait for a reply's rest is armed by every part of it, and ends with it (B-018)",
          "[ftp][backend]") {
    script talk;
    asked(talk);
    CHECK_FALSE(talk.armed(deadline_kind::rest));
    talk.backend_bytes("21").is_quiet().backend_bytes("4-a\r\n").is_quiet();
    CHECK(talk.armed(deadline_kind::rest));
    CHECK(talk.times_armed(deadline_kind::rest) == 2);
    talk.backend("214 end").to_client("214");
    CHECK_FALSE(talk.armed(deadline_kind::rest));
    talk.is_ready();
}

TEST_CASE("backend: a beginning of a reply that nobody asked for ends in 421 alone (B-018, B-281)", "[ftp][backend]") {
    script talk;
    talk.logged_in().backend_bytes("42").is_quiet();
    talk.passes(deadline_kind::rest).to_client("421").ends(end_reason::backend_desync);
}

TEST_CASE("backend: a line that is no reply (B-020)", "[ftp][backend]") {
    auto const line = GENERATE(as<std::string>{}, "hello", "20", "2x0 ok", "200_ok", "<html>", "-200 ok", "200ok");
    CAPTURE(line);
    script talk;
    SECTION("a reply is due: 451, then 421") {
        asked(talk).backend(line);
        dropped(talk);
    }
    SECTION("none is due: 421") {
        talk.logged_in().backend(line).to_client("421").ends(end_reason::backend_desync);
        CHECK(talk.noted<ftp::note_attack>().size() == 1);
    }
}

TEST_CASE("backend: a line that is no reply behind an answered transfer is 421 alone (B-020, B-281)",
          "[ftp][backend]") {
    script talk;
    talk.logged_in().transferring("RETR a");
    talk.is(ftp::relay_done{ftp::copy_result::client_failed}).expects<ftp::abort_data>().to_client("426").is_quiet();
    std::size_t const from = talk.client_stream().size();
    SECTION("no reply") {
        talk.backend("hello").skip();
    }
    SECTION("half a reply") {
        talk.backend_bytes("426-").passes(deadline_kind::rest).skip();
    }
    SECTION("too long") {
        talk.backend_bytes("426-" + std::string(70000, 'x')).skip();
    }
    CHECK(since(talk, from).substr(0, 4) == "421 ");
    CHECK(talk.finishes() == 1);
}

TEST_CASE("backend: codes that no client may see (B-021, A-046)", "[ftp][backend]") {
    auto const code =
        GENERATE(as<std::string>{}, "633", "631", "600", "999", "000", "099", "234", "334", "335", "235", "232");
    CAPTURE(code);
    script talk;
    asked(talk);
    std::size_t const from = talk.client_stream().size();
    SECTION("one line") {
        talk.backend(code + " what").skip();
    }
    SECTION("many") {
        talk.backend(code + "-what\r\n more\r\n" + code + " end").skip();
    }
    CHECK(since(talk, from).substr(0, 2) == "45");
    CHECK(since(talk, from).find(code) == std::string::npos);
    talk.is_ready();
}

TEST_CASE("backend: 1yz where none may be is 451, its final reply is not a second one (B-021)", "[ftp][backend]") {
    script talk;
    asked(talk).backend("150 what").to_client("451").is_quiet();
    SECTION("the final reply comes") {
        talk.backend("200 ok").is_ready();
    }
    SECTION("more of them") {
        talk.backend("150 x\r\n125 y").is_quiet().backend("200 ok").is_ready();
    }
    SECTION("nothing comes: 421 alone (B-281)") {
        talk.passes(deadline_kind::reply).to_client("421").skip();
    }
    SECTION("nonsense comes: 421 alone (B-281)") {
        talk.backend("hello").to_client("421").skip();
    }
}

TEST_CASE("backend: 421 inside a text is text (A-046)", "[ftp][backend]") {
    script talk;
    asked(talk).backend("214-help\r\n 421 means goodbye\r\n421-or this\r\n214 end").to_client("214-").is_ready();
}

TEST_CASE("backend: controls are replaced (B-022)", "[ftp][backend]") {
    script talk;
    asked(talk).backend_bytes(std::string("200 a\0b\x1b[31m\rc\r\n", 16)).to_client("200 a");
    std::string const shown = talk.last_reply().substr(0, talk.last_reply().size() - 2);
    for (char const byte : shown)
        CHECK(static_cast<unsigned char>(byte) >= 0x20);
    talk.is_ready();
}

TEST_CASE("backend: replies beyond the limits (B-023, A-047, A-048)", "[ftp][backend]") {
    script talk;
    asked(talk);
    SECTION("a line") {
        talk.backend_bytes("200 " + std::string(9000, 'x'));
    }
    SECTION("all of it") {
        talk.backend_bytes("214-a\r\n");
        for (int i = 0; i < 100 && talk.finishes() == 0; ++i)
            talk.backend(std::string(1000, 'x'));
    }
    dropped(talk);
}

TEST_CASE("backend: one byte every ten seconds (A-048)", "[ftp][backend]") {
    script talk;
    asked(talk).backend_bytes("2").is_quiet().passes(deadline_kind::rest);
    dropped(talk);
}

TEST_CASE("backend: silence (A-048, B-204)", "[ftp][backend]") {
    script talk;
    asked(talk);
    CHECK(talk.armed(deadline_kind::reply));
    talk.passes(deadline_kind::reply).to_client("451").to_client("421").ends(end_reason::backend_gone);
}

TEST_CASE("backend: a clock that passed though nothing is due means nothing (events.hpp)", "[ftp][backend]") {
    script talk;
    talk.logged_in();
    auto const kind = GENERATE(deadline_kind::reply, deadline_kind::settle, deadline_kind::verdict,
                               deadline_kind::linger, deadline_kind::handshake, deadline_kind::login);
    CAPTURE(static_cast<int>(kind));
    talk.is(ftp::deadline_passed{kind}).is_quiet().is_ready();
}

TEST_CASE("backend: answers to commands that were not given yet (A-002)", "[ftp][backend]") {
    script talk;
    talk.secured().connecting().connected();
    std::size_t const from = talk.client_stream().size();
    talk.backend("220 x\r\n331 y\r\n230 in").skip();
    CHECK(since(talk, from).substr(0, 4) == "421 ");
    CHECK(talk.finishes() == 1);
    CHECK(talk.backend_stream().find("geheim") == std::string::npos);
    CHECK(talk.noted<ftp::note_attack>().size() == 1);
}

TEST_CASE("backend: a greeting with 234 in its wake (A-002)", "[ftp][backend]") {
    script talk;
    talk.secured().connecting().connected().backend("220 x\r\n234 ok\r\n230 in").skip();
    CHECK(talk.client_stream().find("234 ok") == std::string::npos);
    CHECK(talk.client_stream().find("230 in") == std::string::npos);
    CHECK(talk.finishes() == 1);
}

TEST_CASE("backend: replies that nobody asked for drop it (A-045)", "[ftp][backend]") {
    auto const extra = GENERATE(as<std::string>{}, "226 late", "220 again", "500 what", "150 go", "331 pw", "233 x");
    CAPTURE(extra);
    script talk;
    SECTION("idle") {
        talk.logged_in().backend(extra).to_client("421").ends(end_reason::backend_desync);
    }
    SECTION("behind the right one, in one read") {
        asked(talk).backend("214 ok\r\n" + extra).to_client("214 ok").to_client("421").ends(end_reason::backend_desync);
    }
    SECTION("between set-up and transfer") {
        talk.logged_in().passive().backend(extra).to_client("421").ends(end_reason::backend_desync);
    }
    CHECK(talk.noted<ftp::note_attack>().size() == 1);
}

TEST_CASE("backend: two replies to one command are not those to two (A-045)", "[ftp][backend]") {
    script talk;
    asked(talk).client("PWD").is_quiet().client("SYST").is_quiet();
    talk.backend("214 ok\r\n257 \"/evil\"").to_client("214 ok");
    talk.skip();
    CHECK(talk.client_stream().find("evil") == std::string::npos);
    CHECK(talk.finishes() == 1);
}

TEST_CASE("backend: the text of an earlier reply does not leak into the next (B-025)", "[ftp][backend]") {
    script talk;
    asked(talk).backend("214-(|||7777|)\r\n (10,0,0,5,30,97)\r\n214 end").to_client("214").is_quiet();
    talk.client("PASV").to_backend("EPSV").backend("229 nothing here").expects<ftp::abort_data>().to_client("425");
    talk.is_ready();
}

TEST_CASE("backend: any reply may be multi-line (B-025)", "[ftp][backend]") {
    script talk;
    talk.secured().connecting().connected().backend("220-a\r\n220-b\r\n220 c").to_backend("USER joe");
    talk.backend("331-x\r\n 230 y\r\n331 z").to_backend("PASS geheim");
    talk.backend("230-w\r\n530 x\r\n230 in").to_client("230-w\r\n").is_ready();
}

TEST_CASE("backend: its 421 to a command is shown, and ends the session (B-219)", "[ftp][backend]") {
    script talk;
    SECTION("a forwarded one") {
        asked(talk);
    }
    SECTION("the gate's own") {
        talk.logged_in().client("PASV").to_backend("EPSV");
    }
    SECTION("FEAT") {
        talk.logged_in().client("FEAT").to_backend("FEAT");
    }
    talk.backend("421 bye").to_client("421 bye").ends(end_reason::backend_gone);
}

TEST_CASE("backend: it dies under a command: 421, one reply (B-218, B-195)", "[ftp][backend]") {
    script talk;
    SECTION("a forwarded one") {
        asked(talk);
    }
    SECTION("the gate's own") {
        talk.logged_in().client("PASV").to_backend("EPSV");
    }
    talk.is(ftp::backend_gone{}).to_client("421").ends(end_reason::backend_gone);
}

TEST_CASE("backend: bytes after its end mean nothing", "[ftp][backend]") {
    script talk;
    talk.logged_in().client("USER ann").expects<ftp::drop_backend>().expects<ftp::decide_access>();
    talk.backend("421 bye").is_quiet().backend("hello").is_quiet().is(ftp::backend_gone{}).is_quiet();
    talk.is(ftp::access_decided{proxy::plan_maker::make("ann")}).to_client("331");
}
