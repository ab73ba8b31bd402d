// What shows that a data connection is the client's: the rule itself, and the rule on connections.
#include "proxy/data/client_leg_proof.hpp"

#include "tests/data/leg_fixture.hpp"

#include <catch2/catch.hpp>

using namespace ftpsgate;
using namespace std::chrono_literals;
using data::leg_failure;
using data::proof;
using failures = std::vector<leg_failure>;
using system_clock = std::chrono::system_clock;

namespace {

enum class shown { nothing, same, other };

std::optional<tls::sha256_digest> digest(shown what) {
    if (what == shown::nothing) return std::nullopt;
    return tls::sha256_digest{what == shown::same ? std::uint8_t{1} : std::uint8_t{2}};
}

// nullopt: accepted.
std::optional<leg_failure> verdict(data::client_leg_settings const& settings, bool resumed, shown what,
                                   system_clock::time_point now = system_clock::now()) {
    tls::session_facts facts;
    facts.resumed = resumed;
    facts.peer_sha256 = digest(what);
    auto const missing = data::find_missing_proof(settings, facts, now);
    if (missing) CHECK_FALSE(missing->text.empty());
    return missing ? std::optional(missing->kind) : std::nullopt;
}

constexpr auto accepted = std::optional<leg_failure>{};

struct fixture : test::client_leg_fixture {
    fixture() {
        control.request = tls::certificate_request::optional;
        options.maximum_version = GENERATE(as<std::uint16_t>(), TLS1_2_VERSION, TLS1_3_VERSION);
        options.who = &anna;
    }
    /// The control session of a client with anna's certificate; what follows offers no resumption unless told.
    void login(proof needed) {
        session = control.login(options);
        REQUIRE(control.certificate);
        settings.proof = needed;
        settings.certificate = control.certificate;
        protect();
        listen();
        leg->begin();
    }

    test::test_authority root;
    test::identity anna = root.issue({.names = {"anna"}});
    test::identity bert = root.issue({.names = {"bert"}});
    test::client_options options;
    bssl::UniquePtr<SSL_SESSION> session;
};

}  // namespace

TEST_CASE("client_leg_proof: the full table of rules and connections (B-156, B-159)", "[data][client_leg]") {
    struct row {
        proof needed;
        std::optional<leg_failure> nothing, same, other;  // of full handshakes, by the certificate shown
    };
    auto const row_of = GENERATE(values<row>({
        {proof::none, accepted, accepted, accepted},
        {proof::resumption, leg_failure::not_resumed, leg_failure::not_resumed, leg_failure::not_resumed},
        {proof::resumption_or_certificate, leg_failure::not_resumed, accepted, leg_failure::other_certificate},
        {proof::same_certificate_if_any, accepted, accepted, leg_failure::other_certificate},
    }));
    data::client_leg_settings settings;
    settings.proof = row_of.needed;
    settings.certificate = digest(shown::same);
    CHECK(verdict(settings, false, shown::nothing) == row_of.nothing);
    CHECK(verdict(settings, false, shown::same) == row_of.same);
    CHECK(verdict(settings, false, shown::other) == row_of.other);
    for (auto const what : {shown::nothing, shown::same})
        CHECK(verdict(settings, true, what) == accepted);
}

TEST_CASE("client_leg_proof: a certificate where the control connection has none is another one",
          "[data][client_leg]") {
    data::client_leg_settings settings;
    settings.proof = GENERATE(proof::resumption_or_certificate, proof::same_certificate_if_any);
    CHECK(verdict(settings, false, shown::same) == leg_failure::other_certificate);
}

TEST_CASE("client_leg_proof: an expired certificate does not count, a resumed session does (B-275)",
          "[data][client_leg]") {
    data::client_leg_settings settings;
    settings.proof = GENERATE(proof::resumption_or_certificate, proof::same_certificate_if_any);
    settings.certificate = digest(shown::same);
    settings.certificate_end = system_clock::now();
    CHECK(verdict(settings, false, shown::same, settings.certificate_end - 1s) == accepted);
    CHECK(verdict(settings, false, shown::same, settings.certificate_end) == leg_failure::not_resumed);
    CHECK(verdict(settings, false, shown::other, settings.certificate_end) == leg_failure::other_certificate);
    CHECK(verdict(settings, true, shown::same, settings.certificate_end + 1s) == accepted);
}

