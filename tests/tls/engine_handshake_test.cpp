// What the engine negotiates: versions, certificates, names, application protocols.
#include "tests/support/memory_client.hpp"
#include "tests/tls/gate_side.hpp"

#include <catch2/catch.hpp>

#include <utility>

using namespace ftpsgate;
using tls::failure_kind;
using tls::want;

namespace {

// A site with two certificates, and what choose_context was asked.
struct two_certificates : test::gate_side {
    two_certificates() {
        site.push_back(test::make_server_context(root.issue({.key = test::key_kind::ecdsa_p256})));
        site.push_back(test::make_server_context(root.issue({.key = test::key_kind::rsa_2048})));
        for (auto const& each : site)
            tls::prepare_context(each.get());
    }

    tls::engine engine_of(std::vector<bssl::UniquePtr<SSL_CTX>> const& contexts) {
        auto made = options();
        made.context = site.front().get();
        made.choose_context = [this, &contexts](std::string_view name) {
            asked = name;
            return tls::site_choice{contexts};
        };
        return tls::engine(std::move(made), pool);
    }

    test::test_authority root;
    std::vector<bssl::UniquePtr<SSL_CTX>> site;
    std::string asked = "(not called)";
};

}  // namespace

TEST_CASE("engine: TLS 1.2 and 1.3 with ECDSA and RSA", "[tls][engine]") {
    auto const [version, name] = GENERATE(table<std::uint16_t, char const*>(
        {{std::uint16_t{TLS1_2_VERSION}, "TLSv1.2"}, {std::uint16_t{TLS1_3_VERSION}, "TLSv1.3"}}));
    auto const [key, kind] = GENERATE(table<test::key_kind, int>(
        {{test::key_kind::ecdsa_p256, EVP_PKEY_EC}, {test::key_kind::rsa_2048, EVP_PKEY_RSA}}));
    test::gate_side side(key);
    test::memory_client client({.minimum_version = version, .maximum_version = version});
    auto gate = side.engine();
    REQUIRE(client.handshake(gate) == want::nothing);
    CHECK(client.certificate_kind() == kind);
    auto const facts = gate.facts();
    CHECK(facts.version == name);
    CHECK(facts.cipher.starts_with("TLS_"));
    CHECK(facts.application.empty());
    CHECK(facts.server_name.empty());
    CHECK_FALSE(facts.resumed);
}

TEST_CASE("engine: a client without a version in common is refused with protocol_version (A-010)", "[tls][engine]") {
    test::gate_side side;
    test::memory_client client({.minimum_version = TLS1_VERSION, .maximum_version = TLS1_1_VERSION});
    auto gate = side.engine();
    CHECK(client.handshake(gate) == want::failed);
    CHECK(gate.why().kind == failure_kind::no_shared_version);
    CHECK(client.alert() == SSL_AD_PROTOCOL_VERSION);
    CHECK_FALSE(gate.established());
}

TEST_CASE("engine: a client without a cipher in common is refused with handshake_failure", "[tls][engine]") {
    test::gate_side side;
    SSL_CTX_set_strict_cipher_list(side.context.get(), "ECDHE-ECDSA-AES128-GCM-SHA256");
    test::memory_client client({.maximum_version = TLS1_2_VERSION, .ciphers = "ECDHE-RSA-AES128-GCM-SHA256"});
    auto gate = side.engine();
    CHECK(client.handshake(gate) == want::failed);
    CHECK(gate.why().kind == failure_kind::no_shared_cipher);
    CHECK(client.alert() == SSL_AD_HANDSHAKE_FAILURE);
}

TEST_CASE("engine: the alert of a client that does not trust the certificate is a peer alert", "[tls][engine]") {
    test::gate_side side;
    test::memory_client client;
    SSL_set_verify(client.ssl(), SSL_VERIFY_PEER, nullptr);
    auto gate = side.engine();
    CHECK(client.handshake(gate) == want::failed);
    CHECK(gate.why().kind == failure_kind::peer_alert);
}

TEST_CASE("engine: of two certificates the first that the client can verify is used", "[tls][engine]") {
    two_certificates side;
    struct row {
        char const* name;
        test::client_options client;
        int kind;
    };
    auto const schemes = [](auto... each) { return std::vector<std::uint16_t>{static_cast<std::uint16_t>(each)...}; };
    auto const table = std::vector<row>{
        {"1.3 with both", {.minimum_version = TLS1_3_VERSION}, EVP_PKEY_EC},
        {"1.2 with both", {.maximum_version = TLS1_2_VERSION}, EVP_PKEY_EC},
        {"1.3 with RSA schemes only",
         {.minimum_version = TLS1_3_VERSION, .verify_schemes = schemes(SSL_SIGN_RSA_PSS_RSAE_SHA256)},
         EVP_PKEY_RSA},
        {"1.3 with another curve's scheme",
         {.minimum_version = TLS1_3_VERSION,
          .verify_schemes = schemes(SSL_SIGN_ECDSA_SECP384R1_SHA384, SSL_SIGN_RSA_PSS_RSAE_SHA256)},
         EVP_PKEY_RSA},
        {"1.2 with RSA schemes only",
         {.maximum_version = TLS1_2_VERSION, .verify_schemes = schemes(SSL_SIGN_RSA_PKCS1_SHA256)},
         EVP_PKEY_RSA},
        {"1.2 with RSA suites only",
         {.maximum_version = TLS1_2_VERSION, .ciphers = "ECDHE-RSA-AES128-GCM-SHA256"},
         EVP_PKEY_RSA},
        {"both versions with RSA suites only", {.ciphers = "ECDHE-RSA-AES128-GCM-SHA256"}, EVP_PKEY_EC},
    };
    for (auto const& each : table) {
        CAPTURE(each.name);
        test::memory_client client(each.client);
        auto gate = side.engine_of(side.site);
        REQUIRE(client.handshake(gate) == want::nothing);
        CHECK(client.certificate_kind() == each.kind);
    }
}

