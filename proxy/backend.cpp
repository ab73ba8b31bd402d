#include "proxy/backend.hpp"

#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>

#include <algorithm>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <utility>

namespace ftpsgate::proxy {

namespace {

using boost::system::error_code;
using tcp = boost::asio::ip::tcp;
namespace errc = boost::system::errc;

// Before an address that has failed in this round is tried again.
constexpr std::chrono::milliseconds pause_before_repeat{250};

// Options are wishes: where the system does not know one, the connection works without it.
void set_option(tcp::socket& socket, int protocol, int option, int value) {
    ::setsockopt(socket.native_handle(), protocol, option, &value, sizeof value);
}

std::string bracketed(std::string const& host) {
    return host.find(':') == std::string::npos ? host : '[' + host + ']';
}

std::string text_of(tcp::endpoint const& address) {
    return bracketed(address.address().to_string()) + ':' + std::to_string(address.port());
}

backend_fault fault_of(error_code error) {
    if (error == errc::connection_refused) return backend_fault::refused;
    if (error == errc::timed_out) return backend_fault::timed_out;
    for (auto const code :
         {errc::network_unreachable, errc::host_unreachable, errc::network_down, errc::address_family_not_supported}) {
        if (error == code) return backend_fault::unreachable;
    }
    return backend_fault::other;
}

// Binding to port 0 would take an ephemeral port for itself alone; the option leaves the choice to connect(), which
// can use one port for several destinations.
error_code bind_to_source(tcp::socket& socket, std::string const& source) {
    error_code error;
    if (source.empty()) return error;
    auto const address = boost::asio::ip::make_address(source, error);
    if (error) return error;
    set_option(socket, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 1);
    socket.bind({address, 0}, error);
    return error;
}

// A server as one connector sees it.
struct candidate {
    std::vector<tcp::endpoint> addresses;  // empty until resolved
    std::size_t tries = 0;

    bool repeats() const { return tries > 0 && tries >= addresses.size(); }
};

}  // namespace

void keep_alive(tcp::socket& socket) {
    set_option(socket, SOL_SOCKET, SO_KEEPALIVE, 1);
    set_option(socket, IPPROTO_TCP, TCP_KEEPIDLE, 30);
    set_option(socket, IPPROTO_TCP, TCP_KEEPINTVL, 30);
    set_option(socket, IPPROTO_TCP, TCP_KEEPCNT, 3);
}

backend_pool::backend_pool(config::backend_settings settings)
    : settings_(std::move(settings)), facts_(settings_.servers.size()), tries_(settings_.servers.size()) {
    for (auto const& server : settings_.servers) {
        names_.push_back(bracketed(server.host) + ':' + std::to_string(server.port));
    }
}

void backend_pool::note(std::size_t index, last_try outcome) {
    std::lock_guard const lock(tries_mutex_);
    tries_[index] = std::move(outcome);
}

std::optional<backend_pool::last_try> backend_pool::last(std::size_t index) const {
    std::lock_guard const lock(tries_mutex_);
    return tries_[index];
}

char const* word_of(backend_fault fault) {
    switch (fault) {
        case backend_fault::unresolved: return "unresolved";
        case backend_fault::refused: return "refused";
        case backend_fault::unreachable: return "unreachable";
        case backend_fault::timed_out: return "timed_out";
        case backend_fault::other: break;
    }
    return "other";
}

std::string describe(std::vector<backend_attempt> const& failures) {
    std::string text;
    for (auto const& failure : failures) {
        if (!text.empty()) text += "; ";
        text += failure.words;
    }
    return text;
}

struct backend_connector::state : std::enable_shared_from_this<state> {
    state(boost::asio::any_io_executor const& on, std::shared_ptr<backend_pool> shared)
        : executor(on), pool(std::move(shared)), resolver(on), timer(on), candidates(pool->size()) {}

    config::backend_settings const& settings() const { return pool->settings(); }

    // Wraps a handler so that it keeps the state alive and does nothing once its step is over. It must not be called
    // more than once per operation, and each step begins with new_round().
    template <typename Step>
    auto in_round(Step step) {
        return [self = shared_from_this(), of = round, step = std::move(step)](auto&&... results) {
            if (of == self->round) step(std::forward<decltype(results)>(results)...);
        };
    }

