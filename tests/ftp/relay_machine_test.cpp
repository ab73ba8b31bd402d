// Commands that go to the backend: which, how, and how the answers come back. PROTOCOL.md 3.4, 4.4, 6.3.
#include "tests/support/script.hpp"

#include <algorithm>

using namespace ftpsgate;
using tests::script;
using tests::script_settings;

TEST_CASE("relay: commands go through byte for byte, and so do the answers (B-240 - B-247)", "[ftp][relay]") {
    auto const [command, reply] = GENERATE(table<std::string, std::string>({
        {"PWD", "257 \"/a \"\"b\"\" c\" is current"},
        {"MKD \xc3\xbc", "257 \"/\xc3\xbc\" created"},
        {"CWD  two  spaces ", "250 ok"},
        {"CWD -rf *?[x]\"'%s\\", "550 no"},
        {"TYPE A", "200 Type set"},
        {"TYPE L 8", "200 ok"},
        {"SIZE big", "213 5000000000"},
        {"SIZE a", "550 SIZE not allowed in ASCII"},
        {"MDTM a", "213 20240101000000"},
        {"MFMT 20240101000000 a", "213 Modify=20240101000000; a"},
        {"MLST a", "250-Begin\r\n type=file;size=5; /a\r\n250 End"},
        {"REST 5", "350 go on"},
        {"RNFR a", "350 go on"},
        {"ALLO 100", "202 no storage needed"},
        {"SITE HELP", "214 none"},
        {"SITE CHMOD 600 a", "200 ok"},
        {"MODE S", "200 ok"},
        {"MODE Z", "200 ok"},
        {"STRU F", "200 ok"},
        {"SYST", "215 OS/400 is the remote operating system."},
        {"STAT x", "213-Status of x:\r\n-rw-r--r-- 1 a\r\n213 End"},
        {"OPTS MLST type;size;", "200 MLST OPTS type;size;"},
        {"OPTS UTF8 ON", "200 on"},
        {"HASH a", "213 SHA-1 0-5 abc a"},
        {"CSID x", "200 ok"},
        {"CLNT x", "200 ok"},
        {"LANG de", "504 no"},
    }));
    CAPTURE(command);
    script talk;
    talk.logged_in().forwards(command).backend(reply).to_client(reply + "\r\n").is_ready();
}

TEST_CASE("relay: a path may be as long as the line (B-244), and hold 0xFF (B-010)", "[ftp][relay]") {
    script talk;
    talk.logged_in().forwards("CWD " + std::string(4000, 'x')).backend("250 ok").to_client("250");
    talk.client_bytes(
            "CWD a\xff\xff"
            "b\r\n")
        .to_backend(
            "CWD a\xff\xff"
            "b");
}

TEST_CASE("relay: verbs in any case are the same verb (B-011)", "[ftp][relay]") {
    script talk;
    talk.logged_in()
        .client("pWd")
        .to_backend("PWD")
        .backend("257 \"/\"")
        .to_client("257")
        .client("cwd X")
        .to_backend("CWD X");
}

TEST_CASE("relay: what cannot work is refused here (B-107, B-108, A-053)", "[ftp][relay]") {
    auto const [command, code] = GENERATE(table<std::string, std::string>({
        {"MODE B", "504"},
        {"MODE C", "504"},
        {"MODE b", "504"},
        {"MODE", "501"},
        {"STRU R", "504"},
        {"STRU P", "504"},
        {"REST 18446744073709551616", "501"},
        {"REST -1", "501"},
        {"REST 0x10", "501"},
        {"REST", "501"},
        {"REST 1 2", "501"},
        {"RETR", "501"},
        {"STOR", "501"},
        {"CWD", ""},
        {"PWD x", "501"},
        {"RNFR", "501"},
        {"DELE", "501"},
    }));
    CAPTURE(command);
    script talk;
    talk.logged_in();
    if (code.empty())
        talk.forwards(command);
    else
        talk.answers(command, code).is_ready();
}

TEST_CASE("relay: OPTS for what the gate keeps for itself is 501 (B-101, B-094)", "[ftp][relay]") {
    auto const option = GENERATE(as<std::string>{}, "AUTH TLS", "PBSZ 0", "PROT P", "CCC", "SSCN ON", "CPSV", "HOST x",
                                 "ADAT x", "MIC x", "CONF x", "ENC x", "LPRT x", "LPSV", "SPSV", "XYZZY x", "P@SW");
    CAPTURE(option);
    script talk;
    talk.logged_in().answers("OPTS " + option, "501");
}

TEST_CASE("relay: OPTS for a denied verb is not let through (B-101)", "[ftp][relay]") {
    script_settings settings;
    settings.site().denied.set(static_cast<std::size_t>(ftp::verb::hash));
    script talk(settings);
    talk.logged_in().answers("OPTS HASH SHA-1", "501");
}

