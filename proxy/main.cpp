// Composition root: command line, configuration, snapshot, server.
#include "policy/verification_service.hpp"
#include "proxy/cli.hpp"
#include "proxy/identity_command.hpp"
#include "proxy/import_iis_command.hpp"
#include "proxy/log.hpp"
#include "proxy/reloader.hpp"
#include "proxy/runtime.hpp"
#include "proxy/server.hpp"
#include "proxy/version.hpp"

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <memory>
#include <utility>

namespace {

using namespace ftpsgate;

constexpr std::chrono::seconds last_patience{1};

int report(config::problems const& faults) {
    for (auto const& fault : faults)
        std::cerr << config::render(fault) << '\n';
    return 2;
}

int check(proxy::runtime const& snapshot) {
    std::cout << "OK: " << snapshot.sites.size() << " sites\n";  // also of one: scripts look for it
    return 0;
}

int explain(proxy::runtime const& snapshot, proxy::command_line const& wanted) {
    auto const format = wanted.json ? proxy::report_format::json : proxy::report_format::text;
    auto const answer = proxy::explain_identity(snapshot, {wanted.site, wanted.certificate_file, format});
    std::cout << answer.output;
    std::cerr << answer.error_output;
    return answer.exit_status;
}

bool is_open(std::string const& file, boost::system::error_code error) {
    if (error) std::cerr << file << ": " << error.message() << '\n';
    return !error;
}

int serve(std::shared_ptr<proxy::runtime const> snapshot, metrics::registry& counters,
          std::shared_ptr<policy::verification_service> const& verification) {
    proxy::event_log log;
    proxy::transfer_log transfers;
    auto const& names = snapshot->settings.log;
    if (!is_open(names.file, log.configure(names)) ||
        !is_open(names.transfer_log, transfers.configure(names.transfer_log)))
        return 1;
    counters.build_info(proxy::version(), proxy::boringssl_version(), proxy::boost_version());
    return proxy::server(std::move(snapshot), {counters, log, transfers, verification}).run();
}

// The snapshot is the server's alone: after a reload nothing of it may stay behind.
int carry_out(proxy::command_line const& wanted, std::shared_ptr<proxy::runtime const> snapshot,
              metrics::registry& counters, std::shared_ptr<policy::verification_service> const& verification) {
    switch (wanted.command) {
        case proxy::cli_command::check: return check(*snapshot);
        case proxy::cli_command::identity: return explain(*snapshot, wanted);
        default: return serve(std::move(snapshot), counters, verification);
    }
}

int import_iis(std::string const& file) {
    auto const answer = proxy::import_iis_file(file);
    std::cout << answer.output;
    std::cerr << answer.error_output;
    return answer.exit_status;
}

int run(proxy::command_line const& wanted) {
    if (wanted.command == proxy::cli_command::import_iis) return import_iis(wanted.iis_file);
    metrics::registry counters;
    auto const verification = std::make_shared<policy::verification_service>();
    auto built = proxy::load_runtime(wanted.config_file, counters, verification, nullptr);
    if (!built.faults.empty()) return report(built.faults);
    int const status = carry_out(wanted, std::move(built.value), counters, verification);
    if (verification->ledger()->wait_until_empty(last_patience)) return status;
    // A thread hangs in a library that the usual way out would take apart.
    std::cout.flush();
    std::_Exit(status);
}

}  // namespace

int main(int argc, char** argv) {
    auto const wanted = proxy::parse_command_line(argc, argv, proxy::version_text());
    if (!wanted.output.empty()) std::cout << wanted.output;
    if (!wanted.error_output.empty()) std::cerr << wanted.error_output;
    if (wanted.command == proxy::cli_command::none) return wanted.exit_status;
    try {
        return run(wanted);
    } catch (std::exception const& error) {
        std::cerr << "ftpsgate: " << error.what() << '\n';
        return 1;
    }
}
