// One look at one server, on the gate's own account: connect, wait for the greeting, log in if the site has a login for
// that, say QUIT. Where backends get a PROXY header, one that speaks of no client goes first. The limits are those of a
// session: connect_timeout for the connection, the pool's greeting_limit() for the greeting, reply_timeout for each
// further reply.
//
// To be used and destroyed on the executor's thread. `done` is called once, and never after destruction; destroying it
// from within `done` is allowed. The farewell of a server that is well goes on for up to a second by itself.
#pragma once

#include "proxy/backend_pool.hpp"

#include <boost/asio/any_io_executor.hpp>

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>

namespace ftpsgate::proxy {

class backend_check {
public:
    /// Why the server is of no use, in words for the log; nothing: it is well.
    using handler = std::function<void(std::optional<std::string> fault)>;

    backend_check(boost::asio::any_io_executor executor, std::shared_ptr<backend_pool> pool, std::size_t server);
    ~backend_check();
    backend_check(backend_check const&) = delete;
    backend_check& operator=(backend_check const&) = delete;

    void start(handler done);

private:
    struct state;  // outlives the check while it says farewell
    std::shared_ptr<state> state_;
};

}  // namespace ftpsgate::proxy
