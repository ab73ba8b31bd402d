// Client certificates and resumption: what is carried over, and what must not be.
#include "tests/support/memory_client.hpp"
#include "tests/tls/gate_side.hpp"

#include <catch2/catch.hpp>

#include <utility>

using namespace ftpsgate;
using tls::certificate_request;
using tls::channel_kind;
using tls::want;

namespace {

struct way {
    char const* name;
    std::uint16_t version;
    bool tickets;
};

way any_way() {
    return GENERATE(values<way>({{"TLS 1.2 ticket", TLS1_2_VERSION, true},
                                 {"TLS 1.2 session id", TLS1_2_VERSION, false},
                                 {"TLS 1.3", TLS1_3_VERSION, true}}));
}

struct resuming_side : test::gate_side {
    explicit resuming_side(way how) : how_(how) {}

    test::client_options client(test::identity const* with = nullptr, SSL_SESSION* session = nullptr) const {
        return {.minimum_version = how_.version,
                .maximum_version = how_.version,
                .tickets = how_.tickets,
                .resume = session,
                .who = with};
    }
    tls::engine engine(certificate_request request, channel_kind channel = channel_kind::control) {
        return tls::engine(asking(request, channel), pool);
    }
    /// What a control connection gives its client to resume.
    bssl::UniquePtr<SSL_SESSION> login(certificate_request request, test::identity const* with = nullptr) {
        test::memory_client one(client(with));
        auto gate = engine(request);
        REQUIRE(one.handshake_accepted(gate) == want::nothing);
        sha256 = gate.facts().peer_sha256;
        REQUIRE(gate.write(test::as_bytes("220\r\n")).next == want::nothing);
        one.exchange(gate);
        one.read();
        REQUIRE_FALSE(one.sessions().empty());
        return std::move(one.sessions().front());
    }

    test::test_authority root;
    test::identity who = root.issue({.names = {"anna"}});
    std::optional<tls::sha256_digest> sha256;  // of the last login

private:
    way how_;
};

}  // namespace

TEST_CASE("engine: a resumed data connection carries the control connection's certificate (B-158)",
          "[tls][engine][peer]") {
    auto const how = any_way();
    CAPTURE(how.name);
    resuming_side side(how);
    auto const request = GENERATE(certificate_request::optional, certificate_request::required);
    auto const session = side.login(request, &side.who);
    REQUIRE(side.sha256);
    test::memory_client client(side.client(nullptr, session.get()));
    auto gate = side.engine(request, channel_kind::data);
    REQUIRE(client.handshake(gate) == want::nothing);
    CHECK(gate.facts().resumed);
    CHECK(gate.facts().peer_sha256 == side.sha256);
    CHECK_FALSE(client.was_asked());
}

TEST_CASE("engine: a resumed data connection of a client without certificate has none", "[tls][engine][peer]") {
    auto const how = any_way();
    CAPTURE(how.name);
    resuming_side side(how);
    auto const session = side.login(certificate_request::optional);
    CHECK_FALSE(side.sha256);
    test::memory_client client(side.client(&side.who, session.get()));
    auto gate = side.engine(certificate_request::optional, channel_kind::data);
    REQUIRE(client.handshake(gate) == want::nothing);
    CHECK(gate.facts().resumed);
    CHECK_FALSE(gate.facts().peer_sha256);
}

TEST_CASE("engine: a session of a site that ignores certificates does not open one that requires them (A-014, B-164)",
          "[tls][engine][peer]") {
    auto const how = any_way();
    CAPTURE(how.name);
    resuming_side side(how);
    auto const session = side.login(certificate_request::none);
    side.binding = tls::session_binding();  // as each control connection has its own
    SECTION("without a certificate") {
        test::memory_client client(side.client(nullptr, session.get()));
        auto gate = side.engine(certificate_request::required);
        CHECK(client.handshake(gate) == want::failed);
        CHECK(client.was_asked());
        CHECK(gate.why().kind == tls::failure_kind::certificate_absent);
    }
    SECTION("with one, which is verified") {
        test::memory_client client(side.client(&side.who, session.get()));
        auto gate = side.engine(certificate_request::required);
        REQUIRE(client.handshake(gate) == want::verify_peer);
        gate.answer_peer(0);
        CHECK(client.handshake(gate) == want::nothing);
        CHECK_FALSE(gate.facts().resumed);
    }
}

TEST_CASE("engine: even with the same binding a control connection is not resumed past the verification (A-014)",
          "[tls][engine][peer]") {
    auto const how = any_way();
    CAPTURE(how.name);
    resuming_side side(how);
    bool const with_certificate = GENERATE(false, true);
    auto const session =
        with_certificate ? side.login(certificate_request::required, &side.who) : side.login(certificate_request::none);
    test::memory_client client(side.client(&side.who, session.get()));
    auto gate = side.engine(certificate_request::required);
    CHECK(client.handshake(gate) == want::failed);
    CHECK_FALSE(gate.established());
    CHECK(gate.why().kind == tls::failure_kind::certificate_absent);
    CHECK(client.alert() == SSL_AD_ACCESS_DENIED);
    CHECK(gate.read({}).next == want::failed);
}

TEST_CASE("engine: a full data handshake leaves nothing to resume, also with the certificate (A-022)",
          "[tls][engine][peer]") {
    auto const how = any_way();
    CAPTURE(how.name);
    resuming_side side(how);
    test::memory_client client(side.client(&side.who));
    auto gate = side.engine(certificate_request::required, channel_kind::data);
    REQUIRE(client.handshake(gate) == want::nothing);
    REQUIRE(gate.write(test::as_bytes("data")).next == want::nothing);
    client.exchange(gate);
    client.read();
    auto* const session = client.sessions().empty() ? nullptr : client.sessions().front().get();
    test::memory_client again(side.client(&side.who, session));
    auto next = side.engine(certificate_request::required, channel_kind::data);
    REQUIRE(again.handshake(next) == want::nothing);
    CHECK_FALSE(next.facts().resumed);
}
