#include "proxy/cli.hpp"

#include <catch2/catch.hpp>

#include <string>
#include <vector>

using ftpsgate::proxy::cli_command;
using ftpsgate::proxy::command_line;

namespace {

command_line parse(std::vector<char const*> arguments) {
    arguments.insert(arguments.begin(), "/usr/bin/ftpsgate");
    return ftpsgate::proxy::parse_command_line(static_cast<int>(arguments.size()), arguments.data(),
                                               "ftpsgate 1.2.3 (BoringSSL 18, Boost 1.81)");
}

}  // namespace

TEST_CASE("cli: run and check take a configuration file", "[proxy][cli]") {
    CHECK(parse({"run"}).command == cli_command::run);
    CHECK(parse({"run"}).config_file == "/etc/ftpsgate/ftpsgate.toml");
    CHECK(parse({"check", "-c", "a.toml"}).command == cli_command::check);
    CHECK(parse({"check", "-c", "a.toml"}).config_file == "a.toml");
    CHECK(parse({"run", "--config", "a.toml"}).config_file == "a.toml");
    CHECK(parse({"run", "--config=a b.toml"}).config_file == "a b.toml");
    CHECK(parse({"run"}).output.empty());
    CHECK(parse({"run"}).exit_status == 0);
}

TEST_CASE("cli: version and help go to standard output with status 0", "[proxy][cli]") {
    auto const version = parse({"--version"});
    CHECK(version.command == cli_command::none);
    CHECK(version.exit_status == 0);
    CHECK(version.output == "ftpsgate 1.2.3 (BoringSSL 18, Boost 1.81)\n");
    CHECK(version.error_output.empty());

    auto const arguments = GENERATE(std::vector<char const*>{"--help"}, std::vector<char const*>{"-h"},
                                    std::vector<char const*>{"run", "--help"});
    auto const help = parse(arguments);
    CHECK(help.command == cli_command::none);
    CHECK(help.exit_status == 0);
    CHECK(help.error_output.empty());
    CHECK(help.output.find("run") != std::string::npos);
    if (arguments.size() == 2) CHECK(help.output.find("--config FILE") != std::string::npos);
    if (arguments.size() == 2) CHECK(help.output.find("/etc/ftpsgate/ftpsgate.toml") != std::string::npos);
}

TEST_CASE("cli: usage errors say why on standard error, with status 2", "[proxy][cli]") {
    auto const arguments = GENERATE(
        std::vector<char const*>{}, std::vector<char const*>{"serve"}, std::vector<char const*>{"run", "--bogus"},
        std::vector<char const*>{"run", "extra"}, std::vector<char const*>{"run", "check"},
        std::vector<char const*>{"run", "-c"}, std::vector<char const*>{"run", "-c", ""},
        std::vector<char const*>{"run", "-c", "a", "-c", "b"}, std::vector<char const*>{"-c", "a", "run"});
    auto const line = parse(arguments);
    CAPTURE(line.error_output, arguments.size());
    CHECK(line.command == cli_command::none);
    CHECK(line.exit_status == 2);
    CHECK_FALSE(line.error_output.empty());
    CHECK(line.output.empty());
}

TEST_CASE("cli: import-iis takes one file", "[proxy][cli]") {
    auto const line = parse({"import-iis", "applicationHost.config"});
    CHECK(line.command == cli_command::import_iis);
    CHECK(line.iis_file == "applicationHost.config");
    CHECK(parse({"import-iis"}).exit_status == 2);
    CHECK(parse({"import-iis", "a", "b"}).exit_status == 2);
}
