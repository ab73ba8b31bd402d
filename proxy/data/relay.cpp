#include "proxy/data/relay.hpp"

#include "proxy/data/step_size.hpp"

#include <boost/asio/error.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>

#include <algorithm>
#include <array>
#include <optional>
#include <span>
#include <utility>

namespace ftpsgate::data {

namespace {

using boost::system::error_code;
using clock = step_size::clock;
using tls::io_status;

constexpr int steps_per_turn = 4;

}  // namespace

char const* to_string(relay_outcome outcome) {
    switch (outcome) {
        case relay_outcome::clean: return "clean";
        case relay_outcome::source_truncated: return "source_truncated";
        case relay_outcome::source_failed: return "source_failed";
        case relay_outcome::receiver_failed: return "receiver_failed";
        case relay_outcome::receiver_ended: return "receiver_ended";
        case relay_outcome::idle: return "idle";
    }
    return "unknown";
}

struct relay::state : std::enable_shared_from_this<state> {
    enum class progress { moved, waits, over };

    state(tls::stream& from, tls::stream& to, tls::buffer_pool& buffers, relay_settings const& wanted,
          done_handler done)
        : source(from),
          receiver(to),
          pool(buffers),
          settings(wanted),
          on_done(std::move(done)),
          timer(from.socket().get_executor()),
          pace(from.socket().get_executor()) {}

    void start();
    void turn();
    void take_turn_later();
    progress deliver();
    progress fetch();
    progress wait_for_allowance();
    progress wait_for(tls::stream& stream, tls::direction direction);
    progress wait_for_receiver(tls::direction direction);
    progress source_ended();
    void watch_receiver();
    void look_at_receiver();
    void watch_idleness();
    void moved(std::size_t count);
    void give_block_back();
    void stop();
    progress finished(relay_outcome outcome);

