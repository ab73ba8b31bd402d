// What the gate answers by itself: TLS, site selection, small talk. PROTOCOL.md 3.1 - 3.4, 6.1.
#include "tests/support/script.hpp"

using namespace ftpsgate;
using tests::script;
using tests::script_settings;

namespace {

/// Two sites behind one address with one certificate, and a third with its own.
script_settings three_sites() {
    script_settings settings;
    ftp::site_rules second = script_settings::default_rules();
    second.name = second.hosts[0] = "second.example.com";
    second.banner = "Second.";
    ftp::site_rules other = script_settings::default_rules();
    other.name = other.hosts[0] = "other.example.com";
    other.tls_id = "another certificate";
    settings.sites.push_back(second);
    settings.sites.push_back(other);
    return settings;
}

script& starts_tls(script& talk, std::string const& command) {
    return talk.client(command).to_client("234").expects<ftp::start_tls>().is_quiet();
}

}  // namespace

TEST_CASE("front: the greeting is the site's own and needs no backend (B-026, A-066)", "[ftp][front]") {
    script talk;
    talk.begins().to_client("220 FTP server ready.\r\n").is_quiet();
    CHECK(talk.armed(ftp::deadline_kind::login));
}

TEST_CASE("front: implicit TLS: not a byte before the handshake, then 220 (B-031, A-017)", "[ftp][front]") {
    script_settings settings;
    settings.tls = ftp::tls_start::implicit_tls;
    script talk(settings);
    talk.begins().expects<ftp::start_tls>().is_quiet();
    SECTION("well") {
        talk.is(ftp::client_secured{}).to_client("220").is_quiet().answers("PROT P", "200");
    }
    SECTION("plain text instead is never read") {
        talk.client("USER joe").is_quiet();
        talk.is(ftp::client_secured{}).to_client("220").is_quiet();
    }
    SECTION("no handshake") {
        talk.is(ftp::client_gone{}).ends(ftp::end_reason::handshake);
    }
    SECTION("a slow one") {
        talk.passes(ftp::deadline_kind::handshake).ends(ftp::end_reason::handshake);
    }
    CHECK(talk.client_stream().find("USER") == std::string::npos);
}

TEST_CASE("front: AUTH (B-028 - B-035)", "[ftp][front]") {
    auto const [argument, code] = GENERATE(table<std::string, std::string>({
        {" TLS", "234"},
        {" tls", "234"},
        {" SSL", "234"},
        {" TLS-C", "234"},
        {" TLS-P", "234"},
        {"", "501"},
        {" GSSAPI", "504"},
        {" KERBEROS_V4", "504"},
        {" TLSX", "504"},
        {" TLS 1.3", "504"},
    }));
    script talk;
    talk.begins().to_client("220").client("AUTH" + argument).to_client(code);
    if (code == "234") {
        talk.expects<ftp::start_tls>();
        CHECK(talk.armed(ftp::deadline_kind::handshake));
        CHECK_FALSE(talk.core().wants_client_bytes());
    }
    talk.is_quiet();
}

TEST_CASE("front: AUTH while too many handshakes are under way: 431, and the session goes on (A-057)", "[ftp][front]") {
    bool room = false;
    script_settings settings = three_sites();
    std::size_t asked_for = 9;
    settings.may_secure = [&](std::size_t site) {
        asked_for = site;
        return room;
    };
    settings.site().control = ftp::control_rule::allow;
    script talk(settings);
    talk.begins().to_client("220").answers("AUTH TLS", "431");
    CHECK(asked_for == 0);
    CHECK_FALSE(talk.armed(ftp::deadline_kind::handshake));
    talk.answers("HOST second.example.com", "220").answers("AUTH TLS", "431");
    CHECK(asked_for == 1);
    SECTION("a mechanism that is none is not asked for") {
        asked_for = 9;
        talk.answers("AUTH GSSAPI", "504");
        CHECK(asked_for == 9);
    }
    SECTION("later there is room") {
        room = true;
        starts_tls(talk, "AUTH TLS");
    }
    SECTION("it may come again, but not for ever") {
        for (int i = 0; i < 5; ++i)
            talk.answers("AUTH TLS", "431");
        talk.passes(ftp::deadline_kind::login).to_client("421").ends(ftp::end_reason::login_timeout);
    }
}

