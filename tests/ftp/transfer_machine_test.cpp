// One transfer that goes well, or is refused: PROTOCOL.md 4.1. What goes wrong in the middle is in transfer_fault_test.
#include "tests/support/script.hpp"

using namespace ftpsgate;
using tests::script;
using tests::script_settings;

namespace {

std::vector<ftp::note_transfer> only_note(script const& talk) {
    auto notes = talk.noted<ftp::note_transfer>();
    REQUIRE(notes.size() == 1);
    return notes;
}

}  // namespace

TEST_CASE("transfer: the backend's data port is connected with the command, not behind 1yz (B-147)",
          "[ftp][transfer]") {
    script talk;
    talk.logged_in().protect().passive();
    talk.client("RETR a").to_backend("RETR a").expects<ftp::begin_data>().is_quiet();
    SECTION("B accepts first") {
        talk.is(ftp::backend_data_up{}).is_quiet().backend("150 go").to_client("150 go").is_quiet();
        talk.is(ftp::client_data_up{}).expects<ftp::start_relay>().is_quiet();
    }
    SECTION("B replies first") {
        talk.backend("150 go").to_client("150 go").is_quiet().is(ftp::backend_data_up{}).is_quiet();
        talk.is(ftp::client_data_up{}).expects<ftp::start_relay>().is_quiet();
    }
    SECTION("the client's leg comes first, and waits for neither") {  // B-120
        talk.is(ftp::client_data_up{}).is_quiet().is(ftp::backend_data_up{}).is_quiet();
        talk.backend("150 go").to_client("150 go").expects<ftp::start_relay>().is_quiet();
    }
}

TEST_CASE("transfer: 1yz goes out at once, the client's handshake may come long after it (B-120)", "[ftp][transfer]") {
    script talk;
    talk.logged_in().begun("STOR a").backend("150 send it").to_client("150 send it").is_quiet();
    talk.is(ftp::backend_data_up{}).is_quiet();
    talk.is(ftp::client_data_up{}).expects<ftp::start_relay>().is_quiet();
}

// A deliberate exception to B-120 (transfer_machine.cpp): curl ends its upload before tickets that come late (B-160).
TEST_CASE("transfer: the 1yz of an upload waits a moment for a handshake that has begun (B-120, B-160)",
          "[ftp][transfer]") {
    script talk;
    talk.logged_in().begun("STOR a").is(ftp::client_data_handshaking{}).is(ftp::backend_data_up{}).is_quiet();
    talk.backend("150 go").is_quiet();
    CHECK(talk.armed(ftp::deadline_kind::start));
    std::size_t const from = talk.client_stream().size();
    SECTION("the handshake is over") {
        talk.is(ftp::client_data_up{}).to_client("150 go").expects<ftp::start_relay>().is_quiet();
        CHECK_FALSE(talk.armed(ftp::deadline_kind::start));
    }
    SECTION("it takes long: the 1yz goes out without it") {
        talk.passes(ftp::deadline_kind::start).to_client("150 go").is_quiet();
        talk.is(ftp::client_data_up{}).expects<ftp::start_relay>().is_quiet();
    }
    SECTION("it fails: 1yz, then 522") {
        talk.is(ftp::client_data_failed{ftp::data_fault::handshake}).to_client("150 go").expects<ftp::abort_data>();
        talk.to_client("522").is_quiet();
    }
    SECTION("the backend refuses meanwhile") {
        talk.backend("552 full").expects<ftp::abort_data>().to_client("552 full").is_ready();
    }
    SECTION("ABOR: no 1yz behind the final reply") {
        talk.client("ABOR").skip().backend("426 cut\r\n226 ok").skip().is(ftp::client_data_up{}).is_quiet();
        CHECK(talk.client_stream().find("150 ", from) == std::string::npos);
        talk.is_ready();
    }
    SECTION("the backend's leg fails: no 1yz behind the final reply") {
        talk.is(ftp::backend_data_failed{}).passes(ftp::deadline_kind::verdict).skip();
        talk.is(ftp::client_data_up{}).is_quiet();
        CHECK(talk.client_stream().find("150 ", from) == std::string::npos);
    }
}

