// Input: a byte that says how the bytes are cut into pieces, then what a client does that has the keys of an
// established TLS 1.3 data connection: each step is a byte for what it is, a byte for its size, and its content. The
// records come behind enough text for the engine to have taken over from BoringSSL.
#include "proxy/tls/engine.hpp"
#include "tests/fuzz/input.hpp"
#include "tests/support/memory_client.hpp"
#include "tests/support/test_pki.hpp"

#include <string>
#include <vector>

using namespace ftpsgate;
using tls::record_protection;
using tls::want;

namespace {

struct gate {
    gate() : context(test::make_server_context(root.issue({.key = test::key_kind::ecdsa_p256}))) {
        tls::prepare_context(context.get());
    }

    test::test_authority root;
    bssl::UniquePtr<SSL_CTX> context;
    tls::session_binding binding;
    tls::buffer_pool pool;
};

class client {
public:
    client(gate& side, tls::channel_kind channel)
        : server_(
              {.context = side.context.get(), .channel = channel, .binding = &side.binding, .choose_context = nullptr},
              side.pool) {
        fuzz::require(client_.handshake(server_) == want::nothing, "the handshake of an honest client is accepted");
        client_.exchange(server_);
        keys_ = record_protection::take_over(client_.ssl(), record_protection::side::client);
        fuzz::require(keys_ != nullptr, "the keys of TLS 1.3 are told");
        for (std::size_t sent = 0; sent < 2 * tls::engine::bulk; sent += record_protection::most_text)
            record(SSL3_RT_APPLICATION_DATA, std::string(record_protection::most_text, 's'));
        start_ = sealed_.size();
    }

    void act(fuzz::input& in) {
        unsigned const what = in.byte();
        std::size_t const size = in.byte();
        switch (what % 8) {
            case 0:
            case 1: return record(SSL3_RT_APPLICATION_DATA, in.bytes(size));
            case 2: return record(SSL3_RT_APPLICATION_DATA, std::string(size * 66, 'x'));  // too much now and then
            case 3: return record(SSL3_RT_HANDSHAKE, in.bytes(size % 8));
            case 4: return record(SSL3_RT_ALERT, in.bytes(size % 4));
            case 5: return record(static_cast<std::uint8_t>(size), in.bytes(what / 8));
            case 6: sealed_ += in.bytes(size); return;
            default: break;
        }
        std::string message(4, '\0');
        message[0] = SSL3_MT_KEY_UPDATE;
        message[3] = 1;
        record(SSL3_RT_HANDSHAKE, message + static_cast<char>(size % 2));
        fuzz::require(keys_->next_key(), "a key follows each key");
    }

    // What the gate makes of it, in pieces of that size.
    void run(std::size_t piece) {
        std::vector<std::uint8_t> into(piece % 2 == 0 ? 1000 : 100'000);
        std::string_view rest = sealed_;
        std::size_t next = start_;
        for (want last = want::input; last == want::input; next = piece) {
            auto const bytes = rest.substr(0, next);
            rest.remove_prefix(bytes.size());
            test::feed(server_, bytes);
            if (bytes.empty()) server_.input_ended();
            auto got = server_.read(into);
            for (; got.count > 0; got = server_.read(into))
                text_.append(reinterpret_cast<char const*>(into.data()), got.count);
            last = got.next;
        }
        fuzz::require(ERR_peek_error() == 0, "the error queue is left empty");
        bool const failed = server_.why().kind != tls::failure_kind::none;
        fuzz::require(failed != server_.close_received(), "a connection fails, or it ends cleanly");
    }

    std::string const& text() const { return text_; }
    std::string result() const { return std::string(tls::to_string(server_.why().kind)) + ": " + server_.why().text; }

private:
    void record(std::uint8_t type, std::string_view content) {
        std::string made(content.size() + record_protection::overhead, '\0');
        bool const done = keys_->seal(type, {reinterpret_cast<std::uint8_t const*>(content.data()), content.size()},
                                      reinterpret_cast<std::uint8_t*>(made.data()));
        fuzz::require(done, "a record is sealed");
        sealed_ += made;
    }

    test::memory_client client_{{.minimum_version = TLS1_3_VERSION}};
    tls::engine server_;
    std::unique_ptr<record_protection> keys_;
    std::string sealed_;
    std::size_t start_ = 0;  // of it come in one piece, so that the engine takes over
    std::string text_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
    static gate side;
    fuzz::input in(data, size);
    std::size_t const piece = in.byte() * 100u + 1;
    client whole(side, tls::channel_kind::data);
    client pieces(side, tls::channel_kind::data);
    client library(side, tls::channel_kind::control);  // BoringSSL's own record layer
    for (int step = 0; step < 200 && !in.rest().empty(); ++step) {
        auto same = in;
        whole.act(in);
        in = same;
        pieces.act(in);
        in = same;
        library.act(in);
    }
    whole.run(200'000);
    pieces.run(piece);
    library.run(200'000);
    fuzz::require(whole.text() == pieces.text(), "the text does not depend on the pieces");
    fuzz::require(whole.result() == pieces.result(), "the outcome does not depend on the pieces");
    fuzz::require(library.text().starts_with(whole.text()), "no text gets through that BoringSSL would refuse");
    return 0;
}
