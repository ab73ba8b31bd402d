#include "proxy/data/backend_leg.hpp"

#include <boost/asio/error.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>

#include <optional>
#include <string>
#include <utility>

namespace ftpsgate::data {

using boost::asio::ip::tcp;
using boost::system::error_code;

struct backend_leg::state : std::enable_shared_from_this<state> {
    state(boost::asio::any_io_executor const& executor, tls::buffer_pool& buffers, backend_leg_settings wanted,
          handlers wanted_calls)
        : pool(buffers),
          settings(std::move(wanted)),
          calls(std::move(wanted_calls)),
          any_port(std::make_shared<port_allocator>(std::uint16_t{0}, std::uint16_t{0})),
          listener(executor),
          socket(executor),
          timer(executor) {}

    error_code listen();
    void begin();
    void connect();
    void connect_done(error_code ec);
    void accepted(net::socket parked);
    void give_up_later();
    void report_up();
    void report_failed(std::string text);
    void stop();

    tls::buffer_pool& pool;
    backend_leg_settings settings;
    handlers calls;
    std::shared_ptr<port_allocator> any_port;
    passive_listener listener;
    std::optional<tcp::endpoint> target;
    net::socket socket;  // connecting, or connected
    boost::asio::steady_timer timer;
    bool begun = false;
    bool connected = false;  // the socket is up, perhaps parked until begin() (B-146)
    bool ended = false;      // reported or closed: no handler is called any more
};

backend_leg::backend_leg(boost::asio::any_io_executor executor, tls::buffer_pool& pool, backend_leg_settings settings,
                         handlers calls)
    : state_(std::make_shared<state>(executor, pool, std::move(settings), std::move(calls))) {
}

backend_leg::~backend_leg() {
    close();
}

void backend_leg::connect_to(tcp::endpoint target) {
    state_->target = std::move(target);
}

error_code backend_leg::listen() {
    return state_->listen();
}

std::uint16_t backend_leg::port() const {
    return state_->listener.port();
}

void backend_leg::begin() {
    if (state_->begun || state_->ended) return;
    state_->begun = true;
    state_->begin();
}

void backend_leg::close() {
    state_->stop();
}

error_code backend_leg::state::listen() {
    if (error_code const ec = listener.open(settings.local, *any_port, settings.peer)) return ec;
    listener.start(
        [weak = weak_from_this()](net::socket parked) {
            if (auto self = weak.lock()) self->accepted(std::move(parked));
        },
        {});
    return {};
}

// The connection attempt starts inside the call, so that the SYN leaves together with the command (B-147); what comes
// of it is reported from a handler.
void backend_leg::state::begin() {
    give_up_later();
    if (target) return connect();
    if (!connected) return;
    boost::asio::post(timer.get_executor(), [self = shared_from_this()] { self->report_up(); });
}

void backend_leg::state::connect() {
    tcp::endpoint const to(unmapped(target->address()), target->port());
    auto finished = [self = shared_from_this()](error_code ec) {
        if (ec != boost::asio::error::operation_aborted) self->connect_done(ec);
    };
    if (error_code const ec = open_from(settings.local, to, socket)) {
        boost::asio::post(timer.get_executor(), [finished, ec] { finished(ec); });
    } else {
        socket.connect(to, std::move(finished));
    }
}

// A fresh socket has room for a preamble; only a connection that is broken already takes less.
void backend_leg::state::connect_done(error_code ec) {
    std::size_t sent = 0;
    auto const* const preamble = reinterpret_cast<std::uint8_t const*>(settings.preamble.data());
    if (!ec && !ended && !settings.preamble.empty()) sent = socket.send({preamble, settings.preamble.size()}, 0, ec);
    if (!ec && sent == settings.preamble.size()) return report_up();
    report_failed("cannot connect to the backend's data port: " + (ec ? ec.message() : "it takes no PROXY header"));
}

void backend_leg::state::accepted(net::socket parked) {
    if (ended || connected) return;
    listener.close();
    socket = std::move(parked);
    connected = true;
    if (begun) report_up();
}

void backend_leg::state::give_up_later() {
    timer.expires_after(settings.connect_timeout);
    timer.async_wait([self = shared_from_this()](error_code ec) {
        if (!ec) self->report_failed("no data connection with the backend in time");
    });
}

void backend_leg::state::report_up() {
    if (ended) return;
    auto stream = std::make_unique<tls::stream>(std::move(socket), pool);
    stop();
    calls.on_up(std::move(stream));
}

void backend_leg::state::report_failed(std::string text) {
    if (ended) return;
    stop();
    calls.on_failed(leg_failure::connect, std::move(text));
}

void backend_leg::state::stop() {
    ended = true;
    listener.close();
    socket.close();
    timer.cancel();
}

}  // namespace ftpsgate::data
