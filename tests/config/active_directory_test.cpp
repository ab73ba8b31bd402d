// [site.active_directory]: each key, what it needs once it is enabled, and that nothing goes there in clear.
#include "tests/config/scratch.hpp"

#include <catch2/catch.hpp>

using namespace ftpsgate::config;

namespace {

constexpr char asked[] = "[site.client_certificates]\npolicy = 'require'\nca_file = 'server.pem'\n";

/// The section begins on line 11, its keys on line 12.
std::string with_section(std::string const& keys) {
    return std::string(smallest_site) + asked + "[site.active_directory]\n" + keys + "\n";
}

lines faults_of(std::string const& keys) {
    return loaded(with_section(keys)).faults;
}

constexpr char complete[] =
    "enabled = true\nurl = 'ldaps://dc1'\nca_file = 'server.pem'\nbind_dn = 'svc@a'\n"
    "bind_password_file = 'server.key'\nbase_dn = 'DC=a'\npassword_file = '%u'\n";

std::string without(std::string const& key) {
    std::string keys = complete;
    auto const at = keys.find("\n" + key + " = ") + 1;
    return keys.erase(at, keys.find('\n', at) + 1 - at);
}

std::vector<std::string> texts_of(std::vector<placed_text> const& placed) {
    std::vector<std::string> texts;
    for (auto const& one : placed)
        texts.push_back(one.text);
    return texts;
}

}  // namespace

TEST_CASE("active_directory: without the section it is off, with the strong forms", "[config][active_directory]") {
    auto const directory = loaded(smallest_site).site().active_directory;
    CHECK_FALSE(directory.enabled);
    CHECK(directory.urls.empty());
    CHECK_FALSE(directory.start_tls);
    CHECK(directory.user_attribute == "sAMAccountName");
    CHECK(directory.timeout == 5s);
    CHECK(directory.cache_time == 1min);
    using enum mapping_form;
    CHECK(directory.map_by == std::vector{issuer_serial, ski, sha1_public_key, sid, user_certificate});
}

