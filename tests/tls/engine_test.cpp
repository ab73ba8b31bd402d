// The engine as a transformer of bytes, against a client in memory: records, ends, limits of its queues.
#include "proxy/tls/engine.hpp"

#include "tests/support/memory_client.hpp"
#include "tests/tls/gate_side.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <vector>

using namespace ftpsgate;
using tls::want;

namespace {

std::uint16_t any_version() {
    return GENERATE(as<std::uint16_t>(), TLS1_2_VERSION, TLS1_3_VERSION);
}

struct connection {
    explicit connection(std::uint16_t version)
        : client({.minimum_version = version, .maximum_version = version}), gate(side.engine()) {
        REQUIRE(client.handshake(gate) == want::nothing);
        REQUIRE(gate.established());
    }

    test::gate_side side;
    test::memory_client client;
    tls::engine gate;
};

}  // namespace

TEST_CASE("engine: text goes both ways", "[tls][engine]") {
    connection both(any_version());
    both.client.write("USER x\r\n");
    both.client.exchange(both.gate);
    want last{};
    CHECK(test::read_all(both.gate, &last) == "USER x\r\n");
    CHECK(last == want::input);
    auto const sealed = both.gate.write(test::as_bytes("331 go on\r\n"));
    CHECK(sealed.next == want::nothing);
    CHECK(sealed.count == 11);
    both.client.exchange(both.gate);
    CHECK(both.client.read() == "331 go on\r\n");
}

TEST_CASE("engine: what one receive brings is opened by one read", "[tls][engine]") {
    connection both(any_version());
    constexpr std::size_t step = 512 * 1024;
    auto const text = test::pattern(6 * step);
    both.client.write(text);
    auto const sealed = both.client.take_output();
    std::vector<std::uint8_t> into(step);
    std::size_t opened = 0;
    for (auto rest = test::as_bytes(sealed); !rest.empty();) {
        auto const received = rest.first(std::min(rest.size(), tls::engine::sealed_size(step)));
        rest = rest.subspan(both.gate.input.append(received));
        auto const got = both.gate.read(into);
        opened += got.count;
        CHECK((got.count >= step - 16 * 1024 || rest.empty()));
        CHECK(both.gate.read(into).next == want::input);
    }
    CHECK(opened == text.size());
}

TEST_CASE("engine: one write seals 1 MiB of records", "[tls][engine]") {
    connection both(any_version());
    auto const text = test::pattern(4 * 1024 * 1024);
    std::string received;
    int calls = 0;
    for (std::size_t sent = 0; sent < text.size(); ++calls) {
        auto const sealed = both.gate.write(test::as_bytes(text).subspan(sent));
        CHECK((sealed.count >= 1024 * 1024 || sent + sealed.count == text.size()));
        CHECK(sealed.next == (sent + sealed.count < text.size() ? want::output : want::nothing));
        sent += sealed.count;
        both.client.exchange(both.gate);
        received += both.client.read();
    }
    CHECK(calls == 4);
    CHECK(received == text);
}

TEST_CASE("engine: one read opens all records that are there", "[tls][engine]") {
    connection both(any_version());
    auto const text = test::pattern(256 * 1024);
    both.client.write(text);
    test::feed(both.gate, both.client.take_output());
    std::vector<std::uint8_t> into(256 * 1024);
    auto const opened = both.gate.read(into);
    CHECK(opened.next == want::nothing);
    REQUIRE(opened.count == into.size());
    CHECK(std::equal(into.begin(), into.end(), test::as_bytes(text).begin()));
    CHECK(both.gate.read(into).next == want::input);
}

TEST_CASE("engine: a record may come in any pieces and go into a small span", "[tls][engine]") {
    connection both(any_version());
    both.client.write("NOOP\r\n");
    auto const bytes = both.client.take_output();
    std::string text;
    for (char const c : bytes) {
        test::feed(both.gate, std::string_view(&c, 1));
        std::uint8_t one[1];
        for (auto opened = both.gate.read(one); opened.count == 1; opened = both.gate.read(one)) {
            text += static_cast<char>(one[0]);
        }
        CHECK(both.gate.input.empty());
    }
    CHECK(text == "NOOP\r\n");
}

