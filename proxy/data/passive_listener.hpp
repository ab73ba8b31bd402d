// Listens on a leased port and hands over the connections of the one expected peer; others are accepted and closed at
// once without ending the wait (B-119, A-021, A-073). Connections from a balancer are those of the peer that their
// PROXY header names.
#pragma once

#include "proxy/data/port_allocator.hpp"
#include "proxy/net/socket.hpp"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/ip/address.hpp>

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

namespace ftpsgate::data {

class passive_listener {
public:
    /// Called once per connection from the expected address, on the executor, until close().
    using accept_handler = std::function<void(net::socket)>;
    /// Called for each connection that came from another address.
    using stranger_handler = std::function<void(boost::asio::ip::address const&)>;

    /// Who has to send a PROXY header in front of everything else.
    struct header_rule {
        std::function<bool(boost::asio::ip::address const&)> from;  ///< unset: nobody
        std::chrono::milliseconds limit{10'000};                    ///< for the whole header
        /// A connection of theirs without a usable one, which was closed; the text says why, for the log.
        std::function<void(boost::asio::ip::address const&, std::string const&)> on_fault;
    };

    explicit passive_listener(boost::asio::any_io_executor executor);
    ~passive_listener();

    /// Binds to `local` (the address the control connection uses, B-117) and a leased port; ports that are taken by
    /// other programs are skipped. address_in_use: none is free (B-118).
    boost::system::error_code open(boost::asio::ip::address const& local, port_allocator& ports,
                                   boost::asio::ip::address const& expected_peer);
    std::uint16_t port() const { return port_; }
    bool is_open() const;
    void expect_headers(header_rule rule);  ///< between open() and start()
    void start(accept_handler on_accept, stranger_handler on_stranger);
    void close();

private:
    struct state;  // outlives the listener while an accept is being cancelled

    boost::asio::any_io_executor executor_;
    std::shared_ptr<state> state_;  // one per open()
    std::uint16_t port_ = 0;
};

}  // namespace ftpsgate::data
