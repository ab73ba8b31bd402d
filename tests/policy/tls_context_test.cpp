// What a built context does, seen by a client.
#include "policy/tls_context.hpp"

#include "tests/support/memory_client.hpp"
#include "tests/support/test_pki.hpp"

#include <catch2/catch.hpp>

#include <algorithm>

using namespace ftpsgate;
using policy::build_tls_context;
using policy::tls_context;
using tls::want;

namespace {

struct site_files {
    /// Adds a certificate to the settings; its chain is the leaf alone or with the intermediate.
    test::identity add(test::leaf_request const& request, std::string const& behind = "") {
        auto who = root.issue(request);
        add_files(who.certificate_pem() + behind, who.key_pem());
        return who;
    }
    void add_files(std::string const& certificate, std::string const& key) {
        auto const number = std::to_string(settings.certificate.size());
        settings.certificate.push_back({folder.write("cert" + number, certificate), {}});
        settings.private_key.push_back({folder.write("key" + number, key), {}});
    }
    tls_context build() {
        auto built = build_tls_context(settings, "ftp");
        for (auto const& fault : built.faults)
            UNSCOPED_INFO(fault.key << ": " << fault.message);
        REQUIRE(built.faults.empty());
        for (auto const& each : built.contexts)
            tls::prepare_context(each.get());
        return built;
    }

    test::temporary_folder folder;
    test::test_authority root;
    config::tls_settings settings;
};

struct connection {
    connection(tls_context const& built, test::client_options const& options, tls::session_binding const& binding = {})
        : client(options), gate(server(built, binding), pool) {
        outcome = client.handshake(gate);
    }
    static tls::server_options server(tls_context const& built, tls::session_binding const& binding) {
        tls::server_options made;
        made.context = built.contexts.front().get();
        made.binding = &binding;
        made.choose_context = [&built](std::string_view) { return tls::site_choice{built.contexts}; };
        return made;
    }

    tls::buffer_pool pool;
    test::memory_client client;
    tls::engine gate;
    want outcome{};
};

std::string cipher(tls_context const& built, test::client_options const& options) {
    connection both(built, options);
    return both.outcome == want::nothing ? both.gate.facts().cipher : tls::to_string(both.gate.why().kind);
}

test::client_options tls12(std::string ciphers = "") {
    return {.maximum_version = TLS1_2_VERSION, .ciphers = std::move(ciphers)};
}

std::size_t chain_length(test::memory_client& client) {
    return sk_X509_num(SSL_get_peer_cert_chain(client.ssl()));
}

}  // namespace

TEST_CASE("tls_context: a site without certificates has no context (B-035)", "[policy][tls_context]") {
    auto const built = build_tls_context({}, "ftp");
    CHECK(built.contexts.empty());
    CHECK(built.faults.empty());
    CHECK(built.certificate_id.empty());
}

TEST_CASE("tls_context: TLS 1.2 and 1.3 only (B-045, A-010)", "[policy][tls_context]") {
    site_files site;
    site.add({});
    auto const built = site.build();
    CHECK(connection(built, {.minimum_version = TLS1_3_VERSION}).outcome == want::nothing);
    CHECK(connection(built, tls12()).outcome == want::nothing);
    connection old(built, {.minimum_version = TLS1_VERSION, .maximum_version = TLS1_1_VERSION});
    CHECK(old.outcome == want::failed);
    CHECK(old.gate.why().kind == tls::failure_kind::no_shared_version);
}

TEST_CASE("tls_context: the minimum version can be TLS 1.3", "[policy][tls_context]") {
    site_files site;
    site.add({});
    site.settings.minimum_version = config::tls_version::tls1_3;
    auto const built = site.build();
    CHECK(connection(built, {}).outcome == want::nothing);
    connection old(built, tls12());
    CHECK(old.outcome == want::failed);
    CHECK(old.gate.why().kind == tls::failure_kind::no_shared_version);
}

TEST_CASE("tls_context: under TLS 1.2 only ECDHE with AEAD (A-010)", "[policy][tls_context]") {
    site_files site;
    auto const key = GENERATE(test::key_kind::ecdsa_p256, test::key_kind::rsa_2048);
    site.add({.key = key});
    auto const built = site.build();
    std::string const kind = key == test::key_kind::rsa_2048 ? "RSA" : "ECDSA";
    for (char const* const suite : {"AES128-GCM-SHA256", "AES256-GCM-SHA384", "CHACHA20-POLY1305"}) {
        CAPTURE(suite);
        CHECK(cipher(built, tls12("ECDHE-" + kind + "-" + suite)).starts_with("TLS_ECDHE_" + kind));
    }
    for (auto const& weak : {"ECDHE-" + kind + "-AES128-SHA", std::string("AES128-GCM-SHA256"),
                             std::string("AES128-SHA"), std::string("DES-CBC3-SHA")}) {
        CAPTURE(weak);
        CHECK(cipher(built, tls12(weak)) == "no_shared_cipher");
    }
}

