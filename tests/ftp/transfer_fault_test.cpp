// Failing legs: PROTOCOL.md 4.2, one case a row, and the attacks on what a leg's end means.
#include "tests/support/script.hpp"

#include <algorithm>

using namespace ftpsgate;
using ftp::copy_result;
using ftp::data_fault;
using ftp::deadline_kind;
using tests::script;
using tests::script_settings;

namespace {

ftp::note_transfer noted(script const& talk) {
    auto const notes = talk.noted<ftp::note_transfer>();
    CHECK(notes.size() == 1);
    return notes.empty() ? ftp::note_transfer{} : notes.front();
}

/// ABOR goes out as B-229 says.
void aborts_at_backend(script& talk) {
    auto const sent = talk.expects_one<ftp::send_backend>();
    REQUIRE(sent);
    CHECK(sent->bytes == "ABOR\r\n");
    CHECK(sent->how == ftp::urgency::telnet_synch);
}

bool ends_clean(script const& talk) {
    auto const& out = talk.pending();
    return std::any_of(out.begin(), out.end(), [](ftp::action const& one) {
        return std::holds_alternative<ftp::finish_client_data>(one) ||
               std::holds_alternative<ftp::finish_backend_data>(one);
    });
}

}  // namespace

TEST_CASE("transfer: the backend's data port does not answer: 425 and ABOR (B-210)", "[ftp][transfer][fault]") {
    script talk;
    talk.logged_in().begun(GENERATE(as<std::string>{}, "RETR a", "STOR a"));
    talk.is(ftp::backend_data_failed{}).is_quiet();  // its own word is the better one, for a moment
    talk.passes(deadline_kind::verdict);
    aborts_at_backend(talk);
    talk.expects<ftp::abort_data>().to_client("425").is_quiet();
    SECTION("both late replies are swallowed") {
        talk.backend("426 no data").lets_go().backend("226 aborted");
    }
    SECTION("in one read") {
        talk.backend("425 no data\r\n226 aborted");
    }
    SECTION("a late 150 too") {
        talk.backend("150 go").is_quiet().backend("426 no data\r\n225 aborted");
    }
    talk.is_ready();
    CHECK(noted(talk).result == ftp::transfer_result::backend_failed);
}

TEST_CASE("transfer: the backend's data port does not answer, its own 4yz is shown (B-210)", "[ftp][transfer][fault]") {
    script talk;
    talk.logged_in().begun("RETR a").is(ftp::backend_data_failed{}).is_quiet();
    talk.backend("425 cannot open").expects<ftp::abort_data>().to_client("425 cannot open").is_ready();
    CHECK_FALSE(talk.armed(deadline_kind::verdict));
}

TEST_CASE("transfer: the backend's data port fails behind its 1yz: one 425 or 426 (B-211)", "[ftp][transfer][fault]") {
    script talk;
    talk.logged_in().begun("RETR a").backend("150 go").to_client("150").is(ftp::backend_data_failed{}).is_quiet();
    SECTION("the backend is silent") {
        talk.passes(deadline_kind::verdict);
        aborts_at_backend(talk);
        talk.expects<ftp::abort_data>().to_client("425").is_quiet();
        talk.backend("426 x\r\n226 y").is_ready();
    }
    SECTION("the backend says 426 itself") {
        talk.backend("426 lost").expects<ftp::abort_data>().to_client("426 lost").is_ready();
    }
    SECTION("the backend says 226: not a byte of it came through") {
        talk.backend("226 fine").expects<ftp::abort_data>().to_client("42").is_ready();
    }
}

TEST_CASE("transfer: the client never connects: 425 behind the 1yz, the late reply is swallowed (B-212, B-121)",
          "[ftp][transfer][fault]") {
    script talk;
    talk.logged_in().begun("RETR a");
    SECTION("told before the 1yz") {
        talk.is(ftp::client_data_failed{data_fault::connect}).is_quiet();
        talk.backend("150 go").to_client("150").expects<ftp::abort_data>().to_client("425").is_quiet();
    }
    SECTION("told after it") {
        talk.backend("150 go").to_client("150").is(ftp::backend_data_up{}).is_quiet();
        talk.is(ftp::client_data_failed{data_fault::connect}).expects<ftp::abort_data>().to_client("425").is_quiet();
    }
    talk.client("PWD").is_quiet();  // waits for the backend's late reply (B-195)
    talk.backend("426 broken").expects<ftp::abort_data>().to_backend("PWD").is_quiet();
    talk.backend("257 \"/\"").to_client("257").is_quiet();
    CHECK(noted(talk).result == ftp::transfer_result::client_failed);
}

