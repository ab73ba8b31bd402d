// Two connected pairs with a relay between them: peer `from` -> source -> relay -> receiver -> peer `to`.
#pragma once

#include "proxy/data/relay.hpp"
#include "tests/data/loopback.hpp"

#include <memory>
#include <optional>
#include <stdexcept>
#include <string>

namespace ftpsgate::test {

enum class under_tls { neither, source, receiver };

struct relay_fixture : loopback {
    control_session control{server_context()};
    std::unique_ptr<tls::stream> source;
    std::unique_ptr<tls::stream> receiver;
    std::shared_ptr<peer> from;
    std::shared_ptr<peer> to;
    data::relay_settings settings;
    std::unique_ptr<data::relay> relay;
    std::optional<data::relay_outcome> outcome;
    int calls = 0;

    void connect(under_tls which, int buffer_size = 0, client_options const& options = {}) {
        from = make_pair(source, which == under_tls::source, buffer_size, options);
        to = make_pair(receiver, which == under_tls::receiver, buffer_size, options);
        settings.direction = which == under_tls::source ? data::relay_direction::upload : settings.direction;
    }

    void start() {
        relay = std::make_unique<data::relay>(*source, *receiver, pool, settings, [this](data::relay_outcome how) {
            outcome = how;
            ++calls;
        });
        relay->start();
    }

    bool run_until_done() {
        return run_until([&] { return calls > 0; });
    }

    /// The peer's clean end.
    void end_source() {
        if (source->secured())
            from->send_close_notify();
        else
            run_until([&] { return from->unsent() == 0; }), from->shutdown();
    }

private:
    std::shared_ptr<peer> make_pair(std::unique_ptr<tls::stream>& near, bool secure, int buffer_size,
                                    client_options const& options) {
        auto [near_socket, far_socket] = socket_pair(io, buffer_size);
        near = std::make_unique<tls::stream>(std::move(near_socket), pool);
        auto far = drive(std::make_shared<peer>(std::move(far_socket)));
        if (!secure) return far;
        far->start_tls(options);
        near->start_tls(control.options(tls::channel_kind::data));
        auto const gate_done = [&] { return near->handshake().status == tls::io_status::ok; };
        if (!run_until([&] { return gate_done() && far->is_secured(); })) throw std::runtime_error("handshake");
        return far;
    }
};

/// Bytes that differ everywhere, so that a lost, doubled or moved block shows.
inline std::string pattern(std::size_t size) {
    std::string made(size, '\0');
    std::uint32_t state = 0x12345678;
    for (char& one : made) {
        state = state * 1664525u + 1013904223u;
        one = static_cast<char>(state >> 24u);
    }
    return made;
}

}  // namespace ftpsgate::test
