// Composition root: command line, configuration, snapshot, server.
#include "config/load.hpp"
#include "proxy/cli.hpp"
#include "proxy/log.hpp"
#include "proxy/runtime.hpp"
#include "proxy/server.hpp"
#include "proxy/version.hpp"

#include <cstdio>
#include <iostream>
#include <sys/resource.h>

namespace {

using namespace ftpsgate;

int report(config::problems const& faults) {
    for (auto const& fault : faults)
        std::cerr << config::render(fault) << '\n';
    return 2;
}

// Every session needs up to four descriptors; the default limit of 1024 is for interactive programs.
void raise_descriptor_limit() {
    rlimit limit{};
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
}

int check(proxy::runtime const& snapshot) {
    std::cout << "OK: " << snapshot.sites.size() << (snapshot.sites.size() == 1 ? " site\n" : " sites\n");
    return 0;
}

int serve(std::shared_ptr<proxy::runtime const> const& snapshot, metrics::registry& counters) {
    proxy::event_log log;
    if (auto const error = log.configure(snapshot->settings.log)) {
        std::cerr << snapshot->settings.log.file << ": " << error.message() << '\n';
        return 1;
    }
    raise_descriptor_limit();
    counters.build_info(proxy::version(), proxy::boringssl_version(), proxy::boost_version());
    return proxy::server(snapshot, counters, log).run();
}

int run(proxy::command_line const& wanted) {
    auto loaded = config::load_file(wanted.config_file);
    metrics::registry counters;
    auto built = proxy::build_runtime(std::move(loaded.values), counters);
    // A fault without a position only follows from one that the loader has named.
    bool const follows = !loaded.faults.empty();
    for (auto const& fault : built.faults)
        if (!follows || fault.where.line > 0) loaded.faults.push_back(fault);
    if (!loaded.faults.empty()) return report(loaded.faults);
    return wanted.command == proxy::cli_command::check ? check(*built.value) : serve(built.value, counters);
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
