// Data connections in bulk under TLS 1.3, where the engine opens and seals the records itself: against BoringSSL's
// client, against records that no honest client makes, and beside BoringSSL's own record layer, which still serves the
// control connections.
#include "proxy/tls/engine.hpp"
#include "tests/support/memory_client.hpp"
#include "tests/tls/gate_side.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <random>
#include <string>
#include <vector>

using namespace ftpsgate;
using tls::channel_kind;
using tls::failure_kind;
using tls::record_protection;
using tls::want;

namespace {

constexpr std::size_t mebibyte = 1024 * 1024;
constexpr std::uint8_t text_record = SSL3_RT_APPLICATION_DATA;
constexpr std::uint8_t handshake_record = SSL3_RT_HANDSHAKE;
constexpr std::uint8_t alert_record = SSL3_RT_ALERT;

std::string bytes_of(std::initializer_list<int> values) {
    std::string made;
    for (int const value : values)
        made.push_back(static_cast<char>(value));
    return made;
}

std::string const key_update = bytes_of({SSL3_MT_KEY_UPDATE, 0, 0, 1, 0});
std::string const key_update_requested = bytes_of({SSL3_MT_KEY_UPDATE, 0, 0, 1, 1});
std::string const close_notify = bytes_of({1, SSL_AD_CLOSE_NOTIFY});
std::string const user_canceled = bytes_of({1, SSL_AD_USER_CANCELLED});

struct connection {
    explicit connection(channel_kind channel = channel_kind::data)
        : client({.minimum_version = TLS1_3_VERSION}), gate(side.engine(channel)) {
        REQUIRE(client.handshake(gate) == want::nothing);
        client.exchange(gate);
        REQUIRE(client.read().empty());
    }

    /// Everything that can be read, in pieces of that size.
    std::string read(std::size_t piece = 20000) {
        std::string text;
        std::vector<std::uint8_t> into(piece);
        for (;;) {
            auto const got = gate.read(into);
            text.append(reinterpret_cast<char const*>(into.data()), got.count);
            last = got.next;
            if (got.count == 0) return text;
        }
    }

    /// A download; what the client has of it.
    std::string download(std::string const& text) {
        std::string received;
        for (auto rest = test::as_bytes(text); !rest.empty();) {
            auto const sealed = gate.write(rest);
            REQUIRE(sealed.next != want::failed);
            rest = rest.subspan(sealed.count);
            client.exchange(gate);
            received += client.read();
        }
        return received;
    }

    test::gate_side side;
    test::memory_client client;
    tls::engine gate;
    want last{};
};

// A client that makes its records itself.
struct forger : connection {
    explicit forger(channel_kind channel = channel_kind::data)
        : connection(channel), keys(record_protection::take_over(client.ssl(), record_protection::side::client)) {
        REQUIRE(keys);
        auto const start = test::pattern(2 * tls::engine::bulk);
        for (std::size_t at = 0; at < start.size(); at += record_protection::most_text)
            send(record(text_record, start.substr(at, record_protection::most_text)));
        REQUIRE((read() == start));
    }

    std::string record(std::uint8_t type, std::string const& content) {
        std::string made(content.size() + record_protection::overhead, '\0');
        REQUIRE(keys->seal(type, test::as_bytes(content), reinterpret_cast<std::uint8_t*>(made.data())));
        return made;
    }
    /// The type ends where the zeros begin, so that with padding the last zero is given as the type.
    std::string padded(std::uint8_t type, std::string const& content, std::size_t zeros) {
        if (zeros == 0) return record(type, content);
        return record(0, content + static_cast<char>(type) + std::string(zeros - 1, '\0'));
    }
    std::string update(std::string const& message = key_update) {
        auto made = record(handshake_record, message);
        REQUIRE(keys->next_key());
        return made;
    }
    void send(std::string_view bytes) { test::feed(gate, bytes); }
    /// What the gate says to these bytes.
    want answer(std::string_view bytes) {
        send(bytes);
        text = read();
        client.put_input(test::drain(gate));
        client.read();  // the alert
        return last;
    }

    std::unique_ptr<record_protection> keys;
    std::string text;
};

struct refusal {
    std::string text;
    int alert;
};

void check_refused(forger& both, std::string_view bytes, refusal const& expected) {
    CHECK(both.answer(bytes) == want::failed);
    CHECK(both.text.empty());
    CHECK(both.gate.why().kind == failure_kind::protocol);
    CHECK(both.gate.why().text == expected.text);
    CHECK(both.client.alert() == expected.alert);
    CHECK_FALSE(both.gate.close_received());
    CHECK(both.read().empty());
    CHECK(both.last == want::failed);
}

}  // namespace

