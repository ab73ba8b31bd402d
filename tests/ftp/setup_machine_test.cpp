// PASV, EPSV, PORT, EPRT and the gate's own set-up at the backend: PROTOCOL.md 3.5 - 3.7.
#include "tests/support/script.hpp"

using namespace ftpsgate;
using tests::script;
using tests::script_settings;

namespace {

script_settings over_ipv6() {
    script_settings settings;
    settings.client = "2001:db8::7";
    settings.gate = "2001:db8::1";
    return settings;
}

script_settings with_mode(ftp::backend_mode mode) {
    script_settings settings;
    settings.site().data_mode = mode;
    return settings;
}

/// The backend has a passive port.
script& offers(script& talk, std::string const& reply, std::string const& port = "6446") {
    auto const target = talk.backend(reply).expects_one<ftp::target_backend>();
    REQUIRE(target);
    CHECK(target->where.address.text() == "10.0.0.5");
    CHECK(std::to_string(target->where.port) == port);
    return talk;
}

void expect_target(script& talk, std::string const& address, unsigned port) {
    auto const target = talk.expects_one<ftp::target_client>();
    REQUIRE(target);
    CHECK(target->where.address.text() == address);
    CHECK(target->where.port == port);
}

ftp::event backend_listens(char const* address) {
    return ftp::backend_listening{{*ftp::ip_address::parse(address), 40001}};
}

}  // namespace

TEST_CASE("setup: PASV is answered with the address that the client used (B-110)", "[ftp][setup]") {
    auto const [gate, passive, shown] = GENERATE(table<std::string, std::string, std::string>({
        {"198.51.100.1", "", "198,51,100,1"},
        {"::ffff:198.51.100.1", "", "198,51,100,1"},
        {"10.1.1.1", "203.0.113.9", "203,0,113,9"},
    }));
    script_settings settings;
    settings.gate = gate;
    if (!passive.empty()) settings.site().passive_address = ftp::ip_address::parse(passive);
    script talk(settings);
    talk.logged_in().client("PASV").to_backend("EPSV").is_quiet();
    offers(talk, "229 ok (|||6446|)").expects<ftp::listen_client>().is_quiet();
    talk.is(ftp::client_listening{50001}).to_client("227 Entering Passive Mode (" + shown + ",195,81).\r\n").is_quiet();
}

TEST_CASE("setup: PASV over IPv6 is 502 (B-111)", "[ftp][setup]") {
    script talk(over_ipv6());
    talk.logged_in().answers("PASV", "502");
}

TEST_CASE("setup: EPSV is answered with the port alone (B-112)", "[ftp][setup]") {
    script talk;
    talk.logged_in().client("EPSV").to_backend("EPSV");
    offers(talk, "229 ok (|||6446|)").expects<ftp::listen_client>();
    talk.is(ftp::client_listening{50001}).to_client("229 ").is_quiet();
    CHECK(talk.last_reply().find("(|||50001|)\r\n") != std::string::npos);
}

TEST_CASE("setup: EPSV with a family (B-113, B-115)", "[ftp][setup]") {
    auto const [ipv6, argument, code, listed] = GENERATE(table<bool, std::string, std::string, std::string>({
        {false, "1", "229", "(|||50001|)"},
        {false, "2", "522", "(1)"},
        {false, "3", "522", "(1)"},
        {true, "2", "229", "(|||50001|)"},
        {true, "1", "522", "(2)"},
        {true, "3", "522", "(2)"},
        {false, "x", "501", ""},
        {false, "-1", "501", ""},
        {false, "1 2", "501", ""},
    }));
    CAPTURE(ipv6, argument);
    script talk(ipv6 ? over_ipv6() : script_settings());
    talk.logged_in().client("EPSV " + argument);
    if (code == "229") {
        offers(talk.to_backend("EPSV"), "229 ok (|||6446|)").expects<ftp::listen_client>();
        talk.is(ftp::client_listening{50001});
    }
    talk.to_client(code).is_quiet();
    CHECK(talk.last_reply().find(listed) != std::string::npos);
    if (code == "522") CHECK(talk.last_reply().find('(') == talk.last_reply().rfind('('));
}