TEST_CASE("front: 431 leaves the login in clear as it is (A-057)", "[ftp][front]") {
    script_settings settings;
    settings.may_secure = [](std::size_t) { return false; };
    settings.site().control = ftp::control_rule::allow;
    script talk(settings);
    talk.begins().to_client("220").login().answers("AUTH TLS", "431");
    CHECK(talk.core().state().login == ftp::login_phase::in);
}

TEST_CASE("front: implicit TLS while too many handshakes are under way: closed without a byte (A-057, B-031)",
          "[ftp][front]") {
    script_settings settings;
    settings.tls = ftp::tls_start::implicit_tls;
    settings.may_secure = [](std::size_t) { return false; };
    script talk(settings);
    talk.begins().ends(ftp::end_reason::refused);
    CHECK(talk.client_stream().empty());
}

TEST_CASE("front: AUTH where it cannot be (B-035, B-037, B-038, B-032)", "[ftp][front]") {
    script_settings settings;
    SECTION("no certificate") {
        settings.site().tls_id.clear();
        script talk(settings);
        talk.begins().to_client("220").answers("AUTH TLS", "534").answers("AUTH SSL", "534");
    }
    SECTION("in TLS: the session goes on") {
        script talk;
        talk.secured().answers("AUTH TLS", "503").answers("NOOP", "200");
    }
    SECTION("logged in, in TLS") {
        script talk;
        talk.logged_in().answers("AUTH TLS", "503").is_ready();
    }
    SECTION("TLS-P where data may not be protected") {
        settings.site().data = ftp::data_rule::deny;
        script talk(settings);
        talk.begins().to_client("220").answers("AUTH TLS-P", "504");
    }
}

TEST_CASE("front: the level of protection after AUTH (B-030, B-032, B-057)", "[ftp][front]") {
    auto const [mechanism, pbsz_done] =
        GENERATE(table<std::string, bool>({{"TLS", false}, {"TLS-C", false}, {"SSL", false}, {"TLS-P", true}}));
    CAPTURE(mechanism);
    script talk;
    talk.begins().to_client("220");
    starts_tls(talk, "AUTH " + mechanism).is(ftp::client_secured{}).is_quiet();
    CHECK(talk.core().state().protect_data == pbsz_done);
    talk.answers("PROT P", pbsz_done ? "200" : "503");
}

TEST_CASE("front: bytes behind AUTH close the connection, nothing is answered (B-042, A-001)", "[ftp][front]") {
    auto const behind = GENERATE(as<std::string>{}, "FEAT\r\n", "USER x\r\n", "x", "\r\n", std::string(65536, 'x'),
                                 std::string("\xff", 1), std::string("\0", 1));
    script talk;
    talk.begins().to_client("220").client_bytes("AUTH TLS\r\n" + behind);
    talk.ends(ftp::end_reason::protocol);
    REQUIRE(talk.noted<ftp::note_attack>().size() == 1);
    CHECK(talk.noted<ftp::note_attack>()[0].kind == ftp::attack_kind::starttls_injection);
}

TEST_CASE("front: bytes between 234 and the handshake are never taken for the client's (A-001, B-283)",
          "[ftp][front]") {
    script talk;
    talk.begins().to_client("220");
    starts_tls(talk, "AUTH TLS").client("USER evil").is_quiet().client_bytes("PA").is_quiet();
    talk.is(ftp::client_secured{}).is_quiet();
    talk.client_bytes("SS x\r\n").to_client("5").is_quiet();
}

TEST_CASE("front: AUTH makes everything new (B-028)", "[ftp][front]") {
    script_settings settings;
    settings.site().control = ftp::control_rule::allow;
    settings.site().data = ftp::data_rule::allow;
    script talk(settings);
    talk.begins().to_client("220").login().passive().answers("EPSV ALL", "200");
    talk.client("AUTH TLS").expects<ftp::abort_data>().expects<ftp::drop_backend>().to_client("234");
    talk.expects<ftp::start_tls>().is(ftp::client_secured{}).is_quiet();
    talk.login().answers("RETR a", "425");
    talk.client("PASV").to_backend("EPSV");
}

