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

CLI::App* add_identity(CLI::App& program, command_line& line) {
    auto* const command = add_command(
        program, "identity", "Explain what a client with this certificate would get, and why", line.config_file);
    command->add_option("--site", line.site, "Name of the site")->type_name("NAME")->required();
    command->add_option("certificate", line.certificate_file, "PEM: the client's certificate, then its intermediates")
        ->type_name("CERT.pem")
        ->required();
    command->add_flag("--json", line.json, "For machines");
    return command;
}

CLI::App* add_import(CLI::App& program, command_line& line) {
    auto* const command =
        add_command(program, "import-iis", "Write the FTP sites of an IIS configuration as TOML to standard output",
                    line.config_file);
    command->add_option("file", line.iis_file, "The configuration of IIS")
        ->type_name("applicationHost.config")
        ->required();
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
    auto const* const identity = add_identity(program, line);
    auto const* const import = add_import(program, line);
    try {
        program.parse(argc, argv);
        line.command = run->parsed()        ? cli_command::run
                       : identity->parsed() ? cli_command::identity
                       : import->parsed()   ? cli_command::import_iis
                                            : cli_command::check;
    } catch (CLI::ParseError const& error) {
        explain(program, error, line);
    }
    return line;
}

}  // namespace ftpsgate::proxy