TEST_CASE("setup: after EPSV ALL only EPSV sets up, and the gate's own leg is free (B-114)", "[ftp][setup]") {
    script talk;
    talk.logged_in().answers("epsv all", "200");
    for (auto const* other : {"PASV", "PORT 192,0,2,7,200,1", "EPRT |1|192.0.2.7|51201|"})
        talk.answers(other, "503");
    for (auto const* other : {"LPSV", "LPRT 4", "P@SW"})
        talk.answers(other, "5");
    CHECK(talk.backend_stream().find("ALL") == std::string::npos);
    talk.client("EPSV").to_backend("EPSV").backend("500 what").expects<ftp::learn_backend_refuses_epsv>();
    talk.to_backend("PASV")
        .backend("227 ok (10,0,0,5,25,46)")
        .expects<ftp::target_backend>()
        .expects<ftp::listen_client>();
    talk.is(ftp::client_listening{50001}).to_client("229");
}

TEST_CASE("setup: the last set-up wins, the earlier one is closed before the reply (B-116)", "[ftp][setup]") {
    script talk;
    talk.logged_in().passive();
    SECTION("EPSV") {
        talk.client("EPSV").expects<ftp::abort_data>().to_backend("EPSV");
    }
    SECTION("PORT") {
        talk.client("PORT 192,0,2,7,200,1").expects<ftp::abort_data>().to_backend("EPSV");
    }
    offers(talk, "229 ok (|||6447|)", "6447");
}

TEST_CASE("setup: no free port is 425, the session goes on (B-118)", "[ftp][setup]") {
    script talk;
    talk.logged_in().client("PASV").to_backend("EPSV");
    offers(talk, "229 ok (|||6446|)").expects<ftp::listen_client>();
    talk.is(ftp::client_listen_failed{}).expects<ftp::abort_data>().to_client("425").is_quiet();
    talk.answers("RETR a", "5").is_ready();
}

TEST_CASE("setup: PORT and EPRT to the client itself (B-125, B-129)", "[ftp][setup]") {
    auto const [command, address, port] = GENERATE(table<std::string, std::string, unsigned>({
        {"PORT 192,0,2,7,200,1", "192.0.2.7", 51201},
        {"PORT 192,0,2,7,4,0", "192.0.2.7", 1024},
        {"PORT 192,0,2,7,255,255", "192.0.2.7", 65535},
        {"EPRT |1|192.0.2.7|51201|", "192.0.2.7", 51201},
        {"EPRT !1!192.0.2.7!51201!", "192.0.2.7", 51201},
        {"EPRT ~1~192.0.2.7~51201~", "192.0.2.7", 51201},
    }));
    CAPTURE(command);
    script talk;
    talk.logged_in().client(command).to_backend("EPSV").is_quiet();
    offers(talk, "229 ok (|||6446|)");
    expect_target(talk, address, port);
    talk.to_client("200").is_quiet();  // nothing is connected yet
}

TEST_CASE("setup: EPRT over IPv6 (B-129, B-132)", "[ftp][setup]") {
    script talk(over_ipv6());
    talk.logged_in();
    SECTION("to the client itself") {
        talk.client("EPRT |2|2001:db8::7|51201|").to_backend("EPSV");
        offers(talk, "229 ok (|||6446|)");
        expect_target(talk, "2001:db8::7", 51201);
        talk.to_client("200").is_quiet();
    }
    SECTION("PORT has no place there") {
        talk.answers("PORT 192,0,2,7,200,1", "501");
    }
    SECTION("to someone else") {
        talk.answers("EPRT |2|2001:db8::8|51201|", "500");
    }
}

TEST_CASE("setup: a client behind an IPv4-mapped address may use PORT (B-132)", "[ftp][setup]") {
    script_settings settings;
    settings.client = "::ffff:192.0.2.7";
    script talk(settings);
    talk.logged_in().client("PORT 192,0,2,7,200,1").to_backend("EPSV");
}

