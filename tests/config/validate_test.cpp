#include "config/validate.hpp"

#include "tests/config/scratch.hpp"

#include <catch2/catch.hpp>

using namespace ftpsgate::config;

namespace {

/// One site without [site.ssl]: name, listen and backend on lines 1 to 4, `more` from line 5 on.
std::string without_certificate(std::string const& more, std::string const& tls = "explicit") {
    return "[[site]]\nname = 'a'\nlisten = [ { address = 'a:0', tls = '" + tls + "' } ]\nbackend.servers = ['b:21']\n" +
           more;
}

constexpr char no_login[] =
    "site[0].ssl.control_channel_policy: nobody could ever log in: the site has no certificate, but requires TLS (set "
    "certificate and private_key; plain FTP only with control_channel_policy = \"allow\" and data_channel_policy = "
    "\"allow\")";
constexpr char no_transfer[] =
    "site[0].ssl.data_channel_policy: nothing could ever be transferred: the site has no certificate, but requires "
    "protected data (set certificate and private_key, or data_channel_policy = \"allow\")";

}  // namespace

TEST_CASE("validate: without a certificate TLS must not be required", "[config][validate]") {
    std::string const at_site = "t.toml:1:1: error: ";
    CHECK(loaded(without_certificate("")).faults == lines{at_site + no_login});
    CHECK(loaded(without_certificate("[site.ssl]\ncontrol_channel_policy = 'require'\n")).faults ==
          lines{std::string("t.toml:6:26: error: ") + no_login});
    CHECK(loaded(without_certificate("ssl.control_channel_policy = 'require-credentials-only'\n")).faults ==
          lines{std::string("t.toml:5:30: error: ") + no_login});
    CHECK(loaded(without_certificate("[site.ssl]\ncontrol_channel_policy = 'allow'\n")).faults ==
          lines{std::string("t.toml:5:1: error: ") + no_transfer});
    auto const data = GENERATE("allow", "deny");
    CHECK(loaded(without_certificate("ssl.control_channel_policy = 'allow'\nssl.data_channel_policy = '" +
                                     std::string(data) + "'\n"))
              .faults == lines{});
}

TEST_CASE("validate: an implicit listener needs a certificate", "[config][validate]") {
    std::string const fault =
        "site[0].listen[0].tls: implicit TLS needs a certificate (set certificate and private_key in [site.ssl])";
    CHECK(loaded(without_certificate("", "implicit")).faults == lines{"t.toml:3:37: error: " + fault});
    CHECK(loaded(without_certificate("ssl.control_channel_policy = 'allow'\nssl.data_channel_policy = 'allow'\n",
                                     "implicit"))
              .faults == lines{"t.toml:3:37: error: " + fault});
}

TEST_CASE("validate: a certificate that could not be read is not missed as well", "[config][validate]") {
    auto const faults = loaded(without_certificate("ssl.certificate = 'none.pem'\n", "implicit")).faults;
    REQUIRE(faults.size() == 1);
    CHECK(faults[0].find("cannot read") != std::string::npos);
    CHECK(loaded(without_certificate("ssl.certificat = 'server.pem'\nssl.private_key = 'server.key'\n")).faults ==
          lines{"t.toml:5:5: error: site[0].ssl.certificat: unknown key (did you mean \"certificate\"?)"});
}

TEST_CASE("validate: as many private keys as certificates", "[config][validate]") {
    std::string const message = "private keys and certificates must be as many: ";
    std::string const hint = " (the n-th private key belongs to the n-th certificate)";
    auto const [ssl, where, count] = GENERATE(table<char const*, char const*, char const*>({
        {"ssl.certificate = 'server.pem'", "t.toml:5:19: error: site[0].ssl.certificate: ", "0 for 1 certificates"},
        {"ssl.certificate = ['server.pem', 'second.pem']\nssl.private_key = 'server.key'",
         "t.toml:6:19: error: site[0].ssl.private_key: ", "1 for 2 certificates"},
        {"ssl.certificate = 'server.pem'\nssl.private_key = ['server.key', 'second.key']",
         "t.toml:6:19: error: site[0].ssl.private_key: ", "2 for 1 certificates"},
    }));
    CHECK(loaded(without_certificate(ssl)).faults == lines{where + message + count + hint});
}

TEST_CASE("validate: an OCSP response needs its certificate", "[config][validate]") {
    CHECK(loaded(without_certificate("ssl.control_channel_policy = 'allow'\nssl.data_channel_policy = 'allow'\n"
                                     "ssl.ocsp_staple_file = 'second.pem'\n"))
              .faults == lines{"t.toml:7:24: error: site[0].ssl.ocsp_staple_file: there is no certificate that the "
                               "OCSP response could belong to"});
}

TEST_CASE("validate: a verb is not both denied and allowed", "[config][validate]") {
    CHECK(loaded(std::string(smallest_site) + "[site.commands]\ndeny = ['dele', 'site']\nallow = ['RETR', 'SITE']\n")
              .faults == lines{"t.toml:9:17: error: site[0].commands.deny[1]: \"SITE\" is both denied and allowed"});
}

TEST_CASE("validate: two sites of one name are one fault, on one address or not", "[config][validate]") {
    auto const site = [](std::string const& address) {
        return "[[site]]\nname = 'a'\nlisten = [ { address = '" + address +
               "' } ]\nbackend.servers = ['b:21']\n"
               "ssl = { certificate = 'server.pem', private_key = 'server.key' }\n";
    };
    auto const second = GENERATE("127.0.0.1:2121", "127.0.0.1:2122");
    CHECK(loaded(site("127.0.0.1:2121") + site(second)).faults ==
          lines{"t.toml:7:8: error: site[1].name: another site has the name \"a\""});
}

TEST_CASE("validate: faults of both kinds come in file order", "[config][validate]") {
    auto const faults = loaded(without_certificate("bogus = 1\n[site.data]\nidle_timeout = 5\n")).result.faults;
    REQUIRE(faults.size() == 3);
    CHECK(faults[0].where.line == 1);
    CHECK(faults[1].where.line == 5);
    CHECK(faults[2].where.line == 7);
}
