// ABOR, STAT and NOOP while a transfer runs, and what ends an idle session: PROTOCOL.md 4.3.
#include "tests/support/script.hpp"

using namespace ftpsgate;
using ftp::deadline_kind;
using tests::script;
using tests::script_settings;

namespace {

/// ABOR came while the transfer ran: the legs are cut, the backend is told as B-229 says.
script& abor(script& talk) {
    talk.client("ABOR").expects<ftp::abort_data>();
    auto const sent = talk.expects_one<ftp::send_backend>();
    REQUIRE(sent);
    CHECK(sent->bytes == "ABOR\r\n");
    CHECK(sent->how == ftp::urgency::telnet_synch);
    return talk.is_quiet();
}

/// The codes of all replies since `from`, "426 226 ".
std::string codes(script const& talk, std::size_t from) {
    std::string found;
    std::string const text = talk.client_stream().substr(from);
    for (std::size_t at = 0; at < text.size(); at = text.find("\r\n", at) + 2)
        found += text.substr(at, 3) + ' ';
    return found;
}

}  // namespace

TEST_CASE("abort: nothing to abort: one 225 or 226 (B-224)", "[ftp][abort]") {
    script talk;
    talk.logged_in().forwards("ABOR");
    SECTION("225") {
        talk.backend("225 nothing").to_client("225");
    }
    SECTION("226") {
        talk.backend("226 nothing").to_client("226");
    }
    SECTION("a backend without ABOR") {
        talk.backend("502 what").to_client("22");
    }
    talk.is_ready();
}

TEST_CASE("abort: it ends a set-up without transfer (B-225, B-122)", "[ftp][abort]") {
    script talk;
    talk.logged_in().protect().passive();
    talk.client("ABOR").expects<ftp::abort_data>().to_backend("ABOR").backend("226 ok").to_client("226").is_quiet();
    talk.answers("RETR a", "425").is_ready();
}

TEST_CASE("abort: the transfer's 426, then ABOR's 226 (B-226, B-229)", "[ftp][abort]") {
    script talk;
    talk.logged_in().transferring(GENERATE(as<std::string>{}, "RETR big", "STOR big"));
    abor(talk);
    std::size_t const from = talk.client_stream().size();
    SECTION("two replies") {
        talk.backend("426 aborted").lets_go_then("426").lets_go().backend("226 ok");
    }
    SECTION("both in one read") {
        talk.backend("426 aborted\r\n226 ok");
    }
    SECTION("others codes") {
        talk.backend("451 cut\r\n225 ok");
    }
    SECTION("a 150 that was on its way") {
        talk.backend("150 late").is_quiet().backend("426 aborted\r\n226 ok");
    }
    SECTION("a backend without ABOR") {
        talk.backend("426 cut\r\n500 what");
    }
    talk.skip();
    CHECK(codes(talk, from) == "426 226 ");
    talk.is_ready();
    REQUIRE(talk.noted<ftp::note_transfer>().size() == 1);
    CHECK(talk.noted<ftp::note_transfer>()[0].result == ftp::transfer_result::aborted);
}

TEST_CASE("abort: before the 1yz, and before the legs are up (B-226)", "[ftp][abort]") {
    script talk;
    talk.logged_in().begun("RETR big");
    SECTION("nothing is up") {
    }
    SECTION("the client's leg is up") {
        talk.is(ftp::client_data_up{});
    }
    SECTION("the backend's leg failed") {
        talk.is(ftp::backend_data_failed{});
    }
    SECTION("the client's leg failed") {
        talk.is(ftp::client_data_failed{});
    }
    abor(talk);
    CHECK_FALSE(talk.armed(deadline_kind::verdict));
    std::size_t const from = talk.client_stream().size();
    talk.backend("426 aborted\r\n226 ok").skip();
    CHECK(codes(talk, from) == "426 226 ");
    talk.is_ready();
}

TEST_CASE("abort: the transfer was complete already: two good replies (B-227)", "[ftp][abort]") {
    script talk;
    talk.logged_in().transferring("STOR a").is(ftp::relay_done{}).expects<ftp::finish_backend_data>().is_quiet();
    std::size_t const from = talk.client_stream().size();
    talk.client("ABOR").skip();
    talk.backend("226 stored").skip();
    talk.backend("225 nothing to abort").skip();
    CHECK((codes(talk, from) == "226 226 " || codes(talk, from) == "226 225 "));
    talk.is_ready();
}

