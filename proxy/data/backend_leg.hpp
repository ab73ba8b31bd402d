// The backend's half of a data connection, always in clear: connects to the port that the backend named (passive), or
// listens for it (active). Its address is that of the control connection, on both sides (B-140, B-278).
//
// Flow: connect_to() or listen(); begin() starts connecting, or reports a connection that already came (B-146). Then
// exactly one of on_up / on_failed, once, from a posted handler, unless destroyed or close()d first.
#pragma once

#include "proxy/data/leg.hpp"
#include "proxy/data/passive_listener.hpp"
#include "proxy/tls/stream.hpp"

#include <chrono>
#include <functional>
#include <memory>
#include <string>

namespace ftpsgate::data {

struct backend_leg_settings {
    boost::asio::ip::address local;                     ///< the gate's address of its control connection to the backend
    boost::asio::ip::address peer;                      ///< the backend's address of that connection
    std::chrono::milliseconds connect_timeout{30'000};  ///< from begin()
    std::string preamble{};                             ///< sent first where the gate connects: a PROXY header, or none
};

class backend_leg {
public:
    using tcp = boost::asio::ip::tcp;

    struct handlers {
        std::function<void(std::unique_ptr<tls::stream>)> on_up;
        std::function<void(leg_failure, std::string)> on_failed;
    };

    backend_leg(boost::asio::any_io_executor executor, tls::buffer_pool& pool, backend_leg_settings settings,
                handlers calls);
    ~backend_leg();

    void connect_to(tcp::endpoint target);
    boost::system::error_code listen();  ///< on a port that the kernel picks
    std::uint16_t port() const;

    void begin();
    void close();

private:
    struct state;
    std::shared_ptr<state> state_;
};

}  // namespace ftpsgate::data