TEST_CASE("relay: FEAT is merged, and stripped, each time anew (B-094, B-097, B-098)", "[ftp][relay]") {
    script talk;
    talk.logged_in().client("FEAT").to_backend("FEAT").is_quiet();
    SECTION("a backend with many") {
        talk.backend(
            "211-Features:\r\n UTF8\r\n AUTH SSL\r\n PBSZ\r\n PROT\r\n SSCN\r\n CPSV\r\n HOST\r\n LPRT\r\n SPSV\r\n"
            " MLST type*;size*;\r\n REST STREAM\r\n CCC\r\n211 End");
        talk.to_client("211-").is_quiet();
        std::string const shown = talk.last_reply();
        for (auto const* line :
             {" AUTH TLS", " PBSZ", " PROT", " EPSV", " EPRT", " PASV", " UTF8", " MLST type*;size*;", " REST STREAM"})
            CHECK(shown.find("\r\n" + std::string(line) + "\r\n") != std::string::npos);
        for (auto const* line : {"AUTH SSL", "SSCN", "CPSV", "HOST", "LPRT", "SPSV", "CCC"})
            CHECK(shown.find(line) == std::string::npos);
        talk.forwards("FEAT").backend("211-Features:\r\n MLST type*;\r\n211 End").to_client("211-");  // after OPTS MLST
        CHECK(talk.last_reply().find(" MLST type*;\r\n") != std::string::npos);
        CHECK(talk.last_reply().find(" UTF8") == std::string::npos);
    }
    SECTION("a backend without FEAT") {
        talk.backend("500 what").to_client("211-").is_quiet();
        CHECK(talk.last_reply().find(" AUTH TLS\r\n") != std::string::npos);
        talk.is_ready();
    }
    SECTION("one line") {
        talk.backend("211 none").to_client("211-").is_ready();
    }
}

TEST_CASE("relay: one command at a time is at the backend (B-013)", "[ftp][relay]") {
    script talk;
    talk.logged_in().forwards("PWD").client("SYST").is_quiet().client("NOOP").is_quiet();
    talk.backend("257 \"/\"").to_client("257").to_backend("SYST").is_quiet();
    talk.backend("215 x").to_client("215").to_client("200").is_ready();
}

TEST_CASE("relay: no backend of the site is named to the client (A-032, B-285)", "[ftp][relay]") {
    script_settings settings;
    settings.site().backend_names = {"ftp.internal.example", "10.0.0.5"};
    auto const text = GENERATE(as<std::string>{}, "connected to 10.0.0.5", "see 10.0.0.5:21", "port (10,0,0,5,4,1)",
                               "host ftp.internal.example", "FTP.Internal.Example says");
    CAPTURE(text);
    script talk(settings);
    talk.logged_in().forwards("SITE HELP");
    SECTION("one line") {
        talk.backend("214 " + text);
    }
    SECTION("any line of many") {
        talk.backend("214-" + text + "\r\n " + text + "\r\n214 " + text);
    }
    SECTION("a refusal") {
        talk.backend("500 " + text);
    }
    talk.skip();
    CHECK(talk.client_stream().find("10.0.0.5") == std::string::npos);
    CHECK(talk.client_stream().find("10,0,0,5") == std::string::npos);
    CHECK(talk.client_stream().find("nternal") == std::string::npos);
}

TEST_CASE("relay: what belongs to the login does not reach the backend (A-051)", "[ftp][relay]") {
    script talk;
    talk.logged_in();
    std::string const before = talk.backend_stream();
    for (auto const* command : {"PASS x", "ACCT x", "REIN", "HOST x", "ADAT x", "MIC x"})
        talk.answers(command, "50");
    CHECK(talk.backend_stream() == before);
}

TEST_CASE("relay: two commands never become of one line (A-043, B-280)", "[ftp][relay]") {
    script talk;
    talk.logged_in();
    std::string const before = talk.backend_stream();
    auto const line = GENERATE(as<std::string>{}, "RETR a\rDELE b\r\n", std::string("MKD a\0b\r\n", 9),
                               std::string("MKD a\r\0b\r\n", 10), "MKD a\r\r\n");
    talk.client_bytes(line).skip();
    CHECK(talk.backend_stream().find("DELE") == std::string::npos);
    std::string const sent = talk.backend_stream().substr(before.size());
    CHECK(std::count(sent.begin(), sent.end(), '\n') <= 1);
}

TEST_CASE("relay: Telnet is taken out (B-008, B-009, A-050)", "[ftp][relay]") {
    script talk;
    talk.logged_in();
    talk.client_bytes("\xff\xf4\xff\xf2PWD\r\n").to_backend("PWD").backend("257 \"/\"").to_client("257");
    talk.client_bytes("\xff\xfb\x01SY\xff\xfd\x03ST\r\n").to_backend("SYST");
}

TEST_CASE("relay: the idle clock starts with each command and ends the session with 421 (B-207)", "[ftp][relay]") {
    script talk;
    talk.logged_in().answers("NOOP", "200");
    talk.passes(ftp::deadline_kind::idle).to_client("421").ends(ftp::end_reason::idle_timeout);
}

TEST_CASE("relay: a drain tells a session 421 once it is idle for a moment (INTERFACE, signals)", "[ftp][relay]") {
    script talk;
    talk.logged_in().is(ftp::shutdown{ftp::shutdown_kind::drain}).is_quiet();
    SECTION("it is") {
        talk.passes(ftp::deadline_kind::drain).to_client("421").ends(ftp::end_reason::shutdown);
    }
    SECTION("it waits for the backend") {
        talk.client("PWD").to_backend("PWD").passes(ftp::deadline_kind::drain).is_quiet();
        talk.backend("257 \"/\"").to_client("257 \"/\"");
        talk.passes(ftp::deadline_kind::drain).to_client("421").ends(ftp::end_reason::shutdown);
    }
    SECTION("it goes its own way before") {
        talk.client("QUIT").to_client("221").ends(ftp::end_reason::closed);
    }
}

TEST_CASE("relay: PASS and secrets are in no note (A-101)", "[ftp][relay]") {
    script_settings settings;
    settings.site().denied.set(static_cast<std::size_t>(ftp::verb::site));
    script talk(settings);
    talk.logged_in().answers("SITE PSWD old geheim", "502").answers("PAS geheim", "50");
    for (auto const& note : talk.noted<ftp::note_denied>())
        CHECK(note.command.find("geheim") == std::string::npos);
    for (auto const& note : talk.noted<ftp::note_login>())
        CHECK(note.reason.find("geheim") == std::string::npos);
}
