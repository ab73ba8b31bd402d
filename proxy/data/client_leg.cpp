#include "proxy/data/client_leg.hpp"

#include "proxy/data/client_leg_proof.hpp"

#include <boost/asio/error.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

namespace ftpsgate::data {

namespace {

using boost::asio::ip::tcp;
using boost::system::error_code;
using clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

constexpr std::size_t most_candidates = 4;
constexpr milliseconds grace{1000};  // for another candidate, after the last one failed
constexpr std::size_t discard_limit = 256 * 1024;

std::string why(tls::stream const& stream) {
    auto const& failure = stream.tls_failure();
    if (failure.kind == tls::failure_kind::none) return stream.error().message();
    return std::string(tls::to_string(failure.kind)) + ": " + failure.text;
}

}  // namespace

struct client_leg::state : std::enable_shared_from_this<state> {
    struct candidate {
        std::unique_ptr<tls::stream> stream;
        clock::time_point since;
    };
    using candidate_ptr = std::shared_ptr<candidate>;

    struct remembered_failure {
        leg_failure kind;
        std::string text;
    };

    state(boost::asio::any_io_executor const& executor, tls::buffer_pool& buffers, client_leg_settings wanted,
          handlers wanted_calls)
        : pool(buffers),
          settings(std::move(wanted)),
          calls(std::move(wanted_calls)),
          listener(executor),
          connecting(executor),
          timer(executor) {}

    error_code listen(port_allocator& ports);
    void protect(std::optional<tls::server_options> tls);
    void begin();
    void connect();
    void connected(error_code ec);
    void stop();

    void accepted(net::socket socket);
    void advance(candidate_ptr const& which);
    void await(candidate_ptr const& which, tls::direction way);
    void resume(candidate_ptr const& which, error_code ec);
    void tell_of_handshake(candidate const& one);
    void judge(candidate_ptr const& which);
    void lost(candidate_ptr const& which, leg_failure kind, std::string text);
    void won(std::unique_ptr<tls::stream> stream);
    void remove(candidate_ptr const& which) { std::erase(candidates, which); }

    bool is_waiting_for_tcp() const { return listener.is_open() || connecting.is_open(); }
    clock::time_point clock_start(candidate const& one) const { return std::max(one.since, begun_at); }
    clock::time_point silent_until(candidate const& one) const;
    clock::time_point next_deadline() const;
    void drop_overdue(clock::time_point now);
    void settle();
    void arm();
    void report_up();
    void report_failed();

