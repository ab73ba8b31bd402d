// Visits all sessions of all workers, a portion at a time, without a lock: each portion is a short piece of work posted
// to the worker that the sessions live on, so nothing is paid by sessions that nobody asks for, and between two
// portions a worker does what it always does. Sessions that end meanwhile are left out, those that begin behind the
// walk's back too.
//
// Used on the executor `home`; nothing of it is touched by other threads but what is handed to them and back. The
// workers must outlive it. One question at a time.
#pragma once

#include "metrics/status.hpp"
#include "proxy/session.hpp"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/io_context.hpp>

#include <cstddef>
#include <memory>
#include <optional>
#include <unordered_map>
#include <vector>

namespace ftpsgate::proxy {

using session_table = std::unordered_map<session*, std::unique_ptr<session>>;

/// One worker's sessions; the table is touched on its loop only.
struct session_shelf {
    boost::asio::io_context* loop = nullptr;
    session_table const* sessions = nullptr;
};

class session_walk : public std::enable_shared_from_this<session_walk> {
public:
    /// Sessions looked at in one go: some tens of microseconds.
    static constexpr std::size_t portion = 128;

    session_walk(boost::asio::any_io_executor home, std::vector<session_shelf> shelves)
        : home_(std::move(home)), shelves_(std::move(shelves)) {}

    /// See metrics::row_source.
    void next(metrics::row_handler done);

private:
    /// Those of the present shelf that were not visited yet; unset: the shelf was not looked at.
    using places = std::optional<std::vector<session*>>;

    static std::vector<metrics::session_row> take(session_table const& sessions, places& left);
    void ask();
    void answered(std::vector<metrics::session_row> rows, places left);

    boost::asio::any_io_executor home_;
    std::vector<session_shelf> shelves_;
    std::size_t shelf_ = 0;
    places left_;
    metrics::row_handler done_;
};

metrics::row_source all_sessions(boost::asio::any_io_executor const& home, std::vector<session_shelf> shelves);

}  // namespace ftpsgate::proxy
