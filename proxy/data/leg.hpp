// What both legs of a data connection have in common: how they fail. "Leg" is one of the two halves of a transfer,
// client-gate or gate-backend. Also the few socket steps that both take.
#pragma once

#include "proxy/net/socket.hpp"

#include <boost/system/error_code.hpp>

#include <cstddef>

namespace ftpsgate::data {

enum class leg_failure {
    connect,            ///< refused, unreachable, or no connection in time
    handshake,          ///< TLS failed, or took longer than the handshake time-out (B-155, A-035)
    not_resumed,        ///< TLS without resumption of this control session where that is required (B-156)
    other_certificate,  ///< TLS with another client certificate than that of the control session (B-159)
    proxy_header,       ///< a balancer's connection without a usable PROXY header; fails no leg
};

/// Fixed word for logs and metric labels.
char const* to_string(leg_failure failure);

/// IPv4-mapped IPv6 becomes IPv4, so that one host's addresses compare equal whatever family its socket has (B-110).
boost::asio::ip::address unmapped(boost::asio::ip::address const& address);

/// Opens `socket` so that a connection to `target` leaves from `local` (B-278, B-279); an unspecified `local` leaves
/// the choice to the kernel. The port is picked when connecting.
boost::system::error_code open_from(boost::asio::ip::address const& local, boost::asio::ip::tcp::endpoint const& target,
                                    net::socket& socket);

/// Throws away what the kernel has received, at most `limit` bytes: closing over unread bytes would send RST (B-171).
void discard_input(net::socket& socket, std::size_t limit);

}  // namespace ftpsgate::data
