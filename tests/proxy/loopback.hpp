// What the tests of the driver's sockets share: loopback, ports that the kernel picks, waiting for a condition.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ip/v6_only.hpp>

#include <chrono>
#include <cstdint>
#include <string>

namespace ftpsgate::tests {

using tcp = boost::asio::ip::tcp;

/// Runs handlers until the condition holds; false when it does not within ten seconds.
template <typename Condition>
bool run_until(boost::asio::io_context& context, Condition holds) {
    auto const limit = std::chrono::steady_clock::now() + std::chrono::seconds(10);
    while (!holds() && std::chrono::steady_clock::now() < limit) {
        context.restart();
        context.run_one_for(std::chrono::milliseconds(20));
    }
    return holds();
}

inline tcp::endpoint loopback(std::uint16_t port = 0, char const* address = "127.0.0.1") {
    return {boost::asio::ip::make_address(address), port};
}

/// The kernel completes connections to it, up to the backlog, without an accept.
inline tcp::acceptor listening(boost::asio::io_context& context, char const* address = "127.0.0.1",
                               int backlog = tcp::acceptor::max_listen_connections) {
    tcp::acceptor made(context, loopback(0, address).protocol());
    made.bind(loopback(0, address));
    made.listen(backlog);
    return made;
}

/// Holds a port on which nobody listens: connections to it are refused.
inline tcp::acceptor refusing(boost::asio::io_context& context) {
    tcp::acceptor made(context, tcp::v4());
    made.bind(loopback());
    return made;
}

/// Does this machine have ::1?
inline bool has_ipv6(boost::asio::io_context& context) {
    boost::system::error_code error;
    tcp::acceptor probe(context);
    probe.open(tcp::v6(), error);
    if (!error) probe.bind(loopback(0, "::1"), error);
    return !error;
}

}  // namespace ftpsgate::tests