TEST_CASE("engine: a handshake in single bytes succeeds", "[tls][engine]") {
    test::gate_side side;
    auto const version = any_version();
    test::memory_client client({.minimum_version = version, .maximum_version = version});
    auto gate = side.engine();
    want next = want::input;
    for (int round = 0; round < 10 && !(client.step() && next == want::nothing); ++round) {
        for (char const c : client.take_output()) {
            test::feed(gate, std::string_view(&c, 1));
            next = gate.handshake();
        }
        client.put_input(test::drain(gate));
    }
    CHECK(next == want::nothing);
    CHECK(gate.established());
}

TEST_CASE("engine: close_notify of the client ends reading for ever", "[tls][engine]") {
    connection both(any_version());
    both.client.write("QUIT\r\n");
    both.client.close();
    both.client.exchange(both.gate);
    want last{};
    CHECK(test::read_all(both.gate, &last) == "QUIT\r\n");
    CHECK(last == want::closed);
    CHECK(both.gate.close_received());
    both.gate.input_ended();
    CHECK(test::read_all(both.gate, &last).empty());
    CHECK(last == want::closed);
}

TEST_CASE("engine: writing goes on after the client's close_notify", "[tls][engine]") {
    connection both(any_version());
    both.client.close();
    both.client.exchange(both.gate);
    test::read_all(both.gate);
    CHECK(both.gate.write(test::as_bytes("221 bye\r\n")).next == want::nothing);
    CHECK(both.gate.close() == want::nothing);
    both.client.exchange(both.gate);
    // BoringSSL's client discards what follows its own close_notify: what counts is that an end came, no alert.
    both.client.read();
    CHECK(both.gate.why().kind == tls::failure_kind::none);
}

TEST_CASE("engine: close puts close_notify out once and reading goes on", "[tls][engine]") {
    connection both(any_version());
    CHECK(both.gate.close() == want::nothing);
    both.client.exchange(both.gate);
    CHECK(both.gate.close() == want::nothing);
    CHECK(both.gate.output.empty());
    CHECK(both.client.read().empty());
    CHECK(both.client.close_received());
    CHECK_FALSE(both.gate.close_received());
    both.client.write("late\r\n");
    both.client.close();
    both.client.exchange(both.gate);
    want last{};
    CHECK(test::read_all(both.gate, &last) == "late\r\n");
    CHECK(last == want::closed);
}

TEST_CASE("engine: plain text is refused after close", "[tls][engine]") {
    connection both(any_version());
    both.gate.close();
    test::drain(both.gate);
    auto const sealed = both.gate.write(test::as_bytes("x"));
    CHECK(sealed.next == want::failed);
    CHECK(sealed.count == 0);
    CHECK(both.gate.output.empty());
}

TEST_CASE("engine: bytes behind a close_notify stay in input, untouched (B-063)", "[tls][engine]") {
    connection both(any_version());
    both.client.write("CCC\r\n");
    both.client.close();
    test::feed(both.gate, both.client.take_output() + "PWD\r\nSYST\r\n");
    want last{};
    CHECK(test::read_all(both.gate, &last) == "CCC\r\n");
    CHECK(last == want::closed);
    CHECK(both.gate.close_received());
    auto const left = both.gate.input.data();
    CHECK(std::string(left.begin(), left.end()) == "PWD\r\nSYST\r\n");
}

TEST_CASE("engine: data records behind a close_notify are never opened (A-004, A-030)", "[tls][engine]") {
    connection both(any_version());
    connection other(TLS1_3_VERSION);
    both.client.close();
    auto const ended = both.client.take_output();
    other.client.write("stolen");
    test::feed(both.gate, ended + other.client.take_output() + ended);
    want last{};
    CHECK(test::read_all(both.gate, &last).empty());
    CHECK(last == want::closed);
    CHECK(test::read_all(both.gate, &last).empty());
    CHECK(last == want::closed);
}

