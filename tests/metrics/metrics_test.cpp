#include "metrics/metrics.hpp"

#include "tests/metrics/page.hpp"

#include <catch2/catch.hpp>

#include <sstream>
#include <string>
#include <thread>
#include <vector>

namespace ftpsgate::metrics::test {
namespace {

using namespace std::chrono_literals;

struct counted_site {
    registry all;
    site_metrics site{all, {"s", {"a:21", "b:21"}, {"RETR", "STOR"}}};

    std::optional<double> value(std::string const& series) const { return value_of(all.text(), series); }
};

}  // namespace

TEST_CASE("metrics: known series are there from the start, at 0", "[metrics]") {
    counted_site const counted;
    auto const series = GENERATE(
        R"(ftpsgate_sessions{site="s"})", R"(ftpsgate_sessions_total{result="closed",site="s"})",
        R"(ftpsgate_tls_handshakes_total{channel="data",result="resumed",site="s"})",
        R"(ftpsgate_logins_total{method="password",result="ok",site="s"})",
        R"(ftpsgate_commands_total{site="s",verb="RETR"})", R"(ftpsgate_commands_total{site="s",verb="other"})",
        R"(ftpsgate_transfer_bytes_total{direction="upload",site="s"})",
        R"(ftpsgate_backend_connects_total{backend="b:21",result="ok",site="s"})",
        R"(ftpsgate_attacks_total{kind="bounce",site="s"})");
    INFO(series);
    CHECK(counted.value(series) == 0);
}

TEST_CASE("metrics: sessions are counted while open and by how they end", "[metrics]") {
    counted_site counted;
    counted.site.session_opened();
    counted.site.session_opened();
    CHECK(counted.value(R"(ftpsgate_sessions{site="s"})") == 2);
    counted.site.session_closed("idle_timeout");
    counted.site.session_refused("refused");
    CHECK(counted.value(R"(ftpsgate_sessions{site="s"})") == 1);
    CHECK(counted.value(R"(ftpsgate_sessions_total{result="idle_timeout",site="s"})") == 1);
    CHECK(counted.value(R"(ftpsgate_sessions_total{result="refused",site="s"})") == 1);
}

TEST_CASE("metrics: a session that goes on at another site counts once, where it ends", "[metrics]") {
    registry all;
    site_metrics first(all, {"first", {}, {}});
    site_metrics second(all, {"second", {}, {}});
    first.session_opened();
    first.session_left();
    second.session_opened();
    CHECK(first.counts().sessions == 0);
    CHECK(second.counts().sessions == 1);
    second.session_closed("closed");
    double total = 0;
    std::istringstream page(all.text());
    for (std::string line; std::getline(page, line);)
        if (line.starts_with("ftpsgate_sessions_total{")) total += std::stod(line.substr(line.rfind(' ')));
    CHECK(total == 1);
}

TEST_CASE("metrics: a failed handshake is counted by its reason, and its time is not observed", "[metrics]") {
    counted_site counted;
    counted.site.handshake(channel::control, "ok", 20ms);
    counted.site.handshake(channel::data, "resumed", 2ms);
    counted.site.handshake(channel::data, "no_shared_cipher", 5s);
    CHECK(counted.value(R"(ftpsgate_tls_handshakes_total{channel="control",result="ok",site="s"})") == 1);
    CHECK(counted.value(R"(ftpsgate_tls_handshakes_total{channel="data",result="no_shared_cipher",site="s"})") == 1);
    CHECK(counted.value(R"(ftpsgate_tls_handshake_seconds_count{channel="data",site="s"})") == 1);
    CHECK(counted.value(R"(ftpsgate_tls_handshake_seconds_bucket{channel="control",site="s",le="0.01"})") == 0);
    CHECK(counted.value(R"(ftpsgate_tls_handshake_seconds_bucket{channel="control",site="s",le="0.025"})") == 1);
}

TEST_CASE("metrics: a transfer moves its direction's three metrics", "[metrics]") {
    counted_site counted;
    counted.site.transfer(direction::download, "ok", 5'000'000'000, 3s);
    counted.site.transfer(direction::download, "truncated", 1, 1s);
    CHECK(counted.value(R"(ftpsgate_transfers_total{direction="download",result="ok",site="s"})") == 1);
    CHECK(counted.value(R"(ftpsgate_transfers_total{direction="download",result="truncated",site="s"})") == 1);
    CHECK(counted.value(R"(ftpsgate_transfer_bytes_total{direction="download",site="s"})") == 5'000'000'001);
    CHECK(counted.value(R"(ftpsgate_transfer_seconds_sum{direction="download",site="s"})") == 4);
    CHECK(counted.value(R"(ftpsgate_transfers_total{direction="list",result="ok",site="s"})") == 0);
}

TEST_CASE("metrics: logins, backends and attacks have their series", "[metrics]") {
    counted_site counted;
    counted.site.login(login_method::password, "refused");
    counted.site.backend_connect("b:21", "timeout");
    counted.site.backend_session_opened("a:21");
    counted.site.backend_session_opened("b:21");
    counted.site.backend_session_closed("b:21");
    counted.site.attack("starttls_injection");
    counted.all.build_info("0.1", "13", "1.81");
    CHECK(counted.value(R"(ftpsgate_logins_total{method="password",result="refused",site="s"})") == 1);
    CHECK(counted.value(R"(ftpsgate_backend_connects_total{backend="b:21",result="timeout",site="s"})") == 1);
    CHECK(counted.value(R"(ftpsgate_backend_sessions{backend="a:21",site="s"})") == 1);
    CHECK(counted.value(R"(ftpsgate_backend_sessions{backend="b:21",site="s"})") == 0);
    CHECK(counted.value(R"(ftpsgate_attacks_total{kind="starttls_injection",site="s"})") == 1);
    CHECK(counted.value(R"(ftpsgate_build_info{boost="1.81",boringssl="13",version="0.1"})") == 1);
}

TEST_CASE("metrics: client certificates and revocation have their series from the start", "[metrics]") {
    counted_site counted;
    CHECK(counted.value(R"(ftpsgate_client_certificates_total{result="revoked",site="s"})") == 0);
    CHECK(counted.value(R"(ftpsgate_revocation_checks_total{result="timeout",site="s",source="ocsp"})") == 0);
    counted.site.client_certificate("revoked");
    counted.site.revocation_check("ocsp", "timeout");
    counted.site.revocation_check("nowhere", "good");
    CHECK(counted.value(R"(ftpsgate_client_certificates_total{result="revoked",site="s"})") == 1);
    CHECK(counted.value(R"(ftpsgate_revocation_checks_total{result="timeout",site="s",source="ocsp"})") == 1);
    CHECK(counted.all.text().find("nowhere") == std::string::npos);
}

TEST_CASE("metrics: what is so at the moment is on that page only", "[metrics]") {
    counted_site const counted;
    auto const when = std::chrono::system_clock::time_point(2'000'000'000s);
    present_state now{{{"s", when}}, {{"s", "CN=A CA", when}}, {{"s", 7}}, {{"s", "a:21", true}, {"s", "b:21", false}}};
    auto const page = counted.all.text(now);
    CHECK(value_of(page, R"(ftpsgate_certificate_not_after_timestamp_seconds{site="s"})") == 2'000'000'000);
    CHECK(value_of(page, R"(ftpsgate_crl_next_update_timestamp_seconds{issuer="CN=A CA",site="s"})") == 2'000'000'000);
    CHECK(value_of(page, R"(ftpsgate_passive_ports_in_use{site="s"})") == 7);
    CHECK(value_of(page, R"(ftpsgate_backend_up{backend="a:21",site="s"})") == 1);
    CHECK(value_of(page, R"(ftpsgate_backend_up{backend="b:21",site="s"})") == 0);
    CHECK(counted.all.text().find("CN=A CA") == std::string::npos);
    now.lists.assign(1000, now.lists.front());
    CHECK(series_count(counted.all.text(now)) == series_count(page) + present_state::shown_lists - 1);
}

TEST_CASE("metrics: whatever 100000 clients send, the number of series stays (A-102)", "[metrics]") {
    counted_site counted;
    for (int i = 0; i < 100; ++i)
        counted.site.session_closed("reason" + std::to_string(i));
    auto const before = series_count(counted.all.text());
    for (int i = 0; i < 100'000; ++i) {
        auto const word = std::to_string(i);
        counted.site.command(word);
        counted.site.session_closed(word);
        counted.site.backend_connect(word, "ok");
    }
    CHECK(series_count(counted.all.text()) == before);
    CHECK(counted.value(R"(ftpsgate_commands_total{site="s",verb="other"})") == 100'000);
    CHECK(counted.value(R"(ftpsgate_sessions_total{result="other",site="s"})") == 100'084);
    CHECK(counted.value(R"(ftpsgate_backend_connects_total{backend="other",result="ok",site="s"})") == 100'000);
}

TEST_CASE("metrics: the same site made again (reload) goes on counting where it was", "[metrics]") {
    counted_site counted;
    counted.site.command("RETR");
    site_metrics again(counted.all, {"s", {"c:21"}, {"RETR", "STOR"}});
    again.command("RETR");
    CHECK(counted.value(R"(ftpsgate_commands_total{site="s",verb="RETR"})") == 2);
    CHECK(counted.value(R"(ftpsgate_backend_sessions{backend="c:21",site="s"})") == 0);
}

TEST_CASE("metrics: sites are counted apart", "[metrics]") {
    counted_site counted;
    site_metrics other(counted.all, {"t", {}, {"RETR"}});
    other.command("RETR");
    CHECK(counted.value(R"(ftpsgate_commands_total{site="s",verb="RETR"})") == 0);
    CHECK(counted.value(R"(ftpsgate_commands_total{site="t",verb="RETR"})") == 1);
}

TEST_CASE("metrics: nothing is lost when workers count at once and the page is read meanwhile", "[metrics]") {
    counted_site counted;
    std::vector<std::thread> workers;
    for (int worker = 0; worker < 4; ++worker)
        workers.emplace_back([&] {
            for (int i = 0; i < 1000; ++i) {
                counted.site.session_opened();
                counted.site.command("STOR");
                counted.site.handshake(channel::data, "word" + std::to_string(i % 20), 1ms);
                counted.site.handshake(channel::data, "ok", 1ms);
                counted.site.session_closed("closed");
            }
        });
    for (int i = 0; i < 20; ++i)
        CHECK_FALSE(counted.all.text().empty());
    for (auto& worker : workers)
        worker.join();
    CHECK(counted.value(R"(ftpsgate_sessions{site="s"})") == 0);
    CHECK(counted.value(R"(ftpsgate_commands_total{site="s",verb="STOR"})") == 4000);
    CHECK(counted.value(R"(ftpsgate_tls_handshakes_total{channel="data",result="word0",site="s"})") == 200);
    CHECK(counted.value(R"(ftpsgate_tls_handshake_seconds_count{channel="data",site="s"})") == 4000);
}

}  // namespace ftpsgate::metrics::test
