#include "proxy/data_connection.hpp"

namespace ftpsgate::proxy {

namespace {

using namespace std::chrono_literals;
constexpr auto linger = 1s;  // for the client's close_notify, which is not required (B-165)

ftp::data_fault to_core(data::leg_failure failure) {
    switch (failure) {
        case data::leg_failure::connect: return ftp::data_fault::connect;
        case data::leg_failure::handshake: return ftp::data_fault::handshake;
        case data::leg_failure::other_certificate:
        case data::leg_failure::not_resumed: return ftp::data_fault::not_resumed;
        case data::leg_failure::proxy_header: break;  // fails no leg
    }
    return ftp::data_fault::connect;
}

ftp::copy_result to_core(data::relay_outcome outcome, ftp::copy_direction way) {
    bool const from_client = way == ftp::copy_direction::to_backend;
    switch (outcome) {
        case data::relay_outcome::clean: return ftp::copy_result::clean;
        case data::relay_outcome::source_truncated:
            return from_client ? ftp::copy_result::client_truncated : ftp::copy_result::backend_failed;
        case data::relay_outcome::source_failed:
            return from_client ? ftp::copy_result::client_failed : ftp::copy_result::backend_failed;
        case data::relay_outcome::receiver_failed:
        case data::relay_outcome::receiver_ended:
            return from_client ? ftp::copy_result::backend_failed : ftp::copy_result::client_failed;
        case data::relay_outcome::idle: return ftp::copy_result::idle;
    }
    return ftp::copy_result::backend_failed;
}

}  // namespace

boost::asio::ip::address to_asio(ftp::ip_address const& address) {
    return boost::asio::ip::make_address(address.text());
}

boost::asio::ip::tcp::endpoint to_asio(ftp::ip_endpoint const& where) {
    return {to_asio(where.address), where.port};
}

ftp::ip_address to_core(boost::asio::ip::address const& address) {
    if (address.is_v6()) {
        auto scopeless = address.to_v6();
        scopeless.scope_id(0);
        return ftp::ip_address::parse(scopeless.to_string()).value_or(ftp::ip_address{});
    }
    return ftp::ip_address::v4(address.to_v4().to_bytes());
}

void data_connection::open_client_leg(ftp::protection level) {
    data::client_leg_settings leg;
    leg.local = client_addresses_.local;
    leg.peer = client_addresses_.peer;
    if (level == ftp::protection::tls) leg.tls = settings_.tls();
    leg.proof = settings_.proof;
    leg.certificate = settings_.certificate;
    leg.certificate_end = settings_.certificate_end;
    leg.connect_timeout = settings_.connect_timeout;
    leg.handshake_timeout = settings_.handshake_timeout;
    leg.sends_proxy_header = settings_.sends_proxy_header;
    data::client_leg::handlers calls;
    calls.on_up = [this](std::unique_ptr<tls::stream> up) { client_up(std::move(up)); };
    calls.on_handshaking = [this] { calls_.on_event(ftp::client_data_handshaking{}); };
    calls.on_failed = [this](data::leg_failure failure, std::string const& why) {
        calls_.on_failure(failure, why);
        calls_.on_event(ftp::client_data_failed{to_core(failure)});
    };
    calls.on_intruder = [this](data::leg_failure failure, std::string const& why) {
        using enum ftp::attack_kind;
        if (failure == data::leg_failure::proxy_header) return calls_.on_intruder(proxy_header, why);
        if (failure == data::leg_failure::connect) return calls_.on_intruder(data_theft, why);
        suspect_ = why;
    };
    suspect_.clear();
    client_leg_ =
        std::make_unique<data::client_leg>(home_.loop.get_executor(), home_.buffers, std::move(leg), std::move(calls));
}

void data_connection::client_up(std::unique_ptr<tls::stream> up) {
    client_ = std::move(up);
    // The client came after it: so the one that could not prove itself was somebody else.
    if (!suspect_.empty()) calls_.on_intruder(ftp::attack_kind::data_theft, suspect_);
    if (client_->secured()) calls_.on_secured(client_->facts(), std::chrono::steady_clock::now() - begun_);
    // Before the 1xx that may be held back for them (B-160).
    if (way_ == ftp::copy_direction::to_backend) client_->send_tickets();
    std::weak_ptr<void> const alive = alive_;
    calls_.on_event(ftp::client_data_up{});
    // A download that has begun has them before its first bytes. One that may fail yet must not cost the client a
    // ticket.
    if (alive.lock() && client_ && !relay_) client_->send_tickets();
}

void data_connection::listen_client(ftp::protection level) {
    open_client_leg(level);
    if (client_leg_->listen(*settings_.ports)) {
        client_leg_.reset();
        return calls_.on_event(ftp::client_listen_failed{});
    }
    calls_.on_event(ftp::client_listening{client_leg_->port()});
}

void data_connection::target_client(ftp::ip_endpoint const& where, ftp::protection level) {
    open_client_leg(level);
    client_leg_->connect_to(to_asio(where));
}

void data_connection::protect_client(ftp::protection level) {
    if (!client_leg_) return;
    client_leg_->protect(level == ftp::protection::tls ? std::optional(settings_.tls()) : std::nullopt);
}

std::unique_ptr<data::backend_leg> data_connection::new_backend_leg() {
    data::backend_leg_settings leg;
    leg.local = backend_addresses_.local;
    leg.peer = backend_addresses_.peer;
    leg.connect_timeout = settings_.connect_timeout;
    leg.preamble = settings_.backend_preamble;
    data::backend_leg::handlers calls;
    calls.on_up = [this](std::unique_ptr<tls::stream> up) {
        backend_ = std::move(up);
        calls_.on_event(ftp::backend_data_up{});
    };
    calls.on_failed = [this](data::leg_failure failure, std::string const& why) {
        calls_.on_failure(failure, why);
        calls_.on_event(ftp::backend_data_failed{});
    };
    return std::make_unique<data::backend_leg>(home_.loop.get_executor(), home_.buffers, std::move(leg),
                                               std::move(calls));
}

void data_connection::listen_backend() {
    backend_leg_ = new_backend_leg();
    if (backend_leg_->listen()) return calls_.on_event(ftp::backend_listen_failed{});
    calls_.on_event(ftp::backend_listening{{proxy::to_core(backend_addresses_.local), backend_leg_->port()}});
}

void data_connection::target_backend(ftp::ip_endpoint const& where) {
    backend_leg_ = new_backend_leg();
    backend_leg_->connect_to(to_asio(where));
}

void data_connection::begin(ftp::copy_direction way) {
    way_ = way;
    begun_ = std::chrono::steady_clock::now();
    bytes_ = 0;
    if (client_leg_) client_leg_->begin();
    if (backend_leg_) backend_leg_->begin();
}

void data_connection::start_relay() {
    if (!client_ || !backend_) return;
    bool const to_client = way_ == ftp::copy_direction::to_client;
    auto const direction = to_client ? data::relay_direction::download : data::relay_direction::upload;
    data::relay_settings const wanted{settings_.idle_timeout, direction, limiter_.is_limited() ? &limiter_ : nullptr};
    relay_ =
        std::make_unique<data::relay>(to_client ? *backend_ : *client_, to_client ? *client_ : *backend_, home_.buffers,
                                      wanted, [this](data::relay_outcome outcome) { relay_ended(outcome); });
    relay_->start();
}

void data_connection::relay_ended(data::relay_outcome outcome) {
    bytes_ = relay_->bytes();
    relay_.reset();
    if (outcome == data::relay_outcome::clean) {
        // The source said all it had to say; a client that uploaded may wait for our end before it reads the reply
        // (B-166).
        if (way_ == ftp::copy_direction::to_backend)
            data::finish(std::move(client_), linger, [](bool) {});
        else
            backend_.reset();
    }
    calls_.on_event(ftp::relay_done{to_core(outcome, way_)});
}

void data_connection::finish_client() {
    if (!client_) return calls_.on_event(ftp::client_data_finished{false});
    // The transfer may be over, or this object gone, before the end is sent.
    std::weak_ptr<void> const alive = alive_;
    data::finish(std::move(client_), linger, [this, alive](bool sent) {
        if (alive.lock()) calls_.on_event(ftp::client_data_finished{sent});
    });
}

void data_connection::finish_backend() {
    if (backend_) data::finish(std::move(backend_), linger, [](bool) {});
}

void data_connection::abort() {
    if (relay_) bytes_ = relay_->bytes();
    relay_.reset();
    client_leg_.reset();
    backend_leg_.reset();
    if (client_) client_->reset();
    if (backend_) backend_->reset();
    client_.reset();
    backend_.reset();
    alive_ = std::make_shared<char>();  // ends of an earlier transfer are no events of the next one
}

void data_connection::ask_progress() {
    std::uint64_t const now = bytes();
    bool const starved = relay_ && relay_->waits_for_source();
    calls_.on_event(ftp::progress{now, starved});
}

}  // namespace ftpsgate::proxy
