#include "tests/support/script.hpp"

using namespace ftpsgate;
using tests::script;
using tests::script_settings;

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
    talk.is(ftp::client_data_finished{}).to_client("226 done").expects<ftp::abort_data>().is_quiet();
    REQUIRE(talk.noted<ftp::note_transfer>().size() == 1);
    CHECK(talk.noted<ftp::note_transfer>()[0].result == ftp::transfer_result::ok);
    CHECK(talk.core().state().now == ftp::activity::idle);
}

TEST_CASE("transfer: an upload's 226 waits for the client's end and the backend's (B-197)", "[ftp][transfer]") {
    script talk;
    talk.logged_in().transferring("STOR a");
    talk.is(ftp::relay_done{}).expects<ftp::finish_backend_data>().is_quiet();
    talk.backend("226 stored").to_client("226 stored").expects<ftp::abort_data>().is_quiet();
}

TEST_CASE("transfer: a refusal ends both legs at once, nothing can hang (B-198)", "[ftp][transfer]") {
    script talk;
    talk.logged_in().protect().passive();
    talk.client("RETR missing").to_backend("RETR missing").expects<ftp::begin_data>();
    talk.backend("550 no such file").expects<ftp::abort_data>().to_client("550 no such file");
    talk.expects<ftp::abort_data>().is_quiet();
    CHECK(talk.core().state().now == ftp::activity::idle);
}

TEST_CASE("transfer: an upload cut short is told as 426 whatever the backend says (B-167, B-223)", "[ftp][transfer]") {
    script talk;
    talk.logged_in().transferring("STOR a");
    talk.is(ftp::relay_done{ftp::copy_result::client_truncated}).expects<ftp::abort_data>().to_client("426").is_quiet();
    talk.backend("226 stored").expects<ftp::abort_data>().is_quiet();
    REQUIRE(talk.noted<ftp::note_transfer>().size() == 1);
    CHECK(talk.noted<ftp::note_transfer>()[0].stored_anyway);
    CHECK(talk.noted<ftp::note_transfer>()[0].result == ftp::transfer_result::truncated);
}

TEST_CASE("transfer: ABOR is answered behind the transfer's 426 (B-226)", "[ftp][transfer]") {
    script talk;
    talk.logged_in().transferring("RETR big");
    talk.client("ABOR").expects<ftp::abort_data>();
    auto const sent = talk.expects_one<ftp::send_backend>();
    REQUIRE(sent);
    CHECK(sent->how == ftp::urgency::telnet_synch);
    talk.is_quiet();
    talk.backend("426 aborted").expects<ftp::abort_data>().to_client("426").is_quiet();
    talk.backend("226 abort ok").expects<ftp::abort_data>().to_client("226").is_quiet();
    talk.client("PWD").to_backend("PWD");
}
