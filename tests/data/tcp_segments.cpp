// Beside no header of Asio: the C library's <netinet/tcp.h>, which they include, has an older tcp_info.
#include "tests/data/tcp_segments.hpp"

#include <linux/tcp.h>
#include <netinet/in.h>
#include <stdexcept>
#include <sys/socket.h>

namespace ftpsgate::test {

std::uint32_t data_segments_received(int socket) {
    tcp_info info{};
    socklen_t size = sizeof info;
    if (::getsockopt(socket, IPPROTO_TCP, TCP_INFO, &info, &size) != 0) throw std::runtime_error("TCP_INFO");
    return info.tcpi_data_segs_in;
}

}  // namespace ftpsgate::test
