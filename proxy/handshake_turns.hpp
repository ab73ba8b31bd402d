// The order in which a worker does the costly steps of its clients' TLS handshakes: one for each pass of the event
// loop, client after client. Sessions that are established wait for one such step at most, however many
// handshakes are due, and a client with many of them holds up the others by one. A client is counted as in limits.hpp.
//
// All on the executor's thread.
#pragma once

#include "proxy/limits.hpp"

#include <boost/asio/any_io_executor.hpp>

#include <cstddef>
#include <deque>
#include <functional>
#include <list>
#include <unordered_map>

namespace ftpsgate::proxy {

class handshake_turns {
public:
    using step = std::function<void()>;

    explicit handshake_turns(boost::asio::any_io_executor executor) : executor_(std::move(executor)) {}
    handshake_turns(handshake_turns const&) = delete;
    handshake_turns& operator=(handshake_turns const&) = delete;

    /// Called in its turn, never from within this call.
    void add(client_key const& client, step what);
    std::size_t waiting() const { return waiting_; }

private:
    struct line {
        client_key client;
        std::deque<step> steps;
    };

    void post_next();
    void take_next();

    boost::asio::any_io_executor executor_;
    std::list<line> lines_;  // whose turn is next comes first
    std::unordered_map<client_key, std::list<line>::iterator, client_key_hash> line_of_;
    std::size_t waiting_ = 0;
};

}  // namespace ftpsgate::proxy
