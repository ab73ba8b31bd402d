// [site.client_certificates]: each key, its faults with their position, and what does not go together.
#include "tests/config/scratch.hpp"

#include <catch2/catch.hpp>

using namespace ftpsgate::config;

namespace {

/// The smallest site; the section begins on line 8, its keys on line 9.
std::string with_section(std::string const& keys) {
    return std::string(smallest_site) + "[site.client_certificates]\n" + keys;
}

lines faults_of(std::string const& keys) {
    return loaded(with_section(keys)).faults;
}

constexpr char at_section[] = "error: site[0].client_certificates.";

}  // namespace

TEST_CASE("client_certificates: without the section nobody is asked", "[config][client_certificates]") {
    auto const clients = loaded(smallest_site).site().client_certificates;
    CHECK(clients.policy == certificate_policy::ignore);
    CHECK_FALSE(clients.ca_file);
    CHECK(clients.flags == validation_flags{});
    CHECK(clients.crl_files.empty());
    CHECK(clients.revocation_freshness_time == 0s);
    CHECK(clients.revocation_url_retrieval_timeout == 1min);
    CHECK_FALSE(clients.revocation_cache);
    CHECK(clients.revocation_unavailable == unavailable_revocation::refuse);
    CHECK(clients.url_allow.empty());
}

