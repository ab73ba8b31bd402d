// Backends that accept a connection and are of no use: another one is asked, as long as no login was sent
// (INTERFACE.md, retries; B-248, B-250).
#include "tests/support/script.hpp"

#include <functional>
#include <string>
#include <utility>
#include <vector>

using namespace ftpsgate;
using ftp::deadline_kind;
using ftp::end_reason;
using ftp::greeting;
using tests::script;

namespace {

script& at_greeting_of_several(script& talk) {
    return talk.secured().connecting().connected_to_one_of_several().is_quiet();
}

using reports = std::vector<std::pair<greeting, std::string>>;

reports greetings(script const& talk) {
    reports found;
    for (auto const& one : talk.noted<ftp::note_greeting>())
        found.emplace_back(one.how, one.words);
    return found;
}

/// How a backend disappoints, and what is told of it.
struct disappointment {
    std::function<void(script&)> happens;
    greeting how;
    std::string words;
};

disappointment says(std::string const& bytes, std::string const& words) {
    return {[bytes](script& talk) { talk.backend_bytes(bytes); }, greeting::bad, words};
}

std::vector<disappointment> disappointments() {
    std::string const nonsense = "greeted with what is no FTP reply";
    return {
        says("421 too many users\r\n", "greeted with \"421 too many users\""),
        says("530-go\r\n530 away\r\n", "greeted with \"530 go\""),
        says("331 password?\r\n", "greeted with \"331 password?\""),
        says("120 in ten minutes\r\n", "greeted with \"120 in ten minutes\""),  // another one is ready now
        says("SSH-2.0-OpenSSH_9.2\r\n", nonsense),
        says("220-" + std::string(70'000, 'x'), nonsense),
        {[](script& talk) { talk.is(ftp::backend_gone{}); }, greeting::missing,
         "closed the connection before its greeting"},
        {[](script& talk) { talk.passes(deadline_kind::reply); }, greeting::missing, "no greeting in time"},
        {[](script& talk) { talk.backend_bytes("220 hel").is_quiet().passes(deadline_kind::rest); }, greeting::missing,
         "its greeting was cut short"},
    };
}

}  // namespace

TEST_CASE("greeting: one that will not do is passed over where there is another backend", "[ftp][greeting]") {
    auto const all = disappointments();
    auto const& one = all[GENERATE(range<std::size_t>(0, 9))];
    CAPTURE(one.words);
    REQUIRE(all.size() == 9);
    script talk;
    one.happens(at_greeting_of_several(talk));
    talk.expects<ftp::pass_over_backend>().is_quiet();
    CHECK(greetings(talk) == reports{{one.how, one.words}});
    CHECK_FALSE(talk.armed(deadline_kind::reply));
    CHECK_FALSE(talk.armed(deadline_kind::rest));
    CHECK(talk.armed(deadline_kind::login));
    SECTION("the next one serves") {
        talk.connected().backend("220 x").to_backend("USER joe").backend("331 pw").to_backend("PASS geheim");
        talk.backend("230 in").to_client("230").is_ready();
        CHECK(greetings(talk).back() == std::pair(greeting::good, std::string()));
        CHECK(talk.noted<ftp::note_attack>().empty());
        CHECK(talk.noted<ftp::note_login>().size() == 1);
    }
    SECTION("the next one is passed over, too") {
        one.happens(talk.connected_to_one_of_several().is_quiet());
        talk.expects<ftp::pass_over_backend>().is_quiet();
        CHECK(greetings(talk).size() == 2);
    }
    SECTION("the last one is what the client gets") {
        talk.connected().backend("421 full").to_client("421 full").ends(end_reason::backend_gone);
        CHECK(greetings(talk).size() == 2);
        CHECK(talk.noted<ftp::note_login>().size() == 1);
    }
    SECTION("there is none") {
        talk.is(ftp::backend_unreachable{}).to_client("421").ends(end_reason::backend_unreachable);
        CHECK(talk.noted<ftp::note_login>().size() == 1);
    }
    SECTION("the client leaves meanwhile") {
        talk.is(ftp::client_gone{}).ends(end_reason::client_gone);
    }
    SECTION("the login's time is over meanwhile") {
        talk.passes(deadline_kind::login).to_client("421").ends(end_reason::login_timeout);
    }
}

TEST_CASE("greeting: it is waited for as long as the driver says", "[ftp][greeting]") {
    script talk;
    talk.secured().connecting().connected_to_one_of_several();
    CHECK(talk.times_armed(deadline_kind::reply) == 1);
    talk.backend("220 x").to_backend("USER joe");
    CHECK(talk.times_armed(deadline_kind::reply) == 2);  // the reply to USER has reply_timeout again
}

TEST_CASE("greeting: once the login was sent nobody else gets it", "[ftp][greeting]") {
    script talk;
    at_greeting_of_several(talk).backend("220 x").to_backend("USER joe");
    SECTION("421 to USER") {
        talk.backend("421 x").to_client("421 x").ends(end_reason::backend_gone);
    }
    SECTION("120 to USER means nothing") {
        talk.backend("120 x").is_quiet().backend("331 x").to_backend("PASS geheim").is_quiet();
        talk.backend("120 x").is_quiet().backend("230 in").to_client("230").is_ready();
    }
    SECTION("it closes") {
        talk.is(ftp::backend_gone{}).to_client("421").ends(end_reason::backend_gone);
    }
    SECTION("it does not answer") {
        talk.passes(deadline_kind::reply).to_client("451").to_client("421").ends(end_reason::backend_gone);
    }
    SECTION("it closes after PASS") {
        talk.backend("331 x").to_backend("PASS geheim").is(ftp::backend_gone{}).to_client("421");
        talk.ends(end_reason::backend_gone);
    }
    CHECK(greetings(talk).size() == 1);
}

TEST_CASE("greeting: of the only backend each outcome is told once", "[ftp][greeting]") {
    script talk;
    talk.secured().connecting().connected().is_quiet();
    SECTION("good") {
        talk.backend("220 x").to_backend("USER joe");
        CHECK(greetings(talk) == reports{{greeting::good, ""}});
    }
    SECTION("no login needed") {
        talk.backend("230 x").to_client("230");
        CHECK(greetings(talk) == reports{{greeting::good, ""}});
    }
    SECTION("120, then 220") {
        talk.backend("120 x").is_quiet().backend("220 x").to_backend("USER joe");
        CHECK(greetings(talk) == reports{{greeting::good, ""}});
    }
    SECTION("refused") {
        talk.backend("530 x").to_client("421").ends(end_reason::backend_unreachable);
        CHECK(greetings(talk) == reports{{greeting::bad, "greeted with \"530 x\""}});
    }
    SECTION("garbage") {
        talk.backend("x").to_client("451").to_client("421").ends(end_reason::backend_desync);
        CHECK(greetings(talk) == reports{{greeting::bad, "greeted with what is no FTP reply"}});
    }
    SECTION("silent until the login's time is over") {
        talk.passes(deadline_kind::login).to_client("421").ends(end_reason::login_timeout);
        CHECK(greetings(talk) == reports{{greeting::missing, "no greeting before the login timed out"}});
    }
    SECTION("a client that does not wait proves nothing") {
        talk.is(ftp::client_gone{}).ends(end_reason::client_gone);
        CHECK(greetings(talk).empty());
    }
}
