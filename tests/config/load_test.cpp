#include "config/load.hpp"

#include "tests/config/scratch.hpp"

#include <catch2/catch.hpp>

#include <sys/stat.h>

using namespace ftpsgate::config;

namespace {

/// The smallest site with some lines more, from line 8 on, inside [site.ssl] unless they say otherwise.
lines faults_with(std::string const& more) {
    return loaded(smallest_site + more).faults;
}

}  // namespace

TEST_CASE("load: the smallest site has no fault and the defaults", "[config][load]") {
    loaded const file(smallest_site);
    REQUIRE(file.faults.empty());
    CHECK(file.result.values.file == file.folder.file("t.toml"));
    CHECK(file.result.values.metrics.listen == endpoint{"127.0.0.1", 9921, {}});
    CHECK_FALSE(file.result.values.metrics.listen_given);
    auto const& site = file.site();
    CHECK(site.name == "a");
    CHECK(site.hosts == lines{"a"});
    CHECK(site.where.line == 1);
    REQUIRE(site.listen.size() == 1);
    CHECK(site.listen[0].address == endpoint{"127.0.0.1", 0, {}});
    CHECK(site.listen[0].tls == tls_mode::explicit_tls);
    CHECK(site.listen[0].where.line == 3);
    CHECK(site.listen[0].address.where.column == 24);
    REQUIRE(site.ssl.certificate.size() == 1);
    CHECK(site.ssl.certificate[0].path == file.folder.file("server.pem"));
    CHECK(site.ssl.certificate[0].where.line == 6);
    CHECK(site.ssl.certificate[0].where.column == 15);
    CHECK(site.ssl.control_channel_policy == control_policy::require);
    CHECK(site.limits.command_line == 4096);
}

TEST_CASE("load: every key reaches its member", "[config][load]") {
    loaded const file(R"(
[server]
threads = 1024
drain_timeout = "0s"
[log]
level = "debug"
format = "json"
file = "out.log"
[metrics]
listen = ""
[[site]]
name = "Plant"
hosts = ["FTP.Example.com", "b"]
listen = [ { address = "[::1]:0", tls = "implicit" }, { address = "localhost:2121" } ]
banner = "hello"
[site.ssl]
certificate = ["server.pem", "second.pem"]
private_key = ["server.key", "second.key"]
control_channel_policy = "require-credentials-only"
data_channel_policy = "deny"
minimum_version = "TLSv1.3"
data_session_reuse = "ignore"
truncated_uploads = "accept"
ocsp_staple_file = "second.pem"
handshake_timeout = "1s"
[site.backend]
servers = ["10.0.0.5:21", "ftp2:2121"]
data_mode = "client"
trust_passive_address = true
connect_timeout = "2s"
reply_timeout = "3s"
retries = 0
source_address = "10.0.0.1"
proxy_protocol = "v2"
proxy_protocol_data = true
[site.data]
passive_ports = "50000-50999"
passive_address = "192.0.2.1"
allow_active = false
connect_timeout = "4s"
idle_timeout = "5s"
[site.limits]
sessions = 1
sessions_per_client = 2
login_timeout = "6s"
idle_timeout = "7s"
command_line = "8KiB"
failed_logins = 9
[site.commands]
deny = ["site", "Dele"]
allow = ["RETR"]
pass_unknown = true
)");
    REQUIRE(file.faults == lines{});
    auto const& all = file.result.values;
    auto const& site = file.site();
    CHECK(all.server.threads == 1024);
    CHECK(all.server.drain_timeout == 0s);
    CHECK(all.log.level == log_level::debug);
    CHECK(all.log.format == log_format::json);
    CHECK(all.log.file == file.folder.file("out.log"));
    CHECK_FALSE(all.metrics.listen);
    CHECK(all.metrics.listen_given);
    CHECK(site.name == "Plant");
    CHECK(site.hosts == lines{"ftp.example.com", "b"});
    CHECK(site.listen[0].address == endpoint{"::1", 0, {}});
    CHECK(site.listen[0].tls == tls_mode::implicit_tls);
    CHECK(site.listen[1].address == endpoint{"localhost", 2121, {}});
    CHECK(site.banner == "hello");
    CHECK(site.ssl.certificate[1].path == file.folder.file("second.pem"));
    CHECK(site.ssl.private_key[1].path == file.folder.file("second.key"));
    CHECK(site.ssl.control_channel_policy == control_policy::require_credentials_only);
    CHECK(site.ssl.data_channel_policy == data_policy::deny);
    CHECK(site.ssl.minimum_version == tls_version::tls1_3);
    CHECK(site.ssl.data_session_reuse == session_reuse::ignore);
    CHECK(site.ssl.truncated_uploads == truncated_upload::accept);
    CHECK(site.ssl.ocsp_staple_file->path == file.folder.file("second.pem"));
    CHECK(site.ssl.handshake_timeout == 1s);
    CHECK(site.backend.servers[1].address == endpoint{"ftp2", 2121, {}});
    CHECK(site.backend.data_mode == backend_data_mode::client);
    CHECK(site.backend.trust_passive_address);
    CHECK(site.backend.connect_timeout == 2s);
    CHECK(site.backend.reply_timeout == 3s);
    CHECK(site.backend.retries == 0);
    CHECK(site.backend.source_address == "10.0.0.1");
    CHECK(site.backend.proxy_protocol == proxy_header::v2);
    CHECK(site.backend.proxy_protocol_data);
    CHECK(site.data.passive_ports == port_range{50'000, 50'999});
    CHECK(site.data.passive_address == "192.0.2.1");
    CHECK_FALSE(site.data.allow_active);
    CHECK(site.data.connect_timeout == 4s);
    CHECK(site.data.idle_timeout == 5s);
    CHECK(site.limits.sessions == 1);
    CHECK(site.limits.sessions_per_client == 2);
    CHECK(site.limits.login_timeout == 6s);
    CHECK(site.limits.idle_timeout == 7s);
    CHECK(site.limits.command_line == 8192);
    CHECK(site.limits.failed_logins == 9);
    CHECK(site.commands.deny == lines{"SITE", "DELE"});
    CHECK(site.commands.allow == lines{"RETR"});
    CHECK(site.commands.pass_unknown);
}

