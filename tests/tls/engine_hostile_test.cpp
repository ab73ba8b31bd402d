// Clients that break the rules. Each ends its own connection with an alert; nothing else happens.
#include "tests/support/memory_client.hpp"
#include "tests/tls/gate_side.hpp"

#include <catch2/catch.hpp>
#include <openssl/aead.h>

#include <array>

using namespace ftpsgate;
using tls::failure_kind;
using tls::want;

namespace {

// A TLS 1.2 client whose records a test can make itself: BoringSSL's client cannot be told to misbehave.
struct tls12_connection {
    tls12_connection() {
        REQUIRE(client.handshake(gate) == want::nothing);
        std::array<std::uint8_t, 2 * 16 + 2 * 4> block{};
        REQUIRE(SSL_generate_key_block(client.ssl(), block.data(), block.size()) == 1);
        REQUIRE(EVP_AEAD_CTX_init(aead.get(), EVP_aead_aes_128_gcm(), block.data(), 16, 16, nullptr) == 1);
        std::copy_n(block.begin() + 32, 4, nonce.begin());
        sequence = SSL_get_write_sequence(client.ssl());
    }

    std::string record(std::uint8_t type, std::string const& plain) {
        std::array<std::uint8_t, 13> header{};
        for (std::size_t i = 0; i < 8; ++i) {
            header[i] = nonce[4 + i] = static_cast<std::uint8_t>(sequence >> (8 * (7 - i)));
        }
        ++sequence;
        header[8] = type;
        header[9] = 3;
        header[10] = 3;
        header[11] = static_cast<std::uint8_t>(plain.size() >> 8U);
        header[12] = static_cast<std::uint8_t>(plain.size());
        std::string sealed(plain.size() + 16, '\0');
        std::size_t size = 0;
        auto const in = test::as_bytes(plain);
        REQUIRE(EVP_AEAD_CTX_seal(aead.get(), reinterpret_cast<std::uint8_t*>(sealed.data()), &size, sealed.size(),
                                  nonce.data(), nonce.size(), in.data(), in.size(), header.data(), header.size()) == 1);
        std::size_t const body = 8 + size;
        std::string out{static_cast<char>(type), 3, 3, static_cast<char>(body >> 8U), static_cast<char>(body & 0xffU)};
        out.append(reinterpret_cast<char const*>(nonce.data()) + 4, 8);
        return out + sealed;
    }

    /// What the gate says to these bytes, and the alert it sends.
    want answer(std::string_view bytes) {
        test::feed(gate, bytes);
        want last{};
        text = test::read_all(gate, &last);
        client.put_input(test::drain(gate));
        client.read();
        return last;
    }

    test::gate_side side;
    test::memory_client client{{.maximum_version = TLS1_2_VERSION, .ciphers = "ECDHE-ECDSA-AES128-GCM-SHA256"}};
    tls::engine gate = side.engine();
    bssl::ScopedEVP_AEAD_CTX aead;
    std::array<std::uint8_t, 12> nonce{};
    std::uint64_t sequence = 0;
    std::string text;
};

constexpr std::uint8_t alert_record = 21;
constexpr std::uint8_t handshake_record = 22;
constexpr std::uint8_t data_record = 23;

}  // namespace

TEST_CASE("engine: what is no TLS is refused (A-017)", "[tls][engine][hostile]") {
    auto const bytes =
        GENERATE(as<std::string>(), "USER anonymous\r\n", "GET / HTTP/1.1\r\n\r\n", "CONNECT a:1 HTTP/1.1",
                 std::string(100, '\0'), "\x16\x03\x01\xff\xff junk that is too long",
                 std::string("\x16\x03\x01\x00\x04\x01\xff\xff\xff", 9));
    CAPTURE(bytes);
    test::gate_side side;
    auto gate = side.engine();
    test::feed(gate, bytes);
    CHECK(gate.handshake() == want::failed);
    CHECK(gate.why().kind == failure_kind::protocol);
    CHECK_FALSE(gate.why().text.empty());
    CHECK(gate.handshake() == want::failed);
}

TEST_CASE("engine: every single-byte damage of a ClientHello ends in an answer (A-017)", "[tls][engine][hostile]") {
    test::gate_side side;
    test::memory_client client({.server_name = "ftp.example", .applications = {"ftp"}});
    client.step();
    auto const hello = client.take_output();
    for (std::size_t at = 0; at < hello.size(); ++at) {
        for (int const bit : {0x01, 0x80}) {
            auto damaged = hello;
            damaged[at] = static_cast<char>(damaged[at] ^ bit);
            auto gate = side.engine();
            test::feed(gate, damaged);
            auto const next = gate.handshake();
            CHECK((next == want::failed || next == want::input));
            CHECK_FALSE(gate.established());
        }
    }
}

