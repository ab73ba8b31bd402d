#include "metrics/status_page.hpp"

#include "metrics/html.hpp"
#include "metrics/rate_meter.hpp"
#include "metrics/session_digest.hpp"
#include "metrics/spoken.hpp"

#include <catch2/catch.hpp>

#include <string>

namespace ftpsgate::metrics::test {
namespace {

using namespace std::chrono_literals;
wall_time const noon = wall_time(1'800'000'000s);

std::string page_of(status const& what) {
    return render_status(what, refreshing::by_itself).text;
}

bool has(std::string const& page, std::string const& words) {
    return page.find(words) != std::string::npos;
}

status one_site() {
    status what;
    what.now = noon;
    what.host = "gate1";
    site_row site;
    site.name = "s";
    site.backends = {{"10.0.0.5:21", health::up, "", 1}};
    what.sites = {site};
    return what;
}

/// A status whose every text is this one.
status all_of(std::string const& text) {
    auto what = one_site();
    what.host = what.version = text;
    what.not_ready = {text};
    what.sites[0] = {text, {text}, {{text, health::down, text, 0}}};
    what.expiries = {{credential::crl, text, text, text, noon}};
    what.refusals = {{noon, "attack", text, text, text, text}};
    session_row row;
    row.id = row.site = row.client = row.user = row.backend = row.tls_version = row.tls_cipher = text;
    row.state = "idle";
    what.sessions = {row};
    return what;
}

std::size_t count(std::string const& page, std::string const& what) {
    std::size_t found = 0;
    for (auto at = page.find(what); at != std::string::npos; at = page.find(what, at + 1))
        ++found;
    return found;
}

}  // namespace

TEST_CASE("status_page: whatever text comes, the markup stays the same (A-074, A-101)", "[metrics][status_page]") {
    auto const text = GENERATE(as<std::string>(), "<script>alert(1)</script>", "\" onload=\"x", "' x='", "&lt;",
                               "</style><b>", "-->", "\x1b[2J\r\n", "\xe2\x80\xae", "\xff\xfe", std::string(5000, '<'));
    INFO(text.substr(0, 30));
    auto const plain = page_of(all_of("plain"));
    auto const hostile = page_of(all_of(text));
    CHECK(count(hostile, "<") == count(plain, "<"));
    CHECK(count(hostile, "\"") == count(plain, "\""));
    CHECK(count(hostile, "'") == count(plain, "'"));
    CHECK_FALSE(has(hostile, "\x1b"));
    CHECK_FALSE(has(hostile, "\xe2\x80\xae"));
    CHECK_FALSE(has(hostile, "\xff"));
    CHECK(hostile.size() < plain.size() + 40 * 4 * html::text_limit);
}

TEST_CASE("status_page: the policy allows the style by a nonce of its own and nothing else", "[metrics][status_page]") {
    auto const first = render_status(one_site(), refreshing::by_itself);
    auto const second = render_status(one_site(), refreshing::by_itself);
    CHECK(first.content_security_policy != second.content_security_policy);
    CHECK(first.content_security_policy.starts_with("default-src 'none'; style-src 'nonce-"));
    auto const nonce = first.content_security_policy.substr(37, 32);
    CHECK(has(first.text, "<style nonce=\"" + nonce + "\">"));
    CHECK_FALSE(has(first.text, "<script"));
}

TEST_CASE("status_page: it refreshes itself unless it is paused", "[metrics][status_page]") {
    CHECK(has(page_of(one_site()), "http-equiv=\"refresh\" content=\"5\""));
    CHECK_FALSE(has(render_status(one_site(), refreshing::paused).text, "http-equiv=\"refresh\""));
}

TEST_CASE("status_page: what is wrong is said first, and how many things are", "[metrics][status_page]") {
    auto what = one_site();
    CHECK_FALSE(has(page_of(what), "Needs attention"));
    CHECK(has(page_of(what), "<title>ftpsgate gate1</title>"));
    what.sites[0].backends[0] = {"10.0.0.5:21", health::down, "Connection refused", 0};
    what.expiries = {{credential::crl, "s", "CN=A CA", "a.crl", noon - 1h},
                     {credential::server_certificate, "s", "CN=ftp", "", noon + 240h},
                     {credential::crl, "s", "CN=Fresh CA", "b.crl", noon + 2h},
                     {credential::client_ca, "s", "CN=Root", "", noon + 9000h}};
    auto const page = page_of(what);
    CHECK(has(page, "<title>(3) ftpsgate gate1</title>"));
    CHECK(has(page, "s: backend 10.0.0.5:21 is down"));
    CHECK(has(page, "s: CRL CN=A CA expired 1 h 0 min ago"));
    CHECK(has(page, "s: Certificate CN=ftp expires in 10 days"));
    CHECK(page.find("Needs attention") < page.find("Sites"));
}

TEST_CASE("status_page: how many passive ports are taken, and when they run out (A-026)", "[metrics][status_page]") {
    auto what = one_site();
    CHECK(has(page_of(what), ">any</span>"));
    auto& site = what.sites[0];
    site.passive_ports = 20;
    site.passive_ports_in_use = 17;
    CHECK(has(page_of(what), ">17 of 20</span>"));
    CHECK_FALSE(has(page_of(what), "Needs attention"));
    site.passive_ports_in_use = 18;
    CHECK(has(page_of(what), "s: 18 of 20 passive ports are in use"));
}

TEST_CASE("status_page: that the log has gaps", "[metrics][status_page]") {
    auto what = one_site();
    what.lost_log_lines = 3;
    CHECK(has(page_of(what), "3 log lines could not be written"));
}

TEST_CASE("status_page: draining, not ready, ready", "[metrics][status_page]") {
    auto what = one_site();
    CHECK(has(page_of(what), "✓ ready"));
    what.not_ready = {"site s: no backend is up"};
    CHECK(has(page_of(what), "✗ not ready"));
    CHECK(has(page_of(what), "site s: no backend is up"));
    what.draining = true;
    CHECK(has(page_of(what), "draining: no new sessions"));
}

TEST_CASE("status_page: of hundreds of certificates those that end first are shown", "[metrics][status_page]") {
    auto what = one_site();
    for (int i = 0; i < 300; ++i)
        what.expiries.push_back({credential::client_ca, "s", "CN=CA " + std::to_string(i) + ";", "", noon + 9000h});
    auto const page = page_of(what);
    CHECK(has(page, "CN=CA 0;"));
    CHECK_FALSE(has(page, "CN=CA 299;"));
    CHECK(has(page, "240 more, that end later"));
    what.now += 9001h;
    CHECK(has(page_of(what), "and 280 more: see below"));
    CHECK(has(page_of(what), "(300) ftpsgate"));
}

TEST_CASE("session_digest: counts all and keeps those that move the most", "[metrics][status_page]") {
    session_digest digest;
    for (unsigned i = 0; i < 10'000; i += 100) {
        std::vector<session_row> portion(100);
        for (unsigned j = 0; j < 100; ++j) {
            portion[j].bytes = i + j;
            portion[j].state = (i + j) % 1000 == 7 ? "transfer" : "idle";
        }
        digest.add(std::move(portion));
    }
    status page;
    digest.into(page);
    CHECK(page.session_count == 10'000);
    CHECK(page.states["transfer"] == 10);
    CHECK(page.states["idle"] == 9990);
    REQUIRE(page.sessions.size() == session_digest::shown);
    CHECK(page.sessions[0].bytes == 9007);
    CHECK(page.sessions[9].bytes == 7);
    CHECK(page.sessions[10].bytes == 9999);
}

TEST_CASE("rate_meter: the mean of the last minute", "[metrics][status_page]") {
    rate_meter meter;
    auto const start = rate_meter::clock::time_point{};
    CHECK(meter.rates()[0] == 0);
    meter.sample(start, {100, 0, 0});
    CHECK(meter.rates()[0] == 0);
    meter.sample(start + 5s, {110, 50, 0});
    CHECK(meter.rates() == rate_meter::totals{2, 10, 0});
    for (int i = 2; i <= 100; ++i)
        meter.sample(start + 5s * i, {110, 50.0 * i, 0});
    CHECK(meter.rates() == rate_meter::totals{0, 10, 0});
}

TEST_CASE("spoken: amounts in people's words", "[metrics][status_page]") {
    CHECK(spoken(-5s) == "0 s");
    CHECK(spoken(59s) == "59 s");
    CHECK(spoken(200s) == "3 min 20 s");
    CHECK(spoken(25h) == "1 d 1 h");
    CHECK(spoken_bytes(0) == "0 B");
    CHECK(spoken_bytes(1023) == "1023 B");
    CHECK(spoken_bytes(1536) == "1.5 KiB");
    CHECK(spoken_bytes(300.0 * 1024 * 1024) == "300 MiB");
    CHECK(spoken_bytes(2e18) == "1776 PiB");
    CHECK(spoken_rate(0) == "0");
    CHECK(spoken_rate(0.017) == "0.02");
    CHECK(spoken_rate(0.001) == "under 0.01");
    CHECK(spoken_rate(230.4) == "230");
    CHECK(spoken_distance(47h) == "in 1 d 23 h");
    CHECK(spoken_distance(48h) == "in 2 days");
    CHECK(spoken_distance(-73h) == "3 days ago");
    CHECK(spoken_date(noon) == "2027-01-15 08:00 UTC");
}

}  // namespace ftpsgate::metrics::test
