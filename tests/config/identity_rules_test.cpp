// [[site.identity]]: each key, which of them a rule needs, and that a password is shown by no fault.
#include "tests/config/scratch.hpp"

#include <catch2/catch.hpp>

using namespace ftpsgate::config;

namespace {

constexpr char asked[] = "[site.client_certificates]\npolicy = 'require'\nca_file = 'server.pem'\n";

/// The first rule begins on line 11, its keys on line 12.
std::string with_rule(std::string const& keys) {
    return std::string(smallest_site) + asked + "[[site.identity]]\n" + keys + "\n";
}

lines faults_of(std::string const& keys) {
    return loaded(with_rule(keys)).faults;
}

std::string const sound = "name = 'a'\nsubject = 'CN=a'\nuser = 'a'\n";  // lines 12 to 14; a password is missing

lines at_rule(std::string const& position, std::string const& rest) {
    return {"t.toml:" + position + ": error: site[0].identity[0]" + rest};
}

}  // namespace

TEST_CASE("identity: there need be no rule", "[config][identity]") {
    CHECK(loaded(smallest_site).site().identity.empty());
    CHECK(loaded(std::string("[[site]]\nidentity = []\n") + (smallest_site + 9)).faults == lines{});
}

TEST_CASE("identity: every key reaches its member, with its place", "[config][identity]") {
    loaded const file(with_rule(R"(name = "plc"
subject = "CN=plc-*,O=Example"
issuer = "CN=Plant CA"
serial = "0A1B"
sha256 = "9f86"
spki_sha256 = "d081"
email = "*@example.com"
dns = "*.plant.example"
upn = "a@example.com"
uri = "spiffe://plant/plc"
user = "{cn}"
account = "9"
  password = "tomorrow")"));
    REQUIRE(file.faults == lines{});
    REQUIRE(file.site().identity.size() == 1);
    auto const& rule = file.site().identity[0];
    CHECK(rule.name == "plc");
    CHECK(rule.subject->text == "CN=plc-*,O=Example");
    CHECK(rule.issuer->text == "CN=Plant CA");
    CHECK(rule.serial->text == "0A1B");
    CHECK(rule.sha256->text == "9f86");
    CHECK(rule.spki_sha256->text == "d081");
    CHECK(rule.email->text == "*@example.com");
    CHECK(rule.dns->text == "*.plant.example");
    CHECK(rule.upn->text == "a@example.com");
    CHECK(rule.uri->text == "spiffe://plant/plc");
    CHECK_FALSE(rule.deny);
    CHECK(rule.user->text == "{cn}");
    CHECK(rule.account->text == "9");
    CHECK(rule.password.value->text == "tomorrow");
    CHECK(rule.where.line == 11);
    CHECK(rule.subject->where.line == 13);
    CHECK(rule.subject->where.column == 11);
    CHECK(rule.password.value->where.line == 24);
    CHECK(rule.password.value->where.column == 14);
}

TEST_CASE("identity: rules keep their order, and one that denies needs no user", "[config][identity]") {
    loaded const file(with_rule("name = 'lost'\nserial = '0a'\ndeny = true\n[[site.identity]]\n" + sound +
                                "password_env = 'A_1'\n[[site.identity]]\nname = 'b'\nemail = '*@b'\n"
                                "user = '{email.local}'\npassword_file = 'server.key'\n"));
    REQUIRE(file.faults == lines{});
    auto const& rules = file.site().identity;
    REQUIRE(rules.size() == 3);
    CHECK(rules[0].deny);
    CHECK_FALSE(rules[0].user);
    CHECK(rules[0].password == password_source{});
    CHECK(rules[1].password.environment->text == "A_1");
    CHECK(rules[2].name == "b");
    CHECK(rules[2].password.file->path == file.folder.file("server.key"));
    CHECK(rules[2].password.file->where.line == 24);
}

TEST_CASE("identity: single values that are bad", "[config][identity]") {
    auto const [key, expected] = GENERATE(table<char const*, char const*>({
        {"issuer = ''", "15:10|.issuer: must not be empty"},
        {"issuer = ['CN=a']", "15:10|.issuer: must be a string, not an array"},
        {"serial = 10", "15:10|.serial: must be a string, not an integer"},
        {"uri = \"a\\u0000b\"", "15:7|.uri: must not contain control characters"},
        {"account = \"a\\r\\nDELE b\"", "15:11|.account: must not contain control characters"},
        {"deny = 'no'", "15:8|.deny: must be true or false, not a string"},
        {"account = ''", "15:11|.account: must not be empty"},
        {"mail = '*@a'", "15:1|.mail: unknown key (did you mean \"email\"?)"},
    }));
    std::string const whole = expected;
    auto const bar = whole.find('|');
    CHECK(faults_of(sound + key + "\npassword = 'x'") == at_rule(whole.substr(0, bar), whole.substr(bar + 1)));
}

TEST_CASE("identity: a rule needs a name, a matcher, a user and a password", "[config][identity]") {
    CHECK(faults_of("") ==
          lines{"t.toml:11:1: error: site[0].identity[0].name: is missing",
                "t.toml:11:1: error: site[0].identity[0]: does not say which certificates it is about (one of subject, "
                "issuer, serial, sha256, spki_sha256, email, dns, upn and uri at least)",
                "t.toml:11:1: error: site[0].identity[0].user: is missing (or set deny = true)",
                "t.toml:11:1: error: site[0].identity[0].password: is missing (one of password, password_file and "
                "password_env)"});
    CHECK(faults_of("name = 'all'\ndeny = true").size() == 1);
    CHECK(faults_of("name = ''\ndns = 'a'\ndeny = true") == at_rule("12:8", ".name: must not be empty"));
}

TEST_CASE("identity: each matcher alone is enough", "[config][identity]") {
    auto const key = GENERATE(as<std::string>{}, "subject", "issuer", "serial", "sha256", "spki_sha256", "email", "dns",
                              "upn", "uri");
    CHECK(faults_of("name = 'a'\ndeny = true\n" + key + " = 'a'") == lines{});
    CHECK(faults_of("name = 'a'\ndeny = true\n" + key + " = 1").size() == 1);
}

TEST_CASE("identity: what is mistyped is not missed as well", "[config][identity]") {
    auto const keys = GENERATE("name = 'a'\nsubjct = 'CN=a'\nuser = 'a'\npassword = 'x'",
                               "nam = 'a'\nsubject = 'CN=a'\nuser = 'a'\npassword = 'x'",
                               "name = 'a'\nsubject = 'CN=a'\nusr = 'a'\npassword = 'x'",
                               "name = 'a'\nsubject = 'CN=a'\nuser = 'a'\npasswrd = 'x'",
                               "name = 'a'\nsubject = 'CN=a'\nuser = 'a'\npassword_fil = 'x'",
                               "name = 'a'\nsubject = 'CN=a'\nuser = 'a'\npassword_file = 'none'",
                               "name = 'a'\nsubject = 'CN=a'\ndeny = 'true'");
    CAPTURE(keys);
    CHECK(faults_of(keys).size() == 1);
}

TEST_CASE("identity: there is exactly one password", "[config][identity]") {
    std::string const hint = ": there is a password already (only one of password, password_file and password_env)";
    std::string const missing = ".password: is missing (one of password, password_file and password_env)";
    CHECK(faults_of(sound) == at_rule("11:1", missing));
    CHECK(faults_of(sound + "password = ''") == at_rule("15:12", missing));
    CHECK(faults_of(sound + "password_file = ''\npassword_env = ''") == at_rule("11:1", missing));
    CHECK(faults_of(sound + "password = 'x'\npassword_env = 'A'") == at_rule("16:16", ".password_env" + hint));
    CHECK(faults_of(sound + "password_file = 'server.key'\npassword = 'x'") ==
          at_rule("15:17", ".password_file" + hint));
    CHECK(faults_of(sound + "password = 'x'\npassword_file = 'server.key'\npassword_env = 'A'").size() == 2);
    CHECK(faults_of(sound + "password = ''\npassword_env = 'A'") == lines{});
}

TEST_CASE("identity: a rule that denies has nobody to log in", "[config][identity]") {
    auto const [key, position] = GENERATE(table<char const*, char const*>({
        {"user = 'a'", "15:8"},
        {"password = 'a'", "15:12"},
        {"password_file = 'server.key'", "15:17"},
        {"password_env = 'A'", "15:16"},
        {"account = 'a'", "15:11"},
    }));
    auto const name = std::string(key).substr(0, std::string(key).find(' '));
    CHECK(faults_of("name = 'a'\nsubject = 'CN=a'\ndeny = true\n" + std::string(key)) ==
          at_rule(position, "." + name + ": has no meaning in a rule with deny = true"));
}

TEST_CASE("identity: names of rules are unique in their site", "[config][identity]") {
    std::string const rule = "[[site.identity]]\nname = 'a'\ndns = 'a'\ndeny = true\n";
    std::string const one_more = "[[site.identity]]\nname = 'b'\ndns = 'a'\ndeny = true\n";
    auto const site = std::string(smallest_site) + asked + rule;
    CHECK(loaded(site + one_more + rule).faults ==
          lines{"t.toml:20:8: error: site[0].identity[2].name: another rule has the name \"a\""});
    auto other = site;
    other.replace(other.find("name = 'a'"), 10, "name = 'o'");
    other.replace(other.find(":0'"), 3, ":9'");
    CHECK(loaded(site + one_more + other).faults == lines{});
}

TEST_CASE("identity: a list of inline tables will do, anything else not", "[config][identity]") {
    auto const with = [](std::string const& value) {
        return loaded("[[site]]\nidentity = " + value + "\n" + (smallest_site + 9) + asked).faults;
    };
    CHECK(with("[ { name = 'a', dns = 'a', deny = true } ]") == lines{});
    CHECK(with("{ name = 'a' }") == lines{"t.toml:2:12: error: site[0].identity: must be a list of tables, not a table "
                                          "(write [[site.identity]])"});
    CHECK(with("[ 'a' ]") ==
          lines{"t.toml:2:14: error: site[0].identity[0]: must be a table, not a string (write { ... })"});
}

TEST_CASE("identity: a password's file is readable, or its folder exists when it has '%u' in it",
          "[config][identity]") {
    auto const with = [](std::string const& file) { return faults_of(sound + "password_file = '" + file + "'"); };
    CHECK(with("none") == at_rule("15:17", ".password_file: cannot read \"none\": No such file or directory"));
    CHECK(with(".") == at_rule("15:17", ".password_file: cannot read \"\": it is a folder"));
    CHECK(with("/dev/null") == at_rule("15:17", ".password_file: cannot read \"/dev/null\": not a regular file"));
    CHECK(with("server.key") == lines{});
    CHECK(with("%u") == lines{});
    CHECK(with("./%u/password") == lines{});
    CHECK(with("%u.txt") == lines{});
    CHECK(with("secrets/%u") == at_rule("15:17", ".password_file: there is no folder \"secrets\""));
    CHECK(with("server.pem/%u") == at_rule("15:17", ".password_file: there is no folder \"server.pem\""));
    CHECK(with("%U") == at_rule("15:17", ".password_file: cannot read \"%U\": No such file or directory"));
}

TEST_CASE("identity: no fault shows a password", "[config][identity]") {
    auto const wrong = GENERATE(
        // Bad values.
        "password = \"tomorrow\\n\"", "password = ['tomorrow']", "password = { tomorrow = 1 }", "passwort = 'tomorrow'",
        "password_env = 'tomorrow!'", "deny = true\npassword = 'tomorrow'", "password_env = 'A'\npassword = 'tomorrow'",
        "password = 'tomorrow'\npassword = 'x'",
        // Bad syntax, which toml++ quotes.
        "password = tomorrow", "password = falsetomorrow", "password=tomorrow", "\"password\" = ttomorrow",
        "password = 'tomorrow", "password = \"tomorrow\"tomorrow\"", "password = \"\\tomorrow\"",
        "password = \"\"\"\n\\tomorrow\"\"\"", "password = 99999999999999999999tomorrow", "password = inftomorrow");
    CAPTURE(wrong);
    auto const faults = faults_of(sound + wrong);
    REQUIRE_FALSE(faults.empty());
    for (auto const& fault : faults) {
        CHECK(fault.find("tomorrow") == std::string::npos);
        CHECK(fault.find(" saw ") == std::string::npos);  // the words of toml++ before what it quotes
    }
}

TEST_CASE("identity: a syntax error elsewhere is told in full", "[config][identity]") {
    CHECK(faults_of("deny = tomorrow\npassword = 'x'")[0].find("saw 'to'") != std::string::npos);
    CHECK(faults_of("deny = true\npassword = tomorrow") ==
          lines{"t.toml:13:13: error: a line about a password, not shown, that is no TOML (strings stand in quotation "
                "marks)"});
}