TEST_CASE("abort: the backend's 226 is held, the client has not everything: 426, 226 (B-226)", "[ftp][abort]") {
    script talk;
    talk.logged_in().transferring("RETR a").backend("226 done").is_quiet();
    std::size_t const from = talk.client_stream().size();
    talk.client("ABOR").skip().backend("225 nothing").skip();
    CHECK(codes(talk, from) == "426 226 ");
    talk.is_ready();
}

TEST_CASE("abort: a reply that does not come is supplied, and none is shifted (B-228)", "[ftp][abort]") {
    script talk;
    talk.logged_in().transferring("RETR a");
    abor(talk).client("PWD").is_quiet();
    std::size_t const from = talk.client_stream().size();
    SECTION("one of two") {
        talk.backend("226 ok").skip();
    }
    SECTION("426 alone") {
        talk.backend("426 cut").skip();
    }
    SECTION("none") {
    }
    talk.passes(deadline_kind::settle).skip();
    CHECK(codes(talk, from) == "426 226 421 ");
    CHECK(talk.finishes() == 1);
    CHECK(talk.backend_stream().find("PWD") == std::string::npos);
    CHECK(talk.noted<ftp::note_transfer>().size() == 1);
}

TEST_CASE("abort: the backend dies behind ABOR: the transfer's reply, then 421 (B-218)", "[ftp][abort]") {
    script talk;
    talk.logged_in().transferring("RETR a");
    abor(talk).is(ftp::backend_gone{}).skip();
    CHECK(talk.client_stream().find("\r\n421 ") != std::string::npos);
    CHECK(talk.finishes() == 1);
}

TEST_CASE("abort: Telnet signals before it are no part of it (B-230)", "[ftp][abort]") {
    script talk;
    talk.logged_in().transferring("RETR a").client_bytes("\xff\xf4\xff\xf2").is_quiet();
    abor(talk).backend("426 x\r\n226 y").skip().is_ready();
}

TEST_CASE("abort: it is heard behind other commands, whose replies come before its own (B-232, B-235)",
          "[ftp][abort]") {
    script talk;
    talk.logged_in().transferring("RETR a").client("SYST").is_quiet();
    CHECK(talk.core().wants_client_bytes());
    abor(talk);
    std::size_t const from = talk.client_stream().size();
    talk.backend("426 x\r\n226 y").skip().backend("215 unix").skip();
    CHECK(codes(talk, from) == "426 215 226 ");
    talk.is_ready();
}

TEST_CASE("abort: one reply for each of several (B-195)", "[ftp][abort]") {
    script talk;
    talk.logged_in().transferring("RETR a");
    SECTION("in one read") {
        talk.client_bytes("ABOR\r\nABOR\r\n").expects<ftp::abort_data>().to_backend("ABOR").is_quiet();
    }
    SECTION("one after the other") {
        abor(talk).client("ABOR").is_quiet();
    }
    std::size_t const from = talk.client_stream().size();
    talk.backend("426 x\r\n226 y").skip();
    if (talk.core().state().finals_due > 0) talk.backend("225 nothing").skip();
    CHECK(codes(talk, from).substr(0, 8) == "426 226 ");
    CHECK(codes(talk, from).size() == 12);
    talk.is_ready();
}

TEST_CASE("abort: one with an argument is a mistake, and aborts nothing", "[ftp][abort]") {
    script talk;
    talk.logged_in().transferring("RETR a").client("ABOR x").is_quiet();
    talk.is(ftp::relay_done{}).backend("226 done").expects<ftp::finish_client_data>();
    talk.is(ftp::client_data_finished{}).to_client("226").expects<ftp::abort_data>().to_client("501").is_quiet();
}

TEST_CASE("abort: behind a transfer that failed by itself it has a reply of its own (B-195)", "[ftp][abort]") {
    script talk;
    talk.logged_in().transferring("RETR a");
    talk.is(ftp::relay_done{ftp::copy_result::client_failed}).expects<ftp::abort_data>().to_client("426").is_quiet();
    std::size_t const from = talk.client_stream().size();
    talk.client("ABOR").skip().backend("426 x").skip();
    if (talk.core().state().finals_due > 0) talk.backend("225 nothing").skip();
    CHECK(codes(talk, from).size() == 4);
    CHECK(codes(talk, from).substr(0, 2) == "22");
    talk.is_ready();
}

