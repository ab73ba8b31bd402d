// What the tests of peer_verifier share: a root, a server for lists and answers, a service, and verifications that are
// waited for.
#pragma once

#include "config/networks.hpp"
#include "policy/peer_verifier.hpp"
#include "tests/policy/chain_fixture.hpp"
#include "tests/policy/fetch_server.hpp"

#include <boost/asio/io_context.hpp>
#include <catch2/catch.hpp>

#include <chrono>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace ftpsgate::test {

using namespace std::chrono_literals;

inline policy::peer_verifier::deadline in(std::chrono::milliseconds time) {
    return std::chrono::steady_clock::now() + time;
}

inline std::string words_of(policy::verdict_ptr const& verdict) {
    std::string words = policy::to_string(verdict->reason);
    if (!verdict->detail.empty()) words += ": " + verdict->detail;
    for (auto const& one : verdict->fetches)
        words += " [" + one.url + " " + (one.usable ? "usable" : one.detail) + "]";
    return words;
}

/// Runs `io` until `done`; false: not within the patience.
template <typename Done>
bool run_until(boost::asio::io_context& io, Done const& done, std::chrono::milliseconds patience = 20s) {
    auto const end = std::chrono::steady_clock::now() + patience;
    io.restart();
    auto const keep = boost::asio::make_work_guard(io);
    while (!done() && std::chrono::steady_clock::now() < end)
        io.run_one_until(end);
    return done();
}

struct peer_bench {
    peer_bench() {
        settings.policy = config::certificate_policy::require;
        allow({"127.0.0.1"});
        serve("/crl", crl_request{});
    }

    void allow(std::vector<std::string> const& written) {
        settings.url_allow.clear();
        for (auto const& one : written)
            settings.url_allow.push_back(*config::parse_url_permission(one));
    }

    /// Below the root, with a CRL at /crl.
    identity issue(certificate_request request = {}) const {
        if (request.crl_points.empty()) request.crl_points = {{.urls = {server.url("/crl")}}};
        return make_certificate(request, root);
    }
    identity issue_plain(certificate_request const& request = {}) const { return make_certificate(request, root); }

    void serve(std::string const& path, crl_request const& list) { serve(path, list, root); }
    void serve(std::string const& path, crl_request const& list, identity const& signer) {
        server.serve(path, text_of(der_of(*make_crl(list, signer))));
    }
    /// An OCSP responder with the root's key that knows `who` only.
    void respond(std::string const& path, identity const& who, ocsp_single answer = {}) {
        answer.certificate = who.certificate.get();
        auto const response = make_ocsp_response({.answers = {answer}, .produced_at = hours_from_now(0)}, root, root);
        server.serve(path, text_of(response), "application/ocsp-response");
    }
    crl_request listing(identity const& who) const { return {.revoked = {{.serial = serial_of(*who.certificate)}}}; }

    /// As build_peer_verifier() makes them.
    std::shared_ptr<policy::peer_verifier const> verifier() const {
        auto of = std::make_shared<policy::peer_verifier::materials>();
        of->settings = settings;
        of->anchors = std::make_shared<policy::trust_anchors const>(list_of(trusted));
        of->lists = files;
        of->service = service;
        return std::make_shared<policy::peer_verifier const>(std::move(of));
    }

    static std::vector<std::string> chain_of(std::vector<identity const*> const& presented) {
        std::vector<std::string> chain;
        for (auto const* one : presented)
            chain.push_back(text_of(*one->certificate));
        return chain;
    }

    static policy::verdict_ptr verify(policy::peer_verifier const& by, std::vector<std::string> chain,
                                      std::chrono::milliseconds time = 20s) {
        boost::asio::io_context io;
        policy::verdict_ptr verdict;
        auto const under_way = by.verify(std::move(chain), in(time), io.get_executor(), [&](policy::verdict_ptr came) {
            CHECK_FALSE(verdict);
            verdict = std::move(came);
        });
        REQUIRE(run_until(io, [&] { return verdict != nullptr; }));
        CHECK((verdict->peer != nullptr) == (verdict->reason == policy::refusal::none));
        return verdict;
    }
    policy::verdict_ptr verify(std::vector<identity const*> const& presented,
                               std::chrono::milliseconds time = 20s) const {
        return verify(*verifier(), chain_of(presented), time);
    }
    policy::verdict_ptr verify(identity const& leaf) const { return verify({&leaf}); }

    policy::revocation_key list_key(std::string const& path) const {
        return {policy::revocation_key::kind::crl, server.url(path), policy::key_sha256_of(*root.certificate)};
    }
    /// Ends the pause after a fetch, good or bad (B-263).
    void forget(std::string const& path) const { service->cache().put_failure(list_key(path), {}, {}); }
    void forget_answer(std::string const& path, identity const& who) const {
        auto const question = policy::ocsp_question_id({*who.certificate, *root.certificate});
        service->cache().put_failure(
            {policy::revocation_key::kind::ocsp, question + server.url(path), policy::key_sha256_of(*root.certificate)},
            {}, {});
    }
    policy::crl_ptr held_list(std::string const& path) const { return service->cache().find_crl(list_key(path)); }

    fetch_server server;
    identity root = make_self_signed(authority_request("Root"));
    std::vector<identity const*> trusted{&root};
    config::client_certificate_settings settings;
    policy::crl_list files;
    std::shared_ptr<policy::verification_service> service = std::make_shared<policy::verification_service>(2);
};

}  // namespace ftpsgate::test
