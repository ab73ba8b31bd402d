#include "proxy/backend_dialer.hpp"

#include "proxy/addresses.hpp"

#include <boost/asio/steady_timer.hpp>

#include <algorithm>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <utility>

namespace ftpsgate::proxy {

namespace {

using boost::system::error_code;
using tcp = boost::asio::ip::tcp;
using clock = std::chrono::steady_clock;
namespace errc = boost::system::errc;

// Each gets its part of connect_timeout, so more would leave nobody the time to answer.
constexpr std::size_t most_addresses = 4;
// Where no check does it: how old the addresses of a name may be before they are looked up again.
constexpr std::chrono::seconds address_age{30};

// Options are wishes: where the system does not know one, the connection works without it.
void set_option(int socket, int protocol, int option, int value) {
    ::setsockopt(socket, protocol, option, &value, sizeof value);
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
    set_option(socket.native_handle(), IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 1);
    socket.bind({address, 0}, error);
    return error;
}

}  // namespace

void keep_alive(int socket) {
    set_option(socket, SOL_SOCKET, SO_KEEPALIVE, 1);
    set_option(socket, IPPROTO_TCP, TCP_KEEPIDLE, 30);
    set_option(socket, IPPROTO_TCP, TCP_KEEPINTVL, 30);
    set_option(socket, IPPROTO_TCP, TCP_KEEPCNT, 3);
}

char const* word_of(backend_fault fault) {
    switch (fault) {
        case backend_fault::unresolved: return "unresolved";
        case backend_fault::refused: return "refused";
        case backend_fault::unreachable: return "unreachable";
        case backend_fault::timed_out: return "timed_out";
        case backend_fault::no_greeting: return "no_greeting";
        case backend_fault::bad_greeting: return "bad_greeting";
        case backend_fault::other: break;
    }
    return "other";
}

struct backend_dialer::state : std::enable_shared_from_this<state> {
    state(boost::asio::any_io_executor const& on, std::shared_ptr<backend_pool> shared)
        : executor(on), pool(std::move(shared)), timer(on) {}

    config::backend_settings const& settings() const { return pool->settings(); }

    // Wraps a handler so that it keeps the state alive and does nothing once its step is over. Each step begins with
    // new_round().
    template <typename Step>
    auto in_round(Step step) {
        return [self = shared_from_this(), of = round, step = std::move(step)](auto&&... results) {
            if (of == self->round) step(std::forward<decltype(results)>(results)...);
        };
    }

    // Ends whatever is pending.
    void new_round() {
        ++round;
        timer.cancel();
        socket.reset();
    }

    void start(std::size_t index, handler call) {
        done = std::move(call);
        server = index;
        until = clock::now() + settings().connect_timeout;
        auto known = pool->addresses(server);
        if (known.empty()) return look_up();
        pool->refresh_addresses(server, executor, pool->is_checked() ? std::chrono::hours(24) : address_age);
        begin(std::move(known));
    }

    void look_up() {
        limit(settings().connect_timeout);
        pool->find_addresses(server, executor, in_round([this](error_code error, address_list found) {
                                 if (!error) return begin(std::move(found));
                                 words = error.message();
                                 give_up(backend_fault::unresolved);
                             }));
    }

    void begin(address_list found) {
        error_code no_source;
        auto const source = boost::asio::ip::make_address(settings().source_address, no_source);
        if (!no_source)
            std::erase_if(found, [&](auto const& each) { return each.address().is_v4() != source.is_v4(); });
        if (found.size() > most_addresses) found.resize(most_addresses);
        addresses = std::move(found);
        if (!addresses.empty()) return connect();
        words = no_source ? "the name has no address" : "no address of the family of source_address";
        give_up(backend_fault::unresolved);
    }

    void limit(std::chrono::milliseconds time) {
        timer.expires_after(time);
        timer.async_wait(in_round([this](error_code) {
            auto const all = std::to_string(settings().connect_timeout.count());
            failed(backend_fault::timed_out, "no connection within " + all + " ms");
        }));
    }

    void connect() {
        new_round();
        auto const left = std::chrono::ceil<std::chrono::milliseconds>(until - clock::now());
        limit(left / static_cast<int>(addresses.size() - next));
        socket.emplace(executor);
        if (auto const error = prepare()) return failed(fault_of(error), error.message());
        socket->async_connect(addresses[next], in_round([this](error_code error) {
                                  if (error) return failed(fault_of(error), error.message());
                                  connected();
                              }));
    }

    error_code prepare() {
        error_code error;
        socket->open(addresses[next].protocol(), error);
        if (error) return error;
        keep_alive(socket->native_handle());
        set_option(socket->native_handle(), IPPROTO_TCP, TCP_NODELAY, 1);
        return bind_to_source(*socket, settings().source_address);
    }

    void connected() {
        outcome made{std::move(*socket), addresses[next], backend_fault::other, {}};
        if (next > 0) pool->answered(server, addresses[next]);
        new_round();
        std::exchange(done, nullptr)(std::move(made));
    }

    void failed(backend_fault fault, std::string const& why) {
        if (!words.empty()) words += ", ";
        auto const address = next < addresses.size() ? text_of(addresses[next]) : pool->name(server);
        words += address == pool->name(server) ? why : '[' + address + "]: " + why;
        if (++next < addresses.size() && clock::now() < until) return connect();
        give_up(fault);
    }

    void give_up(backend_fault fault) {
        new_round();
        std::exchange(done, nullptr)({std::nullopt, {}, fault, std::move(words)});
    }

    void cancel() {
        new_round();
        done = nullptr;
    }

    boost::asio::any_io_executor executor;
    std::shared_ptr<backend_pool> pool;
    boost::asio::steady_timer timer;  // bounds the look-up, then each address
    std::optional<tcp::socket> socket;
    handler done;
    std::size_t server = 0;
    clock::time_point until;
    address_list addresses;
    std::size_t next = 0;  // of them
    std::string words;     // of those that failed
    unsigned round = 0;    // of the current step; handlers of others are ignored
};

backend_dialer::backend_dialer(boost::asio::any_io_executor executor, std::shared_ptr<backend_pool> pool)
    : state_(std::make_shared<state>(executor, std::move(pool))) {
}

backend_dialer::~backend_dialer() {
    state_->cancel();
}

void backend_dialer::start(std::size_t server, handler done) {
    auto const alive = state_;  // `done` may destroy the dialer
    alive->start(server, std::move(done));
}

}  // namespace ftpsgate::proxy