TEST_CASE("transfer: the 1yz of a download never waits (B-120)", "[ftp][transfer]") {
    script talk;
    talk.logged_in().begun("RETR a").is(ftp::client_data_handshaking{}).is_quiet();
    talk.backend("150 go").to_client("150 go").is_quiet();
}

TEST_CASE("transfer: the copy goes the way of the verb", "[ftp][transfer]") {
    auto const [command, way] = GENERATE(table<std::string, ftp::copy_direction>({
        {"RETR a", ftp::copy_direction::to_client},
        {"LIST", ftp::copy_direction::to_client},
        {"NLST x", ftp::copy_direction::to_client},
        {"MLSD", ftp::copy_direction::to_client},
        {"STOR a", ftp::copy_direction::to_backend},
        {"APPE a", ftp::copy_direction::to_backend},
        {"STOU", ftp::copy_direction::to_backend},
    }));
    CAPTURE(command);
    script talk;
    talk.logged_in().protect().passive();
    auto const began = talk.client(command).to_backend(command).expects_one<ftp::begin_data>();
    REQUIRE(began);
    CHECK(began->way == way);
    talk.is(ftp::backend_data_up{}).is(ftp::client_data_up{});
    talk.backend("125 open").to_client("125 open").expects<ftp::start_relay>().is_quiet();
}

TEST_CASE("transfer: at most one 1yz reaches the client (B-194)", "[ftp][transfer]") {
    script talk;
    talk.logged_in().transferring("RETR a");
    talk.backend("150 again").is_quiet().backend("125-and\r\n125 again").is_quiet();
    talk.is(ftp::relay_done{}).backend("226 done").expects<ftp::finish_client_data>();
    talk.is(ftp::client_data_finished{}).to_client("226 done").is_ready();
}

TEST_CASE("transfer: a download's 226 waits until the data is delivered (B-196)", "[ftp][transfer]") {
    script talk;
    talk.logged_in().transferring("RETR a");
    SECTION("the backend's 226 comes first") {
        talk.backend("226 done").is_quiet();
        talk.is(ftp::relay_done{}).expects<ftp::finish_client_data>().is_quiet();
    }
    SECTION("the end of the data comes first") {
        talk.is(ftp::relay_done{}).is_quiet();
        talk.backend("226 done").expects<ftp::finish_client_data>().is_quiet();
    }
    talk.is(ftp::client_data_finished{}).to_client("226 done");
    CHECK(only_note(talk)[0].result == ftp::transfer_result::ok);
    talk.is_ready();
}

TEST_CASE("transfer: 226 with the 1yz, before the legs are up, waits for them as well (B-196)", "[ftp][transfer]") {
    script talk;
    talk.logged_in().begun("RETR a").backend("150 go\r\n226 done").to_client("150 go").is_quiet();
    talk.is(ftp::backend_data_up{}).is_quiet().is(ftp::client_data_up{}).expects<ftp::start_relay>().is_quiet();
    talk.is(ftp::relay_done{}).expects<ftp::finish_client_data>().is_quiet();
    talk.is(ftp::client_data_finished{}).to_client("226 done").is_ready();
}

TEST_CASE("transfer: a client that does not take the end of a download is not told 226 (B-196)", "[ftp][transfer]") {
    script talk;
    talk.logged_in()
        .transferring("RETR a")
        .backend("226 done")
        .is(ftp::relay_done{})
        .expects<ftp::finish_client_data>();
    talk.is(ftp::client_data_finished{false}).expects<ftp::abort_data>().to_client("426").is_ready();
    CHECK(only_note(talk)[0].result == ftp::transfer_result::client_failed);
}