TEST_CASE("load: single values that are bad", "[config][load]") {
    auto const [more, expected] = GENERATE(table<char const*, char const*>({
        {"minimum_version = 'TLSv1.1'",
         "t.toml:8:19: error: site[0].ssl.minimum_version: must be \"TLSv1.2\" or \"TLSv1.3\", not \"TLSv1.1\" "
         "(did you mean \"TLSv1.2\"?)"},
        {"handshake_timeout = '0s'",
         "t.toml:8:21: error: site[0].ssl.handshake_timeout: must be between 1ms and 24h, not 0ms"},
        {"[site.limits]\ncommand_line = 127",
         "t.toml:9:16: error: site[0].limits.command_line: must be between 128B and 64KiB, not 127B"},
        {"[site.limits]\nfailed_logins = 0",
         "t.toml:9:17: error: site[0].limits.failed_logins: must be between 1 and 1000, not 0"},
        {"[site.limits]\nban_after = 1001",
         "t.toml:9:13: error: site[0].limits.ban_after: must be between 0 and 1000, not 1001"},
        {"[site.commands]\nhidden = []",
         "t.toml:9:1: error: site[0].commands.hidden: unknown key (known here: deny, allow, pass_unknown)"},
        {"[site.data]\npassive_address = '::1'",
         "t.toml:9:19: error: site[0].data.passive_address: \"::1\" is not an IPv4 address (like \"192.0.2.1\")"},
        {"[site.data]\npassive_address = '0.0.0.0'",
         "t.toml:9:19: error: site[0].data.passive_address: \"0.0.0.0\" is not an address to connect to"},
        {"[site.data]\nreply_timeout = '1s'",
         "t.toml:9:1: error: site[0].data.reply_timeout: unknown key (it belongs in [site.backend])"},
        {"[site.commands]\ndeny = ['SITE EXEC']",
         "t.toml:9:9: error: site[0].commands.deny[0]: \"SITE EXEC\" is not an FTP verb (one word of letters and "
         "digits, like \"SITE\")"},
        {"[metrics]\nlisten = '9921'",
         "t.toml:9:10: error: metrics.listen: \"9921\" has no port (like \"0.0.0.0:21\", \"[::]:21\" or \"name:21\")"},
        {"[log]\nfile = 'nowhere/x.log'", "t.toml:9:8: error: log.file: there is no folder \"nowhere\""},
        {"[site.quotas]\nbytes = 1\n", "t.toml:8:7: error: site[0].quotas: unknown key"},
    }));
    CHECK(faults_with(more) == lines{expected});
}

TEST_CASE("load: a site lacks what is required", "[config][load]") {
    CHECK(loaded("\n[[site]]\nssl.certificate = 'server.pem'\nssl.private_key = 'server.key'\n").faults ==
          lines{"t.toml:2:1: error: site[0].backend.servers: is missing", "t.toml:2:1: error: site[0].name: is missing",
                "t.toml:2:1: error: site[0].listen: is missing (write [[site.listen]])"});
}

TEST_CASE("load: required values are not empty", "[config][load]") {
    CHECK(loaded("[[site]]\nname = ''\nhosts = []\nbanner = ''\nlisten = []\nbackend.servers = []\n"
                 "ssl.certificate = ''\nssl.private_key = ['']\n")
              .faults == lines{"t.toml:2:8: error: site[0].name: must not be empty",
                               "t.toml:3:9: error: site[0].hosts: must not be empty",
                               "t.toml:4:10: error: site[0].banner: must not be empty",
                               "t.toml:5:10: error: site[0].listen: must not be empty (write [[site.listen]])",
                               "t.toml:6:19: error: site[0].backend.servers: must not be empty",
                               "t.toml:7:19: error: site[0].ssl.certificate: must not be empty",
                               "t.toml:8:20: error: site[0].ssl.private_key[0]: must not be empty"});
}

