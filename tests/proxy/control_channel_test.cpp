// The control connection while a client's certificate is being verified.
#include "proxy/control_channel.hpp"

#include "tests/data/peer.hpp"
#include "tests/tls/gate_side.hpp"

#include <catch2/catch.hpp>

#include <optional>

using namespace ftpsgate;
using namespace std::chrono_literals;
using proxy::control_channel;
using test::tcp_end;
using tls::certificate_request;
using tls::failure_kind;

namespace {

std::uint16_t any_version() {
    return GENERATE(as<std::uint16_t>(), TLS1_2_VERSION, TLS1_3_VERSION);
}

struct fixture {
    explicit fixture(std::uint16_t version) {
        options.minimum_version = options.maximum_version = version;
        options.who = &who;
    }
    ~fixture() {
        if (channel) channel->close(0ms);
        run_for(5ms);
    }

    control_channel::handlers handlers() {
        control_channel::handlers calls;
        calls.on_bytes = [this](std::string_view bytes) { received += bytes; };
        calls.on_end = [this] { ended = true; };
        calls.on_peer_certificates = [this](std::vector<std::string> sent) {
            chain = std::move(sent);
            if (answer_at_once) channel->answer_peer(*answer_at_once);
            CHECK_FALSE(facts);  // never from within the call
        };
        calls.on_secured = [this](tls::session_facts const& found) { facts = found; };
        calls.on_secure_failed = [this](tls::failure const& why) { failure = why; };
        return calls;
    }
    void start() { start(handlers()); }
    void start(control_channel::handlers calls) {
        auto [gate, far] = test::socket_pair(home.loop);
        far.set_option(boost::asio::ip::tcp::no_delay(true));
        client = std::make_unique<test::peer>(std::move(far));
        client->start_tls(options);
        channel = std::make_shared<control_channel>(std::move(gate), home, std::move(calls));
        channel->start_tls(side.asking(certificate_request::required));
        channel->start();
    }
    void start_paused() {
        start();
        REQUIRE(run_until([&] { return chain.has_value(); }));
        run_for(5ms);
    }

    template <typename Condition>
    bool run_until(Condition holds) {
        auto const limit = std::chrono::steady_clock::now() + 10s;
        while (!holds() && std::chrono::steady_clock::now() < limit)
            turn();
        return holds();
    }
    void run_for(std::chrono::milliseconds time) {
        auto const limit = std::chrono::steady_clock::now() + time;
        while (std::chrono::steady_clock::now() < limit)
            turn();
    }
    void turn() {
        if (client) client->pump();
        home.loop.restart();
        handlers_run += home.loop.run_one_for(1ms);
    }

    proxy::worker home;
    test::gate_side side;
    test::identity who = test::test_authority().issue({.names = {"anna"}});
    test::client_options options;
    std::unique_ptr<test::peer> client;
    std::shared_ptr<control_channel> channel;
    std::optional<std::uint8_t> answer_at_once;
    std::optional<std::vector<std::string>> chain;
    std::optional<tls::session_facts> facts;
    std::optional<tls::failure> failure;
    std::string received;
    bool ended = false;
    std::size_t handlers_run = 0;
};

}  // namespace

TEST_CASE("control_channel: the handshake waits for the verification and goes on", "[proxy][control_channel]") {
    fixture f(any_version());
    bool const at_once = GENERATE(false, true);
    if (at_once) {
        f.answer_at_once = std::uint8_t{0};
        f.start();
    } else {
        f.start_paused();
        CHECK_FALSE(f.facts);
        f.channel->answer_peer(0);
        CHECK_FALSE(f.facts);  // never inside the call
    }
    REQUIRE(f.run_until([&] { return f.facts.has_value(); }));
    CHECK(f.facts->peer_sha256);
    CHECK(f.chain == std::vector{test::certificate_der(*f.who.certificate)});
    REQUIRE(f.run_until([&] { return f.client->is_secured(); }));
    f.client->send("FEAT\r\n");
    CHECK(f.run_until([&] { return f.received == "FEAT\r\n"; }));
    f.channel->send("211 End\r\n");
    CHECK(f.run_until([&] { return f.client->received == "211 End\r\n"; }));
    f.channel->answer_peer(SSL_AD_CERTIFICATE_REVOKED);  // nobody asked
    f.run_for(5ms);
    CHECK_FALSE(f.failure);
    CHECK_FALSE(f.ended);
}

TEST_CASE("control_channel: what comes during the verification is kept, and costs no turns",
          "[proxy][control_channel]") {
    fixture f(TLS1_3_VERSION);
    f.start_paused();
    REQUIRE(f.client->is_secured());
    f.client->send("USER anna\r\n");
    f.run_for(20ms);
    f.handlers_run = 0;
    f.run_for(50ms);
    CHECK(f.handlers_run == 0);
    f.channel->answer_peer(0);
    CHECK(f.run_until([&] { return f.received == "USER anna\r\n"; }));  // nothing more is sent
    f.client->send("PASS secret\r\n");
    CHECK(f.run_until([&] { return f.received.ends_with("PASS secret\r\n"); }));
}

