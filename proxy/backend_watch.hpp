// Checks the servers of all sites, each at an interval of its own that varies by a tenth, so that many gates do not ask
// in step. A server in doubt (a session failed, or a check did and another will decide) is asked again within a second.
// The addresses of a name are looked up again with each check. Sites with health_interval = "0s" are left alone.
//
// To be used and destroyed on the executor's thread; sessions on other threads call for a check by themselves.
#pragma once

#include "proxy/log.hpp"
#include "proxy/runtime.hpp"

#include <boost/asio/any_io_executor.hpp>

#include <memory>
#include <vector>

namespace ftpsgate::proxy {

class backend_watch {
public:
    backend_watch(boost::asio::any_io_executor executor, event_log& log);
    ~backend_watch();
    backend_watch(backend_watch const&) = delete;
    backend_watch& operator=(backend_watch const&) = delete;

    /// From now on these, and no others. Before a session can know the snapshot. Servers that nobody knows anything of
    /// are checked at once.
    void watch(runtime const& snapshot);
    void stop();

private:
    class checker;

    boost::asio::any_io_executor executor_;
    event_log& log_;
    std::vector<std::shared_ptr<checker>> checkers_;
};

}  // namespace ftpsgate::proxy