TEST_CASE("front: a handshake that fails ends without a word (B-040)", "[ftp][front]") {
    script talk;
    talk.begins().to_client("220");
    starts_tls(talk, "AUTH TLS");
    SECTION("it breaks") {
        talk.is(ftp::client_gone{}).ends(ftp::end_reason::handshake);
    }
    SECTION("it is slow (A-056)") {
        talk.passes(ftp::deadline_kind::handshake).ends(ftp::end_reason::handshake);
    }
    SECTION("the login clock (A-055)") {
        talk.passes(ftp::deadline_kind::login).ends(ftp::end_reason::login_timeout);
    }
    SECTION("the idle clock") {
        if (talk.armed(ftp::deadline_kind::idle))
            talk.passes(ftp::deadline_kind::idle);
        else
            talk.is(ftp::client_gone{});
        CHECK(talk.client_stream().find("421") == std::string::npos);
        CHECK(talk.finishes() == 1);
    }
    SECTION("the gate stops at once") {
        talk.is(ftp::shutdown{ftp::shutdown_kind::now}).ends(ftp::end_reason::shutdown);
    }
    SECTION("the gate drains: the handshake has the time that it always has (B-222)") {
        talk.is(ftp::shutdown{ftp::shutdown_kind::drain}).passes(ftp::deadline_kind::drain).is_quiet();
        talk.passes(ftp::deadline_kind::handshake).ends(ftp::end_reason::handshake);
    }
}

TEST_CASE("front: PBSZ (B-046 - B-049)", "[ftp][front]") {
    auto const [argument, reply] = GENERATE(table<std::string, std::string>({
        {" 0", "200"},
        {" 5", "200 PBSZ=0"},
        {" 4294967295", "200"},
        {" 4294967296", "501"},
        {"", "501"},
        {" x", "501"},
        {" -1", "501"},
        {" 0x10", "501"},
        {" 1 2", "501"},
    }));
    CAPTURE(argument);
    script talk;
    talk.secured().answers("PBSZ" + argument, reply);
    talk.answers("PROT P", reply[0] == '2' ? "200" : "503");
}

TEST_CASE("front: PROT (B-050 - B-056, D-17)", "[ftp][front]") {
    script_settings settings;
    settings.site().data = ftp::data_rule::allow;
    script talk(settings);
    talk.secured();
    SECTION("before PBSZ") {
        talk.answers("PROT P", "503").answers("PROT C", "503");
    }
    SECTION("after it, before USER, as often as one likes") {
        talk.answers("PBSZ 0", "200").answers("PROT P", "200").answers("prot c", "200").answers("PROT P", "200");
        talk.answers("PROT S", "536").answers("PROT E", "536").answers("PROT X", "504").answers("PROT", "501");
        CHECK(talk.core().state().protect_data);
    }
    SECTION("AUTH in TLS does not reset it") {
        talk.protect().answers("AUTH TLS", "503");
        CHECK(talk.core().state().protect_data);
    }
}

TEST_CASE("front: CCC (B-058 - B-063)", "[ftp][front]") {
    script_settings settings;
    settings.site().control = ftp::control_rule::allow;
    script talk(settings);
    talk.logged_in().client("CCC").to_client("200").expects<ftp::stop_tls>().is_quiet();
    CHECK_FALSE(talk.core().wants_client_bytes());
    SECTION("then plain text, glued behind it or not") {
        talk.is(ftp::client_cleared{}).is_quiet().forwards("PWD").backend("257 \"/\"").to_client("257");
    }
    SECTION("no close_notify comes") {
        talk.passes(ftp::deadline_kind::handshake).skip();
    }
    SECTION("the connection breaks") {
        talk.is(ftp::client_gone{}).skip();
    }
    CHECK(talk.finishes() <= 1);
}

TEST_CASE("front: AUTH and CCC in a loop end at the first CCC (A-006)", "[ftp][front]") {
    script_settings settings;
    settings.site().control = ftp::control_rule::allow;
    script talk(settings);
    talk.secured().answers("CCC", "534").answers("AUTH TLS", "503");
}

TEST_CASE("front: other security verbs (B-065 - B-067, A-049)", "[ftp][front]") {
    auto const [command, code] = GENERATE(table<std::string, std::string>({
        {"ADAT eA==", "503"},
        {"MIC REVMRSB4", "5"},
        {"CONF REVMRSB4", "5"},
        {"ENC REVMRSB4", "5"},
        {"REIN", "502"},
    }));
    script talk;
    SECTION("before the login") {
        talk.secured().answers(command, code);
    }
    SECTION("after it") {
        talk.logged_in().answers(command, code).is_ready();
    }
    CHECK(talk.backend_stream().find("REVM") == std::string::npos);
}