TEST_CASE("engine: the chosen context brings its own versions", "[tls][engine]") {
    two_certificates side;
    for (auto const& each : side.site)
        SSL_CTX_set_min_proto_version(each.get(), TLS1_3_VERSION);
    auto options = side.options();
    options.choose_context = [&](std::string_view) { return tls::site_choice{side.site}; };
    tls::engine gate(options, side.pool);  // from a context that allows TLS 1.2
    test::memory_client client({.maximum_version = TLS1_2_VERSION});
    CHECK(client.handshake(gate) == want::failed);
    CHECK(gate.why().kind == failure_kind::no_shared_version);
}

TEST_CASE("engine: the name of the ClientHello chooses the site, in lower case and without dot (A-016)",
          "[tls][engine]") {
    auto const [sent, asked] = GENERATE(table<std::string, std::string>({{"", ""},
                                                                         {"ftp.example", "ftp.example"},
                                                                         {"FTP.EXAMPLE.", "ftp.example"},
                                                                         {"192.0.2.1", ""},
                                                                         {"2001:db8::1", ""}}));
    CAPTURE(sent);
    two_certificates side;
    test::memory_client client({.server_name = sent});
    auto gate = side.engine_of(side.site);
    REQUIRE(client.handshake(gate) == want::nothing);
    CHECK(side.asked == asked);
    CHECK(gate.facts().server_name == asked);
}

TEST_CASE("engine: a name that is no host name is refused with unrecognized_name (A-016)", "[tls][engine]") {
    auto const name = GENERATE(as<std::string>(), "a b", "a\r\nUSER x", "\xc3\xbc.example", std::string(254, 'a'));
    auto const version = GENERATE(as<std::uint16_t>(), TLS1_2_VERSION, TLS1_3_VERSION);
    two_certificates side;
    test::memory_client client({.maximum_version = version, .server_name = name});
    auto gate = side.engine_of(side.site);
    CHECK(client.handshake(gate) == want::failed);
    CHECK(gate.why().kind == failure_kind::unusable_name);
    CHECK(client.alert() == SSL_AD_UNRECOGNIZED_NAME);
    CHECK(side.asked == "(not called)");
}

TEST_CASE("engine: a name without a site is refused with unrecognized_name (B-043)", "[tls][engine]") {
    two_certificates side;
    std::vector<bssl::UniquePtr<SSL_CTX>> const none;
    test::memory_client client({.server_name = "other.example"});
    auto gate = side.engine_of(none);
    CHECK(client.handshake(gate) == want::failed);
    CHECK(gate.why().kind == failure_kind::unusable_name);
    CHECK(client.alert() == SSL_AD_UNRECOGNIZED_NAME);
    CHECK(side.asked == "other.example");
}

TEST_CASE("engine: of the offered application protocols only those of FTP are taken (B-044, A-012)", "[tls][engine]") {
    struct row {
        tls::channel_kind channel;
        std::vector<std::string> offered;
        std::string chosen;
    };
    auto const [channel, offered, chosen] =
        GENERATE(values<row>({{tls::channel_kind::control, {"ftp"}, "ftp"},
                              {tls::channel_kind::control, {"http/1.1", "ftp"}, "ftp"},
                              {tls::channel_kind::control, {"x-filezilla-ftp", "ftp"}, "ftp"},
                              {tls::channel_kind::data, {"ftp-data"}, "ftp-data"},
                              {tls::channel_kind::data, {"ftp", "ftp-data"}, "ftp-data"},
                              {tls::channel_kind::data, {"ftp"}, "ftp"},
                              {tls::channel_kind::data, {}, ""},
                              {tls::channel_kind::control, {}, ""}}));
    test::gate_side side;
    test::memory_client client({.applications = offered});
    auto gate = side.engine(channel);
    REQUIRE(client.handshake(gate) == want::nothing);
    CHECK(gate.facts().application == chosen);
}

TEST_CASE("engine: application protocols without FTP are refused (B-044, A-011, A-012)", "[tls][engine]") {
    auto const channel = GENERATE(tls::channel_kind::control, tls::channel_kind::data);
    auto const version = GENERATE(as<std::uint16_t>(), TLS1_2_VERSION, TLS1_3_VERSION);
    auto const offered = GENERATE(as<std::vector<std::string>>(), std::vector<std::string>{"http/1.1"},
                                  std::vector<std::string>{"h2", "http/1.1"},
                                  std::vector<std::string>{"x-filezilla-ftp"}, std::vector<std::string>{"ftpx", "ft"});
    test::gate_side side;
    test::memory_client client({.maximum_version = version, .applications = offered});
    auto gate = side.engine(channel);
    CHECK(client.handshake(gate) == want::failed);
    CHECK(gate.why().kind == failure_kind::no_application_protocol);
    CHECK(client.alert() == SSL_AD_NO_APPLICATION_PROTOCOL);
}

TEST_CASE("engine: ftp-data is not for the control connection", "[tls][engine]") {
    test::gate_side side;
    test::memory_client client({.applications = {"ftp-data"}});
    auto gate = side.engine(tls::channel_kind::control);
    CHECK(client.handshake(gate) == want::failed);
    CHECK(gate.why().kind == failure_kind::no_application_protocol);
}
