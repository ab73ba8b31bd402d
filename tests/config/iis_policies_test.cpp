// import-iis, TLS and logins: in every combination `check` accepts what comes out, and nobody gets in whom IIS keeps
// out.
#include "tests/config/iis_support.hpp"

#include <catch2/catch.hpp>

#include <bit>

using namespace ftpsgate::config;
using Catch::Contains;

namespace {

lines const nothing;

struct switches {
    bool hash = true, anonymous = false, basic = true, certificate = false, custom = false, mapping = false;
};

std::string enabled(char const* element, bool value) {
    return std::string("<") + element + " enabled='" + (value ? "true" : "false") + "'/>";
}

imported policies(int control, int data, int clients, switches const& on, std::string const& binding = "*:21:") {
    auto const number = [](int value) { return "='" + std::to_string(value) + "' "; };
    return imported(in_sites(
        "<site name='ftp.example.com'><bindings><binding protocol='ftp' bindingInformation='" + binding +
        "'/></bindings><ftpServer><security><ssl controlChannelPolicy" + number(control) + "dataChannelPolicy" +
        number(data) + (on.hash ? "serverCertHash='57'" : "") + "/><sslClientCertificates clientCertificatePolicy" +
        number(clients) + "useActiveDirectoryMapping='" + (on.mapping ? "true" : "false") + "'/><authentication>" +
        enabled("anonymousAuthentication", on.anonymous) + enabled("basicAuthentication", on.basic) +
        enabled("clientCertAuthentication", on.certificate) +
        (on.custom ? "<customAuthentication><providers><add name='x'/></providers></customAuthentication>" : "") +
        "</authentication></security></ftpServer></site>"));
}

constexpr int allow = 0, require = 1, credentials_only = 2, deny = 2;  // channels
constexpr int cert_ignore = 0, cert_allow = 1, cert_require = 2;       // clients

}  // namespace

TEST_CASE("iis: check accepts every combination of policies and logins", "[config][iis]") {
    for (unsigned bits = 0; bits < 64; ++bits) {
        auto const bit = [&](unsigned at) { return (bits >> at & 1U) != 0; };
        switches const on{bit(0), bit(1), bit(2), bit(3), bit(4), bit(5)};
        for (int row = 0; row < 27; ++row) {
            int const control = row / 9, data = row / 3 % 3, clients = row % 3;
            auto const done = policies(control, data, clients, on, bits % 2 == 0 ? "*:21:" : "*:990:");
            CAPTURE(bits, control, data, clients, done.from.toml);
            REQUIRE(done.faults == nothing);
            auto const& one = done.site();
            // Nobody is asked less than IIS asked.
            if (control == require) REQUIRE(one.ssl.control_channel_policy == control_policy::require);
            if (data == require) REQUIRE(one.ssl.data_channel_policy == data_policy::require);
            REQUIRE(static_cast<int>(one.client_certificates.policy) == clients);
            // Only who could log in to IIS with a password can here, unless IIS let nobody in, which is said.
            bool const passwords = on.anonymous || on.basic || on.custom;
            if (!passwords && one.authentication.basic) {
                auto const& said = done.left_out;
                auto const tells = [](std::string const& line) { return line.find("nobody log in") != line.npos; };
                REQUIRE(std::any_of(said.begin(), said.end(), tells));
            }
            if (!on.certificate) REQUIRE_FALSE(one.authentication.client_certificate);
        }
    }
}

TEST_CASE("iis: without serverCertHash", "[config][iis]") {
    auto const plain = policies(allow, allow, cert_ignore, {.hash = false});
    CHECK(plain.site().ssl.certificate.empty());
    CHECK(plain.left_out == nothing);
    auto const denied = policies(allow, deny, cert_ignore, {.hash = false});
    CHECK(denied.site().ssl.certificate.empty());
    CHECK(denied.left_out == nothing);
    for (auto const& refused : {policies(require, require, cert_ignore, {.hash = false}),
                                policies(allow, require, cert_ignore, {.hash = false}),
                                policies(credentials_only, allow, cert_ignore, {.hash = false}),
                                policies(allow, allow, cert_ignore, {.hash = false}, "*:990:")}) {
        CHECK(refused.site().ssl.certificate.size() == 1);
        REQUIRE(refused.left_out.size() == 1);
        CHECK_THAT(refused.left_out[0], Contains("there is no serverCertHash"));
    }
}

TEST_CASE("iis: CertRequire with SslAllow asks for TLS", "[config][iis]") {
    auto const done = policies(allow, allow, cert_require, {});
    CHECK(done.site().ssl.control_channel_policy == control_policy::require);
    CHECK(done.site().ssl.data_channel_policy == data_policy::allow);
    REQUIRE(done.left_out.size() == 1);
    CHECK_THAT(done.left_out[0], Contains("SslAllow together with CertRequire"));
}

TEST_CASE("iis: certificates that log in need mapping, and the directory is to be filled in", "[config][iis]") {
    auto const done = policies(require, require, cert_require, {.basic = false, .certificate = true, .mapping = true});
    CHECK(done.faults == nothing);
    auto const& one = done.site();
    CHECK_FALSE(one.authentication.basic);
    CHECK(one.authentication.client_certificate);
    CHECK(one.active_directory.enabled);
    CHECK(done.left_out.size() == 1);

    // Mapped, but not used to log in.
    auto const found = policies(require, require, cert_require, {.mapping = true});
    CHECK(found.site().active_directory.enabled);
    CHECK_FALSE(found.site().authentication.client_certificate);
    CHECK(found.site().authentication.basic);
}

TEST_CASE("iis: certificates only, without mapping: a rule that nobody matches until it is filled in",
          "[config][iis]") {
    auto const done = policies(require, require, cert_require, {.basic = false, .certificate = true});
    auto const& one = done.site();
    CHECK_FALSE(one.authentication.basic);
    CHECK(one.authentication.client_certificate);
    REQUIRE(one.identity.size() == 1);
    CHECK(one.identity[0].subject->text == "CN=fill-in");
    CHECK(done.left_out.size() == 1);
    // With passwords the mapping is just without effect, as in IIS.
    auto const both = policies(require, require, cert_require, {.certificate = true});
    CHECK(both.site().authentication.basic);
    CHECK_FALSE(both.site().authentication.client_certificate);
    CHECK(both.site().identity.empty());
}

TEST_CASE("iis: anonymous alone is said to let in everybody whom the backend knows", "[config][iis]") {
    auto const done = policies(require, require, cert_ignore, {.anonymous = true, .basic = false});
    CHECK(done.site().authentication.basic);
    REQUIRE(done.left_out.size() == 1);
    CHECK_THAT(done.left_out[0], Contains("only anonymous may log in"));
    CHECK(policies(require, require, cert_ignore, {.anonymous = true}).left_out == nothing);
}