TEST_CASE("transfer: an upload's 226 waits for the client's end and the backend's (B-197)", "[ftp][transfer]") {
    script talk;
    talk.logged_in().transferring("STOR a");
    SECTION("the data ends first") {
        talk.is(ftp::relay_done{}).expects<ftp::finish_backend_data>().is_quiet();
        talk.backend("226 stored").to_client("226 stored");
    }
    SECTION("the backend says it too early") {
        talk.backend("226 stored").is_quiet();
        talk.is(ftp::relay_done{}).expects<ftp::finish_backend_data>().to_client("226 stored");
    }
    talk.is_ready();
    CHECK(only_note(talk)[0].result == ftp::transfer_result::ok);
}

TEST_CASE("transfer: a negative reply to an upload goes out at once and wakes a blocked writer (B-197)",
          "[ftp][transfer]") {
    script talk;
    talk.logged_in().transferring("STOR a");
    auto const code = GENERATE(as<std::string>{}, "552", "452", "550", "426");
    talk.backend(code + " disk full").expects<ftp::abort_data>().to_client(code + " disk full").is_ready();
    CHECK(only_note(talk)[0].result == ftp::transfer_result::backend_failed);
}

TEST_CASE("transfer: a refusal ends both legs at once, nothing can hang (B-198)", "[ftp][transfer]") {
    script talk;
    talk.logged_in().begun("RETR missing");
    auto const leg = GENERATE(as<std::string>{}, "none", "backend", "client", "both");
    CAPTURE(leg);
    if (leg == "backend" || leg == "both") talk.is(ftp::backend_data_up{}).is_quiet();
    if (leg == "client" || leg == "both") talk.is(ftp::client_data_up{}).is_quiet();
    talk.backend("550 no such file").expects<ftp::abort_data>().to_client("550 no such file").lets_go();
    CHECK(only_note(talk)[0].result == ftp::transfer_result::refused);
    talk.is_ready();
    talk.answers("RETR other", "425");  // the set-up was used up (B-124)
}

TEST_CASE("transfer: 2yz without 1yz is a complete download (B-199)", "[ftp][transfer]") {
    script talk;
    talk.logged_in().begun("LIST");
    SECTION("the client's leg never came: it is closed") {
        talk.backend("226 empty").expects<ftp::abort_data>().to_client("226 empty");
    }
    SECTION("the client is there: it sees a clean end first") {
        talk.is(ftp::client_data_up{}).is_quiet().backend("226 empty").expects<ftp::finish_client_data>().is_quiet();
        talk.is(ftp::client_data_finished{}).to_client("226 empty");
    }
    SECTION("both are there: what the backend sends is copied") {
        talk.is(ftp::client_data_up{}).is(ftp::backend_data_up{}).is_quiet();
        talk.backend("226 all of it").expects<ftp::start_relay>().is_quiet();
        talk.is(ftp::relay_done{}).expects<ftp::finish_client_data>().is_quiet();
        talk.is(ftp::client_data_finished{}).to_client("226 all of it");
    }
    SECTION("the backend closed its data port instead") {
        talk.is(ftp::backend_data_failed{}).is_quiet();
        talk.is(ftp::client_data_up{}).is_quiet().backend("226 empty").expects<ftp::finish_client_data>().is_quiet();
        CHECK_FALSE(talk.armed(ftp::deadline_kind::verdict));  // nobody's verdict is awaited any more
        talk.is(ftp::client_data_finished{}).to_client("226 empty");
    }
    talk.is_ready();
    CHECK(only_note(talk)[0].result == ftp::transfer_result::ok);
}

// B-199 is about empty listings; for an upload B-197 and B-284 are the rule: not a byte of the file was taken.
TEST_CASE("transfer: 2yz without 1yz is no complete upload unless the data went through (B-197, B-284)",
          "[ftp][transfer]") {
    script talk;
    talk.logged_in().begun("STOR a");
    SECTION("neither leg came") {
    }
    SECTION("the client is there") {
        talk.is(ftp::client_data_up{});
    }
    SECTION("the backend's leg failed") {
        talk.is(ftp::client_data_up{}).is(ftp::backend_data_failed{});
    }
    std::string const before = talk.client_stream();
    talk.backend("226 stored").skip();
    std::string const told = talk.client_stream().substr(before.size());
    CAPTURE(told);
    CHECK(told.substr(0, 1) != "2");
}

