#include "proxy/cli.hpp"

#include <CLI/CLI.hpp>

#include <sstream>

namespace ftpsgate::proxy {

namespace {

constexpr int usage_error = 2;

CLI::App* add_command(CLI::App& program, char const* name, char const* summary, std::string& config_file) {
    auto* const command = program.add_subcommand(name, summary);
    command->add_option("-c,--config", config_file, "Configuration file")
        ->type_name("FILE")
        ->capture_default_str()
        ->check([](std::string const& path) { return path.empty() ? "the name is empty" : std::string(); });
    return command;
}

// Help and version are "errors" to CLI11, with status 0; everything else is one of usage.
void explain(CLI::App const& program, CLI::ParseError const& error, command_line& line) {
    std::ostringstream output;
    std::ostringstream error_output;
    int const status = program.exit(error, output, error_output);
    line.command = cli_command::none;
    line.output = output.str();
    line.error_output = error_output.str();
    line.exit_status = status == 0 ? 0 : usage_error;
}

}  // namespace

command_line parse_command_line(int argc, char const* const* argv, std::string const& version) {
    command_line line;
    line.config_file = "/etc/ftpsgate/ftpsgate.toml";

    CLI::App program{"FTPS towards clients, plain FTP towards the servers behind it.", "ftpsgate"};
    program.set_version_flag("--version", version, "Show the versions of the program and its libraries");
    program.require_subcommand(1);
    auto const* const run = add_command(program, "run", "Serve in the foreground until a signal", line.config_file);
    add_command(program, "check", "Check the configuration and all files that it names", line.config_file);
    try {
        program.parse(argc, argv);
        line.command = run->parsed() ? cli_command::run : cli_command::check;
    } catch (CLI::ParseError const& error) {
        explain(program, error, line);
    }
    return line;
}

}  // namespace ftpsgate::proxy