TEST_CASE("front: HOST in clear (B-077 - B-079, B-081, B-083)", "[ftp][front]") {
    auto const [argument, code, site] = GENERATE(table<std::string, std::string, std::size_t>({
        {"second.example.com", "220", 1},
        {"SECOND.example.com", "220", 1},
        {"other.example.com", "220", 2},
        {"nowhere.example.com", "504", 0},
        {"second.example.com:21", "501", 0},
        {"2001:db8::1", "501", 0},
        {"[2001:db8::1]:21", "501", 0},
        {"[2001:db8::9]", "504", 0},
        {"192.0.2.99", "504", 0},
        {"198.51.100.1", "220", 0},
        {"", "501", 0},
    }));
    CAPTURE(argument);
    script talk(three_sites());
    talk.begins().to_client("220").answers("HOST " + argument, code);
    CHECK(talk.core().state().site == site);
    talk.answers("HOST ftp.example.com", "220");  // a second one counts (B-078)
    CHECK(talk.core().state().site == 0);
}

TEST_CASE("front: HOST in TLS (B-084, B-085, D-09, A-013)", "[ftp][front]") {
    auto const [sni, argument, code] = GENERATE(table<std::string, std::string, std::string>({
        {"", "second.example.com", "220"},
        {"", "other.example.com", "504"},
        {"", "ftp.example.com", "220"},
        {"ftp.example.com", "ftp.example.com", "220"},
        {"ftp.example.com", "second.example.com", "504"},
    }));
    CAPTURE(sni, argument);
    script talk(three_sites());
    talk.begins().to_client("220");
    starts_tls(talk, "AUTH TLS").is(script::handshake(sni)).answers("HOST " + argument, code);
    CHECK(talk.core().state().site == (argument == "second.example.com" && code == "220" ? 1 : 0));
}

TEST_CASE("front: HOST before AUTH names the site of the handshake (B-085)", "[ftp][front]") {
    script talk(three_sites());
    talk.begins().to_client("220").answers("HOST other.example.com", "220").client("AUTH TLS").to_client("234");
    auto const handshake = talk.expects_one<ftp::start_tls>();
    REQUIRE(handshake);
    CHECK(handshake->site == 2);
    CHECK(handshake->fixed);
}

TEST_CASE("front: HOST after the login is 503 (B-082)", "[ftp][front]") {
    script talk(three_sites());
    talk.logged_in().answers("HOST second.example.com", "503").is_ready();
}

TEST_CASE("front: HOST forgets the user of the site before (B-077)", "[ftp][front]") {
    script talk(three_sites());
    talk.secured().named().answers("HOST second.example.com", "220").answers("PASS geheim", "503");
}

TEST_CASE("front: a HOST that fails changes nothing (B-079, D-09)", "[ftp][front]") {
    script talk(three_sites());
    talk.secured().named().answers("HOST nowhere", "504").client("PASS geheim").expects<ftp::connect_backend>();
}

TEST_CASE("front: HOST brings no protection into a site that denies it (B-077, B-154)", "[ftp][front]") {
    script_settings settings = three_sites();
    settings.site().data = ftp::data_rule::allow;
    settings.sites[1].data = ftp::data_rule::deny;
    script talk(settings);
    talk.secured().protect();
    SECTION("HOST") {
        talk.answers("HOST second.example.com", "220").login();
    }
    SECTION("host|user") {
        talk.client("USER second.example.com|joe").expects<ftp::decide_access>();
        talk.is(ftp::access_decided{proxy::plan_maker::make("joe")}).to_client("331");
    }
    CHECK(talk.core().state().site == 1);
    CHECK_FALSE(talk.core().state().protect_data);
}

TEST_CASE("front: the login clock is absolute: HOST does not wind it up (A-055)", "[ftp][front]") {
    script talk(three_sites());
    talk.begins().to_client("220");
    for (int i = 0; i < 3; ++i)
        talk.answers("HOST second.example.com", "220");
    CHECK(talk.times_armed(ftp::deadline_kind::login) == 1);
}