TEST_CASE("engine: plain text after the handshake is refused and delivers nothing (A-001)", "[tls][engine][hostile]") {
    tls12_connection both;
    CHECK(both.answer("FEAT\r\nUSER anonymous\r\n") == want::failed);
    CHECK(both.text.empty());
    CHECK(both.gate.why().kind == failure_kind::protocol);
    CHECK(both.gate.write(test::as_bytes("x")).next == want::failed);
}

TEST_CASE("engine: a damaged record is refused with bad_record_mac", "[tls][engine][hostile]") {
    tls12_connection both;
    auto damaged = both.record(data_record, "STOR x\r\n");
    damaged.back() = static_cast<char>(damaged.back() ^ 1);
    CHECK(both.answer(damaged) == want::failed);
    CHECK(both.text.empty());
    CHECK(both.gate.why().kind == failure_kind::protocol);
    CHECK(both.client.alert() == SSL_AD_BAD_RECORD_MAC);
}

TEST_CASE("engine: renegotiation is refused (A-007)", "[tls][engine][hostile]") {
    tls12_connection both;
    test::memory_client other({.maximum_version = TLS1_2_VERSION});
    other.step();
    auto const hello = other.take_output().substr(5);  // without the record's header
    auto bytes = both.record(data_record, "first");
    bytes += both.record(handshake_record, hello);
    CHECK(both.answer(bytes) == want::failed);
    CHECK(both.text == "first");
    CHECK(both.gate.why().kind == failure_kind::protocol);
    CHECK(both.client.alert() != -1);
    CHECK(both.gate.why().text == "NO_RENEGOTIATION");
}

TEST_CASE("engine: the record maker of this test makes good records", "[tls][engine][hostile]") {
    tls12_connection both;
    auto bytes = both.record(data_record, "one");
    bytes += both.record(data_record, "two");
    CHECK(both.answer(bytes) == want::input);
    CHECK(both.text == "onetwo");
}

TEST_CASE("engine: empty records without end are refused (A-008)", "[tls][engine][hostile]") {
    tls12_connection both;
    std::string flood;
    for (int i = 0; i < 100; ++i)
        flood += both.record(data_record, "");
    CHECK(both.answer(flood) == want::failed);
    CHECK(both.gate.why().kind == failure_kind::protocol);
    CHECK(both.gate.why().text == "TOO_MANY_EMPTY_FRAGMENTS");
}

TEST_CASE("engine: warning alerts without end are refused (A-008)", "[tls][engine][hostile]") {
    tls12_connection both;
    std::string flood;
    for (int i = 0; i < 10; ++i)
        flood += both.record(alert_record, "\x01\x64");
    CHECK(both.answer(flood) == want::failed);
    CHECK(both.gate.why().kind == failure_kind::protocol);
    CHECK(both.gate.why().text == "TOO_MANY_WARNING_ALERTS");
}

TEST_CASE("engine: a fatal alert of the client is a failure, not a clean end", "[tls][engine][hostile]") {
    tls12_connection both;
    CHECK(both.answer(both.record(alert_record, "\x02\x50")) == want::failed);
    CHECK(both.gate.why().kind == failure_kind::peer_alert);
    CHECK_FALSE(both.gate.close_received());
}

TEST_CASE("engine: KeyUpdates are followed and answered (A-008)", "[tls][engine][hostile]") {
    test::gate_side side;
    test::memory_client client({.minimum_version = TLS1_3_VERSION});
    auto gate = side.engine();
    REQUIRE(client.handshake(gate) == want::nothing);
    for (int i = 0; i < 100; ++i) {
        REQUIRE(SSL_key_update(client.ssl(), SSL_KEY_UPDATE_REQUESTED) == 1);
        client.write("after");
        client.exchange(gate);
        REQUIRE(test::read_all(gate) == "after");
        REQUIRE(gate.write(test::as_bytes("answer")).next == want::nothing);
        client.exchange(gate);
        REQUIRE(client.read() == "answer");
    }
}

TEST_CASE("engine: KeyUpdates without end are refused (A-008)", "[tls][engine][hostile]") {
    test::gate_side side;
    test::memory_client client({.minimum_version = TLS1_3_VERSION});
    auto gate = side.engine();
    REQUIRE(client.handshake(gate) == want::nothing);
    for (int i = 0; i < 100; ++i) {
        REQUIRE(SSL_key_update(client.ssl(), SSL_KEY_UPDATE_NOT_REQUESTED) == 1);
        SSL_write(client.ssl(), "", 0);  // sends the update alone
    }
    test::feed(gate, client.take_output());
    want last{};
    test::read_all(gate, &last);
    CHECK(last == want::failed);
    CHECK(gate.why().kind == failure_kind::protocol);
    CHECK(gate.why().text == "TOO_MANY_KEY_UPDATES");
}