TEST_CASE("setup: bad PORT and EPRT are refused and clear what was set up (B-126 - B-131)", "[ftp][setup]") {
    auto const [command, code] = GENERATE(table<std::string, std::string>({
        {"PORT", "501"},
        {"PORT 192,0,2,7,200", "501"},
        {"PORT 192,0,2,7,200,1,1", "501"},
        {"PORT 192,0,2,256,200,1", "501"},
        {"PORT 192,0,2,-7,200,1", "501"},
        {"PORT 192.0.2.7.200.1", "501"},
        {"PORT a,b,c,d,e,f", "501"},
        {"PORT 192,0,2,7,0,0", "501"},
        {"PORT 192,0,2,7,0,25", "504"},
        {"PORT 192,0,2,7,3,255", "504"},
        {"PORT 192,0,2,8,200,1", "500"},
        {"PORT 10,0,0,5,200,1", "500"},
        {"PORT 127,0,0,1,200,1", "500"},
        {"PORT 0,0,0,0,200,1", "500"},
        {"PORT 255,255,255,255,200,1", "500"},
        {"PORT 198,51,100,1,200,1", "500"},
        {"EPRT |1|192.0.2.7|51201", "501"},
        {"EPRT |1|192.0.2.7|51201||", "501"},
        {"EPRT ||192.0.2.7|51201|", "5"},
        {"EPRT |1|192.0.2.7|0|", "501"},
        {"EPRT |1|192.0.2.7|65536|", "501"},
        {"EPRT |1|192.0.2.7|-1|", "501"},
        {"EPRT |3|192.0.2.7|51201|", "522"},
        {"EPRT |1|192.0.2.7|25|", "504"},
        {"EPRT |1|10.0.0.5|51201|", "500"},
        {"EPRT |2|2001:db8::7|51201|", "5"},
        {"EPRT |2|::ffff:10.0.0.5|51201|", "5"},
    }));
    CAPTURE(command);
    script talk;
    talk.logged_in().protect().passive().client(command);
    if (command != "PORT") talk.expects<ftp::abort_data>();  // without an argument it is no attempt at a set-up
    talk.to_client(code).is_quiet();
    if (code == "522") CHECK(talk.last_reply().find("(1,2)") != std::string::npos);
    if (code == "500") CHECK(talk.noted<ftp::note_attack>().size() == 1);
    if (command != "PORT") talk.answers("RETR a", "425");
}

TEST_CASE("setup: active mode that is switched off is 502 (B-135)", "[ftp][setup]") {
    script_settings settings;
    settings.site().allow_active = false;
    script talk(settings);
    talk.logged_in().answers("PORT 192,0,2,7,200,1", "502").answers("EPRT |1|192.0.2.7|51201|", "502");
}

TEST_CASE("setup: the backend's mode is the site's, whatever the client's is (B-136)", "[ftp][setup]") {
    auto const client_command = GENERATE(as<std::string>{}, "PASV", "PORT 192,0,2,7,200,1");
    bool const passive_client = client_command == "PASV";
    CAPTURE(client_command);
    SECTION("passive") {
        script talk;
        talk.logged_in().client(client_command).to_backend("EPSV").is_quiet();
    }
    SECTION("active") {
        script talk(with_mode(ftp::backend_mode::active));
        talk.logged_in().client(client_command).expects<ftp::listen_backend>().is_quiet();
        talk.is(backend_listens("10.0.0.1")).to_backend("PORT 10,0,0,1,156,65").is_quiet();
        talk.backend("200 ok");
        if (passive_client) {
            talk.expects<ftp::listen_client>().is(ftp::client_listening{50001}).to_client("227").is_quiet();
        } else {
            talk.expects<ftp::target_client>().to_client("200").is_quiet();
        }
    }
    SECTION("the client's") {
        script talk(with_mode(ftp::backend_mode::client));
        talk.logged_in().client(client_command);
        if (passive_client)
            talk.to_backend("EPSV").is_quiet();
        else
            talk.expects<ftp::listen_backend>().is_quiet();
    }
}

TEST_CASE("setup: active at a backend that refuses is 425, over IPv6 it is EPRT (B-136)", "[ftp][setup]") {
    script talk(with_mode(ftp::backend_mode::active));
    talk.logged_in().client("PASV").expects<ftp::listen_backend>();
    SECTION("it refuses PORT") {
        talk.is(backend_listens("10.0.0.1")).to_backend("PORT 10,0,0,1,156,65");
        talk.backend("500 no").expects<ftp::abort_data>().to_client("425").is_ready();
    }
    SECTION("the gate cannot listen") {
        talk.is(ftp::backend_listen_failed{}).expects<ftp::abort_data>().to_client("425").is_ready();
    }
    SECTION("IPv6") {
        talk.is(backend_listens("fd00::1")).to_backend("EPRT |2|fd00::1|40001|");
    }
}