TEST_CASE("bulk: an upload arrives, however it is cut", "[tls][engine][bulk]") {
    connection both;
    auto const piece = GENERATE(std::size_t{1}, 1000, 16384, 16385, 100'000, mebibyte);
    auto const text = test::pattern(piece == 1 ? mebibyte / 8 : 3 * mebibyte);
    both.client.write(text);
    both.client.close();
    auto const sealed = both.client.take_output();
    std::mt19937 random(7);
    std::string received;
    for (auto rest = test::as_bytes(sealed); !rest.empty();) {
        auto const count = std::min<std::size_t>(rest.size(), random() % 200'000);
        rest = rest.subspan(both.gate.input.append(rest.first(count)));
        received += both.read(piece);
        REQUIRE(both.last != want::failed);
    }
    CHECK((received == text));
    CHECK(both.last == want::closed);
    CHECK(both.gate.close_received());
}

TEST_CASE("bulk: a download arrives, its tickets and its end included", "[tls][engine][bulk]") {
    connection both;
    auto const text = test::pattern(3 * mebibyte + 12345);
    CHECK((both.download(text) == text));
    CHECK_FALSE(both.client.sessions().empty());
    CHECK(both.gate.close() == want::nothing);
    both.client.exchange(both.gate);
    CHECK(both.client.read().empty());
    CHECK(both.client.close_received());
    CHECK(both.gate.close() == want::nothing);
    CHECK(both.gate.output.empty());
    CHECK(both.gate.write(test::as_bytes("x")).next == want::failed);
}

TEST_CASE("bulk: what BoringSSL began is gone on with, at any place", "[tls][engine][bulk]") {
    auto const before = GENERATE(0, 1, 5, 27, 30, 100, 20'000);
    connection both;
    both.client.write("small");
    both.client.write(test::pattern(mebibyte));
    auto const sealed = both.client.take_output();
    // BoringSSL is left with a part of a record, with text that was not fetched, or with neither.
    test::feed(both.gate, sealed.substr(0, static_cast<std::size_t>(before)));
    std::array<std::uint8_t, 3> some{};
    auto const got = both.gate.read(some);
    std::string received(reinterpret_cast<char const*>(some.data()), got.count);
    for (auto rest = test::as_bytes(sealed).subspan(static_cast<std::size_t>(before)); !rest.empty();) {
        rest = rest.subspan(both.gate.input.append(rest));
        received += both.read();
        REQUIRE(both.last == want::input);
    }
    CHECK((received == "small" + test::pattern(mebibyte)));
}

TEST_CASE("bulk: KeyUpdates are followed and answered in both directions (A-008)", "[tls][engine][bulk]") {
    connection both;
    auto const text = test::pattern(300'000);
    bool const downloads = GENERATE(true, false);  // or the answer is BoringSSL's
    for (int i = 0; i < 40; ++i) {
        REQUIRE(SSL_key_update(both.client.ssl(), SSL_KEY_UPDATE_REQUESTED) == 1);
        both.client.write(text);
        both.client.exchange(both.gate);
        REQUIRE((both.read() == text));
        if (downloads) {
            REQUIRE((both.download(text) == text));
        } else {
            REQUIRE(both.download("answer") == "answer");
        }
        // The gate's key is new each time: hardly any record was read under it.
        REQUIRE(SSL_get_read_sequence(both.client.ssl()) < 30);
    }
}

TEST_CASE("bulk: a client that asks for new keys again and again gets one (A-008)", "[tls][engine][bulk]") {
    forger both;
    bool const downloads = GENERATE(true, false);
    if (downloads) both.download(test::pattern(mebibyte));
    for (int i = 0; i < 1000; ++i) {
        both.send(both.update(key_update_requested));
        both.send(both.record(text_record, "x"));
        REQUIRE(both.read() == "x");
    }
    CHECK(both.gate.output.empty());
    REQUIRE(both.gate.write(test::as_bytes("answer")).next == want::nothing);
    std::size_t const tickets = downloads ? 0 : 2000;
    CHECK(both.gate.output.size() < 100 + tickets);
    both.client.exchange(both.gate);
    CHECK(both.client.read() == "answer");
    CHECK(SSL_get_read_sequence(both.client.ssl()) == 1);
}

TEST_CASE("bulk: a key is given up before its limit (RFC 8446 5.5)", "[tls][engine][bulk]") {
    // The other way round, because there BoringSSL reads (control), or our own reader.
    connection both(GENERATE(channel_kind::control, channel_kind::data));
    tls::buffer_pool pool;
    tls::byte_queue output(pool);
    tls::record_writer writer(record_protection::take_over(both.client.ssl(), record_protection::side::client), 5);
    auto const text = test::pattern(20 * 8000);
    for (std::size_t at = 0; at < text.size(); at += 8000)
        REQUIRE(writer.put(output, text_record, test::as_bytes(text).subspan(at, 8000)));
    // Four records of text, then a KeyUpdate as the fifth.
    CHECK(output.size() == 20 * (8000 + record_protection::overhead) + 4 * (5 + record_protection::overhead));
    both.gate.input.append(output.data());
    CHECK((both.read() == text));
    CHECK(both.last == want::input);
}

TEST_CASE("bulk: padding is not content (RFC 8446 5.4)", "[tls][engine][bulk]") {
    forger both;
    both.send(both.padded(text_record, "one", 1));
    both.send(both.padded(text_record, bytes_of({'t', 'w', 'o', 0, 0}), 200));
    both.send(both.padded(text_record, "", 100));
    both.send(both.padded(text_record, std::string(16384 - 100, 'x'), 100));
    CHECK(both.read() == "one" + bytes_of({'t', 'w', 'o', 0, 0}) + std::string(16384 - 100, 'x'));
    CHECK(both.last == want::input);
}

TEST_CASE("bulk: a KeyUpdate may come in pieces", "[tls][engine][bulk]") {
    forger both;
    both.send(both.record(handshake_record, key_update.substr(0, 1)));
    both.send(both.record(handshake_record, key_update.substr(1, 3)));
    CHECK(both.read().empty());
    CHECK(both.last == want::input);
    both.send(both.update(key_update.substr(4)));
    both.send(both.record(text_record, "new key"));
    CHECK(both.read() == "new key");
}

TEST_CASE("bulk: broken records end the connection (A-008)", "[tls][engine][bulk][hostile]") {
    forger both;
    std::string bytes;
    refusal expected;
    SECTION("tampered with") {
        bytes = both.record(text_record, "secret");
        bytes[GENERATE(5U, 11U, 20U)] ^= 1;
        expected = {"DECRYPTION_FAILED_OR_BAD_RECORD_MAC", SSL_AD_BAD_RECORD_MAC};
    }
    SECTION("tampered with, where the buffer has no room for the record") {
        bytes = both.record(text_record, std::string(16384, 'x'));
        bytes[7000] ^= 1;
        both.send(bytes);
        CHECK(both.read(100).empty());
        bytes.clear();
        expected = {"DECRYPTION_FAILED_OR_BAD_RECORD_MAC", SSL_AD_BAD_RECORD_MAC};
    }
    SECTION("sent twice") {
        auto const once = both.record(text_record, "");
        bytes = once + once;
        expected = {"DECRYPTION_FAILED_OR_BAD_RECORD_MAC", SSL_AD_BAD_RECORD_MAC};
    }
    SECTION("shorter than its tag") {
        bytes = bytes_of({text_record, 3, 3, 0, 15}) + std::string(15, 'x');
        expected = {"DECRYPTION_FAILED_OR_BAD_RECORD_MAC", SSL_AD_BAD_RECORD_MAC};
    }
    SECTION("in clear") {
        bytes = bytes_of({alert_record, 3, 3, 0, 2, 1, 0});
        expected = {"INVALID_OUTER_RECORD_TYPE", SSL_AD_UNEXPECTED_MESSAGE};
    }
    SECTION("of another version") {
        bytes = bytes_of({text_record, 3, 1, 0, 20});
        expected = {"WRONG_VERSION_NUMBER", SSL_AD_PROTOCOL_VERSION};
    }
    SECTION("longer than any record") {
        bytes = bytes_of({text_record, 3, 3, 0x41, 0x01});
        expected = {"ENCRYPTED_LENGTH_TOO_LONG", SSL_AD_RECORD_OVERFLOW};
    }
    SECTION("with more text than a record may have") {
        bytes = both.record(text_record, std::string(16385, 'x'));
        expected = {"DATA_LENGTH_TOO_LONG", SSL_AD_RECORD_OVERFLOW};
    }
    SECTION("of nothing but padding") {
        bytes = both.record(0, std::string(100, '\0'));
        expected = {"UNEXPECTED_RECORD", SSL_AD_UNEXPECTED_MESSAGE};
    }
    SECTION("of a type that there is not") {
        bytes = both.record(static_cast<std::uint8_t>(GENERATE(20, 24, 255)), "x");
        expected = {"UNEXPECTED_RECORD", SSL_AD_UNEXPECTED_MESSAGE};
    }
    check_refused(both, bytes, expected);
}

TEST_CASE("bulk: messages that no client sends after the handshake end the connection (A-008)",
          "[tls][engine][bulk][hostile]") {
    forger both;
    std::string bytes;
    refusal expected;
    SECTION("a handshake message other than KeyUpdate") {
        bytes = both.record(handshake_record, bytes_of({SSL3_MT_CLIENT_HELLO, 0, 0, 1, 0}));
        expected = {"UNEXPECTED_MESSAGE", SSL_AD_UNEXPECTED_MESSAGE};
    }
    SECTION("a KeyUpdate with more behind it") {
        bytes = both.record(handshake_record, key_update + key_update);
        expected = {"UNEXPECTED_MESSAGE", SSL_AD_UNEXPECTED_MESSAGE};
    }
    SECTION("a KeyUpdate of another length") {
        bytes = both.record(handshake_record, bytes_of({SSL3_MT_KEY_UPDATE, 0, 0, 2}));
        expected = {"UNEXPECTED_MESSAGE", SSL_AD_UNEXPECTED_MESSAGE};
    }
    SECTION("a KeyUpdate that asks for what there is not") {
        bytes = both.record(handshake_record, bytes_of({SSL3_MT_KEY_UPDATE, 0, 0, 1, 2}));
        expected = {"DECODE_ERROR", SSL_AD_ILLEGAL_PARAMETER};
    }
    SECTION("an empty handshake message") {
        bytes = both.record(handshake_record, "");
        expected = {"UNEXPECTED_MESSAGE", SSL_AD_UNEXPECTED_MESSAGE};
    }
    SECTION("text between the pieces of a KeyUpdate") {
        bytes = both.record(handshake_record, key_update.substr(0, 2));
        bytes += both.record(text_record, "x");
        expected = {"UNEXPECTED_RECORD", SSL_AD_UNEXPECTED_MESSAGE};
    }
    SECTION("an end between the pieces of a KeyUpdate") {
        bytes = both.record(handshake_record, key_update.substr(0, 2));
        bytes += both.record(alert_record, close_notify);
        expected = {"BAD_ALERT", SSL_AD_DECODE_ERROR};
    }
    SECTION("the old key behind a KeyUpdate") {
        bytes = both.record(handshake_record, key_update);
        bytes += both.record(text_record, "x");
        expected = {"DECRYPTION_FAILED_OR_BAD_RECORD_MAC", SSL_AD_BAD_RECORD_MAC};
    }
    SECTION("half an alert") {
        bytes = both.record(alert_record, "\x01");
        expected = {"BAD_ALERT", SSL_AD_DECODE_ERROR};
    }
    SECTION("KeyUpdates without end") {
        for (int i = 0; i < 33; ++i)
            bytes += both.update();
        expected = {"TOO_MANY_KEY_UPDATES", SSL_AD_UNEXPECTED_MESSAGE};
    }
    SECTION("empty records without end") {
        for (int i = 0; i < 33; ++i)
            bytes += both.padded(text_record, "", static_cast<std::size_t>(i));
        expected = {"TOO_MANY_EMPTY_FRAGMENTS", SSL_AD_UNEXPECTED_MESSAGE};
    }
    SECTION("warnings without end") {
        for (int i = 0; i < 5; ++i)
            bytes += both.record(alert_record, user_canceled);
        expected = {"TOO_MANY_WARNING_ALERTS", SSL_AD_UNEXPECTED_MESSAGE};
    }
    check_refused(both, bytes, expected);
}

TEST_CASE("bulk: what a client may do now and then is counted anew behind text (A-008)", "[tls][engine][bulk]") {
    forger both;
    std::string expected;
    for (int i = 0; i < 100; ++i) {
        both.send(both.update());
        both.send(both.record(text_record, ""));
        both.send(both.record(alert_record, user_canceled));
        both.send(both.record(text_record, "x"));
        expected += "x";
    }
    CHECK(both.read() == expected);
    CHECK(both.last == want::input);
}

TEST_CASE("bulk: what came before a broken record is handed over", "[tls][engine][bulk][hostile]") {
    forger both;
    CHECK(both.answer(both.record(text_record, "good") + std::string(100, 'x')) == want::failed);
    CHECK(both.text == "good");
}

TEST_CASE("bulk: after a download too the client is told why", "[tls][engine][bulk][hostile]") {
    forger both;
    auto const text = test::pattern(mebibyte);
    REQUIRE((both.download(text) == text));
    check_refused(both, std::string(100, 'x'), {"INVALID_OUTER_RECORD_TYPE", SSL_AD_UNEXPECTED_MESSAGE});
}

TEST_CASE("bulk: the ends of a connection are told apart (B-167)", "[tls][engine][bulk]") {
    forger both;
    SECTION("close_notify: a clean end, and nothing behind it is opened") {
        both.send(both.record(text_record, "text"));
        both.send(both.record(alert_record, close_notify));
        both.send(both.record(text_record, "behind"));
        CHECK(both.read() == "text");
        CHECK(both.last == want::closed);
        CHECK(both.gate.close_received());
        CHECK(both.gate.input.size() == 6 + record_protection::overhead);
    }
    SECTION("a fatal alert") {
        CHECK(both.answer(both.record(alert_record, bytes_of({2, SSL_AD_INTERNAL_ERROR}))) == want::failed);
        CHECK(both.gate.why().kind == failure_kind::peer_alert);
        CHECK(both.gate.why().text == "TLSV1_ALERT_INTERNAL_ERROR");
        CHECK(both.client.alert() == -1);
    }
    SECTION("nothing, between two records") {
        both.gate.input_ended();
        CHECK(both.answer("") == want::failed);
        CHECK(both.gate.why().kind == failure_kind::truncated);
    }
    SECTION("nothing, in a record") {
        both.gate.input_ended();
        CHECK(both.answer(both.record(text_record, "text").substr(0, 20)) == want::failed);
        CHECK(both.gate.why().kind == failure_kind::truncated);
    }
}

// Whatever a client sends, our reader and BoringSSL's come to the same text, the same end and the same reason.
TEST_CASE("bulk: records of any kind, beside BoringSSL's record layer", "[tls][engine][bulk][hostile]") {
    struct planned {
        int kind;
        std::size_t size;
        std::size_t padding;
    };
    auto const seed = GENERATE(range(0U, 150U));
    CAPTURE(seed);
    std::mt19937 random(seed);
    std::vector<planned> plan(random() % 60);
    for (auto& one : plan) {
        one.kind = static_cast<int>(random() % 100);
        one.size = random() % 3 == 0 ? random() % 16385 : random() % 300;
        one.padding = random() % 4 == 0 ? random() % (16385 - one.size) : 0;
    }
    struct outcome {
        std::string text;
        want last;
        failure_kind kind;
        std::string why;
        int alert;
        bool operator==(outcome const&) const = default;
    };
    auto const play = [&](channel_kind channel) {
        forger both(channel);
        std::mt19937 cuts(seed);
        std::string text, sealed;
        for (auto const& one : plan) {
            auto const content = test::pattern(one.size);
            if (one.kind < 70) {
                sealed += both.padded(text_record, content, one.padding);
            } else if (one.kind < 80) {
                sealed += both.update(one.kind % 2 == 0 ? key_update : key_update_requested);
            } else if (one.kind < 85) {
                sealed += both.record(text_record, "");
            } else if (one.kind < 88) {
                sealed += both.record(alert_record, user_canceled);
            } else if (one.kind < 90) {
                sealed += both.record(handshake_record, key_update.substr(0, 3));
                sealed += both.update(key_update.substr(3));
            } else if (one.kind == 90) {
                sealed += both.record(alert_record, close_notify);
            } else if (one.kind == 91) {
                sealed += both.record(alert_record, bytes_of({2, static_cast<int>(one.size % 100 + 10)}));
            } else if (one.kind == 92) {
                auto broken = both.record(text_record, content);
                broken[broken.size() / 2] ^= 0x10;
                if (one.size > 8) sealed += broken;
            } else if (one.kind == 93) {
                sealed += both.record(static_cast<std::uint8_t>(one.size % 3 == 0 ? 99 : 20), content);
            }
        }
        for (auto rest = test::as_bytes(sealed); !rest.empty();) {
            auto const count = std::min<std::size_t>(rest.size(), 1 + cuts() % 50'000);
            auto const took = both.gate.input.append(rest.first(count));
            rest = rest.subspan(took);
            text += both.read(1 + cuts() % 30'000);
            if (both.last != want::input) break;
        }
        both.client.put_input(test::drain(both.gate));
        both.client.read();
        return outcome{text, both.last, both.gate.why().kind, both.gate.why().text, both.client.alert()};
    };
    auto const ours = play(channel_kind::data);
    auto const library = play(channel_kind::control);
    CHECK(ours.text.size() == library.text.size());
    CHECK((ours.text == library.text));
    CHECK(ours.last == library.last);
    CHECK(ours.kind == library.kind);
    CHECK(ours.why == library.why);
    CHECK(ours.alert == library.alert);
}
