// Client certificates: the request, the pause for the verification, its answer, and what is known afterwards.
#include "proxy/tls/client_ca_names.hpp"
#include "tests/support/memory_client.hpp"
#include "tests/support/test_certificate.hpp"
#include "tests/tls/gate_side.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <map>

using namespace ftpsgate;
using tls::certificate_request;
using tls::channel_kind;
using tls::failure_kind;
using tls::want;

namespace {

struct peer_side : test::gate_side {
    tls::engine engine(certificate_request request, channel_kind channel = channel_kind::control) {
        return tls::engine(asking(request, channel), pool);
    }
    tls::sha256_digest digest() const {
        auto const der = test::certificate_der(*who.certificate);
        tls::sha256_digest found{};
        SHA256(test::as_bytes(der).data(), der.size(), found.data());
        return found;
    }

    test::test_authority root;
    test::identity who = root.issue({.names = {"anna"}});
};

std::uint16_t any_version() {
    return GENERATE(as<std::uint16_t>(), TLS1_2_VERSION, TLS1_3_VERSION);
}

test::client_options client_of(std::uint16_t version, test::identity const* who = nullptr) {
    return {.minimum_version = version, .maximum_version = version, .who = who};
}

// Certificates of real size, one behind the other; the engine does not look at them.
std::vector<std::string> chain_of(test::identity const& who, std::size_t bytes) {
    auto const der = test::certificate_der(*who.certificate);
    return std::vector<std::string>(bytes / der.size(), der);
}

}  // namespace

TEST_CASE("engine: what a site asks and what a client has decide the handshake (B-180, B-181, B-183)",
          "[tls][engine][peer]") {
    auto const version = any_version();
    auto const request =
        GENERATE(certificate_request::none, certificate_request::optional, certificate_request::required);
    bool const has_one = GENERATE(false, true);
    bool const accepted = GENERATE(false, true);
    CAPTURE(version, request, has_one, accepted);
    peer_side side;
    test::memory_client client(client_of(version, has_one ? &side.who : nullptr));
    auto gate = side.engine(request);
    auto outcome = client.handshake(gate);
    CHECK(client.was_asked() == (request != certificate_request::none));
    bool const paused = has_one && request != certificate_request::none;
    REQUIRE((outcome == want::verify_peer) == paused);
    if (paused) {
        CHECK(gate.peer_chain() == std::vector{test::certificate_der(*side.who.certificate)});
        CHECK_FALSE(gate.established());
        gate.answer_peer(accepted ? 0 : SSL_AD_CERTIFICATE_REVOKED);
        outcome = client.handshake(gate);
    }
    CHECK(gate.peer_chain().empty());
    if (paused && !accepted) {
        CHECK(outcome == want::failed);
        CHECK(gate.why().kind == failure_kind::certificate_refused);
        CHECK(client.alert() == SSL_AD_CERTIFICATE_REVOKED);
    } else if (!has_one && request == certificate_request::required) {
        CHECK(outcome == want::failed);
        CHECK(gate.why().kind == failure_kind::certificate_absent);
        CHECK(client.alert() == (version == TLS1_2_VERSION ? SSL_AD_HANDSHAKE_FAILURE : SSL_AD_CERTIFICATE_REQUIRED));
    } else {
        CHECK(outcome == want::nothing);
        CHECK(client.alert() == -1);
        CHECK(gate.facts().peer_sha256.has_value() == paused);
        if (paused) CHECK(*gate.facts().peer_sha256 == side.digest());
    }
    CHECK(gate.established() == (outcome == want::nothing));
}

TEST_CASE("engine: the kinds of keys that client certificates have", "[tls][engine][peer]") {
    auto const version = any_version();
    auto const key = GENERATE(test::key_kind::ecdsa_p256, test::key_kind::ecdsa_p384, test::key_kind::rsa_2048);
    peer_side side;
    side.who = side.root.issue({.key = key});
    test::memory_client client(client_of(version, &side.who));
    auto gate = side.engine(certificate_request::required);
    CHECK(client.handshake_accepted(gate) == want::nothing);
    CHECK(gate.facts().peer_sha256 == side.digest());
}