TEST_CASE("setup: a backend without EPSV is asked PASV in the same step, and remembered (B-137)", "[ftp][setup]") {
    auto const refusal = GENERATE(as<std::string>{}, "500", "501", "502", "504", "522");
    script talk;
    talk.logged_in().client("EPSV").to_backend("EPSV").backend(refusal + " no");
    talk.expects<ftp::learn_backend_refuses_epsv>().to_backend("PASV").is_quiet();
    offers(talk, "227 ok (10,0,0,5,25,46)").expects<ftp::listen_client>();
    talk.is(ftp::client_listening{50001}).to_client("229").is_quiet();
    talk.client("PASV").expects<ftp::abort_data>().to_backend("PASV").is_quiet();  // no EPSV in this session any more
}

TEST_CASE("setup: what another session learned of EPSV is used (B-137)", "[ftp][setup]") {
    script talk;
    talk.secured().connecting().connected("10.0.0.5", true);
    talk.backend("220 x").to_backend("USER joe").backend("230 in").to_client("230");
    talk.client("EPSV").to_backend("PASV");
}

TEST_CASE("setup: a backend over IPv6 has only EPSV (B-137)", "[ftp][setup]") {
    script talk;
    talk.secured().connecting().connected("fd00::5", true);
    talk.backend("220 x").to_backend("USER joe").backend("230 in").to_client("230");
    talk.client("PASV").to_backend("EPSV");
    SECTION("it works for an IPv4 client, too") {
        talk.backend("229 ok (|||6446|)").expects<ftp::target_backend>().expects<ftp::listen_client>();
        talk.is(ftp::client_listening{50001}).to_client("227");
    }
    SECTION("it refuses") {
        talk.backend("502 no").expects<ftp::abort_data>().to_client("425").is_ready();
    }
}

TEST_CASE("setup: spellings of 227 and 229 that work (B-138, B-139, B-142, B-025)", "[ftp][setup]") {
    auto const reply = GENERATE(as<std::string>{},
                                "227 ok (10,0,0,5,25,46)",                   // B-138
                                "227 Entering Passive Mode 10,0,0,5,25,46",  // B-139
                                "227 =10,0,0,5,25,46.", "227 Entering (10, 0, 0, 5, 25, 46) now",
                                "227-something\r\n10,0,0,5,25,46\r\n227 end",  // B-025
                                "229 (!!!6446!)",                              // B-142
                                "229 ok (|1|10.0.0.5|6446|)", "229-first\r\n ok (|||6446|)\r\n229 end");
    CAPTURE(reply);
    script talk;
    talk.logged_in().client("EPSV").to_backend("EPSV");
    offers(talk, reply).expects<ftp::listen_client>().is_quiet();
}

TEST_CASE("setup: the address in 227 is not believed (B-140, A-071)", "[ftp][setup]") {
    auto const address = GENERATE(as<std::string>{}, "192,168,1,9", "0,0,0,0", "127,0,0,1", "169,254,169,254",
                                  "203,0,113,80", "198,51,100,1");
    script talk;
    talk.logged_in().client("EPSV").to_backend("EPSV");
    offers(talk, "227 ok (" + address + ",25,46)");
}

TEST_CASE("setup: where the site trusts it, the address in 227 is used (B-140)", "[ftp][setup]") {
    script_settings settings;
    settings.site().trust_backend_address = true;
    script talk(settings);
    talk.logged_in().client("EPSV").to_backend("EPSV").backend("227 ok (10,0,0,9,25,46)");
    auto const target = talk.expects_one<ftp::target_backend>();
    REQUIRE(target);
    CHECK(target->where.address.text() == "10.0.0.9");
}

TEST_CASE("setup: unusable answers of the backend are 425, the session goes on (B-141, B-143, A-047, A-072)",
          "[ftp][setup]") {
    auto const reply = GENERATE(as<std::string>{}, "227 Entering Passive Mode (", "227 ()", "227 (10,0,0,5,25)",
                                "227 (10,0,0,256,25,46)", "227 (10,0,0,5,0,0)", "227 (10,0,0,5,0,22)",
                                "227 (10,0,0,5,3,255)", "227 (99999999999999999999,0,0,5,25,46)", "229 (|||22|)",
                                "229 (|||1023|)", "229 (|||0|)", "229 (|||65536|)", "229 (|||x|)", "229 ()", "229",
                                "200 fine", "350 go on", "425 no", "450 busy", "229 (|||1000000000|)", "229 (%n%s)");
    CAPTURE(reply);
    script talk;
    talk.logged_in().client("PASV").to_backend("EPSV");
    talk.backend(reply).expects<ftp::abort_data>().to_client("425").is_ready();
    CHECK(talk.client_stream().find("10,0,0,5") == std::string::npos);
}

