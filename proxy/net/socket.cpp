#include "proxy/net/socket.hpp"

#include <boost/asio/error.hpp>
#include <boost/asio/post.hpp>

#include <cerrno>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>
#include <utility>

namespace ftpsgate::net {

namespace asio = boost::asio;

namespace {

poller& poller_of(asio::any_io_executor const& executor) {
    return asio::use_service<poller>(asio::query(executor, asio::execution::context));
}

boost::system::error_code result_of(ssize_t returned) {
    if (returned >= 0) return {};
    return {errno, boost::system::system_category()};
}

// accept4() and getsockname() are of this form, but for their first and last arguments.
socket::endpoint read_endpoint(auto const& call, boost::system::error_code& ec) {
    socket::endpoint read;
    auto size = static_cast<socklen_t>(read.capacity());
    ec = result_of(call(read.data(), &size));
    if (ec) return {};
    read.resize(size);
    return read;
}

}  // namespace

socket::socket(asio::any_io_executor const& executor) : poller_(&poller_of(executor)) {
}

socket::socket(asio::ip::tcp::socket from) : socket(from.get_executor()) {
    error_code ec;
    if (!from.is_open()) return;
    int const descriptor = from.release(ec);
    if (ec) return;
    int yes = 1;
    ::ioctl(descriptor, FIONBIO, &yes);
    adopt(descriptor);
}

socket::socket(socket&& other) noexcept : poller_(other.poller_), watched_(std::exchange(other.watched_, nullptr)) {
}

socket& socket::operator=(socket&& other) noexcept {
    if (this == &other) return *this;
    close();
    poller_ = other.poller_;
    watched_ = std::exchange(other.watched_, nullptr);
    return *this;
}

socket::~socket() {
    close();
}

void socket::adopt(int descriptor) {
    close();
    watched_ = &poller_->add(descriptor);
}

socket::endpoint socket::local_endpoint() const {
    error_code ec;
    return read_endpoint([this](auto* data, auto* size) { return ::getsockname(native_handle(), data, size); }, ec);
}

socket::endpoint socket::remote_endpoint() const {
    error_code ec;
    return read_endpoint([this](auto* data, auto* size) { return ::getpeername(native_handle(), data, size); }, ec);
}

void socket::open(endpoint const& like, error_code& ec) {
    int const descriptor = ::socket(like.protocol().family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    ec = result_of(descriptor);
    if (!ec) adopt(descriptor);
}

void socket::bind(endpoint const& local, error_code& ec) {
    ec = result_of(::bind(native_handle(), local.data(), static_cast<socklen_t>(local.size())));
}

void socket::listen(int backlog, error_code& ec) {
    ec = result_of(::listen(native_handle(), backlog));
}

socket socket::accept(endpoint& peer, error_code& ec) {
    socket accepted(get_executor());
    int descriptor = -1;
    do {
        peer = read_endpoint(
            [&](auto* data, auto* size) {
                return descriptor = ::accept4(native_handle(), data, size, SOCK_NONBLOCK | SOCK_CLOEXEC);
            },
            ec);
    } while (ec == asio::error::interrupted);
    if (!ec) accepted.adopt(descriptor);
    if (ec == asio::error::would_block && is_open()) watched_->is_empty = true;
    return accepted;
}

void socket::connect(endpoint const& peer, wait_handler handler) {
    error_code const ec = result_of(::connect(native_handle(), peer.data(), static_cast<socklen_t>(peer.size())));
    if (ec && ec != asio::error::in_progress)
        return asio::post(get_executor(), [handler = std::move(handler), ec] { handler(ec); });
    wait(direction::write, [handler = std::move(handler), one = watched_](error_code failed) {
        // Not removed: the wait would have been cancelled.
        if (failed || !one->has_failed) return handler(failed);
        int why = 0;
        socklen_t size = sizeof why;
        ::getsockopt(one->descriptor, SOL_SOCKET, SO_ERROR, &why, &size);
        handler({why, boost::system::system_category()});
    });
}

void socket::set_option(int level, int name, int value, error_code& ec) {
    ec = result_of(::setsockopt(native_handle(), level, name, &value, sizeof value));
}

std::size_t socket::receive(std::span<std::uint8_t> into, int flags, error_code& ec) {
    ssize_t count = 0;
    do {
        count = ::recv(native_handle(), into.data(), into.size(), flags);
        ec = result_of(count);
    } while (ec == asio::error::interrupted);
    if (count == 0 && !into.empty()) ec = asio::error::eof;
    // A receive that did not fill its buffer took all, and what comes now is told of anew. But the end may have been
    // told already, and receives stop in front of urgent data (B-231).
    bool const is_short = !ec && flags == 0 && static_cast<std::size_t>(count) < into.size();
    if (ec == asio::error::would_block || (is_short && !watched_->has_ended && !watched_->has_urgent))
        watched_->is_empty = true;
    return count > 0 ? static_cast<std::size_t>(count) : 0;
}

std::size_t socket::peek(std::span<std::uint8_t> into, error_code& ec) {
    return receive(into, MSG_PEEK, ec);
}

std::size_t socket::send(std::span<std::uint8_t const> from, int flags, error_code& ec) {
    ssize_t count = 0;
    do {
        count = ::send(native_handle(), from.data(), from.size(), flags | MSG_NOSIGNAL);
        ec = result_of(count);
    } while (ec == asio::error::interrupted);
    return count > 0 ? static_cast<std::size_t>(count) : 0;
}

void socket::shutdown_send(error_code& ec) {
    ec = result_of(::shutdown(native_handle(), SHUT_WR));
}

void socket::wait(direction way, wait_handler handler) {
    if (is_open()) return poller_->wait(*watched_, way, std::move(handler));
    error_code const closed = asio::error::bad_descriptor;
    asio::post(get_executor(), [handler = std::move(handler), closed] { handler(closed); });
}

void socket::cancel() {
    if (is_open()) poller_->cancel(*watched_);
}

void socket::reset() {
    linger const none{.l_onoff = 1, .l_linger = 0};
    ::setsockopt(native_handle(), SOL_SOCKET, SO_LINGER, &none, sizeof none);
    close();
}

void socket::close() {
    if (!is_open()) return;
    int const descriptor = watched_->descriptor;
    poller_->remove(*std::exchange(watched_, nullptr));
    ::close(descriptor);
}

}  // namespace ftpsgate::net