TEST_CASE("client_certificates: every key reaches its member", "[config][client_certificates]") {
    loaded const file(with_section(R"(policy = "require"
ca_file = "second.pem"
validation_flags = ["revocation-cache-only", "no-usage-check"]
crl_files = ["server.pem", "."]
revocation_freshness_time = "8760h"
revocation_url_retrieval_timeout = "500ms"
revocation_cache = "."
revocation_unavailable = "accept"
url_allow = ["10.0.0.0/8", "crl.example:8080", "[::1]:80"]
)"));
    REQUIRE(file.faults == lines{});
    auto const& clients = file.site().client_certificates;
    CHECK(clients.policy == certificate_policy::require);
    CHECK(clients.ca_file->path == file.folder.file("second.pem"));
    CHECK(clients.ca_file->where.line == 10);
    CHECK(clients.flags == validation_flags{false, true, false, true});
    REQUIRE(clients.crl_files.size() == 2);
    CHECK(clients.crl_files[0].path == file.folder.file("server.pem"));
    CHECK(std::filesystem::equivalent(clients.crl_files[1].path, file.folder.file("")));
    CHECK(clients.crl_files[1].where.column == 28);
    CHECK(clients.revocation_freshness_time == 365 * 24h);
    CHECK(clients.revocation_url_retrieval_timeout == 500ms);
    REQUIRE(clients.revocation_cache);
    CHECK(std::filesystem::equivalent(clients.revocation_cache->path, file.folder.file("")));
    CHECK(clients.revocation_unavailable == unavailable_revocation::accept);
    REQUIRE(clients.url_allow.size() == 3);
    CHECK(clients.url_allow[0].network->prefix == 104);
    CHECK(clients.url_allow[1] == url_permission{std::nullopt, "crl.example", 8080});
    CHECK(clients.url_allow[2].port == 80);
}

TEST_CASE("client_certificates: each flag lifts its own check (B-254 .. B-258)", "[config][client_certificates]") {
    auto const [word, expected] = GENERATE(table<char const*, validation_flags>({
        {"no-revocation-check", {true, false, false, false}},
        {"revocation-cache-only", {false, true, false, false}},
        {"url-retrieval-cache-only", {false, false, true, false}},
        {"no-usage-check", {false, false, false, true}},
    }));
    loaded const file(with_section("validation_flags = ['" + std::string(word) + "']\n"));
    CHECK(file.faults == lines{});
    CHECK(file.site().client_certificates.flags == expected);
}

TEST_CASE("client_certificates: empty values are the defaults", "[config][client_certificates]") {
    loaded const file(with_section("ca_file = ''\nrevocation_cache = ''\ncrl_files = []\nurl_allow = []\n"));
    CHECK(file.faults == lines{});
    CHECK_FALSE(file.site().client_certificates.ca_file);
    CHECK_FALSE(file.site().client_certificates.revocation_cache);
}

TEST_CASE("client_certificates: single values that are bad", "[config][client_certificates]") {
    auto const [keys, expected] = GENERATE(table<char const*, char const*>({
        {"policy = 'required'",
         "9:10|policy: must be \"ignore\", \"allow\" or \"require\", not \"required\" (did you mean \"require\"?)"},
        {"policy = true", "9:10|policy: must be \"ignore\", \"allow\" or \"require\", not a boolean"},
        {"ca_file = 'none.pem'", "9:11|ca_file: cannot read \"none.pem\": No such file or directory"},
        {"ca_file = '.'", "9:11|ca_file: cannot read \"\": it is a folder"},
        {"ca_file = ['server.pem']", "9:11|ca_file: must be a file name, not an array"},
        {"validation_flags = ['no-usage-check', 'no-revocation']",
         "9:39|validation_flags[1]: must be \"no-revocation-check\", \"revocation-cache-only\", "
         "\"url-retrieval-cache-only\" or \"no-usage-check\", not \"no-revocation\" (did you mean "
         "\"no-revocation-check\"?)"},
        {"validation_flags = [ 4 ]",
         "9:22|validation_flags[0]: must be \"no-revocation-check\", \"revocation-cache-only\", "
         "\"url-retrieval-cache-only\" or \"no-usage-check\", not an integer"},
        {"validation_flags = 'no-usage-check'", "9:20|validation_flags: must be a list, [ ... ], not a string"},
        {"validation_flags = [ 'no-usage-check', 'no-revocation-check', 'no-usage-check' ]",
         "9:63|validation_flags[2]: is named twice"},
        {"crl_files = [ 'server.pem', 'none.crl' ]",
         "9:29|crl_files[1]: cannot read \"none.crl\": No such file or directory"},
        {"crl_files = [ '' ]", "9:15|crl_files[0]: must not be empty"},
        {"crl_files = [ '/dev/null' ]", "9:15|crl_files[0]: cannot read \"/dev/null\": not a regular file"},
        {"revocation_freshness_time = '8761h'",
         "9:29|revocation_freshness_time: must be between 0ms and 8760h, not 8761h"},
        {"revocation_freshness_time = 0",
         "9:29|revocation_freshness_time: must be a duration like \"30s\", not an integer"},
        {"revocation_url_retrieval_timeout = '0s'",
         "9:36|revocation_url_retrieval_timeout: must be between 1ms and 24h, not 0ms"},
        {"revocation_cache = 'none'", "9:20|revocation_cache: there is no folder \"none\""},
        {"revocation_cache = 'server.pem'", "9:20|revocation_cache: there is no folder \"server.pem\""},
        {"revocation_unavailable = 'allow'",
         "9:26|revocation_unavailable: must be \"refuse\" or \"accept\", not \"allow\""},
        {"url_allow = [ '10.0.0.0/8',\n '10.0.0.1/8:80' ]",
         "10:2|url_allow[1]: \"10.0.0.1/8\" has bits behind its prefix (the network is 10.0.0.0/8)"},
        {"url_allow = [ 'http://a/' ]", "9:15|url_allow[0]: \"//a/\" is not a port (1 to 65535)"},
        {"url_allow = [ 80 ]",
         "9:15|url_allow[0]: must be a string like \"10.0.0.0/8\" or \"name:80\", not an integer"},
        {"url_allow = '10.0.0.0/8'", "9:13|url_allow: must be a list, [ ... ], not a string"},
        {"on_unknown = 'allow'",
         "9:1|on_unknown: unknown key (known here: policy, ca_file, validation_flags, crl_files, "
         "revocation_freshness_time, revocation_url_retrieval_timeout, revocation_cache, revocation_unavailable, "
         "url_allow)"},
    }));
    std::string const whole = expected;
    auto const bar = whole.find('|');
    CHECK(faults_of(std::string(keys) + "\n") ==
          lines{"t.toml:" + whole.substr(0, bar) + ": " + at_section + whole.substr(bar + 1)});
}

TEST_CASE("client_certificates: an unknown flag is not taken for a repeated one", "[config][client_certificates]") {
    CHECK(faults_of("validation_flags = ['x1', 'x2', 'no-revocation-check']\n").size() == 2);
}

TEST_CASE("client_certificates: the cache's folder must be writable now", "[config][client_certificates]") {
    loaded const file(with_section("revocation_cache = '/proc/sys'\n"));
    REQUIRE(file.faults.size() == 1);
    CHECK(file.faults[0].starts_with(
        "t.toml:9:20: error: site[0].client_certificates.revocation_cache: cannot write to \"/proc/sys\": "));
}

TEST_CASE("client_certificates: clients cannot be asked without a CA", "[config][client_certificates]") {
    std::string const fault =
        "without ca_file no client certificate could ever be accepted (name the CAs of the clients in ca_file)";
    auto const policy = GENERATE(as<std::string>{}, "allow", "require");
    CHECK(faults_of("policy = '" + policy + "'\n") ==
          lines{"t.toml:9:10: error: site[0].client_certificates.policy: " + fault});
    CHECK(faults_of("policy = '" + policy + "'\nca_file = ''\n") ==
          lines{"t.toml:10:11: error: site[0].client_certificates.ca_file: " + fault});
    CHECK(faults_of("policy = '" + policy + "'\nca_file = 'server.pem'\n") == lines{});
    auto const unreadable = faults_of("policy = '" + policy + "'\nca_file = 'none.pem'\n");
    REQUIRE(unreadable.size() == 1);
    CHECK(unreadable[0].find("cannot read") != std::string::npos);
}

TEST_CASE("client_certificates: ignored ones need no CA, but what is written must be right",
          "[config][client_certificates]") {
    CHECK(faults_of("policy = 'ignore'\ncrl_files = ['server.pem']\nurl_allow = ['a']\n") == lines{});
    CHECK(faults_of("policy = 'ignore'\nca_file = 'none.pem'\n").size() == 1);
}

TEST_CASE("client_certificates: clients cannot be asked by a site without a certificate",
          "[config][client_certificates]") {
    std::string const site =
        "[[site]]\nname = 'a'\nlisten = [ { address = 'a:0' } ]\nbackend.servers = ['b:21']\n"
        "ssl = { control_channel_policy = 'allow', data_channel_policy = 'allow' }\n[site.client_certificates]\n";
    CHECK(
        loaded(site + "ca_file = 'server.pem'\npolicy = 'allow'\n").faults ==
        lines{"t.toml:8:10: error: site[0].client_certificates.policy: client certificates need TLS, and the site has "
              "no certificate of its own (set certificate and private_key in [site.ssl])"});
    CHECK(loaded(site + "ca_file = 'server.pem'\npolicy = 'ignore'\n").faults == lines{});
}

TEST_CASE("client_certificates: required ones and logins in clear exclude each other (B-185)",
          "[config][client_certificates]") {
    auto const with = [](std::string const& control, std::string const& policy) {
        return loaded(std::string(smallest_site) + "control_channel_policy = '" + control +
                      "'\n[site.client_certificates]\nca_file = 'server.pem'\npolicy = '" + policy + "'\n")
            .faults;
    };
    CHECK(with("allow", "require") ==
          lines{"t.toml:11:10: error: site[0].client_certificates.policy: logins in clear, which "
                "control_channel_policy = \"allow\" lets in, have no client certificate (set policy = \"allow\", or "
                "control_channel_policy to \"require\")"});
    CHECK(with("allow", "allow") == lines{});
    CHECK(with("allow", "ignore") == lines{});
    CHECK(with("require", "require") == lines{});
    CHECK(with("require-credentials-only", "require") == lines{});
}