TEST_CASE("engine: an end without close_notify is truncation, after what came before it (B-167)", "[tls][engine]") {
    connection both(any_version());
    both.client.write("half a file");
    auto const bytes = both.client.take_output();
    auto const cut = GENERATE(0, 1);
    if (cut == 0) {
        test::feed(both.gate, bytes);
    } else {
        both.client.write("torn");
        auto const torn = both.client.take_output();
        test::feed(both.gate, bytes + torn.substr(0, torn.size() - 1));
    }
    both.gate.input_ended();
    want last{};
    CHECK(test::read_all(both.gate, &last) == "half a file");
    CHECK(last == want::failed);
    CHECK(both.gate.why().kind == tls::failure_kind::truncated);
    CHECK_FALSE(both.gate.close_received());
}

TEST_CASE("engine: an end inside the handshake is truncation", "[tls][engine]") {
    test::gate_side side;
    test::memory_client client;
    auto gate = side.engine();
    client.step();
    auto const hello = client.take_output();
    test::feed(gate, hello.substr(0, GENERATE(std::size_t{0}, std::size_t{1}, std::size_t{50})));
    CHECK(gate.handshake() == want::input);
    gate.input_ended();
    CHECK(gate.handshake() == want::failed);
    CHECK(gate.why().kind == tls::failure_kind::truncated);
}

TEST_CASE("engine: text in the same flight as the end of the handshake is not lost", "[tls][engine]") {
    test::gate_side side;
    auto const version = any_version();
    test::memory_client client({.minimum_version = version, .maximum_version = version});
    auto gate = side.engine();
    client.step();
    test::feed(gate, client.take_output());
    CHECK(gate.handshake() == want::input);
    client.put_input(test::drain(gate));
    bool const done = client.step();
    if (done) client.write("FEAT\r\n");  // TLS 1.3: one round trip less
    test::feed(gate, client.take_output());
    REQUIRE(gate.handshake() == want::nothing);
    client.put_input(test::drain(gate));
    if (!done) {
        REQUIRE(client.step());
        client.write("FEAT\r\n");
        client.exchange(gate);
    }
    CHECK(test::read_all(gate) == "FEAT\r\n");
}

TEST_CASE("engine: writes stop when output has no room and go on with any bytes", "[tls][engine]") {
    connection both(any_version());
    auto const text = test::pattern(1200 * 1024);
    auto const first = both.gate.write(test::as_bytes(text));
    REQUIRE(first.next == want::output);
    CHECK(both.gate.write(test::as_bytes("something else")).count == 0);
    CHECK(both.gate.close() == want::output);
    both.client.exchange(both.gate);
    CHECK(both.client.read() == text.substr(0, first.count));
    CHECK(both.gate.write(test::as_bytes("something else")).count == 14);
    CHECK(both.gate.close() == want::nothing);
    both.client.exchange(both.gate);
    CHECK(both.client.read() == "something else");
    CHECK(both.client.close_received());
}

TEST_CASE("engine: an idle connection holds no block", "[tls][engine]") {
    connection both(any_version());
    both.client.write("a record that comes in two parts");
    auto const bytes = both.client.take_output();
    test::feed(both.gate, bytes.substr(0, 10));
    CHECK(test::read_all(both.gate).empty());
    // The half record is in the library's buffer of the record's own size, not in a block of 272 KiB.
    CHECK(both.gate.input.empty());
    CHECK(both.gate.output.empty());
}

TEST_CASE("engine: errors that another connection left on the thread do no harm", "[tls][engine]") {
    connection both(any_version());
    ERR_put_error(ERR_LIB_SSL, 0, SSL_R_NO_SHARED_CIPHER, __FILE__, __LINE__);
    both.client.write("NOOP\r\n");
    ERR_put_error(ERR_LIB_SSL, 0, SSL_R_NO_SHARED_CIPHER, __FILE__, __LINE__);
    test::feed(both.gate, both.client.take_output());
    want last{};
    CHECK(test::read_all(both.gate, &last) == "NOOP\r\n");
    CHECK(last == want::input);
    ERR_put_error(ERR_LIB_SSL, 0, SSL_R_NO_SHARED_CIPHER, __FILE__, __LINE__);
    CHECK(both.gate.write(test::as_bytes("200\r\n")).next == want::nothing);
}
