// A client leg under test with everything that its handlers reported.
#pragma once

#include "proxy/data/client_leg.hpp"
#include "tests/data/loopback.hpp"

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace ftpsgate::test {

struct client_leg_fixture : loopback {
    control_session control{server_context()};
    data::client_leg_settings settings;
    std::unique_ptr<data::client_leg> leg;
    std::unique_ptr<tls::stream> up;
    std::vector<data::leg_failure> failures;
    std::vector<data::leg_failure> intruders;
    std::string text;  // of the last failure or intruder
    int calls = 0;

    client_leg_fixture() {
        using namespace std::chrono_literals;
        settings.local = address("127.0.0.1");
        settings.peer = address("127.0.0.1");
        settings.connect_timeout = 5s;
        settings.handshake_timeout = 5s;
    }

    void protect() { settings.tls = control.options(tls::channel_kind::data); }

    void make() {
        data::client_leg::handlers handlers;
        handlers.on_up = [this](std::unique_ptr<tls::stream> stream) {
            up = std::move(stream);
            ++calls;
        };
        handlers.on_failed = [this](data::leg_failure kind, std::string why) {
            failures.push_back(kind);
            text = std::move(why);
            ++calls;
        };
        handlers.on_intruder = [this](data::leg_failure kind, std::string why) {
            intruders.push_back(kind);
            text = std::move(why);
        };
        leg = std::make_unique<data::client_leg>(io.get_executor(), pool, settings, std::move(handlers));
    }

    void listen() {
        make();
        if (leg->listen(*ports)) throw std::runtime_error("listen");
    }

    std::shared_ptr<peer> connect_tls(client_options const& options = {}) {
        auto one = connect(leg->port());
        one->start_tls(options);
        return one;
    }

    /// The session's own client: resumes what the control connection gave it.
    std::shared_ptr<peer> connect_own(client_options options = {}) {
        own_session = control.login(options);
        options.resume = own_session.get();
        return connect_tls(options);
    }

    bool run_until_called() {
        return run_until([&] { return calls > 0; });
    }

    bool up_is(peer& one) { return up && up->socket().remote_endpoint() == one.socket().local_endpoint(); }

    bssl::UniquePtr<SSL_SESSION> own_session;
};

}  // namespace ftpsgate::test
