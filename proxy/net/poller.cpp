#include "proxy/net/poller.hpp"

#include <boost/asio/error.hpp>
#include <boost/asio/post.hpp>

#include <array>
#include <cerrno>
#include <sys/epoll.h>
#include <system_error>
#include <utility>

namespace ftpsgate::net {

using boost::system::error_code;

namespace {

constexpr std::uint32_t reading = EPOLLIN | EPOLLPRI | EPOLLRDHUP | EPOLLET;
constexpr std::uint32_t failed = EPOLLHUP | EPOLLERR;
constexpr std::uint32_t at_end = EPOLLRDHUP | failed;

int new_epoll() {
    int const made = ::epoll_create1(EPOLL_CLOEXEC);
    if (made < 0) throw std::system_error(errno, std::generic_category(), "epoll_create1");
    return made;
}

}  // namespace

poller::poller(boost::asio::execution_context& owner)
    : service(owner), loop_(static_cast<boost::asio::io_context&>(owner)), epoll_(loop_, new_epoll()) {
}

poller::~poller() = default;

// The handlers may own sockets, which are removed while they go.
void poller::shutdown() {
    std::list<wait_handler> pending;
    for (auto& one : watched_) {
        pending.push_back(std::move(one.on_readable));
        pending.push_back(std::move(one.on_writable));
        one.on_readable = one.on_writable = nullptr;
    }
}

watched& poller::add(int descriptor) {
    auto& one = watched_.emplace_front(descriptor);
    one.self = watched_.begin();
    return one;
}

void poller::remove(watched& one) {
    cancel(one);
    if (is_collecting_)
        removed_.splice(removed_.begin(), watched_, one.self);
    else
        watched_.erase(one.self);
}

void poller::wait(watched& one, direction way, wait_handler handler) {
    auto& slot = way == direction::read ? one.on_readable : one.on_writable;
    abandon(slot, boost::asio::error::operation_aborted);
    slot = std::move(handler);
    ++waits_;
    if (error_code const ec = ask(one, way)) return abandon(slot, ec);
    if (!is_collecting_) arm();
}

void poller::cancel(watched& one) {
    abandon(one.on_readable, boost::asio::error::operation_aborted);
    abandon(one.on_writable, boost::asio::error::operation_aborted);
}

// The kernel tells of a change once, so while something may be left of what it told it is asked anew. Waits for writing
// are rare, and follow a send that was cut short: they ask always.
error_code poller::ask(watched& one, direction way) {
    bool const is_new = one.events == 0;
    if (!is_new && way == direction::read && one.is_empty) return {};
    one.events |= way == direction::write ? reading | EPOLLOUT : reading;
    epoll_event event{};
    event.events = one.events;
    event.data.ptr = &one;
    int const operation = is_new ? EPOLL_CTL_ADD : EPOLL_CTL_MOD;
    if (::epoll_ctl(epoll_.native_handle(), operation, one.descriptor, &event) == 0) return {};
    return {errno, boost::system::system_category()};
}

void poller::arm() {
    if (is_armed_) return;
    is_armed_ = true;
    epoll_.async_wait(boost::asio::posix::stream_descriptor::wait_read, [this](error_code ec) {
        if (ec) return;
        is_armed_ = false;
        collect();
    });
}

void poller::collect() {
    std::array<epoll_event, 64> events;  // what does not fit is told next time
    int const count = ::epoll_wait(epoll_.native_handle(), events.data(), static_cast<int>(events.size()), 0);
    is_collecting_ = true;
    for (int i = 0; i < count; ++i)
        note(*static_cast<watched*>(events[static_cast<std::size_t>(i)].data.ptr),
             events[static_cast<std::size_t>(i)].events);
    is_collecting_ = false;
    removed_.clear();
    if (waits_ > 0) arm();
}

// A handler may remove this one, or any that is told of later: those have none any more.
void poller::note(watched& one, std::uint32_t events) {
    if ((events & EPOLLPRI) != 0) one.has_urgent = true;
    if ((events & failed) != 0) one.has_failed = true;
    if ((events & at_end) != 0) one.has_ended = true;
    if ((events & (EPOLLIN | EPOLLPRI | at_end)) != 0) {
        one.is_empty = false;
        call(one.on_readable);
    }
    if ((events & (EPOLLOUT | failed)) != 0) call(one.on_writable);
}

void poller::call(wait_handler& handler) {
    if (!handler) return;
    --waits_;
    std::exchange(handler, nullptr)({});
}

void poller::abandon(wait_handler& handler, error_code why) {
    if (!handler) return;
    boost::asio::post(loop_, [ended = std::exchange(handler, nullptr), why] { ended(why); });
    if (--waits_ > 0 || is_collecting_ || !std::exchange(is_armed_, false)) return;
    error_code ignored;
    epoll_.cancel(ignored);  // or the loop would run for ever
}

}  // namespace ftpsgate::net