    tls::stream& source;
    tls::stream& receiver;
    tls::buffer_pool& pool;
    relay_settings settings;
    done_handler on_done;
    boost::asio::steady_timer timer;
    boost::asio::steady_timer pace;
    std::unique_ptr<std::uint8_t[]> block;  // only while it holds bytes or is being filled
    std::size_t begin = 0;
    std::size_t end = 0;
    std::optional<tls::io_result> ahead;  // what the source said behind the bytes that are held
    step_size step;
    std::uint64_t bytes = 0;
    clock::time_point last_move{};
    bool is_source_at_end = false;
    bool is_starved = false;
    bool over = false;
};

relay::relay(tls::stream& source, tls::stream& receiver, tls::buffer_pool& pool, relay_settings settings,
             done_handler on_done)
    : state_(std::make_shared<state>(source, receiver, pool, settings, std::move(on_done))) {
}

relay::~relay() {
    state_->stop();
}

void relay::start() {
    state_->start();
}

std::uint64_t relay::bytes() const {
    return state_->bytes;
}

bool relay::waits_for_source() const {
    return state_->is_starved && !state_->over;
}

void relay::state::start() {
    last_move = clock::now();
    watch_idleness();
    watch_receiver();
    take_turn_later();
}

void relay::state::take_turn_later() {
    boost::asio::post(timer.get_executor(), [self = shared_from_this()] { self->turn(); });
}

// Copies until a leg blocks or ends, but only so long that other sessions of this worker do not wait noticeably.
void relay::state::turn() {
    is_starved = false;
    for (int steps = 0; steps < steps_per_turn; ++steps) {
        if (over || deliver() != progress::moved) return;
        if (is_source_at_end) {
            finished(relay_outcome::clean);
            return;
        }
        if (fetch() != progress::moved) return;
    }
    take_turn_later();
}

// Hands over everything that is held, down to the receiver's socket: only then more is read.
relay::state::progress relay::state::deliver() {
    while (begin < end) {
        auto const result = receiver.write({block.get() + begin, end - begin}, is_source_at_end);
        begin += result.count;
        bytes += result.count;
        moved(result.count);
        if (result.status == io_status::would_block) return wait_for_receiver(result.wait);
        if (result.status != io_status::ok) return finished(relay_outcome::receiver_failed);
    }
    std::size_t const before = receiver.pending_output();
    if (before == 0) return progress::moved;
    auto const result = receiver.flush();
    moved(before - receiver.pending_output());
    if (result.status == io_status::would_block) return wait_for_receiver(result.wait);
    return result.status == io_status::ok ? progress::moved : finished(relay_outcome::receiver_failed);
}

relay::state::progress relay::state::fetch() {
    step.receiver_has_all(clock::now());
    auto const allowed = settings.limiter ? settings.limiter->allowance(clock::now()) : step.bytes();
    if (allowed == 0) return wait_for_allowance();
    if (!block) block = pool.take();
    std::span const room{block.get(), std::min(allowed, step.bytes())};
    auto result = ahead ? *std::exchange(ahead, std::nullopt) : source.read(room);
    begin = 0;
    end = result.count;
    // A small file is often there whole, with its end: then both leave together.
    if (result.status == io_status::ok && end < room.size() && source.is_near_end()) {
        auto const next = source.read(room.subspan(end));
        end += next.count;
        if (next.status == io_status::end)
            result.status = io_status::end;
        else if (next.status != io_status::ok)
            ahead = next;
    }
    if (end == step.bytes()) step.source_filled_it();
    if (settings.limiter) settings.limiter->spend(end);
    moved(end);
    switch (result.status) {
        case io_status::ok: return progress::moved;
        case io_status::would_block: is_starved = true; return wait_for(source, result.wait);
        case io_status::end: return source_ended();
        case io_status::truncated: return finished(relay_outcome::source_truncated);
        case io_status::verify_peer:  // of handshakes only
        case io_status::failed: break;
    }
    return finished(relay_outcome::source_failed);
}

relay::state::progress relay::state::source_ended() {
    is_source_at_end = true;
    // At once: Python's ftplib waits for it before it reads the reply (B-166).
    source.send_close_notify();
    source.flush();
    return progress::moved;
}

relay::state::progress relay::state::wait_for_allowance() {
    give_block_back();
    last_move = clock::now();  // it is the gate that does not move
    pace.expires_after(settings.limiter->wait());
    pace.async_wait([self = shared_from_this()](error_code ec) {
        if (!ec) self->turn();
    });
    return progress::waits;
}

relay::state::progress relay::state::wait_for(tls::stream& stream, tls::direction direction) {
    if (begin == end) give_block_back();
    stream.wait(direction, [self = shared_from_this()](error_code ec) {
        // Other errors show in the next read or write.
        if (ec != boost::asio::error::operation_aborted) self->turn();
    });
    return progress::waits;
}

relay::state::progress relay::state::wait_for_receiver(tls::direction direction) {
    step.receiver_blocks(clock::now());
    return wait_for(receiver, direction);
}

void relay::state::watch_receiver() {
    receiver.wait(tls::direction::read, [self = shared_from_this()](error_code ec) {
        if (!ec && !self->over) self->look_at_receiver();
    });
}

// Nothing is expected from there but TLS records without data, such as KeyUpdate, and the end.
void relay::state::look_at_receiver() {
    std::array<std::uint8_t, 1024> unwanted;
    auto const result = receiver.read(unwanted);
    switch (result.status) {
        case io_status::would_block: return watch_receiver();
        case io_status::ok: finished(relay_outcome::receiver_ended); return;
        case io_status::verify_peer:
        case io_status::failed: finished(relay_outcome::receiver_failed); return;
        case io_status::truncated:
            finished(receiver.error() ? relay_outcome::receiver_failed : relay_outcome::receiver_ended);
            return;
        case io_status::end: break;
    }
    // Some clients close their sending side and go on reading; one that is gone shows in the next write (B-170). A
    // backend that does so has given up (B-217).
    if (settings.direction == relay_direction::upload) finished(relay_outcome::receiver_ended);
}

// Costs nothing per step: the timer looks when it expires how long ago the last byte moved (B-206).
void relay::state::watch_idleness() {
    timer.expires_at(last_move + settings.idle_timeout);
    timer.async_wait([self = shared_from_this()](error_code ec) {
        if (ec || self->over) return;
        if (clock::now() - self->last_move < self->settings.idle_timeout) return self->watch_idleness();
        self->finished(relay_outcome::idle);
    });
}

void relay::state::moved(std::size_t count) {
    if (count > 0) last_move = clock::now();
}

void relay::state::give_block_back() {
    if (block) pool.give(std::move(block));
    begin = end = 0;
}

void relay::state::stop() {
    if (over) return;
    over = true;
    timer.cancel();
    pace.cancel();
    give_block_back();
    source.socket().cancel();
    receiver.socket().cancel();
}

relay::state::progress relay::state::finished(relay_outcome outcome) {
    stop();
    auto const done = std::move(on_done);
    done(outcome);
    return progress::over;
}

}  // namespace ftpsgate::data