    void start(handler call) {
        done = std::move(call);
        tries_left = std::size_t{1} + settings().retries;
        turn = pool->next_server();
        boost::asio::post(executor, in_round([this] { next_try(); }));
    }

    // Ends whatever is pending.
    void new_round() {
        ++round;
        timer.cancel();
        resolver.cancel();
        socket.reset();
    }

    void next_try() {
        if (tries_left == 0) return finish({});
        --tries_left;
        server = turn++ % candidates.size();
        if (!candidates[server].repeats()) return begin_try();
        timer.expires_after(pause_before_repeat);
        timer.async_wait(in_round([this](error_code) { begin_try(); }));
    }

    void begin_try() {
        new_round();
        timer.expires_after(settings().connect_timeout);
        timer.async_wait(in_round([this](error_code) {
            auto const limit = std::to_string(settings().connect_timeout.count());
            fail(backend_fault::timed_out, "no connection within " + limit + " ms");
        }));
        target = {};
        candidates[server].addresses.empty() ? look_up() : connect();
    }

    void look_up() {
        auto const& where = pool->server(server);
        error_code not_literal;
        auto const literal = boost::asio::ip::make_address(where.host, not_literal);
        if (!not_literal) return resolved({tcp::endpoint(literal, where.port)});
        resolver.async_resolve(where.host, std::to_string(where.port), tcp::resolver::numeric_service,
                               in_round([this](error_code error, tcp::resolver::results_type const& found) {
                                   if (error) return fail(backend_fault::unresolved, error.message());
                                   resolved({found.begin(), found.end()});
                               }));
    }

    void resolved(std::vector<tcp::endpoint> found) {
        error_code no_source;
        auto const source = boost::asio::ip::make_address(settings().source_address, no_source);
        if (!no_source) {
            std::erase_if(found, [&](auto const& each) { return each.address().is_v4() != source.is_v4(); });
        }
        if (found.empty()) return fail(backend_fault::unresolved, "no address of the family of source_address");
        candidates[server].addresses = std::move(found);
        connect();
    }

    void connect() {
        auto const& known = candidates[server];
        target = known.addresses[known.tries % known.addresses.size()];
        socket.emplace(executor);
        if (auto const error = prepare()) return fail(fault_of(error), error.message());
        socket->async_connect(target, in_round([this](error_code error) { connected(error); }));
    }

    error_code prepare() {
        error_code error;
        socket->open(target.protocol(), error);
        if (error) return error;
        keep_alive(*socket);
        set_option(*socket, IPPROTO_TCP, TCP_NODELAY, 1);
        return bind_to_source(*socket, settings().source_address);
    }

    void connected(error_code error) {
        if (error) return fail(fault_of(error), error.message());
        backend_connection made{std::move(*socket), server, target};
        new_round();
        finish(std::move(made));
    }

    void fail(backend_fault fault, std::string const& words) {
        new_round();
        auto const& name = pool->name(server);
        auto const address = target == tcp::endpoint() ? std::string() : text_of(target);
        auto const where = address.empty() || address == name ? name : name + " [" + address + ']';
        failures.push_back({server, fault, where + ": " + words});
        ++candidates[server].tries;
        next_try();
    }

    void finish(std::optional<backend_connection> made) {
        auto const call = std::exchange(done, nullptr);
        call({std::move(made), std::move(failures)});
    }

    void cancel() {
        new_round();
        done = nullptr;
    }

    boost::asio::any_io_executor executor;
    std::shared_ptr<backend_pool> pool;
    tcp::resolver resolver;
    boost::asio::steady_timer timer;  // bounds a try, or the pause before one
    std::optional<tcp::socket> socket;
    handler done;
    std::vector<candidate> candidates;  // index = server of the pool
    std::vector<backend_attempt> failures;
    std::size_t tries_left = 0;
    std::size_t turn = 0;
    std::size_t server = 0;  // of the current try
    tcp::endpoint target;    // default: not known yet
    unsigned round = 0;      // of the current step; handlers of others are ignored
};

backend_connector::backend_connector(boost::asio::any_io_executor executor, std::shared_ptr<backend_pool> pool)
    : state_(std::make_shared<state>(executor, std::move(pool))) {
}

backend_connector::~backend_connector() {
    state_->cancel();
}

void backend_connector::start(handler done) {
    state_->start(std::move(done));
}

}  // namespace ftpsgate::proxy
