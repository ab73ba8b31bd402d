// Addresses: listening ones from the configuration to the socket, all of them to text for logs.
#pragma once

#include "config/settings.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>

#include <optional>
#include <string>

namespace ftpsgate::proxy {

/// A name is resolved once, and blocks meanwhile: for the start and for reloads. Nothing: `error` tells why.
std::optional<boost::asio::ip::tcp::endpoint> resolve(boost::asio::io_context& loop, config::endpoint const& wanted,
                                                      boost::system::error_code& error);

/// "192.0.2.1:21", "[2001:db8::1]:21".
std::string text_of(boost::asio::ip::tcp::endpoint const& where);

/// One is the wildcard address of the other's family, with the same port.
bool overlap(boost::asio::ip::tcp::endpoint const& one, boost::asio::ip::tcp::endpoint const& other);

}  // namespace ftpsgate::proxy