TEST_CASE("transfer: the client's data handshake fails: 522 (B-213, B-155, B-156)", "[ftp][transfer][fault]") {
    auto const fault = GENERATE(data_fault::handshake, data_fault::not_resumed);
    script talk;
    talk.logged_in().begun("STOR a");
    SECTION("before the 1yz: told behind it") {
        talk.is(ftp::client_data_failed{fault}).is_quiet();
        talk.backend("150 go").to_client("150").expects<ftp::abort_data>().to_client("522");
    }
    SECTION("after the 1yz") {
        talk.backend("150 go").to_client("150").is(ftp::client_data_failed{fault});
        talk.expects<ftp::abort_data>().to_client("522");
    }
    if (fault == data_fault::not_resumed) CHECK(talk.last_reply().find("reuse") != std::string::npos);
    talk.is_quiet().backend("426 nothing came").is_ready();
    CHECK(noted(talk).result == ftp::transfer_result::client_failed);
}

TEST_CASE("transfer: the client's data handshake fails and the backend refuses: the refusal is told (B-198)",
          "[ftp][transfer][fault]") {
    script talk;
    talk.logged_in().begun("RETR a").is(ftp::client_data_failed{data_fault::handshake}).is_quiet();
    talk.backend("550 no such file").expects<ftp::abort_data>().to_client("550").is_ready();
}

TEST_CASE("transfer: the client breaks off in the middle: 426, the backend's leg is reset (B-214, B-215, B-170)",
          "[ftp][transfer][fault]") {
    script talk;
    talk.logged_in().transferring(GENERATE(as<std::string>{}, "RETR a", "STOR a"));
    talk.is(ftp::relay_done{copy_result::client_failed}).expects<ftp::abort_data>().to_client("426").is_quiet();
    talk.backend(GENERATE(as<std::string>{}, "426 broken", "226 done", "451 odd")).is_ready();
    CHECK(noted(talk).result == ftp::transfer_result::client_failed);
}

TEST_CASE("transfer: an upload cut short is told as 426 whatever the backend says (B-167, B-223, A-028)",
          "[ftp][transfer][fault]") {
    script talk;
    talk.logged_in().transferring("STOR a");
    SECTION("the backend's 226 comes later") {
        talk.is(ftp::relay_done{copy_result::client_truncated}).expects<ftp::abort_data>().to_client("426").is_quiet();
        talk.backend("226 stored").is_ready();
        CHECK(noted(talk).stored_anyway);
    }
    SECTION("it says 426 itself") {
        talk.is(ftp::relay_done{copy_result::client_truncated}).expects<ftp::abort_data>().to_client("426").is_quiet();
        talk.backend("426 cut").is_ready();
        CHECK_FALSE(noted(talk).stored_anyway);
    }
    SECTION("it was held already") {
        talk.backend("226 stored").is_quiet();
        talk.is(ftp::relay_done{copy_result::client_truncated}).expects<ftp::abort_data>().to_client("426").is_ready();
        CHECK(noted(talk).stored_anyway);
    }
    CHECK(noted(talk).result == ftp::transfer_result::truncated);
}

TEST_CASE("transfer: where cut uploads are accepted they end like whole ones (B-167)", "[ftp][transfer][fault]") {
    script_settings settings;
    settings.site().truncated_uploads = ftp::truncation::accept;
    script talk(settings);
    talk.logged_in().transferring("STOR a");
    talk.is(ftp::relay_done{copy_result::client_truncated}).expects<ftp::finish_backend_data>().is_quiet();
    talk.backend("226 stored").to_client("226 stored").is_ready();
}

TEST_CASE("transfer: a download is never tolerated as cut, whatever the option for uploads says (B-170)",
          "[ftp][transfer][fault]") {
    script_settings settings;
    settings.site().truncated_uploads = ftp::truncation::accept;
    script talk(settings);
    talk.logged_in().transferring("RETR a");
    talk.is(ftp::relay_done{copy_result::client_truncated}).expects<ftp::abort_data>().to_client("426").is_quiet();
}

