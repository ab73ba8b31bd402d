#include "proxy/addresses.hpp"

#include <sstream>

namespace ftpsgate::proxy {

using boost::asio::ip::tcp;

std::optional<tcp::endpoint> resolve(boost::asio::io_context& loop, config::endpoint const& wanted,
                                     boost::system::error_code& error) {
    auto const literal = boost::asio::ip::make_address(wanted.host, error);
    if (!error) return tcp::endpoint(literal, wanted.port);
    tcp::resolver resolver(loop);
    auto const found = resolver.resolve(wanted.host, std::to_string(wanted.port), error);
    if (error || found.empty()) return std::nullopt;
    return found.begin()->endpoint();
}

std::string text_of(tcp::endpoint const& where) {
    std::ostringstream text;
    text << where;
    return text.str();
}

bool overlap(tcp::endpoint const& one, tcp::endpoint const& other) {
    if (one.port() != other.port() || one.protocol() != other.protocol()) return false;
    return one.address().is_unspecified() != other.address().is_unspecified();
}

}  // namespace ftpsgate::proxy
