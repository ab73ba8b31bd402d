// Data connections prove by resumption that they belong to their control connection (B-157).
#include "tests/support/memory_client.hpp"
#include "tests/tls/gate_side.hpp"

#include <catch2/catch.hpp>

#include <utility>

using namespace ftpsgate;
using tls::want;

namespace {

// The three ways to resume.
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

test::client_options offering(way const& how, SSL_SESSION* session = nullptr) {
    return {.minimum_version = how.version, .maximum_version = how.version, .tickets = how.tickets, .resume = session};
}

// The first reply carries the TLS 1.3 tickets (B-160).
void greet(test::memory_client& client, tls::engine& gate) {
    REQUIRE(client.handshake(gate) == want::nothing);
    REQUIRE(gate.write(test::as_bytes("220\r\n")).next == want::nothing);
    client.exchange(gate);
    REQUIRE(client.read() == "220\r\n");
}

// A control connection and the session its client keeps.
struct control {
    control(test::gate_side& side, way const& how) : client(offering(how)), gate(side.engine()) {
        greet(client, gate);
        REQUIRE_FALSE(client.sessions().empty());
    }
    SSL_SESSION* session() { return client.sessions().front().get(); }

    test::memory_client client;
    tls::engine gate;
};

// True if a data connection that offers the session is resumed; both sides must agree on it.
bool resumes(test::gate_side& side, way const& how, SSL_SESSION* session,
             bssl::UniquePtr<SSL_SESSION>* renewed = nullptr) {
    test::memory_client client(offering(how, session));
    auto gate = side.engine(tls::channel_kind::data);
    greet(client, gate);
    CHECK(gate.facts().resumed == client.resumed());
    if (renewed != nullptr && !client.sessions().empty()) *renewed = std::move(client.sessions().front());
    return client.resumed();
}

}  // namespace

TEST_CASE("engine: a data connection resumes the session of its control connection (B-157, B-163)",
          "[tls][engine][resumption]") {
    auto const how = any_way();
    CAPTURE(how.name);
    test::gate_side side;
    control first(side, how);
    CHECK_FALSE(first.gate.facts().resumed);
    CHECK(resumes(side, how, first.session()));
}

TEST_CASE("engine: a session of another control connection is not resumed (B-157, A-024)",
          "[tls][engine][resumption]") {
    auto const how = any_way();
    CAPTURE(how.name);
    test::gate_side side;
    control first(side, how);
    side.binding = tls::session_binding();
    CHECK_FALSE(resumes(side, how, first.session()));
}

TEST_CASE("engine: a renewed binding ends resumption of what came before (A-034)", "[tls][engine][resumption]") {
    auto const how = any_way();
    CAPTURE(how.name);
    test::gate_side side;
    control first(side, how);
    CHECK(resumes(side, how, first.session()));
    side.binding = tls::session_binding();
    CHECK_FALSE(resumes(side, how, first.session()));
    control second(side, how);
    CHECK(resumes(side, how, second.session()));
}

TEST_CASE("engine: the same ticket resumes again and again (B-161)", "[tls][engine][resumption]") {
    auto const how = any_way();
    CAPTURE(how.name);
    test::gate_side side;
    control first(side, how);
    int resumed = 0;
    for (int i = 0; i < 100; ++i)
        resumed += resumes(side, how, first.session()) ? 1 : 0;
    CHECK(resumed == 100);
}

TEST_CASE("engine: each resumed connection renews the ticket (B-161)", "[tls][engine][resumption]") {
    way const how{"TLS 1.3", TLS1_3_VERSION, true};
    test::gate_side side;
    control first(side, how);
    auto ticket = std::move(first.client.sessions().front());
    int resumed = 0;
    for (int i = 0; i < 1000; ++i) {
        bssl::UniquePtr<SSL_SESSION> next;
        resumed += resumes(side, how, ticket.get(), &next) ? 1 : 0;
        REQUIRE(next);
        ticket = std::move(next);
    }
    CHECK(resumed == 1000);
}

TEST_CASE("engine: resumption holds across the certificates of a site", "[tls][engine][resumption]") {
    auto const how = any_way();
    CAPTURE(how.name);
    test::gate_side side;
    std::vector<bssl::UniquePtr<SSL_CTX>> site;
    site.push_back(test::make_server_context(test::test_authority().issue({.key = test::key_kind::rsa_2048})));
    tls::prepare_context(site.front().get());
    auto options = side.options();
    options.choose_context = [&](std::string_view) { return tls::site_choice{site}; };
    tls::engine gate(options, side.pool);
    test::memory_client client(offering(how));
    greet(client, gate);
    REQUIRE_FALSE(client.sessions().empty());
    CHECK(client.certificate_kind() == EVP_PKEY_RSA);
    tls::engine again(options, side.pool);
    test::memory_client second(offering(how, client.sessions().front().get()));
    greet(second, again);
    CHECK(second.resumed());
}

TEST_CASE("engine: tickets wait for the first write, or go with close_notify (B-160)", "[tls][engine][resumption]") {
    test::gate_side side;
    test::memory_client client({.minimum_version = TLS1_3_VERSION});
    auto gate = side.engine();
    REQUIRE(client.handshake(gate) == want::nothing);
    client.read();
    CHECK(client.sessions().empty());
    gate.close();
    client.exchange(gate);
    client.read();
    CHECK(client.sessions().size() == 2);
    CHECK(client.close_received());
}

TEST_CASE("engine: tickets are sent on demand, once, where nothing will be written (B-160)",
          "[tls][engine][resumption]") {
    test::gate_side side;
    test::memory_client client({.minimum_version = TLS1_3_VERSION});
    auto gate = side.engine();
    gate.send_tickets();  // too early: nothing
    REQUIRE(client.handshake(gate) == want::nothing);
    CHECK(gate.output.empty());
    gate.send_tickets();
    client.exchange(gate);
    CHECK(client.read().empty());
    CHECK(client.sessions().size() == 2);
    gate.send_tickets();
    CHECK(gate.output.empty());
    REQUIRE(gate.write(test::as_bytes("x")).next == want::nothing);
    client.exchange(gate);
    CHECK(client.read() == "x");
    CHECK(client.sessions().size() == 2);
}

TEST_CASE("engine: a forgotten session id is not resumed (A-067)", "[tls][engine][resumption]") {
    way const how{"TLS 1.2 session id", TLS1_2_VERSION, false};
    test::gate_side side;
    control first(side, how);
    CHECK(SSL_CTX_sess_number(side.context.get()) == 1);
    first.gate.forget_session();
    CHECK(SSL_CTX_sess_number(side.context.get()) == 0);
    CHECK_FALSE(resumes(side, how, first.session()));
}

TEST_CASE("engine: forgetting a session that never was does nothing", "[tls][engine][resumption]") {
    test::gate_side side;
    auto gate = side.engine();
    gate.forget_session();
    CHECK_FALSE(gate.established());
}

TEST_CASE("engine: early data is never accepted (A-009)", "[tls][engine][resumption]") {
    way const how{"TLS 1.3", TLS1_3_VERSION, true};
    test::gate_side side;
    control first(side, how);
    CHECK_FALSE(SSL_SESSION_early_data_capable(first.session()));
}