TEST_CASE("abort: ten thousand of them (A-036)", "[ftp][abort]") {
    script talk;
    talk.logged_in().protect();
    for (int i = 0; i < 10000; ++i) {
        talk.passive().client("RETR big").skip().backend("150 go").skip();
        talk.client("ABOR").skip().backend("426 x\r\n226 y").skip();
        if (talk.core().state().now != ftp::activity::idle) break;
    }
    talk.is_ready();
}

TEST_CASE("abort: STAT during a transfer is the gate's, with the bytes so far (B-233)", "[ftp][abort]") {
    script talk;
    talk.logged_in().transferring("RETR a").client("STAT").expects<ftp::ask_progress>().is_quiet();
    talk.is(ftp::progress{12345, false}).to_client("21").is_quiet();
    CHECK(talk.last_reply().find("12345") != std::string::npos);
    talk.is(ftp::relay_done{}).backend("226 done").expects<ftp::finish_client_data>();
    talk.is(ftp::client_data_finished{}).to_client("226").is_ready();
    CHECK(talk.backend_stream().find("STAT") == std::string::npos);
}

TEST_CASE("abort: as many replies as STATs (B-233, B-281)", "[ftp][abort]") {
    script talk;
    talk.logged_in().transferring("RETR a");
    std::size_t const from = talk.client_stream().size();
    SECTION("two in one read") {
        talk.client_bytes("STAT\r\nSTAT\r\n").expects<ftp::ask_progress>().expects<ftp::ask_progress>();
        talk.is(ftp::progress{1, false}).is(ftp::progress{1, false}).skip();
        CHECK((codes(talk, from) == "213 213 " || codes(talk, from) == "211 211 "));
    }
    SECTION("the transfer ends before its answer is there") {
        talk.client("STAT").expects<ftp::ask_progress>().backend("451 disk").is(ftp::progress{1, false}).skip();
        CHECK(codes(talk, from).size() == 8);
    }
    SECTION("the client was told 426 already, the backend's late reply comes first") {
        talk.is(ftp::relay_done{ftp::copy_result::client_failed}).client("STAT").skip();
        talk.backend("426 broken").is(ftp::progress{1, false}).skip();
        CHECK(codes(talk, from).substr(0, 4) == "426 ");
        CHECK(codes(talk, from).size() == 8);
    }
    SECTION("none is left over for the next transfer") {
        talk.client("STAT").expects<ftp::ask_progress>().backend("451 disk").skip();
        talk.passive().client("RETR b").skip().backend("150 go").skip();
        std::size_t const next = talk.client_stream().size();
        talk.is(ftp::progress{1, true}).is_quiet();
        CHECK(codes(talk, next).empty());
    }
}

TEST_CASE("abort: as many replies as NOOPs, none at the backend (B-234)", "[ftp][abort]") {
    script talk;
    talk.logged_in().transferring("STOR a");
    std::size_t const from = talk.client_stream().size();
    for (int i = 0; i < 3; ++i)
        talk.client("NOOP");
    talk.client_bytes("NOOP\r\nNOOP\r\n").skip();
    talk.is(ftp::relay_done{}).backend("226 stored").skip();
    std::string const seen = codes(talk, from);
    CHECK((seen == "200 200 200 200 200 226 " || seen == "226 200 200 200 200 200 "));
    CHECK(talk.backend_stream().find("NOOP") == std::string::npos);
    talk.is_ready();
}

TEST_CASE("abort: NOOP and STAT wait behind a command that waits (B-235)", "[ftp][abort]") {
    script talk;
    talk.logged_in().transferring("STOR a");
    std::size_t const from = talk.client_stream().size();
    talk.client_bytes("PWD\r\nNOOP\r\nSTAT\r\n").is_quiet();
    talk.is(ftp::relay_done{}).backend("226 stored").skip().backend("257 \"/\"").to_client("257").skip();
    CHECK(codes(talk, from).substr(0, 12) == "226 257 200 ");
    talk.is_ready();
}

TEST_CASE("abort: the backend's 421 to an idle session ends it (B-237)", "[ftp][abort]") {
    script talk;
    talk.logged_in().protect();
    SECTION("idle") {
    }
    SECTION("with a set-up") {
        talk.passive();
    }
    talk.backend("421 Timeout.").to_client("421 Timeout.").ends(ftp::end_reason::backend_gone);
}

TEST_CASE("abort: an idle session whose backend closes is told 421 (B-237)", "[ftp][abort]") {
    script talk;
    talk.logged_in().is(ftp::backend_gone{}).to_client("421").ends(ftp::end_reason::backend_gone);
}