TEST_CASE("front: USER (B-068, B-076, B-093, A-013)", "[ftp][front]") {
    script talk(three_sites());
    SECTION("in clear: soft refusal") {
        talk.begins().to_client("220").answers("USER joe", "534").answers("USER joe", "534").answers("NOOP", "200");
    }
    SECTION("host|user") {
        talk.secured();
        auto const asked = talk.client("USER second.example.com|joe").expects_one<ftp::decide_access>();
        REQUIRE(asked);
        CHECK(asked->site == 1);
        CHECK(asked->user == "joe");
    }
    SECTION("host|user into a site with another certificate") {
        talk.secured().answers("USER other.example.com|joe", "530");
        CHECK(talk.core().state().site == 0);
    }
    SECTION("without a name") {
        talk.secured().answers("USER", "501").answers("USER second.example.com|", "501");
    }
    SECTION("refused: generic, and nothing of a backend") {
        talk.secured().client("USER joe").expects<ftp::decide_access>().is(ftp::access_decided{}).to_client("530");
        talk.is_quiet().answers("PASS x", "503");
    }
}

TEST_CASE("front: before the login nothing but the pre-login set (B-093)", "[ftp][front]") {
    auto const [command, code] = GENERATE(table<std::string, std::string>({
        {"PWD", "530"},
        {"RETR a", "530"},
        {"PASV", "530"},
        {"EPSV ALL", "530"},
        {"PORT 1,2,3,4,5,6", "530"},
        {"TYPE I", "530"},
        {"SITE HELP", "530"},
        {"ABOR", "530"},
        {"STAT /", "530"},
        {"CSID x", "530"},
        {"REST 1", "530"},
        {"P@SW", "5"},
        {"NOOP", "200"},
        {"SYST", "215"},
        {"HELP", "214"},
        {"STAT", "211"},
        {"FEAT", "211"},
        {"CLNT x", "200"},
        {"LANG", "200"},
        {"LANG EN", "200"},
        {"LANG xx", "504"},
        {"OPTS UTF8 ON", "200"},
        {"opts utf8 on", "200"},
        {"OPTS utf-8 on", "200"},
        {"QUIT", "221"},
        {"PASS x", "503"},
        {"ACCT x", "503"},
    }));
    CAPTURE(command);
    script talk;
    talk.secured().client(command).to_client(code);
    CHECK(talk.finishes() == (command == "QUIT" ? 1 : 0));
}

TEST_CASE("front: FEAT before the login (B-094 - B-097)", "[ftp][front]") {
    script_settings settings = three_sites();
    SECTION("what the gate has itself, in clear and in TLS") {
        script talk(settings);
        talk.begins().to_client("220").client("FEAT").to_client("211-").is_quiet();
        std::string const in_clear = talk.last_reply();
        for (auto const* line : {" AUTH TLS", " PBSZ", " PROT", " EPSV", " EPRT", " PASV", " HOST"})
            CHECK(in_clear.find("\r\n" + std::string(line)) != std::string::npos);
        CHECK(in_clear.find("UTF8") == std::string::npos);
        CHECK(in_clear.substr(in_clear.size() - 9) == "211 End\r\n");
        starts_tls(talk, "AUTH TLS").is(ftp::client_secured{}).client("FEAT").to_client(in_clear);
    }
    SECTION("no certificate, no active mode, one site") {
        settings.sites.resize(1);
        settings.site().tls_id.clear();
        settings.site().allow_active = false;
        script talk(settings);
        talk.begins().to_client("220").client("FEAT").to_client("211");
        for (auto const* line : {"AUTH", "PBSZ", "PROT", "EPRT", "HOST", "CCC"})
            CHECK(talk.last_reply().find(line) == std::string::npos);
    }
    SECTION("with an argument") {
        script talk(settings);
        talk.begins().to_client("220").answers("FEAT x", "501");
    }
}

TEST_CASE("front: HELP and STAT are the gate's own (B-102, B-104)", "[ftp][front]") {
    script talk;
    talk.logged_in();
    SECTION("HELP lists what works") {
        talk.client("HELP").to_client("214").is_quiet();
        for (auto const* verb : {"AUTH", "RETR", "EPSV"})
            CHECK(talk.last_reply().find(verb) != std::string::npos);
        for (auto const* verb : {"P@SW", "SSCN", "ADAT", "LPRT"})
            CHECK(talk.last_reply().find(verb) == std::string::npos);
    }
    SECTION("STAT tells the true state, and nothing of the backend") {
        talk.client("STAT").to_client("211").is_quiet();
        std::string const before = talk.last_reply();
        CHECK(before.find("TLSv1.3") != std::string::npos);
        CHECK(before.find("10.0.0.5") == std::string::npos);
        talk.protect().client("STAT").to_client("211").is_quiet();
        CHECK(talk.last_reply() != before);
    }
}

