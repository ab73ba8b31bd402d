// What belongs to one worker thread: its event loop and the buffers that its sessions share. Everything of a session
// runs on one worker, so nothing here needs a lock.
#pragma once

#include "proxy/handshake_turns.hpp"
#include "proxy/net/poller.hpp"
#include "proxy/tls/buffer_pool.hpp"

#include <boost/asio/io_context.hpp>

#include <array>
#include <cstdint>

namespace ftpsgate::proxy {

struct worker {
    tls::buffer_pool buffers;  // outlives the loop: connections that still pend there when it goes have blocks of it
    boost::asio::io_context loop{1};
    net::poller& sockets = boost::asio::use_service<net::poller>(loop);  // now, while there are descriptors
    handshake_turns handshakes{loop.get_executor()};
    /// Where control connections are read into; what is in it is handled before the next read, on whatever session.
    std::array<std::uint8_t, 16 * 1024> scratch{};
};

}  // namespace ftpsgate::proxy
