// Input: a byte for the channel and whether client certificates are asked for and accepted, a byte that says how the
// rest is cut into pieces, then what the client sends. The gate has two certificates and two sites, so that names,
// application protocols and signature schemes are looked at.
#include "proxy/tls/engine.hpp"
#include "tests/fuzz/input.hpp"
#include "tests/support/test_pki.hpp"

#include <algorithm>
#include <array>
#include <string>
#include <utility>
#include <vector>

using namespace ftpsgate;
using tls::want;

namespace {

struct choices {
    tls::channel_kind channel;
    tls::certificate_request request;
    std::uint8_t answer;  // to a client's certificate
};

struct gate {
    gate() {
        test::test_authority const root;
        contexts.push_back(test::make_server_context(root.issue({.key = test::key_kind::ecdsa_p256})));
        contexts.push_back(test::make_server_context(root.issue({.key = test::key_kind::rsa_2048})));
        for (auto const& each : contexts)
            tls::prepare_context(each.get());
    }

    tls::server_options options(choices const& wanted) const {
        tls::server_options made;
        made.context = contexts.front().get();
        made.channel = wanted.channel;
        made.binding = &binding;
        made.choose_context = [this, request = wanted.request](std::string_view name) {
            fuzz::require(name.size() <= 253, "a name is no longer than a host name");
            fuzz::require(name.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789._-") == std::string_view::npos,
                          "a name is a lower-case host name");
            return name.starts_with("unknown") ? tls::site_choice() : tls::site_choice{contexts, request};
        };
        return made;
    }

    std::vector<bssl::UniquePtr<SSL_CTX>> contexts;
    tls::session_binding binding;
    tls::buffer_pool pool;
};

// Feeds pieces of `step` bytes until the handshake failed or all is in; then the end of the connection.
// Also tells what certificates were found.
std::pair<tls::failure_kind, std::vector<std::string>> outcome(gate& side, choices const& wanted,
                                                               std::string_view bytes, std::size_t step) {
    tls::engine server(side.options(wanted), side.pool);
    std::vector<std::string> chain;
    want last = want::input;
    while (last == want::input && !bytes.empty()) {
        auto const piece = bytes.substr(0, step);
        bytes.remove_prefix(piece.size());
        server.input.append({reinterpret_cast<std::uint8_t const*>(piece.data()), piece.size()});
        last = server.handshake();
        if (last == want::verify_peer) {
            fuzz::require(wanted.request != tls::certificate_request::none,
                          "nobody is asked about unasked certificates");
            fuzz::require(chain.empty(), "one question for each handshake");
            chain = server.peer_chain();
            fuzz::require(!chain.empty(), "there is a certificate to be verified");
            server.answer_peer(wanted.answer);
            last = server.handshake();
        }
        server.output.clear();
    }
    fuzz::require(last == want::input || last == want::failed, "nobody gets in without the keys");
    server.input_ended();
    fuzz::require(server.handshake() == want::failed, "an end in the handshake is a failure");
    fuzz::require(server.why().kind != tls::failure_kind::none, "a failure has a kind");
    fuzz::require(!server.established(), "a failed handshake is not established");
    fuzz::require(ERR_peek_error() == 0, "the error queue is left empty");
    return {server.why().kind, std::move(chain)};
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
    static gate side;
    fuzz::input in(data, size);
    unsigned const flags = in.byte();
    constexpr std::array requests{tls::certificate_request::none, tls::certificate_request::optional,
                                  tls::certificate_request::required};
    choices const wanted{flags % 2 == 0 ? tls::channel_kind::control : tls::channel_kind::data,
                         requests[flags / 2 % requests.size()],
                         flags < 128 ? std::uint8_t{0} : std::uint8_t{SSL_AD_BAD_CERTIFICATE}};
    std::size_t const step = in.byte() % 64 + 1u;
    auto const bytes = std::string_view(in.rest()).substr(0, 100'000);
    auto const whole = outcome(side, wanted, bytes, bytes.size());
    fuzz::require(whole == outcome(side, wanted, bytes, step), "the outcome does not depend on the pieces");
    return 0;
}