TEST_CASE("control_channel: a refused client sees the alert and a FIN", "[proxy][control_channel]") {
    fixture f(any_version());
    f.start_paused();
    bool const talkative = GENERATE(false, true) && f.client->is_secured();
    f.channel->answer_peer(SSL_AD_UNKNOWN_CA);
    if (talkative) f.client->send(std::string(50'000, 'x'));
    REQUIRE(f.run_until([&] { return f.failure.has_value(); }));
    CHECK(f.failure->kind == failure_kind::certificate_refused);
    f.channel->close(0ms);  // as the session does; the alert goes out nevertheless
    if (talkative) f.client->send(std::string(50'000, 'y'));
    CHECK(f.run_until([&] { return f.client->end != tcp_end::none; }));
    CHECK(f.client->end == tcp_end::fin);
    CHECK(f.client->client().alert() == SSL_AD_UNKNOWN_CA);
    CHECK_FALSE(f.facts);
    CHECK(f.received.empty());
    // The client ends its side, and nothing is left.
    f.client->close();
    std::weak_ptr<control_channel> const rest = std::exchange(f.channel, nullptr);
    CHECK(f.run_until([&] { return rest.expired(); }));
}

TEST_CASE("control_channel: a refused client that stays is cut off", "[proxy][control_channel]") {
    fixture f(TLS1_3_VERSION);
    f.answer_at_once = std::uint8_t{SSL_AD_CERTIFICATE_UNKNOWN};
    f.start();
    REQUIRE(f.run_until([&] { return f.failure.has_value(); }));
    std::weak_ptr<control_channel> const rest = std::exchange(f.channel, nullptr);
    CHECK(f.run_until([&] { return rest.expired(); }));
}

TEST_CASE("control_channel: a client that leaves during the verification is noticed (B-276)",
          "[proxy][control_channel]") {
    fixture f(any_version());
    f.start_paused();
    GENERATE(0, 1) == 0 ? f.client->close() : f.client->reset();
    REQUIRE(f.run_until([&] { return f.failure.has_value(); }));
    CHECK(f.failure->kind == failure_kind::truncated);
    f.channel->answer_peer(0);  // too late
    f.run_for(5ms);
    CHECK_FALSE(f.facts);
    CHECK_FALSE(f.ended);
}

TEST_CASE("control_channel: one that is gone before it was asked about is no work for anybody (B-276)",
          "[proxy][control_channel]") {
    fixture f(TLS1_3_VERSION);
    f.start();
    auto const sent = [&] { return f.client->is_secured() && f.client->unsent() == 0; };
    // Only the client runs from the ServerHello on: its flight and its end arrive together.
    while (!sent()) {
        f.client->pump();
        if (!sent()) f.home.loop.poll_one();
        f.home.loop.restart();
    }
    f.client->close();
    REQUIRE(f.run_until([&] { return f.failure.has_value(); }));
    CHECK(f.failure->kind == failure_kind::truncated);
    CHECK_FALSE(f.chain);
}

TEST_CASE("control_channel: closed during the verification it calls nobody", "[proxy][control_channel]") {
    fixture f(any_version());
    f.start_paused();
    f.channel->close(0ms);
    f.channel->answer_peer(0);
    CHECK(f.run_until([&] { return f.client->end != tcp_end::none; }));
    f.run_for(5ms);
    CHECK_FALSE(f.facts);
    CHECK_FALSE(f.failure);
    CHECK_FALSE(f.ended);
    std::weak_ptr<control_channel> const rest = std::exchange(f.channel, nullptr);
    CHECK(f.run_until([&] { return rest.expired(); }));
}

TEST_CASE("control_channel: where nobody verifies, certificates are refused", "[proxy][control_channel]") {
    fixture f(any_version());
    auto calls = f.handlers();
    calls.on_peer_certificates = nullptr;
    f.start(std::move(calls));
    REQUIRE(f.run_until([&] { return f.failure.has_value(); }));
    CHECK(f.failure->kind == failure_kind::certificate_refused);
    CHECK(f.run_until([&] { return f.client->client().alert() == SSL_AD_INTERNAL_ERROR; }));
}

TEST_CASE("control_channel: a client without the certificate that is required is told so (B-183)",
          "[proxy][control_channel]") {
    auto const version = any_version();
    fixture f(version);
    f.options.who = nullptr;
    f.start();
    REQUIRE(f.run_until([&] { return f.failure.has_value(); }));
    CHECK(f.failure->kind == failure_kind::certificate_absent);
    CHECK_FALSE(f.chain);
    auto const alert = version == TLS1_2_VERSION ? SSL_AD_HANDSHAKE_FAILURE : SSL_AD_CERTIFICATE_REQUIRED;
    CHECK(f.run_until([&] { return f.client->client().alert() == alert; }));
    CHECK(f.run_until([&] { return f.client->end == tcp_end::fin; }));
}
