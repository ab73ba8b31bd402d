#include "proxy/reloader.hpp"

#include "config/load.hpp"

#include <boost/asio/post.hpp>

#include <utility>

namespace ftpsgate::proxy {

reloader::~reloader() {
    if (thread_.joinable()) thread_.join();
}

void reloader::start() {
    if (thread_.joinable()) {
        again_ = true;
        return;
    }
    thread_ = std::thread([this, previous = around_.present(), alive = std::weak_ptr(alive_)] {
        auto result = std::make_shared<runtime_result>(
            load_runtime(previous->settings.file, around_.counters, around_.verification, previous.get()));
        boost::asio::post(around_.executor, [this, alive, result = std::move(result)] {
            if (!alive.expired()) finished(result);
        });
    });
}

void reloader::finished(std::shared_ptr<runtime_result> result) {
    thread_.join();
    around_.done(std::move(*result));
    if (std::exchange(again_, false)) start();
}

runtime_result load_runtime(std::string const& file, metrics::registry& counters,
                            std::shared_ptr<policy::verification_service> const& verification,
                            runtime const* previous) {
    auto loaded = config::load_file(file);
    bool const follows = !loaded.faults.empty();
    auto built = build_runtime(std::move(loaded.values), counters, verification, previous);
    // A fault without a position only follows from one that the loader has named.
    for (auto& fault : built.faults)
        if (!follows || fault.where.line > 0) loaded.faults.push_back(std::move(fault));
    built.faults = std::move(loaded.faults);
    if (!built.faults.empty()) built.value.reset();
    return built;
}

}  // namespace ftpsgate::proxy
