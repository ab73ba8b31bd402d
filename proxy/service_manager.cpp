#include "proxy/service_manager.hpp"

#include <algorithm>
#include <ctime>
#include <fcntl.h>
#include <sys/socket.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

namespace ftpsgate::proxy {

namespace {

using boost::asio::ip::tcp;

// What is not a listening TCP socket is none of ours.
std::optional<tcp::endpoint> listens_at(int descriptor) {
    if (sd_is_socket(descriptor, AF_UNSPEC, SOCK_STREAM, 1) <= 0) return std::nullopt;
    tcp::endpoint where;
    auto size = static_cast<::socklen_t>(where.capacity());
    if (::getsockname(descriptor, where.data(), &size) != 0) return std::nullopt;
    if (where.data()->sa_family != AF_INET && where.data()->sa_family != AF_INET6) return std::nullopt;
    where.resize(size);
    return where;
}

}  // namespace

inherited_sockets::inherited_sockets() {
    int const count = sd_listen_fds(1);
    for (int descriptor = SD_LISTEN_FDS_START; descriptor < SD_LISTEN_FDS_START + count; ++descriptor)
        if (auto const where = listens_at(descriptor)) entries_.push_back({descriptor, *where});
}

inherited_sockets::~inherited_sockets() {
    for (auto const& one : entries_)
        ::close(one.descriptor);
}

std::optional<int> inherited_sockets::take(tcp::endpoint const& where) {
    auto const found =
        std::find_if(entries_.begin(), entries_.end(), [&](entry const& one) { return one.where == where; });
    if (found == entries_.end()) return std::nullopt;
    int const descriptor = found->descriptor;
    entries_.erase(found);
    return descriptor;
}

std::vector<tcp::endpoint> inherited_sockets::left() const {
    std::vector<tcp::endpoint> places;
    for (auto const& one : entries_)
        places.push_back(one.where);
    return places;
}

namespace service_manager {

void ready() {
    sd_notify(0, "READY=1");
}

void reloading() {
    ::timespec now{};
    ::clock_gettime(CLOCK_MONOTONIC, &now);
    auto const microseconds = std::int64_t{now.tv_sec} * 1'000'000 + now.tv_nsec / 1000;
    sd_notifyf(0, "RELOADING=1\nMONOTONIC_USEC=%lld", static_cast<long long>(microseconds));
}

void stopping() {
    sd_notify(0, "STOPPING=1");
}

void status(std::string const& words) {
    sd_notifyf(0, "STATUS=%s", words.c_str());
}

void alive() {
    sd_notify(0, "WATCHDOG=1");
}

std::optional<std::chrono::microseconds> watchdog() {
    std::uint64_t limit = 0;
    if (sd_watchdog_enabled(0, &limit) <= 0) return std::nullopt;
    return std::chrono::microseconds(limit);
}

}  // namespace service_manager

}  // namespace ftpsgate::proxy