TEST_CASE("engine: the request is that of the site of the name (B-277)", "[tls][engine][peer]") {
    auto const version = any_version();
    peer_side side;
    std::vector<std::string> const authorities(2, std::string("\x30\x00", 2));
    tls::client_ca_names const names(authorities);
    std::map<std::string, tls::site_choice, std::less<>> sites;
    tls::context_list const contexts(&side.context, 1);
    sites["open"] = {contexts};
    sites["asking"] = {contexts, certificate_request::optional, names.list()};
    sites["strict"] = {contexts, certificate_request::required};
    auto options = side.options();
    options.choose_context = [&](std::string_view name) { return sites.find(name)->second; };
    auto const asked = [&](char const* name) {
        auto wanted = client_of(version, &side.who);
        wanted.server_name = name;
        test::memory_client client(wanted);
        tls::engine gate(options, side.pool);
        CHECK(client.handshake_accepted(gate) == want::nothing);
        return std::pair(client.was_asked(), client.names_asked());
    };
    CHECK(asked("open") == std::pair(false, std::size_t{0}));
    CHECK(asked("asking") == std::pair(true, std::size_t{2}));
    CHECK(asked("strict") == std::pair(true, std::size_t{0}));
    CHECK(sk_CRYPTO_BUFFER_num(names.list()) == 2);  // still ours
}

TEST_CASE("engine: a list of authorities that breaks clients is not sent (B-272)", "[tls][engine][peer]") {
    std::vector<std::string> names(160, std::string(100, 'x'));
    CHECK(sk_CRYPTO_BUFFER_num(tls::client_ca_names(names).list()) == 160);
    names.emplace_back(100, 'x');  // 161 * 102 > 16 KiB
    CHECK(tls::client_ca_names(names).list() == nullptr);
    CHECK(tls::client_ca_names().list() == nullptr);
}

TEST_CASE("engine: paused, it takes no answer from anybody else and loses no byte", "[tls][engine][peer]") {
    peer_side side;
    test::memory_client client(client_of(TLS1_3_VERSION, &side.who));
    auto gate = side.engine(certificate_request::required);
    gate.answer_peer(0);  // not asked yet
    REQUIRE(client.handshake(gate) == want::verify_peer);
    client.write("USER anna\r\n");  // behind its Finished: the client is done
    test::feed(gate, client.take_output());
    for (int i = 0; i < 3; ++i)
        CHECK(gate.handshake() == want::verify_peer);
    CHECK(gate.output.empty());
    CHECK_FALSE(gate.input.empty());
    gate.answer_peer(0);
    gate.answer_peer(SSL_AD_CERTIFICATE_REVOKED);  // too late
    REQUIRE(gate.handshake() == want::nothing);
    gate.answer_peer(SSL_AD_CERTIFICATE_REVOKED);
    CHECK(gate.handshake() == want::nothing);
    CHECK(test::read_all(gate) == "USER anna\r\n");
}

TEST_CASE("engine: a peer that is gone while paused fails the handshake that goes on", "[tls][engine][peer]") {
    peer_side side;
    test::memory_client client(client_of(TLS1_2_VERSION, &side.who));
    auto gate = side.engine(certificate_request::required);
    client.step();
    test::feed(gate, client.take_output());
    REQUIRE(gate.handshake() == want::input);
    client.put_input(test::drain(gate));
    client.step();
    auto const flight = client.take_output();
    auto const cut = GENERATE(as<std::size_t>(), 1, 70);  // in the CertificateVerify or Finished
    test::feed(gate, flight.substr(0, flight.size() - cut));
    REQUIRE(gate.handshake() == want::verify_peer);
    gate.input_ended();
    CHECK(gate.handshake() == want::verify_peer);
    gate.answer_peer(0);
    CHECK(gate.handshake() == want::failed);
    CHECK(gate.why().kind == failure_kind::truncated);
}

TEST_CASE("engine: long chains are handed out whole, up to 100 KiB", "[tls][engine][peer]") {
    auto const version = any_version();
    peer_side side;
    auto wanted = client_of(version, &side.who);
    SECTION("64 KiB") {
        wanted.chain = chain_of(side.who, 64 * 1024);
        test::memory_client client(wanted);
        auto gate = side.engine(certificate_request::required);
        REQUIRE(client.handshake(gate) == want::verify_peer);
        auto const chain = gate.peer_chain();
        CHECK(chain.size() == wanted.chain.size() + 1);
        CHECK(std::all_of(chain.begin(), chain.end(), [&](auto const& each) { return each == chain.front(); }));
        gate.answer_peer(0);
        CHECK(client.handshake(gate) == want::nothing);
        // The session keeps none of it, so a ticket stays small.
        REQUIRE(gate.write(test::as_bytes("220\r\n")).next == want::nothing);
        client.exchange(gate);
        client.read();
        REQUIRE_FALSE(client.sessions().empty());
        std::uint8_t const* ticket = nullptr;
        std::size_t size = 0;
        SSL_SESSION_get0_ticket(client.sessions().front().get(), &ticket, &size);
        CHECK(size < 1024);
    }
    SECTION("more than 100 KiB") {
        wanted.chain = chain_of(side.who, 101 * 1024);
        test::memory_client client(wanted);
        auto gate = side.engine(certificate_request::required);
        CHECK(client.handshake(gate) == want::failed);
        CHECK(gate.why().kind == failure_kind::certificate_malformed);
        CHECK(client.alert() != -1);
    }
    SECTION("something that is no certificate in it") {
        wanted.chain = {"\x30\x03\x02\x01\x07"};
        test::memory_client client(wanted);
        auto gate = side.engine(certificate_request::required);
        CHECK(client.handshake(gate) == want::failed);
        CHECK(gate.why().kind == failure_kind::certificate_malformed);
        CHECK(client.alert() == SSL_AD_DECODE_ERROR);
    }
}

