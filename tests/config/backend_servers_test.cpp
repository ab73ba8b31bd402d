// [site.backend] with several servers: how they are written, balanced and checked.
#include "tests/config/scratch.hpp"

#include <catch2/catch.hpp>

using namespace ftpsgate::config;

namespace {

/// A site whose [site.backend] begins in line 5.
load_result loaded_backend(std::string const& keys, scratch_folder* folder = nullptr) {
    std::string const site =
        "[[site]]\nname = 'a'\nlisten = [ { address = 'a:0' } ]\n"
        "ssl = { control_channel_policy = 'allow', data_channel_policy = 'allow' }\n";
    return load_text(site + "[site.backend]\n" + keys, folder == nullptr ? "t.toml" : folder->file("t.toml"));
}

backend_settings backend_of(std::string const& keys) {
    auto const result = loaded_backend(keys);
    REQUIRE(rendered(result.faults) == lines{});
    return result.values.sites.at(0).backend;
}

lines faults_of(std::string const& keys) {
    return rendered(loaded_backend(keys).faults);
}

}  // namespace

TEST_CASE("backend servers: as addresses, and as tables", "[config][backend_servers]") {
    auto const found = backend_of(
                           "servers = [ 'a:21', { address = 'B:2121', weight = 1000, backup = true },\n"
                           " { address = '[::1]:21' } ]\n")
                           .servers;
    REQUIRE(found.size() == 3);
    CHECK(found[0] == backend_server{{"a", 21, {}}, 1, false});
    CHECK(found[1] == backend_server{{"b", 2121, {}}, 1000, true});
    CHECK(found[2] == backend_server{{"::1", 21, {}}, 1, false});
}

TEST_CASE("backend servers: they can be tables of their own", "[config][backend_servers]") {
    auto const found = backend_of(
                           "[[site.backend.servers]]\naddress = 'a:21'\n"
                           "[[site.backend.servers]]\naddress = 'b:21'\nweight = 2\n")
                           .servers;
    REQUIRE(found.size() == 2);
    CHECK(found[1] == backend_server{{"b", 21, {}}, 2, false});
}

TEST_CASE("backend servers: defaults are those of the interface", "[config][backend_servers]") {
    auto const found = backend_of("servers = ['a:21']\n");
    CHECK(found.balance == balance_method::round_robin);
    CHECK(found.health_interval == 10s);
    CHECK(found.health_user.empty());
    CHECK_FALSE(found.health_password_file);
    CHECK(found.fall == 3);
    CHECK(found.rise == 2);
}

TEST_CASE("backend servers: every way to balance has its word", "[config][backend_servers]") {
    auto const [word, method] =
        GENERATE(table<std::string, balance_method>({{"round-robin", balance_method::round_robin},
                                                     {"least-sessions", balance_method::least_sessions},
                                                     {"per-user", balance_method::per_user},
                                                     {"per-client", balance_method::per_client},
                                                     {"first", balance_method::first}}));
    CHECK(backend_of("servers = ['a:21']\nbalance = '" + word + "'\n").balance == method);
}

TEST_CASE("backend servers: faults inside the list stand where they are", "[config][backend_servers]") {
    std::string const at = "site[0].backend.servers";
    CHECK(faults_of("servers = [ 'a:21', { address = 'b', weight = 0, backup = 1 }, {}, 7,\n"
                    " { address = 'c:21', wieght = 2 }, { address = 'd:21', weight = 1001 } ]\n") ==
          lines{"t.toml:6:33: error: " + at +
                    "[1].address: \"b\" has no port (like \"0.0.0.0:21\", \"[::]:21\" or \"name:21\")",
                "t.toml:6:47: error: " + at + "[1].weight: must be between 1 and 1000, not 0",
                "t.toml:6:59: error: " + at + "[1].backup: must be true or false, not an integer",
                "t.toml:6:64: error: " + at + "[2].address: is missing",
                "t.toml:6:68: error: " + at + "[3]: must be a string like \"192.0.2.1:21\", not an integer",
                "t.toml:7:22: error: " + at + "[4].wieght: unknown key (did you mean \"weight\"?)",
                "t.toml:7:65: error: " + at + "[5].weight: must be between 1 and 1000, not 1001"});
}

TEST_CASE("backend servers: rules on addresses hold for tables, too", "[config][backend_servers]") {
    CHECK(faults_of("servers = [ 'b:21', { weight = 2, address = 'B:21' } ]\n") ==
          lines{"t.toml:6:45: error: site[0].backend.servers[1].address: b:21 is named twice"});
    CHECK(faults_of("source_address = '::1'\nservers = [ { address = '10.0.0.5:21' } ]\n") ==
          lines{"t.toml:7:25: error: site[0].backend.servers[0].address: 10.0.0.5:21 cannot be reached from "
                "source_address ::1 (one is IPv4, the other IPv6)"});
}

TEST_CASE("backend servers: what is out of range", "[config][backend_servers]") {
    CHECK(
        faults_of("servers = ['a:21']\nbalance = 'random'\nfall = 0\nrise = 101\nhealth_interval = '25h'\n") ==
        lines{"t.toml:7:11: error: site[0].backend.balance: must be \"round-robin\", \"least-sessions\", \"per-user\", "
              "\"per-client\" or \"first\", not \"random\"",
              "t.toml:8:8: error: site[0].backend.fall: must be between 1 and 100, not 0",
              "t.toml:9:8: error: site[0].backend.rise: must be between 1 and 100, not 101",
              "t.toml:10:19: error: site[0].backend.health_interval: must be between 0ms and 24h, not 25h"});
    CHECK(faults_of("servers = ['a:21']\nhealth_interval = '99ms'\n") ==
          lines{"t.toml:7:19: error: site[0].backend.health_interval: must be 0s, or between 100ms and 24h, not 99ms"});
    CHECK(backend_of("servers = ['a:21']\nhealth_interval = '100ms'\n").health_interval == 100ms);
    CHECK(backend_of("servers = ['a:21']\nhealth_interval = '0s'\n").health_interval == 0ms);
}

TEST_CASE("backend servers: a check logs in with a user and a password, or not at all", "[config][backend_servers]") {
    scratch_folder folder;
    folder.with("password");
    auto const faults = [&](std::string const& keys) {
        auto found = rendered(loaded_backend("servers = ['a:21']\n" + keys, &folder).faults);
        for (auto& one : found)
            one.erase(0, one.find("t.toml"));
        return found;
    };
    CHECK(faults("health_user = 'probe'\nhealth_password_file = 'password'\n") == lines{});
    CHECK(faults("health_user = ''\nhealth_password_file = ''\n") == lines{});
    CHECK(
        faults("health_user = 'probe'\n") ==
        lines{"t.toml:7:15: error: site[0].backend.health_user: needs health_password_file (a check logs in with both, "
              "or not at all)"});
    CHECK(
        faults("health_password_file = 'password'\n") ==
        lines{"t.toml:7:24: error: site[0].backend.health_password_file: needs health_user (a check logs in with both, "
              "or not at all)"});
    CHECK(
        faults("health_user = 'probe'\nhealth_password_file = 'password'\nhealth_interval = '0s'\n") ==
        lines{
            "t.toml:7:15: error: site[0].backend.health_user: has no meaning with health_interval = \"0s\": there are "
            "no checks that could log in"});
    auto const missing = faults("health_user = 'probe'\nhealth_password_file = 'nowhere'\n");
    REQUIRE(missing.size() == 1);
    CHECK(missing[0].find("No such file") != std::string::npos);
}