TEST_CASE("front: QUIT is answered, the backend is left, the session ends (B-089)", "[ftp][front]") {
    script talk;
    talk.logged_in().client("QUIT").to_client("221").expects<ftp::abort_data>().expects<ftp::drop_backend>();
    talk.expects<ftp::finish>().is_quiet();
    talk.client("NOOP").is(ftp::backend_gone{}).is(ftp::client_gone{}).is_quiet();
}

TEST_CASE("front: another protocol is shown the door (A-011, A-017)", "[ftp][front]") {
    auto const request = GENERATE(as<std::string>{}, "GET / HTTP/1.1", "POST / HTTP/1.1", "PUT /x HTTP/1.1", "HEAD / x",
                                  "OPTIONS * HTTP/1.1", "CONNECT x:80 HTTP/1.1", "Host: ftp.example.com", "host: x");
    script talk;
    SECTION("in clear") {
        talk.begins().to_client("220").client(request + "\r\nUSER x");
    }
    SECTION("in TLS") {
        talk.secured().client(request + "\r\nUSER x");
    }
    talk.ends(ftp::end_reason::protocol);
    CHECK(talk.client_stream().find("HTTP") == std::string::npos);
}

TEST_CASE("front: a ClientHello on the explicit port (A-017)", "[ftp][front]") {
    script talk;
    talk.begins().to_client("220").client_bytes(std::string("\x16\x03\x01\x02\x00\x01", 6));
    CHECK(talk.finishes() == 1);
    CHECK(talk.client_stream().find('\x16') == std::string::npos);
}

TEST_CASE("front: no reply reflects input before the login (A-011)", "[ftp][front]") {
    script talk;
    talk.secured();
    for (auto const* verb : {"USER ", "HELP ", "LANG ", "HOST ", "OPTS ", "STAT ", "AUTH ", "PBSZ ", "XYZZY ", "CLNT "})
        talk.client(std::string(verb) + "<script>").skip();
    CHECK(talk.client_stream().find("script") == std::string::npos);
}

TEST_CASE("front: bad lines are answered and counted (B-004 - B-007, B-012, A-043)", "[ftp][front]") {
    script talk;
    talk.logged_in();
    SECTION("white space before, nothing at all") {
        talk.answers(" PWD", "500").answers("\tPWD", "500").answers("", "500");
    }
    SECTION("a trailing space is no argument") {
        talk.client("PWD ").to_backend("PWD");
    }
    SECTION("bytes that may not be") {
        talk.client_bytes("RETR a\rDELE b\r\n")
            .to_client("501")
            .client_bytes(std::string("RETR a\0b\r\n", 10))
            .to_client("501");
    }
    SECTION("CR NUL") {
        talk.client_bytes(std::string("RETR a\r\0b\r\n", 11)).to_client("501");
    }
    SECTION("LF ends a line") {  // B-003
        talk.client_bytes("MKD x\nDELE y\r\n")
            .to_backend("MKD x")
            .backend("257 ok")
            .to_client("257")
            .to_backend("DELE y");
    }
    SECTION("too long, three times") {
        std::string const longer = "RETR " + std::string(5000, 'x');
        talk.answers(longer, "500").answers(longer, "500").client(longer).to_client("500").to_client("421");
        talk.ends(ftp::end_reason::protocol);
    }
    SECTION("the tail of a long line is no command (A-044)") {
        talk.client_bytes("RETR " + std::string(65536, 'x') + "\r\nDELE x\r\n").to_client("500").to_backend("DELE x");
        talk.is_quiet();
    }
}

TEST_CASE("front: pipelined commands are answered in order, reading stops at the limit (B-013, A-061)",
          "[ftp][front]") {
    script talk;
    talk.logged_in();
    SECTION("order") {
        talk.client_bytes("PWD\r\nNOOP\r\nCWD x\r\nSYST\r\n").to_backend("PWD").is_quiet();
        talk.backend("257 \"/\"").to_client("257").to_client("200").to_backend("CWD x").is_quiet();
        talk.backend("250 ok").to_client("250").to_backend("SYST").is_quiet();
    }
    SECTION("back-pressure") {
        talk.client("PWD").to_backend("PWD");
        for (int i = 0; i < 40 && talk.core().wants_client_bytes(); ++i)
            talk.client("NOOP").is_quiet();
        CHECK_FALSE(talk.core().wants_client_bytes());
        talk.backend("257 \"/\"").to_client("257").skip();
        CHECK(talk.core().wants_client_bytes());
    }
}
