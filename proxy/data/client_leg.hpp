// The client's half of a data connection: listens (PASV, EPSV) or connects (PORT, EPRT), does the TLS handshake as the
// server in both cases (B-133), proves that the connection belongs to the control session, and hands over one stream.
//
// While listening up to four connections may be candidates: the first that is acceptable wins, the others are
// closed. In clear (`tls` unset) the first connection wins. A candidate starts its handshake when its TCP connection
// is accepted, before or after the transfer command (B-120); one that has not sent a byte within five seconds is
// dropped without failing the transfer.
//
// Flow: listen() or connect_to(); at the transfer command begin(): from then on exactly one of on_up / on_failed is
// called, once, unless the leg is destroyed or close()d first. A winner found before begin() is kept and reported in it
// (from a posted handler, never inside the call).
#pragma once

#include "proxy/data/leg.hpp"
#include "proxy/data/passive_listener.hpp"
#include "proxy/tls/stream.hpp"

#include <chrono>
#include <functional>
#include <memory>
#include <optional>

namespace ftpsgate::data {

/// What shows that a connection under TLS belongs to the control session. Anything else fails the transfer.
enum class proof {
    none,
    resumption,                 ///< of the control session (B-156)
    resumption_or_certificate,  ///< or the control session's client certificate again (B-159), not expired (B-275)
    same_certificate_if_any,    ///< no other client certificate than the control session's, nor an expired one
};

struct client_leg_settings {
    boost::asio::ip::address local;                 ///< the gate's address of the control connection
    boost::asio::ip::address peer;                  ///< the client's address of the control connection
    std::optional<tls::server_options> tls;         ///< unset = PROT C
    data::proof proof = data::proof::resumption;    ///< only with tls
    std::optional<tls::sha256_digest> certificate;  ///< of the control session's client, if it has one
    std::chrono::system_clock::time_point certificate_end = std::chrono::system_clock::time_point::max();
    std::chrono::milliseconds connect_timeout{30'000};    ///< from begin() until TCP is up
    std::chrono::milliseconds handshake_timeout{10'000};  ///< from accept or connect until TLS is up
    std::chrono::milliseconds silence_timeout{5'000};     ///< of a mute candidate beside others (A-022)
    /// Passive: whose connections begin with a PROXY header, which names the peer then; unset: nobody's. The header has
    /// handshake_timeout to come.
    std::function<bool(boost::asio::ip::address const&)> sends_proxy_header;
};

class client_leg {
public:
    using tcp = boost::asio::ip::tcp;

    struct handlers {
        std::function<void(std::unique_ptr<tls::stream>)> on_up;
        /// A candidate has begun its TLS handshake; after begin(), at most once, before on_up or on_failed.
        std::function<void()> on_handshaking;
        /// The text says why in words for the log.
        std::function<void(leg_failure, std::string)> on_failed;
        /// A connection from another address, one that completed TLS without belonging to this session, or a balancer's
        /// without a usable PROXY header: for the attack counter. May be called any number of times.
        std::function<void(leg_failure, std::string)> on_intruder;
    };

    client_leg(boost::asio::any_io_executor executor, tls::buffer_pool& pool, client_leg_settings settings,
               handlers calls);
    ~client_leg();  ///< as close()

    /// Passive: returns the error, or none and the port is open.
    boost::system::error_code listen(port_allocator& ports);
    std::uint16_t port() const;
    /// Active: remembers where to; connecting starts in begin(), from the local address of the settings (B-279).
    void connect_to(tcp::endpoint target);

    /// PROT came between set-up and transfer: the level at the transfer command counts (B-056, B-152). Only before
    /// begin(). A connection on which TLS is under way already cannot become clear and is closed.
    void protect(std::optional<tls::server_options> tls);

    void begin();
    /// Closes whatever is open, without close_notify; no handler is called afterwards.
    void close();

private:
    struct state;
    std::shared_ptr<state> state_;
};

}  // namespace ftpsgate::data
