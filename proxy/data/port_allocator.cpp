#include "proxy/data/port_allocator.hpp"

#include <fstream>
#include <random>
#include <string>
#include <unistd.h>
#include <utility>

namespace ftpsgate::data {

namespace {

constexpr std::chrono::seconds rest_after_use{2};

// From the kernel each time: whoever has seen many ports of a seeded generator could compute the next one. The
// call is cheap beside the bind that follows it.
std::uint64_t unpredictable() {
    std::uint64_t value = 0;
    if (::getentropy(&value, sizeof value) == 0) return value;
    std::random_device device;
    return (std::uint64_t{device()} << 32) | device();
}

struct port_span {
    std::uint16_t first = 0;  // 0: not known
    std::uint16_t last = 0;
};

port_span ephemeral_ports() {
    std::string reserved;
    std::ifstream("/proc/sys/net/ipv4/ip_local_reserved_ports") >> reserved;
    unsigned first = 0, last = 0;
    std::ifstream("/proc/sys/net/ipv4/ip_local_port_range") >> first >> last;
    if (!reserved.empty() || first < 1024 || last <= first || last > 65535) return {};
    return {static_cast<std::uint16_t>(first), static_cast<std::uint16_t>(last)};
}

}  // namespace

std::optional<std::uint16_t> draw_ephemeral_port() {
    static port_span const span = ephemeral_ports();
    if (span.first == 0) return std::nullopt;
    std::size_t const pairs = (std::size_t{span.last} - span.first + 1) / 2;
    return static_cast<std::uint16_t>(span.first + 2 * (unpredictable() % pairs) + 1);
}

port_lease::port_lease(port_lease&& other) noexcept
    : owner_(std::move(other.owner_)), port_(std::exchange(other.port_, std::uint16_t{0})) {
}

port_lease& port_lease::operator=(port_lease&& other) noexcept {
    port_lease taken(std::move(other));
    std::swap(owner_, taken.owner_);
    std::swap(port_, taken.port_);
    return *this;
}

port_lease::~port_lease() {
    if (owner_) owner_->give_back(port_);
}

port_allocator::port_allocator(std::uint16_t first, std::uint16_t last, clock_source now)
    : now_(std::move(now)),
      any_port_(first == 0),
      range_size_(first == 0 || last < first ? 0 : std::size_t{last} - first + 1),
      resting_(range_size_) {
    free_.reserve(range_size_);
    for (std::size_t offset = 0; offset < range_size_; ++offset) {
        free_.push_back(static_cast<std::uint16_t>(first + offset));
    }
}

std::optional<port_lease> port_allocator::take() {
    if (any_port_) return port_lease{};
    std::lock_guard const lock(mutex_);
    wake_rested();
    if (free_.empty()) return std::nullopt;
    // 64 random bits over at most 65535 ports: the bias is below 2^-48.
    std::size_t const chosen = static_cast<std::size_t>(unpredictable() % free_.size());
    std::swap(free_[chosen], free_.back());
    std::uint16_t const port = free_.back();
    free_.pop_back();
    return port_lease{shared_from_this(), port};
}

std::size_t port_allocator::in_use() const {
    std::lock_guard const lock(mutex_);
    return range_size_ - free_.size() - resting_count_;
}

void port_allocator::give_back(std::uint16_t port) {
    std::lock_guard const lock(mutex_);
    resting_[(oldest_ + resting_count_) % range_size_] = {port, now_() + rest_after_use};
    ++resting_count_;
}

void port_allocator::wake_rested() {
    if (resting_count_ == 0) return;
    auto const now = now_();
    while (resting_count_ > 0 && resting_[oldest_].until <= now) {
        free_.push_back(resting_[oldest_].port);
        oldest_ = (oldest_ + 1) % range_size_;
        --resting_count_;
    }
}

}  // namespace ftpsgate::data