TEST_CASE("tls_context: the gate's order of ciphers counts, by what the processor does well", "[policy][tls_context]") {
    site_files site;
    site.add({});
    auto const built = site.build();
    auto const chosen = cipher(
        built, tls12("ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-ECDSA-AES128-GCM-SHA256"));
    CHECK(chosen == (EVP_has_aes_hardware() ? "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256"
                                            : "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256"));
}

TEST_CASE("tls_context: key exchange on X25519, P-256 and P-384 only", "[policy][tls_context]") {
    site_files site;
    site.add({});
    auto const built = site.build();
    auto const outcome = [&](char const* curve) {
        test::memory_client client;
        SSL_set1_curves_list(client.ssl(), curve);
        tls::buffer_pool pool;
        tls::session_binding const binding;
        tls::engine gate(connection::server(built, binding), pool);
        return client.handshake(gate);
    };
    for (auto const* curve : {"X25519", "P-256", "P-384"})
        CHECK(outcome(curve) == want::nothing);
    CHECK(outcome("P-521") == want::failed);
}

TEST_CASE("tls_context: ECDSA and RSA side by side, whichever is named first", "[policy][tls_context]") {
    site_files site;
    bool const rsa_first = GENERATE(false, true);
    site.add({.key = rsa_first ? test::key_kind::rsa_2048 : test::key_kind::ecdsa_p256});
    site.add({.key = rsa_first ? test::key_kind::ecdsa_p256 : test::key_kind::rsa_2048});
    auto const built = site.build();
    REQUIRE(built.contexts.size() == 2);
    CHECK(connection(built, {}).client.certificate_kind() == EVP_PKEY_EC);
    CHECK(connection(built, tls12("ECDHE-RSA-AES128-GCM-SHA256")).client.certificate_kind() == EVP_PKEY_RSA);
}

TEST_CASE("tls_context: the intermediates of the file are sent behind the leaf", "[policy][tls_context]") {
    site_files site;
    auto const middle = site.root.intermediate("Test Intermediate");
    auto const leaf = middle.issue({});
    site.add_files(leaf.certificate_pem() + middle.certificate_pem(), leaf.key_pem());
    auto const built = site.build();
    connection both(built, {});
    REQUIRE(both.outcome == want::nothing);
    CHECK(chain_length(both.client) == 2);
}

TEST_CASE("tls_context: certificate and key may be one file", "[policy][tls_context]") {
    site_files site;
    bool const key_first = GENERATE(false, true);
    auto const leaf = site.root.issue({});
    auto const file = site.folder.write(
        "both", key_first ? leaf.key_pem() + leaf.certificate_pem() : leaf.certificate_pem() + leaf.key_pem());
    site.settings.certificate.push_back({file, {}});
    site.settings.private_key.push_back({file, {}});
    auto const built = site.build();
    connection both(built, {});
    CHECK(both.outcome == want::nothing);
    CHECK(chain_length(both.client) == 1);
}

TEST_CASE("tls_context: not_after is the earliest of all certificates", "[policy][tls_context]") {
    site_files site;
    site.add({.days_left = 90});
    site.add({.key = test::key_kind::rsa_2048, .days_left = 20});
    auto const left = site.build().not_after - std::chrono::system_clock::now();
    CHECK(left > std::chrono::hours(24 * 19));
    CHECK(left <= std::chrono::hours(24 * 20));
}

TEST_CASE("tls_context: an expired certificate is served, its end is in the past", "[policy][tls_context]") {
    site_files site;
    site.add({.days_left = -2});
    CHECK(site.build().not_after < std::chrono::system_clock::now());
}

TEST_CASE("tls_context: the id tells sets of certificates apart, whatever their order (B-085)",
          "[policy][tls_context]") {
    site_files one, other;
    one.add({.key = test::key_kind::ecdsa_p256});
    one.add({.key = test::key_kind::ecdsa_p256});
    auto const id = one.build().certificate_id;
    CHECK_FALSE(id.empty());
    std::swap(one.settings.certificate[0], one.settings.certificate[1]);
    std::swap(one.settings.private_key[0], one.settings.private_key[1]);
    CHECK(one.build().certificate_id == id);
    other.add({});
    CHECK(other.build().certificate_id != id);
}

TEST_CASE("tls_context: sessions and tickets live for seven days (B-162)", "[policy][tls_context]") {
    auto const version = GENERATE(as<std::uint16_t>(), TLS1_2_VERSION, TLS1_3_VERSION);
    site_files site;
    site.add({});
    auto const built = site.build();
    connection both(built, {.minimum_version = version, .maximum_version = version});
    REQUIRE(both.outcome == want::nothing);
    both.gate.close();
    both.client.exchange(both.gate);
    both.client.read();
    REQUIRE_FALSE(both.client.sessions().empty());
    auto const* const session = both.client.sessions().front().get();
    auto const lifetime =
        version == TLS1_2_VERSION ? SSL_SESSION_get_ticket_lifetime_hint(session) : SSL_SESSION_get_timeout(session);
    CHECK(lifetime == 7 * 24 * 60 * 60);
    CHECK_FALSE(SSL_SESSION_early_data_capable(session));
}

