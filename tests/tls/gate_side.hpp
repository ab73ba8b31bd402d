// What the engine's tests need on the gate's side: a context with a certificate, a binding and a pool.
#pragma once

#include "proxy/tls/engine.hpp"
#include "tests/support/test_pki.hpp"

#include <vector>

namespace ftpsgate::test {

struct gate_side {
    explicit gate_side(key_kind key = key_kind::ecdsa_p256)
        : context(make_server_context(test_authority().issue({.key = key}))) {
        tls::prepare_context(context.get());
    }

    tls::server_options options(tls::channel_kind channel = tls::channel_kind::control) const {
        tls::server_options made;
        made.context = context.get();
        made.channel = channel;
        made.binding = &binding;
        return made;
    }
    /// As a site that asks for client certificates.
    tls::server_options asking(tls::certificate_request request, tls::channel_kind channel = tls::channel_kind::control,
                               STACK_OF(CRYPTO_BUFFER) const* names = nullptr) const {
        auto made = options(channel);
        made.choose_context = [this, request, names](std::string_view) {
            return tls::site_choice{tls::context_list(&context, 1), request, names};
        };
        return made;
    }
    tls::engine engine(tls::channel_kind channel = tls::channel_kind::control) {
        return tls::engine(options(channel), pool);
    }

    tls::buffer_pool pool;
    tls::session_binding binding;
    bssl::UniquePtr<SSL_CTX> context;
};

inline std::span<std::uint8_t const> as_bytes(std::string_view text) {
    return {reinterpret_cast<std::uint8_t const*>(text.data()), text.size()};
}

/// Bytes that no two places share, so a swapped or lost block shows.
inline std::string pattern(std::size_t size) {
    std::string text(size, '\0');
    std::uint32_t state = 1;
    for (auto& c : text) {
        state = state * 1664525U + 1013904223U;
        c = static_cast<char>(state >> 24U);
    }
    return text;
}

}  // namespace ftpsgate::test