TEST_CASE("active_directory: every key reaches its member", "[config][active_directory]") {
    loaded const file(with_section(R"(enabled = true
url = "ldap://dc1.example.com  ldap://192.0.2.1:1389 ldap://[::1] ldap://[::1]:389"
start_tls = true
ca_file = "server.pem"
bind_dn = "CN=svc,DC=example,DC=com"
bind_password_file = "second.key"
base_dn = "DC=example,DC=com"
map_by = ["rfc822", "subject", "issuer-subject", "upn", "user-certificate", "sid", "sha1-public-key", "ski",
          "issuer-serial"]
user_attribute = "userPrincipalName"
password_file = "server.key"
timeout = "100ms"
cache_time = "0s")"));
    REQUIRE(file.faults == lines{});
    auto const& directory = file.site().active_directory;
    CHECK(directory.enabled);
    CHECK(texts_of(directory.urls) ==
          lines{"ldap://dc1.example.com", "ldap://192.0.2.1:1389", "ldap://[::1]", "ldap://[::1]:389"});
    CHECK(directory.urls[1].where.line == 13);
    CHECK(directory.start_tls);
    CHECK(directory.ca_file->path == file.folder.file("server.pem"));
    CHECK(directory.bind_dn == "CN=svc,DC=example,DC=com");
    CHECK(directory.bind_password.file->path == file.folder.file("second.key"));
    CHECK(directory.base_dn == "DC=example,DC=com");
    using enum mapping_form;
    CHECK(directory.map_by == std::vector{rfc822, subject, issuer_subject, upn, user_certificate, sid, sha1_public_key,
                                          ski, issuer_serial});
    CHECK(directory.user_attribute == "userPrincipalName");
    CHECK(directory.password.file->path == file.folder.file("server.key"));
    CHECK(directory.timeout == 100ms);
    CHECK(directory.cache_time == 0ms);
    CHECK(directory.where.line == 11);
}

TEST_CASE("active_directory: the password may stand there, or in the environment", "[config][active_directory]") {
    loaded const here(with_section(without("password_file") + "password = 'x'"));
    CHECK(here.faults == lines{});
    CHECK(here.site().active_directory.password.value->text == "x");
    loaded const outside(with_section(without("password_file") + "password_env = '_a'"));
    CHECK(outside.faults == lines{});
    CHECK(outside.site().active_directory.password.environment->text == "_a");
}

TEST_CASE("active_directory: single values that are bad", "[config][active_directory]") {
    std::string const form =
        "must be \"issuer-serial\", \"ski\", \"sha1-public-key\", \"sid\", \"user-certificate\", "
        "\"upn\", \"issuer-subject\", \"subject\" or \"rfc822\", not ";
    auto const [keys, expected] = GENERATE_COPY(table<std::string, std::string>({
        {"enabled = 1", "12:11|enabled: must be true or false, not an integer"},
        {"ca_file = 'none.pem'", "12:11|ca_file: cannot read \"none.pem\": No such file or directory"},
        {"bind_dn = 1", "12:11|bind_dn: must be a string, not an integer"},
        {"bind_password_file = 'none'", "12:22|bind_password_file: cannot read \"none\": No such file or directory"},
        {"bind_password = 'x'", "12:1|bind_password: unknown key (did you mean \"bind_password_file\"?)"},
        {"map_by = []", "12:10|map_by: must not be empty"},
        {"map_by = 'sid'", "12:10|map_by: must be a list, [ ... ], not a string"},
        {"map_by = ['sid', 'SKI']", "12:18|map_by[1]: " + form + "\"SKI\" (did you mean \"ski\"?)"},
        {"map_by = ['cn', 'issuer-serial']", "12:11|map_by[0]: " + form + "\"cn\""},
        {"map_by = ['sid', 'ski', 'sid']", "12:25|map_by[2]: is named twice"},
        {"user_attribute = ''", "12:18|user_attribute: must not be empty"},
        {"user_attribute = 'a)(b'",
         "12:18|user_attribute: \"a)(b\" is not the name of an attribute (letters, digits and '-', a letter first)"},
        {"user_attribute = '-a'",
         "12:18|user_attribute: \"-a\" is not the name of an attribute (letters, digits and '-', a letter first)"},
        {"user_attribute = '1a'",
         "12:18|user_attribute: \"1a\" is not the name of an attribute (letters, digits and '-', a letter first)"},
        {"password_env = '1A'",
         "12:16|password_env: is not the name of an environment variable (letters, digits and '_', no digit first)"},
        {"password = 'x'\npassword_env = 'A'",
         "13:16|password_env: there is a password already (only one of password, password_file and password_env)"},
        {"timeout = '0s'", "12:11|timeout: must be between 1ms and 24h, not 0ms"},
        {"cache_time = '25h'", "12:14|cache_time: must be between 0ms and 24h, not 25h"},
    }));
    auto const bar = expected.find('|');
    CHECK(faults_of(keys) ==
          lines{"t.toml:" + expected.substr(0, bar) + ": error: site[0].active_directory." + expected.substr(bar + 1)});
}

TEST_CASE("active_directory: URLs that are none", "[config][active_directory]") {
    auto const [url, expected] = GENERATE(table<char const*, char const*>({
        {"dc1.example.com", "\"dc1.example.com\" is not a URL of a directory"},
        {"ldaps://a https://b", "\"https://b\" is not a URL of a directory"},
        {"LDAPS://a", "\"LDAPS://a\" is not a URL of a directory"},
        {"ldapi:///", "\"ldapi:///\" is not a URL of a directory"},
        {"ldaps://a/", "\"ldaps://a/\" has a path, which has no meaning here"},
        {"ldaps://a/DC=a?x", "\"ldaps://a/DC=a?x\" has a path, which has no meaning here"},
        {"ldaps://", "\"ldaps://\": "},
        {"ldaps://a:0", "\"ldaps://a:0\": "},
        {"ldaps://a:65536", "\"ldaps://a:65536\": "},
        {"ldaps://a:", "\"ldaps://a:\": "},
        {"ldaps://:636", "\"ldaps://:636\": "},
        {"ldaps://1.2.3", "\"ldaps://1.2.3\": "},
        {"ldaps://[::1", "\"ldaps://[::1\": "},
        {"ldaps://[a]", "\"ldaps://[a]\": "},
        {"ldaps://::1", "\"ldaps://::1\": "},
        {"ldaps://a,b", "\"ldaps://a,b\": "},
        {"ldaps://u@a", "\"ldaps://u@a\": "},
        {" ", "must not be empty"},
    }));
    CAPTURE(url);
    auto const faults = faults_of("url = '" + std::string(url) + "'");
    REQUIRE(faults.size() == 1);
    CHECK(faults[0].starts_with(std::string("t.toml:12:7: error: site[0].active_directory.url: ") + expected));
}

TEST_CASE("active_directory: once enabled, it needs to know where and as whom", "[config][active_directory]") {
    CHECK(faults_of(complete) == lines{});
    auto const key = GENERATE(as<std::string>{}, "url", "ca_file", "bind_dn", "bind_password_file", "base_dn");
    auto const fault = "error: site[0].active_directory." + key + ": is missing (needed by enabled = true)";
    CHECK(faults_of(without(key)) == lines{"t.toml:11:1: " + fault});
    auto const empty = faults_of(without(key) + key + " = ''");
    REQUIRE(empty.size() == 1);
    CHECK(empty[0].starts_with("t.toml:18:"));
    CHECK(empty[0].ends_with(fault));
    CHECK(faults_of(without(key) + key + " = 7").size() == 1);
}

TEST_CASE("active_directory: once enabled, it needs the backend's password", "[config][active_directory]") {
    CHECK(faults_of(without("password_file")) ==
          lines{"t.toml:11:1: error: site[0].active_directory.password: is missing (one of password, password_file and "
                "password_env)"});
}

TEST_CASE("active_directory: while it is off nothing is missed", "[config][active_directory]") {
    CHECK(faults_of("enabled = false\nurl = ''\nca_file = ''\nbind_dn = ''\nbase_dn = ''\nbind_password_file = ''\n"
                    "password = ''\npassword_file = ''\npassword_env = ''") == lines{});
}

TEST_CASE("active_directory: nothing goes there in clear", "[config][active_directory]") {
    auto const with = [](std::string const& url, std::string const& start_tls) {
        return faults_of("url = '" + url + "'\nstart_tls = " + start_tls);
    };
    std::string const at_section = "error: site[0].active_directory.";
    CHECK(with("ldaps://a ldap://b", "false") ==
          lines{"t.toml:12:7: " + at_section +
                "url: \"ldap://b\" would carry passwords in clear (set start_tls = true, "
                "or use ldaps://)"});
    CHECK(with("ldap://a ldaps://b", "true") ==
          lines{"t.toml:13:13: " + at_section +
                "start_tls: ldaps:// is TLS from the first byte (use ldap://, or set "
                "start_tls = false)"});
    CHECK(with("ldap://a", "'true'").size() == 1);
    CHECK(with("ldap://a ldap://b", "true") == lines{});
    CHECK(with("ldaps://a", "false") == lines{});
}

TEST_CASE("active_directory: one account opens the directory for everybody", "[config][active_directory]") {
    loaded file("");
    file.folder.with("%u");
    auto const result = load_text(with_section("bind_password_file = '%u'"), file.folder.file("t.toml"));
    REQUIRE(result.faults.size() == 1);
    CHECK(file.folder.trimmed(render(result.faults[0])) ==
          "t.toml:12:22: error: site[0].active_directory.bind_password_file: must not contain '%u' (the directory is "
          "opened before any user is known)");
}

TEST_CASE("active_directory: it is of no use where clients are not asked for certificates",
          "[config][active_directory]") {
    std::string const site = std::string(smallest_site) + "[site.active_directory]\n";
    CHECK(
        loaded(site + complete).faults ==
        lines{"t.toml:9:11: error: site[0].active_directory.enabled: needs client certificates, which nobody is asked "
              "for (set policy to \"allow\" or \"require\" in [site.client_certificates])"});
}

TEST_CASE("active_directory: alone it lets certificates log in", "[config][active_directory]") {
    auto const login = "[site.authentication]\nclient_certificate = true\n";
    CHECK(faults_of(std::string(complete) + login) == lines{});
    CHECK(faults_of(std::string("enabled = false\n") + login).size() == 1);
    CHECK(faults_of(std::string("enabled = 'true'\n") + login).size() == 1);
}