TEST_CASE("transfer: the backend's words come through unchanged (B-200 - B-203)", "[ftp][transfer]") {
    auto const [command, preliminary, final] = GENERATE(table<std::string, std::string, std::string>({
        {"RETR a", "125 Data connection already open", "250 Transfer completed successfully."},
        {"RETR a", "150 Opening BINARY mode data connection for a (1234 bytes).", "226 ok"},
        {"RETR a", "125-Submitting job\r\nJOB00017\r\n125 sent", "226-5 seconds\r\n 226 bytes\r\n226 done"},
        {"STOU", "150 FILE: unique.0001", "226 Transfer complete (unique.0001)"},
        {"STOU", "125 FILE: a.1", "250 FILE: a.1"},
    }));
    CAPTURE(command, preliminary);
    script talk;
    talk.logged_in().begun(command).is(ftp::backend_data_up{}).is(ftp::client_data_up{});
    talk.backend(preliminary).to_client(preliminary + "\r\n").expects<ftp::start_relay>();
    talk.is(ftp::relay_done{}).backend(final).skip().is(ftp::client_data_finished{}).skip();
    CHECK(talk.client_stream().find(final + "\r\n") != std::string::npos);
    talk.is_ready();
}

TEST_CASE("transfer: a backend that is silent behind the data ends the session with 451 and 421 (B-204, B-220)",
          "[ftp][transfer]") {
    script talk;
    SECTION("download") {
        talk.logged_in().transferring("RETR a").is(ftp::relay_done{}).is_quiet();
        talk.passes(ftp::deadline_kind::verdict)
            .expects<ftp::finish_client_data>();  // its end was clean, as far as seen
        talk.is(ftp::client_data_finished{}).is_quiet();
    }
    SECTION("upload") {
        talk.logged_in().transferring("STOR a").is(ftp::relay_done{}).expects<ftp::finish_backend_data>();
    }
    talk.passes(ftp::deadline_kind::reply).to_client("451").to_client("421").ends(ftp::end_reason::backend_gone);
    CHECK(only_note(talk)[0].result == ftp::transfer_result::backend_failed);
}

TEST_CASE("transfer: a late 226 is good while the time for it lasts (B-204)", "[ftp][transfer]") {
    script talk;
    talk.logged_in().transferring("RETR a").is(ftp::relay_done{}).passes(ftp::deadline_kind::verdict);
    talk.expects<ftp::finish_client_data>().is(ftp::client_data_finished{}).is_quiet();
    talk.backend("226 at last").to_client("226 at last").is_ready();
}

TEST_CASE("transfer: 226 without an end of the data is no success (B-205)", "[ftp][transfer]") {
    script talk;
    talk.logged_in().transferring("RETR a").backend("226 done").is_quiet();
    talk.passes(ftp::deadline_kind::linger).expects<ftp::ask_progress>().is_quiet();
    SECTION("bytes still move: it goes on") {
        talk.is(ftp::progress{1000, false}).is_quiet();
        talk.passes(ftp::deadline_kind::linger).expects<ftp::ask_progress>().is(ftp::progress{2000, true}).is_quiet();
        talk.is(ftp::relay_done{}).expects<ftp::finish_client_data>();
        talk.is(ftp::client_data_finished{}).to_client("226 done").is_ready();
    }
    SECTION("a slow client is no reason") {
        talk.is(ftp::progress{1000, false}).is_quiet();
        talk.passes(ftp::deadline_kind::linger).expects<ftp::ask_progress>().is(ftp::progress{1000, false}).is_quiet();
        CHECK(talk.armed(ftp::deadline_kind::linger));
    }
    SECTION("silence: 426, and no clean end for the client's leg") {
        talk.is(ftp::progress{1000, true}).is_quiet();
        talk.passes(ftp::deadline_kind::linger).expects<ftp::ask_progress>();
        talk.is(ftp::progress{1000, true}).expects<ftp::abort_data>().to_client("426").is_ready();
    }
}