TEST_CASE("transfer: the backend's leg is reset in a download: no clean end for the client (B-216, B-168)",
          "[ftp][transfer][fault]") {
    script talk;
    talk.logged_in().transferring("RETR a").is(ftp::relay_done{copy_result::backend_failed});
    talk.expects<ftp::abort_data>().is_quiet();
    SECTION("its own 4yz is shown") {
        talk.backend("451 disk error").lets_go_then("451 disk error");
    }
    SECTION("it is silent: 426") {
        talk.passes(deadline_kind::verdict).lets_go_then("426").lets_go().backend("426 late");
    }
    talk.is_ready();
    CHECK(noted(talk).result == ftp::transfer_result::backend_failed);
}

TEST_CASE("transfer: a reset in the middle and 226 behind it is 426 (A-029, B-284)", "[ftp][transfer][fault]") {
    auto const command = GENERATE(as<std::string>{}, "RETR a", "STOR a");
    auto const order = GENERATE(as<std::string>{}, "reset first", "226 first");
    CAPTURE(command, order);
    script talk;
    talk.logged_in().transferring(command);
    std::string const before = talk.client_stream();
    if (order == "226 first") talk.backend("226 done").is_quiet();
    talk.is(ftp::relay_done{copy_result::backend_failed});
    if (order == "reset first") talk.backend("226 done");
    CHECK_FALSE(ends_clean(talk));
    talk.skip();
    CHECK(talk.client_stream().substr(before.size(), 4) == "426 ");
}

TEST_CASE("transfer: the backend's leg is closed early in an upload, its 5yz is shown (B-217)",
          "[ftp][transfer][fault]") {
    script talk;
    talk.logged_in().transferring("STOR a");
    SECTION("the leg first") {
        talk.is(ftp::relay_done{copy_result::backend_failed}).expects<ftp::abort_data>().is_quiet();
        talk.backend("552 quota").lets_go_then("552 quota");
    }
    SECTION("the reply first") {
        talk.backend("552 quota").expects<ftp::abort_data>().to_client("552 quota");
    }
    talk.is_ready();
}

TEST_CASE("transfer: the backend's control connection dies: 426, 421, closed (B-218)", "[ftp][transfer][fault]") {
    script talk;
    talk.logged_in().transferring(GENERATE(as<std::string>{}, "RETR a", "STOR a"));
    talk.is(ftp::backend_gone{}).to_client("426").to_client("421").ends(ftp::end_reason::backend_gone);
    CHECK(noted(talk).result == ftp::transfer_result::backend_failed);
}

TEST_CASE("transfer: the backend's control connection dies before 1yz: 421, closed", "[ftp][transfer][fault]") {
    script talk;
    talk.logged_in().begun("RETR a").is(ftp::backend_gone{}).to_client("421").ends(ftp::end_reason::backend_gone);
}

TEST_CASE("transfer: the backend's control connection dies behind a told failure: 421 alone (B-195)",
          "[ftp][transfer][fault]") {
    script talk;
    talk.logged_in().transferring("RETR a");
    talk.is(ftp::relay_done{copy_result::client_failed}).expects<ftp::abort_data>().to_client("426").is_quiet();
    talk.is(ftp::backend_gone{}).to_client("421").ends(ftp::end_reason::backend_gone);
}

// embedded servers close their control connection behind every transfer. B-218 is about one that dies before its
// final reply; here the reply is there, and the client's copy only needs to be delivered (B-196), then 421.
TEST_CASE("transfer: 226 and then the end of the control connection: the file is delivered whole (Q-39, B-196)",
          "[ftp][transfer][fault]") {
    script talk;
    talk.logged_in().transferring("RETR a").backend("226 done").is_quiet();
    talk.is(ftp::backend_gone{});
    talk.is(ftp::relay_done{}).is(ftp::client_data_finished{}).skip();
    CHECK(talk.client_stream().find("\r\n226 done\r\n421 ") != std::string::npos);
    CHECK(talk.finishes() == 1);
}

TEST_CASE("transfer: the backend says 421: the transfer's reply, then 421 (B-219)", "[ftp][transfer][fault]") {
    script talk;
    talk.logged_in().transferring("RETR a");
    talk.backend("421 going down").to_client("426").to_client("421 going down").ends(ftp::end_reason::backend_gone);
    CHECK(noted(talk).result == ftp::transfer_result::backend_failed);
}