TEST_CASE("setup: PASV that fails behind EPSV is one 425 (B-137, B-141)", "[ftp][setup]") {
    script talk;
    talk.logged_in().client("PASV").to_backend("EPSV").backend("500 what");
    talk.expects<ftp::learn_backend_refuses_epsv>().to_backend("PASV");
    talk.backend(GENERATE(as<std::string>{}, "500 what", "227 (", "425 none left"));
    talk.expects<ftp::abort_data>().to_client("425").is_ready();
}

TEST_CASE("setup: nothing is put between REST and its partner (B-144, B-145, B-239)", "[ftp][setup]") {
    script talk;
    talk.logged_in().protect();
    SECTION("PASV before REST") {
        talk.passive().forwards("REST 5").backend("350 ok").to_client("350");
        talk.client("RETR a").to_backend("RETR a").expects<ftp::begin_data>();
    }
    SECTION("REST before PASV") {
        talk.forwards("REST 5").backend("350 ok").to_client("350").passive();
        talk.client("RETR a").to_backend("RETR a").expects<ftp::begin_data>();
    }
    SECTION("RNFR and RNTO") {
        talk.forwards("RNFR a").backend("350 ok").to_client("350").forwards("RNTO b").backend("250 ok").to_client(
            "250");
    }
    talk.is_quiet();
}

TEST_CASE("setup: other doors to data connections stay shut (B-148, B-067, A-031)", "[ftp][setup]") {
    auto const command = GENERATE(as<std::string>{}, "P@SW", "p@sw", "LPSV", "LPRT 6,16", "SPSV", "XPSV", "XPRT",
                                  "CPSV", "SSCN ON", "P@SW x");
    script_settings settings;
    settings.site().pass_unknown = true;  // does not cover them (D-10)
    script talk(settings);
    talk.logged_in().answers(command, "502");
    CHECK(talk.backend_stream().find("SW") == std::string::npos);
}

TEST_CASE("setup: disguised PASV does not reach the backend as one (A-031)", "[ftp][setup]") {
    script talk;
    talk.logged_in();
    SECTION("white space") {
        talk.answers(" PASV", "500").answers("PASV\t", "500").answers("\tPASV", "500");
    }
    SECTION("Telnet inside the word, mixed case") {
        talk.client_bytes("pA\xff\xf1Sv\r\n").to_backend("EPSV").is_quiet();
    }
}

TEST_CASE("setup: PRET goes through only when the backend offers it (B-149)", "[ftp][setup]") {
    script talk;
    talk.logged_in();
    SECTION("not offered") {
        talk.answers("PRET RETR a", "502");
    }
    SECTION("offered") {
        talk.client("FEAT").to_backend("FEAT").backend("211-Features\r\n PRET\r\n211 End").to_client("211");
        talk.protect().passive().forwards("PRET RETR a").backend("200 ok").to_client("200");
        talk.client("RETR a").to_backend("RETR a").expects<ftp::begin_data>();
    }
}

TEST_CASE("setup: the leg's protection is that of the moment of the transfer (B-056, B-150, B-151)", "[ftp][setup]") {
    script_settings settings;
    settings.site().data = ftp::data_rule::allow;
    script talk(settings);
    talk.logged_in();
    SECTION("PROT P before PASV") {
        talk.protect().client("PASV").to_backend("EPSV").backend("229 (|||6446|)").expects<ftp::target_backend>();
        auto const listen = talk.expects_one<ftp::listen_client>();
        REQUIRE(listen);
        CHECK(listen->level == ftp::protection::tls);
    }
    SECTION("PROT P between PASV and RETR") {
        talk.client("PASV").to_backend("EPSV").backend("229 (|||6446|)").expects<ftp::target_backend>();
        auto const listen = talk.expects_one<ftp::listen_client>();
        REQUIRE(listen);
        CHECK(listen->level == ftp::protection::clear);
        talk.is(ftp::client_listening{50001}).to_client("227").answers("PBSZ 0", "200");
        auto const change = talk.client("PROT P").expects_one<ftp::protect_client>();
        REQUIRE(change);
        CHECK(change->level == ftp::protection::tls);
        talk.to_client("200");
        auto const back = talk.client("PROT C").expects_one<ftp::protect_client>();
        REQUIRE(back);
        CHECK(back->level == ftp::protection::clear);
        talk.to_client("200").is_quiet();
    }
}
