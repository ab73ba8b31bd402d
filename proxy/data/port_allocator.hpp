// Which passive ports are free: random choice within the configured range, a lease object gives the port back.
// A port is not handed out again within two seconds of its return. One allocator per site, shared by the workers.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

namespace ftpsgate::data {

class port_allocator;

/// Move-only; the destructor returns the port. port() == 0: no range is configured, any port will do.
class port_lease {
public:
    port_lease() = default;
    port_lease(port_lease&& other) noexcept;
    port_lease& operator=(port_lease&& other) noexcept;
    ~port_lease();

    std::uint16_t port() const { return port_; }

private:
    friend class port_allocator;
    port_lease(std::shared_ptr<port_allocator> owner, std::uint16_t port) : owner_(std::move(owner)), port_(port) {}

    std::shared_ptr<port_allocator> owner_;
    std::uint16_t port_ = 0;
};

class port_allocator : public std::enable_shared_from_this<port_allocator> {
public:
    using clock = std::chrono::steady_clock;
    using clock_source = std::function<clock::time_point()>;

    /// first == 0: no range, every lease has port 0.
    port_allocator(std::uint16_t first, std::uint16_t last, clock_source now = clock::now);

    /// nullopt: every port is in use (B-118).
    std::optional<port_lease> take();
    std::size_t in_use() const;
    /// Of the range; 0: there is none.
    std::size_t size() const { return range_size_; }

private:
    friend class port_lease;
    void give_back(std::uint16_t port);

    struct resting_port {
        std::uint16_t port = 0;
        clock::time_point until{};
    };

    void wake_rested();

    clock_source now_;
    mutable std::mutex mutex_;
    bool any_port_;  // no range is configured
    std::size_t range_size_;
    std::vector<std::uint16_t> free_;    // in no order; room for the whole range, so that giving back never allocates
    std::vector<resting_port> resting_;  // ring of range_size_ entries, in the order of their return
    std::size_t oldest_ = 0;
    std::size_t resting_count_ = 0;
};

/// A port out of those that the kernel would take for bind(0) first, drawn at random: every other one of
/// net.ipv4.ip_local_port_range, the ones that connect() takes last. It may be in use. Nothing: the range cannot be
/// read, or some of it is reserved (ip_local_reserved_ports), which only the kernel minds.
///
/// Why not bind(0): once the ports of some 28000 closed connections rest in TIME_WAIT the kernel looks through all of
/// them each time, a millisecond a transfer, although a listener may use any of them.
std::optional<std::uint16_t> draw_ephemeral_port();

}  // namespace ftpsgate::data