TEST_CASE("engine: a certificate without its key does not get in, whoever accepts it (A-099)", "[tls][engine][peer]") {
    auto const version = any_version();
    auto const channel = GENERATE(channel_kind::control, channel_kind::data);
    peer_side side;
    auto const stranger = test::make_key(test::key_kind::ecdsa_p256);
    auto wanted = client_of(version, &side.who);
    wanted.sign_with = stranger.get();
    test::memory_client client(wanted);
    auto gate = side.engine(certificate_request::required, channel);
    CHECK(client.handshake_accepted(gate) == want::failed);
    CHECK_FALSE(gate.established());
    CHECK(gate.why().text == "BAD_SIGNATURE");
    CHECK(client.alert() == SSL_AD_DECRYPT_ERROR);
}

TEST_CASE("engine: the signer of the test above signs well", "[tls][engine][peer]") {
    peer_side side;
    auto wanted = client_of(any_version(), &side.who);
    wanted.sign_with = side.who.key.get();
    test::memory_client client(wanted);
    auto gate = side.engine(certificate_request::required);
    CHECK(client.handshake_accepted(gate) == want::nothing);
}

TEST_CASE("engine: the library itself refuses a key that is not for signatures (B-187)", "[tls][engine][peer]") {
    auto const version = any_version();
    peer_side side;
    side.who = test::make_certificate({.key = test::key_kind::rsa_2048, .key_usage = "critical,keyEncipherment"},
                                      side.root.own());
    test::memory_client client(client_of(version, &side.who));
    auto gate = side.engine(certificate_request::required);
    // Under TLS 1.3 before anybody is asked; no setting of ours changes that.
    CHECK((client.handshake(gate) == want::verify_peer) == (version == TLS1_2_VERSION));
    gate.answer_peer(0);
    CHECK(client.handshake(gate) == want::failed);
    CHECK(gate.why().kind == failure_kind::certificate_refused);
    CHECK(gate.why().text == "KEY_USAGE_BIT_INCORRECT");
    if (version == TLS1_3_VERSION) CHECK(client.alert() == SSL_AD_ILLEGAL_PARAMETER);
}

// Under TLS 1.2 the flight is in clear up to the ChangeCipherSpec; under TLS 1.3 the library refuses a Certificate with
// extensions that were not asked for.
TEST_CASE("engine: an OCSP response of the client is never taken (A-089)", "[tls][engine][peer]") {
    peer_side side;
    test::memory_client client(client_of(TLS1_2_VERSION, &side.who));
    auto gate = side.engine(certificate_request::required);
    client.step();
    client.exchange(gate);
    REQUIRE(gate.handshake() == want::input);
    client.put_input(test::drain(gate));
    client.step();
    auto const flight = client.take_output();
    REQUIRE(flight[5] == SSL3_MT_CERTIFICATE);
    auto const length = [&](std::size_t at) {
        return static_cast<std::size_t>(static_cast<std::uint8_t>(flight[at])) << 8U |
               static_cast<std::uint8_t>(flight[at + 1]);
    };
    std::size_t const whole = length(3);
    std::size_t const first = 4 + length(7);  // the Certificate, less than 64 KiB of it
    std::string const status("\x16\x00\x00\x09\x01\x00\x00\x05\x30\x03\x0a\x01\x00", 13);
    std::string record(flight, 5, first);
    record += status;
    record.append(flight, 5 + first, whole - first);
    std::string const header{0x16, 3, 3, static_cast<char>(record.size() >> 8U), static_cast<char>(record.size())};
    test::feed(gate, header + record + flight.substr(5 + whole));
    REQUIRE(gate.handshake() == want::verify_peer);
    gate.answer_peer(0);
    CHECK(gate.handshake() == want::failed);
    CHECK(gate.why().text == "UNEXPECTED_MESSAGE");
}

TEST_CASE("engine: a data connection takes any certificate and tells which (B-159)", "[tls][engine][peer]") {
    auto const version = any_version();
    auto const request = GENERATE(certificate_request::optional, certificate_request::required);
    peer_side side;
    test::memory_client client(client_of(version, &side.who));
    auto gate = side.engine(request, channel_kind::data);
    CHECK(client.handshake(gate) == want::nothing);
    CHECK_FALSE(gate.facts().resumed);
    CHECK(gate.facts().peer_sha256 == side.digest());
}