    tls::buffer_pool& pool;
    client_leg_settings settings;
    handlers calls;
    passive_listener listener;
    std::optional<tcp::endpoint> target;
    net::socket connecting;
    boost::asio::steady_timer timer;
    std::vector<candidate_ptr> candidates;
    std::unique_ptr<tls::stream> winner;
    std::optional<remembered_failure> failure;
    clock::time_point begun_at{};
    clock::time_point grace_until{};
    bool begun = false;
    bool told_of_handshake = false;
    bool ended = false;  // reported or closed: no handler is called any more
};

client_leg::client_leg(boost::asio::any_io_executor executor, tls::buffer_pool& pool, client_leg_settings settings,
                       handlers calls)
    : state_(std::make_shared<state>(executor, pool, std::move(settings), std::move(calls))) {
}

client_leg::~client_leg() {
    close();
}

error_code client_leg::listen(port_allocator& ports) {
    return state_->listen(ports);
}

std::uint16_t client_leg::port() const {
    return state_->listener.port();
}

void client_leg::connect_to(tcp::endpoint target) {
    state_->target = std::move(target);
}

void client_leg::protect(std::optional<tls::server_options> tls) {
    if (!state_->begun && !state_->ended) state_->protect(std::move(tls));
}

void client_leg::begin() {
    if (state_->begun || state_->ended) return;
    state_->begun = true;
    state_->begun_at = clock::now();
    boost::asio::post(state_->timer.get_executor(), [self = state_] { self->begin(); });
}

void client_leg::close() {
    state_->stop();
}

// --- from TCP to candidates -----------------------------------------------------------------------------------------

error_code client_leg::state::listen(port_allocator& ports) {
    if (error_code const ec = listener.open(settings.local, ports, settings.peer)) return ec;
    std::weak_ptr<state> const weak = weak_from_this();
    auto const intruded = [weak](leg_failure kind, std::string const& text) {
        auto self = weak.lock();
        if (self && !self->ended && self->calls.on_intruder) self->calls.on_intruder(kind, text);
    };
    listener.expect_headers({settings.sends_proxy_header, settings.handshake_timeout,
                             [intruded](boost::asio::ip::address const& from, std::string const& fault) {
                                 intruded(leg_failure::proxy_header,
                                          "data connection from " + from.to_string() + ": " + fault);
                             }});
    listener.start(
        [weak](net::socket socket) {
            if (auto self = weak.lock()) self->accepted(std::move(socket));
        },
        [intruded](boost::asio::ip::address const& from) {
            intruded(leg_failure::connect, "data connection from " + from.to_string());
        });
    return {};
}

// The connections that came already start anew, as long as no byte went either way.
void client_leg::state::protect(std::optional<tls::server_options> tls) {
    bool const changes = tls.has_value() != settings.tls.has_value();
    settings.tls = std::move(tls);
    if (!changes) return;
    failure.reset();
    auto const before = std::exchange(candidates, {});
    auto const earlier = std::exchange(winner, nullptr);
    if (earlier && settings.tls) accepted(std::move(earlier->socket()));
    if (earlier && !settings.tls) {
        failure = remembered_failure{leg_failure::handshake, "PROT C after the data TLS handshake"};
    }
    for (auto const& one : before) {
        if (!one->stream->heard()) accepted(std::move(one->stream->socket()));
    }
}

void client_leg::state::begin() {
    if (ended) return;
    if (target) connect();
    for (auto const& one : std::vector(candidates))
        tell_of_handshake(*one);
    if (!winner && !failure && candidates.empty() && !is_waiting_for_tcp()) {
        failure = remembered_failure{leg_failure::connect, "nothing was set up"};
    }
    if (failure && candidates.empty()) grace_until = begun_at + grace;
    settle();
}

void client_leg::state::connect() {
    tcp::endpoint const to(unmapped(target->address()), target->port());
    // Through a balancer a client may come to an address of the other family.
    bool const fits = unmapped(settings.local).is_v4() == to.address().is_v4();
    if (error_code const ec = open_from(fits ? settings.local : boost::asio::ip::address(), to, connecting))
        return connected(ec);
    connecting.connect(to, [self = shared_from_this()](error_code ec) {
        if (self->ended || ec == boost::asio::error::operation_aborted) return;
        self->connected(ec);
        self->settle();
    });
}

void client_leg::state::connected(error_code ec) {
    net::socket socket = std::move(connecting);
    if (!ec) return accepted(std::move(socket));
    failure = remembered_failure{leg_failure::connect, "cannot connect to the client: " + ec.message()};
}

void client_leg::state::accepted(net::socket socket) {
    if (ended || winner || candidates.size() == most_candidates) return;  // the socket closes itself
    auto stream = std::make_unique<tls::stream>(std::move(socket), pool);
    if (!settings.tls) return won(std::move(stream));
    stream->start_tls(*settings.tls);
    auto const fresh = std::make_shared<candidate>(candidate{std::move(stream), clock::now()});
    candidates.push_back(fresh);
    await(fresh, tls::direction::read);  // the client speaks first, and rarely at once
    settle();
}

// --- from candidates to a winner ------------------------------------------------------------------------------------

void client_leg::state::advance(candidate_ptr const& which) {
    tls::io_result const step = which->stream->handshake();
    tell_of_handshake(*which);
    if (step.status == tls::io_status::ok) return judge(which);
    if (step.status != tls::io_status::would_block) {
        return lost(which, leg_failure::handshake, "data TLS handshake: " + why(*which->stream));
    }
    await(which, step.wait);
}

void client_leg::state::await(candidate_ptr const& which, tls::direction way) {
    which->stream->wait(way, [self = shared_from_this(), weak = std::weak_ptr(which)](error_code ec) {
        if (auto const one = weak.lock()) self->resume(one, ec);
    });
}

void client_leg::state::resume(candidate_ptr const& which, error_code ec) {
    if (ended || ec == boost::asio::error::operation_aborted) return;
    if (ec) {
        lost(which, leg_failure::handshake, "data TLS handshake: " + ec.message());
    } else {
        advance(which);
    }
    settle();
}

void client_leg::state::tell_of_handshake(candidate const& one) {
    if (!begun || ended || !one.stream->heard() || std::exchange(told_of_handshake, true)) return;
    if (calls.on_handshaking) calls.on_handshaking();
}

void client_leg::state::judge(candidate_ptr const& which) {
    auto const missing = find_missing_proof(settings, which->stream->facts(), std::chrono::system_clock::now());
    if (!missing) {
        remove(which);
        return won(std::move(which->stream));
    }
    lost(which, missing->kind, missing->text);
    if (calls.on_intruder) calls.on_intruder(missing->kind, missing->text);
}

// Not yet the end: a thief who comes first must not cost the client its transfer.
void client_leg::state::lost(candidate_ptr const& which, leg_failure kind, std::string text) {
    remove(which);
    error_code ignored;
    which->stream->flush();  // the alert
    which->stream->shutdown_send(ignored);
    discard_input(which->stream->socket(), discard_limit);
    which->stream->close();
    failure = remembered_failure{kind, std::move(text)};
    grace_until = clock::now() + grace;
}

void client_leg::state::won(std::unique_ptr<tls::stream> stream) {
    winner = std::move(stream);
    // What this one comes for may yet be refused, and no byte be sent: the ticket that it used is replaced now (B-160).
    if (!begun) winner->send_tickets();
    listener.close();
    candidates.clear();
    settle();
}

void client_leg::state::stop() {
    ended = true;
    listener.close();
    connecting.close();
    timer.cancel();
    candidates.clear();
    winner.reset();
}

// --- time -----------------------------------------------------------------------------------------------------------

// A silent candidate is dropped only while another may be the client: alone it is a client that never starts TLS.
clock::time_point client_leg::state::silent_until(candidate const& one) const {
    if (one.stream->heard() || candidates.size() < 2) return clock::time_point::max();
    return clock_start(one) + std::min(settings.silence_timeout, settings.handshake_timeout);
}

clock::time_point client_leg::state::next_deadline() const {
    auto next = clock::time_point::max();
    if (is_waiting_for_tcp()) next = begun_at + settings.connect_timeout;
    if (candidates.empty() && failure) next = std::min(next, grace_until);
    for (auto const& one : candidates) {
        next = std::min({next, silent_until(*one), clock_start(*one) + settings.handshake_timeout});
    }
    return next;
}

void client_leg::state::drop_overdue(clock::time_point now) {
    for (std::size_t at = candidates.size(); at-- > 0;) {
        auto const one = candidates[at];
        if (now >= silent_until(*one)) {
            remove(one);
        } else if (now >= clock_start(*one) + settings.handshake_timeout) {
            lost(one, leg_failure::handshake, "data TLS handshake took too long");
        }
    }
    if (now < begun_at + settings.connect_timeout || !is_waiting_for_tcp()) return;
    listener.close();  // also ends the game of a thief who would come again and again
    connecting.close();
    if (candidates.empty() && !failure)
        failure = remembered_failure{leg_failure::connect, "no data connection in time"};
}

// Reports what is decided, else waits for what comes next. Only ever called from a handler.
void client_leg::state::settle() {
    if (ended || !begun) return;
    if (winner) return report_up();
    bool const may_come = is_waiting_for_tcp() && clock::now() < grace_until;
    if (candidates.empty() && failure && !may_come) return report_failed();
    arm();
}

void client_leg::state::arm() {
    timer.expires_at(next_deadline());
    timer.async_wait([self = shared_from_this()](error_code ec) {
        if (ec || self->ended) return;
        self->drop_overdue(clock::now());
        self->settle();
    });
}

void client_leg::state::report_up() {
    auto stream = std::move(winner);
    stop();
    calls.on_up(std::move(stream));
}

void client_leg::state::report_failed() {
    auto const why_failed = std::move(*failure);
    stop();
    calls.on_failed(why_failed.kind, why_failed.text);
}

}  // namespace ftpsgate::data