TEST_CASE("tls_context: a reload costs no live session its tickets (A-068)", "[policy][tls_context]") {
    auto const version = GENERATE(as<std::uint16_t>(), TLS1_2_VERSION, TLS1_3_VERSION);
    site_files site;
    site.add({});
    auto const before = site.build();
    auto const after = site.build();
    tls::session_binding const binding, stranger;
    connection first(before, {.minimum_version = version, .maximum_version = version}, binding);
    first.gate.close();
    first.client.exchange(first.gate);
    first.client.read();
    REQUIRE_FALSE(first.client.sessions().empty());
    test::client_options const again{
        .minimum_version = version, .maximum_version = version, .resume = first.client.sessions().front().get()};
    CHECK(connection(after, again, binding).client.resumed());
    CHECK_FALSE(connection(after, again, stranger).client.resumed());
}

TEST_CASE("tls_context: the cache of session ids is bounded (A-067)", "[policy][tls_context]") {
    site_files site;
    site.add({});
    auto const built = site.build();
    CHECK(SSL_CTX_sess_get_cache_size(built.contexts.front().get()) == 20000);
    auto const mode = SSL_CTX_get_session_cache_mode(built.contexts.front().get());
    CHECK(mode == SSL_SESS_CACHE_SERVER);
}

TEST_CASE("tls_context: no client certificate is asked for", "[policy][tls_context]") {
    site_files site;
    site.add({});
    auto const built = site.build();
    CHECK(SSL_CTX_get_verify_mode(built.contexts.front().get()) == SSL_VERIFY_NONE);
}

TEST_CASE("tls_context: what client certificates may sign with (B-273)", "[policy][tls_context]") {
    auto const version = GENERATE(as<std::uint16_t>(), TLS1_2_VERSION, TLS1_3_VERSION);
    auto const key = GENERATE(test::key_kind::ecdsa_p256, test::key_kind::ecdsa_p384, test::key_kind::ecdsa_p521,
                              test::key_kind::rsa_2048, test::key_kind::ed25519);
    site_files site;
    site.add({});
    auto const built = site.build();
    auto const who = site.root.issue({.key = key});
    tls::buffer_pool pool;
    tls::session_binding const binding;
    auto options = connection::server(built, binding);
    options.choose_context = [&built](std::string_view) {
        return tls::site_choice{built.contexts, tls::certificate_request::required};
    };
    tls::engine gate(options, pool);
    test::memory_client client(
        {.minimum_version = version,
         .maximum_version = version,
         .who = &who,
         .sign_schemes = {SSL_SIGN_ED25519, SSL_SIGN_ECDSA_SECP256R1_SHA256, SSL_SIGN_ECDSA_SECP384R1_SHA384,
                          SSL_SIGN_ECDSA_SECP521R1_SHA512, SSL_SIGN_RSA_PSS_RSAE_SHA256}});
    CHECK(client.handshake_accepted(gate) == want::nothing);
    auto const& asked = client.schemes_asked();
    CHECK(asked.size() == 10);
    for (auto const weak : {SSL_SIGN_RSA_PKCS1_SHA1, SSL_SIGN_ECDSA_SHA1, SSL_SIGN_RSA_PKCS1_MD5_SHA1})
        CHECK(std::count(asked.begin(), asked.end(), weak) == 0);
}

TEST_CASE("tls_context: the OCSP response goes with the certificate that it tells of", "[policy][tls_context]") {
    site_files site;
    auto const ecdsa = site.add({});
    site.add({.key = test::key_kind::rsa_2048});
    // Enough of a response for the gate: a sequence with the serial number in it.
    std::uint8_t* der = nullptr;
    int const size = i2d_ASN1_INTEGER(X509_get_serialNumber(ecdsa.certificate.get()), &der);
    std::string const serial(reinterpret_cast<char const*>(der), static_cast<std::size_t>(size));
    OPENSSL_free(der);
    std::string const response = std::string{0x30, static_cast<char>(serial.size())} + serial;
    site.settings.ocsp_staple_file = config::file_path{site.folder.write("staple", response), {}};
    auto const built = site.build();
    auto const stapled = [&](test::client_options const& options) {
        test::memory_client client(options);
        SSL_enable_ocsp_stapling(client.ssl());
        tls::buffer_pool pool;
        tls::session_binding const binding;
        tls::engine gate(connection::server(built, binding), pool);
        REQUIRE(client.handshake(gate) == want::nothing);
        std::uint8_t const* data = nullptr;
        std::size_t length = 0;
        SSL_get0_ocsp_response(client.ssl(), &data, &length);
        return std::string(reinterpret_cast<char const*>(data), length);
    };
    CHECK(stapled({}) == response);
    CHECK(stapled(tls12("ECDHE-RSA-AES128-GCM-SHA256")).empty());
}
