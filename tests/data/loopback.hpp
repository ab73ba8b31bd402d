// What the tests of the data connections share: one event loop, loopback addresses, ports that the kernel picks, and
// peers that are driven between the handlers (peer.hpp). Waits for conditions, never for time.
#pragma once

#include "proxy/data/port_allocator.hpp"
#include "proxy/tls/buffer_pool.hpp"
#include "tests/data/peer.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>

#include <algorithm>
#include <chrono>
#include <memory>
#include <sys/socket.h>
#include <vector>

namespace ftpsgate::test {

inline boost::asio::ip::address address(char const* text) {
    return boost::asio::ip::make_address(text);
}

/// Answers no further connection: its backlog is full, so the kernel drops the SYN.
class full_listener {
public:
    explicit full_listener(boost::asio::io_context& io) : listener_(io, boost::asio::ip::tcp::v4()) {
        listener_.bind({address("127.0.0.1"), 0});
        listener_.listen(0);
        auto const to = endpoint();
        for (int i = 0; i < 8; ++i) {
            auto& filler = fillers_.emplace_back(io, boost::asio::ip::tcp::v4());
            filler.native_non_blocking(true);
            static_cast<void>(::connect(filler.native_handle(), to.data(), static_cast<socklen_t>(to.size())));
        }
    }

    boost::asio::ip::tcp::endpoint endpoint() const { return listener_.local_endpoint(); }

private:
    boost::asio::ip::tcp::acceptor listener_;
    std::vector<boost::asio::ip::tcp::socket> fillers_;
};

class loopback {
public:
    using clock = std::chrono::steady_clock;

    boost::asio::io_context io;
    tls::buffer_pool pool;
    std::shared_ptr<data::port_allocator> ports = std::make_shared<data::port_allocator>(0, 0);

    /// The peer is driven by run_until() as long as it lives.
    std::shared_ptr<peer> connect(std::uint16_t port, peer_options const& options = {}) {
        return drive(std::make_shared<peer>(connected_socket(io, port, options), options));
    }

    std::shared_ptr<peer> drive(std::shared_ptr<peer> one) {
        peers_.push_back(one);
        return one;
    }

    /// False when the condition does not hold within ten seconds.
    template <typename Condition>
    bool run_until(Condition holds) {
        auto const limit = clock::now() + std::chrono::seconds(10);
        while (!holds()) {
            if (clock::now() > limit) return false;
            turn();
        }
        return true;
    }

    /// For what must not happen: everything that is ready runs, and then whatever comes within the time.
    void run_for(std::chrono::milliseconds time) {
        auto const limit = clock::now() + time;
        do {
            turn();
        } while (clock::now() < limit);
    }

private:
    void turn() {
        std::erase_if(peers_, [](auto const& one) { return one.expired(); });
        bool moved = false;
        for (auto const& one : peers_) {
            if (auto const alive = one.lock()) moved = alive->pump() || moved;
        }
        io.restart();
        int handlers = 0;  // not poll(): a handler that posts itself would keep the peers waiting
        while (handlers < 100 && io.poll_one() > 0)
            ++handlers;
        if (handlers > 0 || moved) return;
        io.restart();
        io.run_one_for(std::chrono::milliseconds(1));
    }

    std::vector<std::weak_ptr<peer>> peers_;
};

}  // namespace ftpsgate::test
