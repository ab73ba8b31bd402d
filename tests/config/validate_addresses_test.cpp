#include "config/validate.hpp"
#include "tests/config/scratch.hpp"

#include <catch2/catch.hpp>

using namespace ftpsgate::config;

namespace {

/// One site of six lines, and what follows in it.
std::string site(std::string const& name, std::string const& listen, std::string const& more = "") {
    return "[[site]]\nname = '" + name + "'\nlisten = [ " + listen + " ]\nbackend.servers = ['10.0.0.5:21']\n" +
           "ssl.certificate = 'server.pem'\nssl.private_key = 'server.key'\n" + more;
}

constexpr char on_2121[] = "{ address = '0.0.0.0:2121' }";

}  // namespace

TEST_CASE("addresses: one site listens on an address once", "[config][validate]") {
    CHECK(loaded(site("a", "{ address = '[::1]:21' }, { address = '[0::1]:21', tls = 'implicit' }")).faults ==
          lines{"t.toml:3:50: error: site[0].listen[1].address: [::1]:21 is listened on twice"});
}

TEST_CASE("addresses: port 0 is never the same address", "[config][validate]") {
    CHECK(loaded(site("a", "{ address = 'x:0' }, { address = 'x:0', tls = 'implicit' }") +
                 site("b", "{ address = 'x:0', tls = 'implicit' }", "hosts = ['a']\n"))
              .faults == lines{});
}

TEST_CASE("addresses: sites that share one agree on the tls mode", "[config][validate]") {
    CHECK(loaded(site("a", on_2121) + site("b", on_2121)).faults == lines{});
    CHECK(loaded(site("a", on_2121) + site("b", "{ address = '0.0.0.0:2121', tls = 'implicit' }")).faults ==
          lines{"t.toml:9:46: error: site[1].listen[0].tls: site \"a\" listens on 0.0.0.0:2121 with another tls mode "
                "(sites that share an address must agree on explicit or implicit)"});
}

TEST_CASE("addresses: sites that share one agree on who sends a PROXY header", "[config][validate]") {
    auto const from = [](std::string const& networks) {
        return "{ address = '0.0.0.0:2121', proxy_from = [ " + networks + " ] }";
    };
    CHECK(loaded(site("a", from("'10.0.0.0/8'")) + site("b", from("'10.0.0.0/8'"))).faults == lines{});
    std::string const told =
        "site[1].listen[0].proxy_from: site \"a\" listens on 0.0.0.0:2121 with other networks "
        "(sites that share an address must agree on who sends a PROXY header)";
    CHECK(loaded(site("a", from("'10.0.0.0/8'")) + site("b", from("'10.0.0.0/16'"))).faults ==
          lines{"t.toml:9:53: error: " + told});
    CHECK(loaded(site("a", from("'10.0.0.1'")) + site("b", on_2121)).faults == lines{"t.toml:9:12: error: " + told});
}

TEST_CASE("addresses: hosts are unique among sites that share an address", "[config][validate]") {
    std::string const first = site("a", on_2121, "hosts = ['one', 'two']\n");
    CHECK(loaded(first + site("b", on_2121, "hosts = ['three', 'TWO']\n")).faults ==
          lines{"t.toml:14:19: error: site[1].hosts[1]: \"two\" already belongs to site \"a\" on the same address"});
    CHECK(loaded(first + site("two", on_2121)).faults ==
          lines{"t.toml:9:8: error: site[1].name: \"two\" already belongs to site \"a\" on the same address"});
    CHECK(loaded(first + site("two", "{ address = '0.0.0.0:2122' }")).faults == lines{});
}

TEST_CASE("addresses: a site names a host once", "[config][validate]") {
    CHECK(loaded(site("a", on_2121, "hosts = ['one', 'One']\n")).faults ==
          lines{"t.toml:7:17: error: site[0].hosts[1]: \"one\" is named twice"});
}