TEST_CASE("client_leg: without a rule a full handshake is enough", "[data][client_leg]") {
    fixture f;
    f.login(proof::none);
    auto const who = GENERATE(0, 1, 2);
    if (who != 1) f.options.who = who == 0 ? nullptr : &f.bert;
    auto const client = f.connect_tls(f.options);
    REQUIRE(f.run_until_called());
    CHECK(f.up_is(*client));
    CHECK_FALSE(f.up->facts().resumed);
}

TEST_CASE("client_leg: the certificate of the control connection, presented again, is as good as resumption (B-159)",
          "[data][client_leg]") {
    fixture f;
    f.login(proof::resumption_or_certificate);
    bool const resumed = GENERATE(false, true);
    if (resumed) f.options.resume = f.session.get();
    auto const client = f.connect_tls(f.options);
    REQUIRE(f.run_until_called());
    CHECK(f.up_is(*client));
    CHECK(f.up->facts().resumed == resumed);
    CHECK(f.up->facts().peer_sha256 == f.control.certificate);
    CHECK(f.intruders.empty());
}

TEST_CASE("client_leg: with resumption required, the certificate alone is not enough (B-156)", "[data][client_leg]") {
    fixture f;
    f.login(proof::resumption);
    auto const client = f.connect_tls(f.options);
    REQUIRE(f.run_until_called());
    CHECK(f.failures == failures{leg_failure::not_resumed});
}

TEST_CASE("client_leg: another client's certificate fails the transfer and counts as intruder (B-159)",
          "[data][client_leg]") {
    fixture f;
    f.login(GENERATE(proof::resumption_or_certificate, proof::same_certificate_if_any));
    f.options.who = &f.bert;
    auto const client = f.connect_tls(f.options);
    REQUIRE(f.run_until_called());
    CHECK(f.failures == failures{leg_failure::other_certificate});
    CHECK(f.intruders == failures{leg_failure::other_certificate});
    CHECK(f.text == "data connection presented another client certificate than the control connection");
    CHECK_FALSE(f.up);
}

TEST_CASE("client_leg: no certificate at all is a matter of the rule", "[data][client_leg]") {
    fixture f;
    bool const enough = GENERATE(false, true);
    f.login(enough ? proof::same_certificate_if_any : proof::resumption_or_certificate);
    f.options.who = nullptr;
    auto const client = f.connect_tls(f.options);
    REQUIRE(f.run_until_called());
    if (enough) {
        CHECK(f.up_is(*client));
    } else {
        CHECK(f.failures == failures{leg_failure::not_resumed});
    }
}

TEST_CASE("client_leg: the client wins though another with a foreign certificate came first (A-022)",
          "[data][client_leg]") {
    fixture f;
    f.login(proof::resumption_or_certificate);
    auto foreign = f.options;
    foreign.who = &f.bert;
    auto const thief = f.connect_tls(foreign);
    REQUIRE(f.run_until([&] { return !f.intruders.empty(); }));
    auto const client = f.connect_tls(f.options);
    REQUIRE(f.run_until_called());
    CHECK(f.up_is(*client));
    CHECK(f.failures.empty());
}

TEST_CASE("client_leg: where a certificate is required a connection without is a failed handshake (B-184)",
          "[data][client_leg]") {
    fixture f;
    f.control.request = tls::certificate_request::required;
    f.login(proof::resumption_or_certificate);
    f.options.who = nullptr;
    auto const client = f.connect_tls(f.options);
    REQUIRE(f.run_until_called());
    CHECK(f.failures == failures{leg_failure::handshake});
    CHECK(f.text.find("certificate_absent") != std::string::npos);
    auto const alert =
        f.options.maximum_version == TLS1_2_VERSION ? SSL_AD_HANDSHAKE_FAILURE : SSL_AD_CERTIFICATE_REQUIRED;
    CHECK(f.run_until([&] { return client->client().alert() == alert; }));
}
