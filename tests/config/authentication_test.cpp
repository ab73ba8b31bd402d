// [site.authentication]: each key, and what does not go with the other sections.
#include "tests/config/scratch.hpp"

#include <catch2/catch.hpp>

using namespace ftpsgate::config;

namespace {

constexpr char asked[] = "[site.client_certificates]\npolicy = 'require'\nca_file = 'server.pem'\n";
constexpr char rule[] = "[[site.identity]]\nname = 'plc'\nsubject = 'CN=plc'\nuser = 'plc'\npassword = 'x'\n";

/// The section begins on line 8, its keys on line 9.
std::string with_section(std::string const& keys, std::string const& more = "") {
    return std::string(smallest_site) + "[site.authentication]\n" + keys + "\n" + more;
}

lines faults_of(std::string const& keys, std::string const& more = "") {
    return loaded(with_section(keys, more)).faults;
}

}  // namespace

TEST_CASE("authentication: without the section passwords pass through", "[config][authentication]") {
    auto const logins = loaded(smallest_site).site().authentication;
    CHECK(logins.basic);
    CHECK_FALSE(logins.client_certificate);
    CHECK(logins.reply == 232);
    CHECK_FALSE(logins.user_must_match);
}

TEST_CASE("authentication: every key reaches its member (D-04, D-16)", "[config][authentication]") {
    loaded const file(with_section("basic = false\nclient_certificate = true\nreply = 230\nuser_must_match = true",
                                   std::string(asked) + rule));
    REQUIRE(file.faults == lines{});
    auto const& logins = file.site().authentication;
    CHECK_FALSE(logins.basic);
    CHECK(logins.client_certificate);
    CHECK(logins.reply == 230);
    CHECK(logins.user_must_match);
}

TEST_CASE("authentication: single values that are bad", "[config][authentication]") {
    auto const [keys, expected] = GENERATE(table<char const*, char const*>({
        {"basic = 1", "9:9: error: site[0].authentication.basic: must be true or false, not an integer"},
        {"client_certificate = 'yes'",
         "9:22: error: site[0].authentication.client_certificate: must be true or false, not a string"},
        {"reply = 231", "9:9: error: site[0].authentication.reply: must be 232 or 230, not 231"},
        {"reply = 4294967528", "9:9: error: site[0].authentication.reply: must be 232 or 230, not 4294967528"},
        {"reply = '232'", "9:9: error: site[0].authentication.reply: must be 232 or 230, not a string"},
        {"user_must_match = []",
         "9:19: error: site[0].authentication.user_must_match: must be true or false, not an "
         "array"},
        {"client_certificates = true",
         "9:1: error: site[0].authentication.client_certificates: unknown key (did you mean \"client_certificate\"?)"},
    }));
    CHECK(faults_of(keys) == lines{std::string("t.toml:") + expected});
}

TEST_CASE("authentication: somebody must be able to log in", "[config][authentication]") {
    CHECK(
        faults_of("basic = false") ==
        lines{"t.toml:9:9: error: site[0].authentication.basic: nobody could ever log in: client_certificate is false "
              "as well (set one of them to true)"});
    CHECK(faults_of("basic = false\nclient_certificate = 'true'").size() == 1);
    CHECK(faults_of("basic = false\nclient_certificat = true").size() == 1);
}

TEST_CASE("authentication: user_must_match is about certificates", "[config][authentication]") {
    CHECK(faults_of("user_must_match = true") ==
          lines{"t.toml:9:19: error: site[0].authentication.user_must_match: has no meaning without client_certificate "
                "= true"});
}

TEST_CASE("authentication: who is not asked for a certificate cannot log in with it", "[config][authentication]") {
    std::string const fault =
        ": needs client certificates, which nobody is asked for (set policy to \"allow\" or \"require\" in "
        "[site.client_certificates])";
    CHECK(faults_of("client_certificate = true", rule) ==
          lines{"t.toml:9:22: error: site[0].authentication.client_certificate" + fault});
    CHECK(loaded(std::string(smallest_site) + rule).faults == lines{"t.toml:8:1: error: site[0].identity[0]" + fault});
    CHECK(faults_of("client_certificate = true", std::string(rule) + "[site.client_certificates]\npolicy = 'asks'\n")
              .size() == 1);
    auto const policy = GENERATE(as<std::string>{}, "allow", "require");
    CHECK(faults_of("client_certificate = true", std::string(rule) +
                                                     "[site.client_certificates]\nca_file = 'server.pem'\npolicy = '" +
                                                     policy + "'\n") == lines{});
}

TEST_CASE("authentication: a certificate that logs in stands for a user", "[config][authentication]") {
    lines const fault = {
        "t.toml:9:22: error: site[0].authentication.client_certificate: no certificate stands for a user (write "
        "[[site.identity]], or enable [site.active_directory])"};
    std::string const denial = "[[site.identity]]\nname = 'lost'\nserial = '01'\ndeny = true\n";
    CHECK(faults_of("client_certificate = true", asked) == fault);
    CHECK(faults_of("client_certificate = true", asked + denial) == fault);
    CHECK(faults_of("client_certificate = true", asked + denial + rule) == lines{});
    CHECK(faults_of("client_certificate = true", std::string(asked) + "[site.identity]\n").size() == 1);
}

TEST_CASE("authentication: as in IIS, certificates log in only where data may be protected",
          "[config][authentication]") {
    auto const with = [](std::string const& policy, std::string const& logs_in) {
        return loaded(std::string(smallest_site) + "data_channel_policy = '" + policy + "'\n" + asked + rule +
                      "[site.authentication]\nclient_certificate = " + logs_in + "\n")
            .faults;
    };
    CHECK(with("deny", "true") ==
          lines{"t.toml:8:23: error: site[0].ssl.data_channel_policy: \"deny\" does not go with "
                "authentication.client_certificate = true (set \"require\" or \"allow\")"});
    CHECK(with("deny", "false") == lines{});
    CHECK(with("allow", "true") == lines{});
}