TEST_CASE("addresses: the metrics have one of their own", "[config][validate]") {
    std::string const hint = " (set metrics.listen to another port, or to \"\")";
    CHECK(loaded(site("a", "{ address = '0.0.0.0:9921' }")).faults ==
          lines{"t.toml:3:24: error: site[0].listen[0].address: 127.0.0.1:9921 is wanted by the metrics and by site "
                "\"a\"" +
                hint});
    CHECK(
        loaded("metrics.listen = '127.0.0.1:2121'\n" + site("a", on_2121)).faults ==
        lines{"t.toml:1:18: error: metrics.listen: 127.0.0.1:2121 is wanted by the metrics and by site \"a\"" + hint});
    CHECK(loaded("metrics.listen = ''\n" + site("a", "{ address = '0.0.0.0:9921' }")).faults == lines{});
    CHECK(loaded("metrics.listen = '127.0.0.2:2121'\n" + site("a", "{ address = '127.0.0.1:2121' }")).faults ==
          lines{});
    CHECK(loaded("metrics.listen = '127.0.0.1:0'\n" + site("a", "{ address = '127.0.0.1:0' }")).faults == lines{});
}

TEST_CASE("addresses: the passive range leaves listeners and metrics alone (A-105)", "[config][validate]") {
    auto const with_range = [](std::string const& range) {
        return loaded(site("a", on_2121, "data.passive_ports = '" + range + "'\n") +
                      site("b", "{ address = '127.0.0.1:3000' }"))
            .faults;
    };
    std::string const start = "t.toml:7:22: error: site[0].data.passive_ports: the range contains ";
    CHECK(with_range("2000-2121") == lines{start + "site[0].listen[0], 0.0.0.0:2121"});
    CHECK(with_range("2121-3000") ==
          lines{start + "site[0].listen[0], 0.0.0.0:2121", start + "site[1].listen[0], 127.0.0.1:3000"});
    CHECK(with_range("9921-9921") == lines{start + "metrics.listen, 127.0.0.1:9921"});
    CHECK(with_range("2122-2999") == lines{});
    CHECK(with_range("") == lines{});
}

TEST_CASE("addresses: a backend server is named once and is not the gate itself", "[config][validate]") {
    auto const with_servers = [](std::string const& listen, std::string const& servers) {
        return loaded("[[site]]\nname = 'a'\nlisten = [ { address = '" + listen + "' } ]\nbackend.servers = [ " +
                      servers + " ]\nssl = { certificate = 'server.pem', private_key = 'server.key' }\n")
            .faults;
    };
    std::string const first = "t.toml:4:21: error: site[0].backend.servers[0]: ";
    CHECK(with_servers("x:0", "'b:21', 'B:21'") ==
          lines{"t.toml:4:29: error: site[0].backend.servers[1]: b:21 is named twice"});
    lines const loop = {first + "the gate would connect to itself, site[0].listen[0]"};
    CHECK(with_servers("10.0.0.1:21", "'10.0.0.1:21'") == loop);
    CHECK(with_servers("0.0.0.0:21", "'127.0.0.1:21'") == loop);
    CHECK(with_servers("0.0.0.0:21", "'localhost:21'") == loop);
    CHECK(with_servers("[::]:21", "'[::1]:21'") == loop);
    CHECK(with_servers("0.0.0.0:21", "'127.0.0.1:2121', '10.0.0.1:21', '[::1]:21'") == lines{});
    CHECK(with_servers("127.0.0.1:0", "'127.0.0.1:21'") == lines{});
}

TEST_CASE("addresses: the source address reaches the servers", "[config][validate]") {
    auto const with_source = [](std::string const& source, std::string const& servers) {
        return loaded(
                   "[[site]]\nname = 'a'\nlisten = [ { address = 'x:0' } ]\n"
                   "ssl = { certificate = 'server.pem', private_key = 'server.key' }\n[site.backend]\n"
                   "source_address = '" +
                   source + "'\nservers = [ " + servers + " ]\n")
            .faults;
    };
    CHECK(with_source("::1", "'name:21', '10.0.0.5:21'") ==
          lines{"t.toml:7:24: error: site[0].backend.servers[1]: 10.0.0.5:21 cannot be reached from source_address ::1 "
                "(one is IPv4, the other IPv6)"});
    CHECK(with_source("10.0.0.1", "'[2001:db8::1]:21'") ==
          lines{"t.toml:7:13: error: site[0].backend.servers[0]: [2001:db8::1]:21 cannot be reached from "
                "source_address 10.0.0.1 (one is IPv4, the other IPv6)"});
    CHECK(with_source("10.0.0.1", "'10.0.0.5:21', 'name:21'") == lines{});
    CHECK(with_source("", "'10.0.0.5:21', '[::1]:21'") == lines{});
}