TEST_CASE("load: backend servers are addresses with a port, or tables", "[config][load]") {
    CHECK(loaded("[[site]]\nname = 'a'\nlisten = [ { address = 'a:0' } ]\nssl.control_channel_policy = 'allow'\n"
                 "ssl.data_channel_policy = 'allow'\n"
                 "backend.servers = [ 'b:0', { address = 'c:21', weight = 2, backup = true },\n 'd' ]\n")
              .faults ==
          lines{"t.toml:6:21: error: site[0].backend.servers[0]: port 0 cannot be connected to",
                "t.toml:7:2: error: site[0].backend.servers[2]: \"d\" has no port (like \"0.0.0.0:21\", \"[::]:21\" or "
                "\"name:21\")"});
}

TEST_CASE("load: a name that is no host name needs hosts", "[config][load]") {
    std::string const rest =
        "listen = [ { address = 'a:0' } ]\nbackend.servers = ['b:21']\n"
        "ssl = { certificate = 'server.pem', private_key = 'server.key' }\n";
    CHECK(loaded("[[site]]\nname = 'Plant 3'\n" + rest).faults ==
          lines{"t.toml:2:8: error: site[0].name: \"Plant 3\" is not a host name (give the host names of the site in "
                "hosts = [ ... ])"});
    loaded const named("[[site]]\nname = 'Plant 3'\nhosts = ['p3.example']\n" + rest);
    CHECK(named.faults == lines{});
    CHECK(named.site().hosts == lines{"p3.example"});
}

TEST_CASE("load: the banner is one line of at most 512 bytes", "[config][load]") {
    auto const with_banner = [](std::string const& value) {
        return loaded("[[site]]\nbanner = " + value + "\nname = 'a'\nlisten = [ { address = 'a:0' } ]\n" +
                      "backend.servers = ['b:21']\nssl = { certificate = 'server.pem', private_key = 'server.key' }\n")
            .faults;
    };
    CHECK(with_banner("'" + std::string(512, 'b') + "'") == lines{});
    CHECK(with_banner("'" + std::string(513, 'b') + "'") ==
          lines{"t.toml:2:10: error: site[0].banner: must not be longer than 512 bytes"});
    CHECK(with_banner("\"a\\r\\n220 b\"") ==
          lines{"t.toml:2:10: error: site[0].banner: must not contain control characters"});
}

TEST_CASE("load: files that are named must be readable regular files", "[config][load]") {
    scratch_folder folder;
    folder.with("server.key");
    std::filesystem::create_directory(folder.file("folder"));
    REQUIRE(mkfifo(folder.file("pipe").c_str(), 0600) == 0);
    auto const fault_of = [&](std::string const& name) {
        std::string const toml =
            "[[site]]\nname = 'a'\nlisten = [ { address = 'a:0' } ]\nbackend.servers = ['b:21']\n"
            "ssl.private_key = 'server.key'\nssl.certificate = '" +
            name + "'\n";
        auto const faults = rendered(load_text(toml, folder.file("t.toml")).faults);
        return faults.size() == 1 ? folder.trimmed(faults[0]) : std::to_string(faults.size()) + " faults";
    };
    std::string const start = "t.toml:6:19: error: site[0].ssl.certificate: cannot read ";
    CHECK(fault_of("none.pem") == start + "\"none.pem\": No such file or directory");
    CHECK(fault_of("server.key/x") == start + "\"server.key/x\": Not a directory");
    CHECK(fault_of("folder") == start + "\"folder\": it is a folder");
    CHECK(fault_of("pipe") == start + "\"pipe\": not a regular file");
    CHECK(fault_of("/dev/null") == start + "\"/dev/null\": not a regular file");
    CHECK(fault_of("sub/../server.key") == "0 faults");
    CHECK(fault_of(folder.file("server.key")) == "0 faults");
}

TEST_CASE("load: an unreadable configuration is one fault with the system's reason", "[config][load]") {
    scratch_folder const folder;
    CHECK(rendered(load_file("no/such/file").faults) ==
          lines{"no/such/file: error: cannot read: No such file or directory"});
    auto const faults = rendered(load_file(folder.file(".")).faults);
    REQUIRE(faults.size() == 1);
    CHECK(faults[0].ends_with(": error: cannot read: Is a directory"));
}

TEST_CASE("load: a file is read whole, from wherever it is", "[config][load]") {
    scratch_folder folder;
    std::string const padding(100'000, '#');
    folder.with("server.pem").with("server.key").with("t.toml", padding + "\n" + smallest_site);
    auto const result = load_file(folder.file("t.toml"));
    CHECK(rendered(result.faults) == lines{});
    REQUIRE(result.values.sites.size() == 1);
    CHECK(result.values.sites[0].where.line == 2);
}