TEST_CASE("transfer: no leg moves: 426 (B-206)", "[ftp][transfer]") {
    script talk;
    talk.logged_in().transferring(GENERATE(as<std::string>{}, "RETR a", "STOR a"));
    talk.is(ftp::relay_done{ftp::copy_result::idle}).expects<ftp::abort_data>().to_client("426").lets_go();
    talk.backend("426 cut").is_ready();
    CHECK(only_note(talk)[0].result == ftp::transfer_result::timeout);
}

TEST_CASE("transfer: the idle clock stands still while it runs (B-207)", "[ftp][transfer]") {
    script talk;
    talk.logged_in().transferring("RETR a");
    CHECK_FALSE(talk.armed(ftp::deadline_kind::idle));
    SECTION("a NOOP does not wind it up") {
        talk.answers("NOOP", "200");
        CHECK_FALSE(talk.armed(ftp::deadline_kind::idle));
    }
    SECTION("afterwards it runs") {
        talk.backend("226 x").is(ftp::relay_done{}).is(ftp::client_data_finished{}).skip();
        CHECK(talk.armed(ftp::deadline_kind::idle));
    }
}

TEST_CASE("transfer: no deadline of the backend's runs while the data flows", "[ftp][transfer]") {
    script talk;
    talk.logged_in().transferring("STOR a");
    for (auto const kind : {ftp::deadline_kind::reply, ftp::deadline_kind::verdict, ftp::deadline_kind::linger,
                            ftp::deadline_kind::settle, ftp::deadline_kind::login})
        CHECK_FALSE(talk.armed(kind));
}

TEST_CASE("transfer: commands wait for its end and come in order (B-235)", "[ftp][transfer]") {
    script talk;
    talk.logged_in().transferring("RETR a").client("PWD").is_quiet().client("CWD /x").is_quiet();
    talk.is(ftp::relay_done{}).backend("226 done").expects<ftp::finish_client_data>().is_quiet();
    talk.is(ftp::client_data_finished{}).to_client("226 done");
    talk.skip()
        .backend("257 \"/\"")
        .to_client("257")
        .to_backend("CWD /x")
        .backend("250 ok")
        .to_client("250")
        .is_ready();
    CHECK(talk.backend_stream().find("PWD\r\nCWD /x\r\n") != std::string::npos);
}

TEST_CASE("transfer: QUIT waits for its end (B-090)", "[ftp][transfer]") {
    script talk;
    talk.logged_in().transferring("STOR a").client("QUIT").is_quiet();
    talk.is(ftp::relay_done{}).expects<ftp::finish_backend_data>();
    talk.backend("226 stored").to_client("226 stored").expects<ftp::abort_data>();
    talk.to_client("221").ends(ftp::end_reason::closed);
}

TEST_CASE("transfer: one set-up serves one transfer (B-123, B-124)", "[ftp][transfer]") {
    script talk;
    talk.logged_in().protect().answers("RETR a", "425");
    talk.passive().client("RETR a").to_backend("RETR a").expects<ftp::begin_data>().backend("550 no").skip();
    talk.answers("RETR a", "425").answers("LIST", "425");
}

TEST_CASE("transfer: PROT C under a policy that wants P is 521 before any 1yz, and uses up the set-up (B-153)",
          "[ftp][transfer]") {
    script talk;
    talk.logged_in().passive();
    talk.client("RETR a").expects<ftp::abort_data>().to_client("521").is_quiet();
    CHECK(only_note(talk)[0].result == ftp::transfer_result::not_protected);
    talk.protect().answers("RETR a", "425");
}

TEST_CASE("transfer: nonsense for a final reply is 451 (B-021)", "[ftp][transfer]") {
    script talk;
    talk.logged_in().transferring("RETR a");
    auto const code = GENERATE(as<std::string>{}, "350", "331", "633", "600", "000");
    talk.backend(code + " what").expects<ftp::abort_data>().to_client("451").is_ready();
}
