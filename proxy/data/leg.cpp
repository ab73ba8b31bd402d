#include "proxy/data/leg.hpp"

#include <algorithm>
#include <array>
#include <netinet/in.h>

namespace ftpsgate::data {

namespace ip = boost::asio::ip;
using ip::tcp;

char const* to_string(leg_failure failure) {
    switch (failure) {
        case leg_failure::connect: return "connect";
        case leg_failure::handshake: return "handshake";
        case leg_failure::not_resumed: return "not_resumed";
        case leg_failure::other_certificate: return "other_certificate";
        case leg_failure::proxy_header: return "proxy_header";
    }
    return "unknown";
}

ip::address unmapped(ip::address const& address) {
    if (!address.is_v6() || !address.to_v6().is_v4_mapped()) return address;
    return ip::make_address_v4(ip::v4_mapped, address.to_v6());
}

boost::system::error_code open_from(ip::address const& local, tcp::endpoint const& target, net::socket& socket) {
    boost::system::error_code ec;
    socket.open(target, ec);
    if (ec || local.is_unspecified()) return ec;
    // Without this a bound port is taken from all destinations, and TIME_WAIT of some 28000 transfers uses them up.
    socket.set_option(IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 1, ec);
    socket.bind(tcp::endpoint(unmapped(local), 0), ec);
    return ec;
}

void discard_input(net::socket& socket, std::size_t limit) {
    std::array<std::uint8_t, 16 * 1024> waste;
    boost::system::error_code ec;
    while (!ec && limit > 0) {
        std::size_t const count = socket.receive(waste, ec);
        limit -= std::min(limit, count);
    }
}

}  // namespace ftpsgate::data
