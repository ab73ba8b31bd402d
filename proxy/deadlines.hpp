// The deadlines of one session (login, idle, reply, ...) over one timer. Moving a deadline to a later time, which
// happens with every command, only stores a number: the timer is set again when it fires too early. Without an armed
// deadline there is no pending timer.
//
// To be used and destroyed on the executor's thread. The handler runs from the executor, never from within a call, and
// never after destruction; it may arm, cancel and destroy.
#pragma once

#include <boost/asio/any_io_executor.hpp>

#include <chrono>
#include <functional>
#include <memory>

namespace ftpsgate::proxy {

class deadlines {
public:
    static constexpr unsigned kinds = 16;
    using handler = std::function<void(unsigned kind)>;

    /// `on_expired` is kept until the last wait has ended: let it hold nothing that owns this object.
    deadlines(boost::asio::any_io_executor executor, handler on_expired);
    ~deadlines();
    deadlines(deadlines const&) = delete;
    deadlines& operator=(deadlines const&) = delete;

    /// From now on; replaces the deadline of that kind. It is disarmed before its handler is called.
    void arm(unsigned kind, std::chrono::milliseconds after);
    void cancel(unsigned kind);
    void cancel_all();
    bool is_armed(unsigned kind) const;

private:
    struct state;  // outlives the object while the timer is being cancelled
    std::shared_ptr<state> state_;
};

}  // namespace ftpsgate::proxy