TEST_CASE("transfer: the backend says 421 to the command itself (B-219)", "[ftp][transfer][fault]") {
    script talk;
    talk.logged_in().begun("RETR a").backend("421 going down").to_client("421 going down");
    talk.ends(ftp::end_reason::backend_gone);
}

TEST_CASE("transfer: the client's control connection dies: both legs are reset (B-221, B-091)",
          "[ftp][transfer][fault]") {
    script talk;
    talk.logged_in().transferring("STOR a").is(ftp::client_gone{});
    talk.ends(ftp::end_reason::client_gone);
    noted(talk);  // the log has a line for every transfer (INTERFACE, log events)
}

TEST_CASE("transfer: a drain lets it end, then 421 (B-222)", "[ftp][transfer][fault]") {
    script talk;
    talk.logged_in().transferring("RETR a").is(ftp::shutdown{ftp::shutdown_kind::drain}).is_quiet();
    talk.backend("226 done").is(ftp::relay_done{}).expects<ftp::finish_client_data>();
    talk.is(ftp::client_data_finished{}).to_client("226 done").expects<ftp::abort_data>();
    talk.passes(deadline_kind::drain).to_client("421").ends(ftp::end_reason::shutdown);
    CHECK(noted(talk).result == ftp::transfer_result::ok);
}

TEST_CASE("transfer: the end of the drain cuts it (B-222)", "[ftp][transfer][fault]") {
    script talk;
    talk.logged_in().transferring("RETR a").is(ftp::shutdown{ftp::shutdown_kind::drain}).is_quiet();
    talk.is(ftp::shutdown{ftp::shutdown_kind::now}).to_client("4");
    CHECK(talk.client_stream().find("421 ") != std::string::npos);
    CHECK(talk.finishes() == 1);
    noted(talk);
}

TEST_CASE("transfer: no reply to the command at all: 451, 421 (B-204)", "[ftp][transfer][fault]") {
    script talk;
    talk.logged_in().begun("RETR a").passes(deadline_kind::reply).to_client("451").to_client("421");
    talk.ends(ftp::end_reason::backend_gone);
}

TEST_CASE("transfer: a backend that never sends the late reply is dropped, no reply is shifted (B-195, B-228)",
          "[ftp][transfer][fault]") {
    script talk;
    talk.logged_in().transferring("RETR a");
    talk.is(ftp::relay_done{copy_result::client_failed}).expects<ftp::abort_data>().to_client("426");
    talk.client("PWD").is_quiet().passes(deadline_kind::settle).to_client("421").ends(ftp::end_reason::backend_gone);
    CHECK(talk.backend_stream().find("PWD") == std::string::npos);
}

TEST_CASE("transfer: a second 226 is not the next command's reply (A-045)", "[ftp][transfer][fault]") {
    script talk;
    talk.logged_in().transferring("STOR a").is(ftp::relay_done{}).expects<ftp::finish_backend_data>();
    SECTION("in one read") {
        talk.backend("226 stored\r\n226 stored").to_client("226 stored");
    }
    SECTION("later") {
        talk.backend("226 stored").to_client("226 stored").lets_go().backend("226 stored");
    }
    SECTION("with the next command waiting") {
        talk.client("PWD").backend("226 stored\r\n226 stored").to_client("226 stored");
    }
    talk.skip();
    CHECK(talk.client_stream().find("421 ") != std::string::npos);
    CHECK(talk.client_stream().find("226 stored\r\n226") == std::string::npos);
    CHECK(talk.noted<ftp::note_attack>().size() == 1);
}

TEST_CASE("transfer: ends of what has not begun mean nothing (events.hpp, B-284)", "[ftp][transfer][fault]") {
    auto const command = GENERATE(as<std::string>{}, "RETR a", "STOR a");
    script talk;
    talk.logged_in().begun(command);
    talk.is(ftp::relay_done{}).is_quiet().is(ftp::client_data_finished{}).is_quiet();
    talk.is(ftp::backend_data_up{}).is(ftp::client_data_up{}).is_quiet();
    talk.backend("150 go").to_client("150").expects<ftp::start_relay>().is_quiet();
    talk.backend("226 done").is_quiet().is(ftp::client_data_finished{}).is_quiet();  // the copy still runs
}
