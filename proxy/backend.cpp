#include "proxy/backend.hpp"

#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>

#include <algorithm>
#include <deque>
#include <utility>

namespace ftpsgate::proxy {

namespace {

using clock = std::chrono::steady_clock;

// Before a server that has failed is tried again.
constexpr std::chrono::milliseconds pause_before_repeat{250};

}  // namespace

std::string describe(std::vector<backend_attempt> const& failures) {
    std::string text;
    for (auto const& failure : failures) {
        if (!text.empty()) text += "; ";
        text += failure.words;
    }
    return text;
}

struct backend_connector::state : std::enable_shared_from_this<state> {
    state(boost::asio::any_io_executor const& on, std::shared_ptr<backend_pool> shared, std::uint64_t wanted)
        : executor(on),
          pool(std::move(shared)),
          key(wanted),
          timer(on),
          tried(pool->size()),
          tries_left(std::size_t{1} + pool->settings().retries) {}

    void start(handler call) {
        done = std::move(call);
        boost::asio::post(executor, [self = shared_from_this()] {
            if (self->done) self->next_try();
        });
    }

    void next_try() {
        if (tries_left == 0) return finish({});
        --tries_left;
        lease = pool->take(key, tried);
        is_repeat = !lease;
        if (lease) return begin_try();
        if (repeats.empty()) return finish({});
        auto const again = repeats.front();
        repeats.pop_front();
        lease = pool->take_again(again);
        timer.expires_after(pause_before_repeat);
        timer.async_wait([self = shared_from_this()](boost::system::error_code) {
            if (self->done) self->begin_try();
        });
    }

    void begin_try() {
        tried[lease.server()] = true;
        began = clock::now();
        dialer.emplace(executor, pool);
        dialer->start(lease.server(), [this](backend_dialer::outcome made) { dialed(std::move(made)); });
    }

    void dialed(backend_dialer::outcome made) {
        auto const keep_alive = shared_from_this();
        dialer.reset();
        if (!made.socket) return fail(made);
        finish(backend_connection{std::move(*made.socket), std::move(lease), made.address, greeting_limit()});
    }

    std::optional<std::chrono::milliseconds> greeting_limit() const {
        if (tries_left == 0 || !pool->has_another(tried)) return std::nullopt;
        auto const left = std::chrono::ceil<std::chrono::milliseconds>(began + pool->greeting_limit() - clock::now());
        return std::max(left, std::chrono::milliseconds(1));
    }

    void fail(backend_dialer::outcome const& made) {
        auto const server = lease.server();
        backend_attempt attempt{server, made.fault, pool->name(server) + where_ends(made.words) + made.words, {}};
        // One session is one report, however often it tries.
        if (!is_repeat) attempt.change = pool->failed(lease, made.words);
        lease.release();
        failures.push_back(std::move(attempt));
        if (made.fault != backend_fault::timed_out) repeats.push_back(server);
        next_try();
    }

    // "ftp1:21 [10.0.0.5:21]: ...", but "10.0.0.5:21: ...".
    static char const* where_ends(std::string const& words) { return words.starts_with('[') ? " " : ": "; }

    void finish(std::optional<backend_connection> made) {
        auto const call = std::exchange(done, nullptr);
        call({std::move(made), std::exchange(failures, {})});
    }

    void cancel() {
        done = nullptr;
        timer.cancel();
        dialer.reset();
        lease.release();
    }

    boost::asio::any_io_executor executor;
    std::shared_ptr<backend_pool> pool;
    std::uint64_t key;
    boost::asio::steady_timer timer;  // the pause before a repetition
    std::optional<backend_dialer> dialer;
    handler done;
    backend_pool::lease lease;  // of the current try
    backend_pool::server_set tried;
    std::deque<std::size_t> repeats;  // failed at once
    std::vector<backend_attempt> failures;
    std::size_t tries_left;
    bool is_repeat = false;
    clock::time_point began;  // of the current try
};

backend_connector::backend_connector(boost::asio::any_io_executor executor, std::shared_ptr<backend_pool> pool,
                                     std::uint64_t key)
    : state_(std::make_shared<state>(executor, std::move(pool), key)) {
}

backend_connector::~backend_connector() {
    state_->cancel();
}

void backend_connector::start(handler done) {
    state_->start(std::move(done));
}

}  // namespace ftpsgate::proxy
