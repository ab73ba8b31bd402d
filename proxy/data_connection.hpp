// The data side of one session: the two legs, the copy between them and their ends, driven by the core's actions and
// answering with its events. File bytes never leave here. At most one transfer at a time.
#pragma once

#include "proxy/data/backend_leg.hpp"
#include "proxy/data/client_leg.hpp"
#include "proxy/data/relay.hpp"
#include "proxy/ftp/actions.hpp"
#include "proxy/ftp/events.hpp"
#include "proxy/worker.hpp"

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>

namespace ftpsgate::proxy {

/// One end-to-end pair of the control connection's addresses: data connections use the same. Behind a balancer `peer`
/// is the client and `local` what the balancer connected to.
struct address_pair {
    boost::asio::ip::address local;
    boost::asio::ip::address peer;
};

class data_connection {
public:
    struct settings {
        std::chrono::milliseconds connect_timeout{30'000};
        std::chrono::milliseconds handshake_timeout{10'000};
        std::chrono::milliseconds idle_timeout{300'000};
        /// What shows that a data connection is the client's, see client_leg.hpp.
        data::proof proof = data::proof::resumption;
        std::optional<tls::sha256_digest> certificate;  ///< of the control connection's client
        std::chrono::system_clock::time_point certificate_end = std::chrono::system_clock::time_point::max();
        std::shared_ptr<data::port_allocator> ports;
        std::function<tls::server_options()> tls;  ///< for data connections of this control session
        /// Whose data connections begin with a PROXY header, see client_leg.hpp.
        std::function<bool(boost::asio::ip::address const&)> sends_proxy_header;
        std::string backend_preamble;  ///< what the backend gets first on data connections that the gate opens
    };
    struct handlers {
        std::function<void(ftp::event)> on_event;
        /// TLS of the client's leg is up; the time since the transfer began.
        std::function<void(tls::session_facts const&, std::chrono::steady_clock::duration)> on_secured;
        std::function<void(data::leg_failure, std::string const&)> on_failure;  ///< in words, for the log
        /// Somebody else tried to be the client's data connection, or a balancer sent no usable PROXY header.
        std::function<void(ftp::attack_kind, std::string const&)> on_intruder;
    };

    data_connection(worker& home, handlers calls) : home_(home), calls_(std::move(calls)) {}
    ~data_connection() { abort(); }

    /// For all transfers of the session together; 0 = as fast as it goes.
    void limit_rate(std::uint64_t bytes_a_second) { limiter_ = data::rate_limiter(bytes_a_second); }
    /// Before the first listen_client / target_client, and again when the site changed.
    void configure(settings values) { settings_ = std::move(values); }
    void client_addresses(address_pair addresses) { client_addresses_ = std::move(addresses); }
    void backend_addresses(address_pair addresses) { backend_addresses_ = std::move(addresses); }

    void listen_client(ftp::protection level);
    void target_client(ftp::ip_endpoint const& where, ftp::protection level);
    void protect_client(ftp::protection level);
    void listen_backend();
    void target_backend(ftp::ip_endpoint const& where);
    void begin(ftp::copy_direction way);
    void start_relay();
    void finish_client();
    void finish_backend();
    void abort();
    void ask_progress();

    /// Of the transfer that runs or was the last.
    std::uint64_t bytes() const { return relay_ ? relay_->bytes() : bytes_; }
    std::chrono::steady_clock::time_point begun() const { return begun_; }

private:
    void open_client_leg(ftp::protection level);
    std::unique_ptr<data::backend_leg> new_backend_leg();
    void client_up(std::unique_ptr<tls::stream> up);
    void relay_ended(data::relay_outcome outcome);

    worker& home_;
    handlers calls_;
    settings settings_;
    data::rate_limiter limiter_;
    address_pair client_addresses_;
    address_pair backend_addresses_;
    std::unique_ptr<data::client_leg> client_leg_;
    std::unique_ptr<data::backend_leg> backend_leg_;
    std::unique_ptr<tls::stream> client_;
    std::unique_ptr<tls::stream> backend_;
    std::unique_ptr<data::relay> relay_;
    ftp::copy_direction way_ = ftp::copy_direction::to_client;
    std::string suspect_;  // somebody else's attempt, if it turns out that it was not the client's
    std::uint64_t bytes_ = 0;
    std::chrono::steady_clock::time_point begun_{};
    std::shared_ptr<void> alive_ = std::make_shared<char>();  // replaced with every transfer
};

/// The core's addresses and Asio's.
boost::asio::ip::address to_asio(ftp::ip_address const& address);
boost::asio::ip::tcp::endpoint to_asio(ftp::ip_endpoint const& where);
ftp::ip_address to_core(boost::asio::ip::address const& address);

}  // namespace ftpsgate::proxy
