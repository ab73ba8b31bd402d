// Reads the PROXY header off a connection that was just accepted, and nothing behind it: the TLS or FTP that follows is
// still in the socket afterwards.
//
// Flow: create, start(); `done` is called once, from a handler on the socket's executor, unless cancel() came first.
// The object keeps itself alive while it waits.
#pragma once

#include "proxy/data/proxy_protocol.hpp"
#include "proxy/net/socket.hpp"

#include <boost/asio/steady_timer.hpp>

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>

namespace ftpsgate::data {

struct proxy_header_outcome {
    enum class kind {
        header,     ///< `ends` is what it says
        malformed,  ///< also cut off in the middle, and not there in time
        no_bytes,   ///< the peer left without a byte: a probe that looks whether the port is open
    };
    kind what = kind::header;
    std::optional<connection_ends> ends;  ///< nothing: the connection's own
    std::string fault;                    ///< in words for the log
};

class proxy_header_wait : public std::enable_shared_from_this<proxy_header_wait> {
public:
    using handler = std::function<void(net::socket, proxy_header_outcome const&)>;

    proxy_header_wait(net::socket socket, handler done);

    /// `limit`: for the whole header, from now on.
    void start(std::chrono::milliseconds limit);
    void cancel();  ///< closes the socket

private:
    void wait();
    void read();
    void finish(proxy_header_outcome outcome);
    void fail(std::string fault);

    net::socket socket_;
    boost::asio::steady_timer timer_;
    handler done_;
    proxy_header_reader reader_;
    bool heard_ = false;
};

}  // namespace ftpsgate::data
