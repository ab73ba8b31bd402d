#include "proxy/session_walk.hpp"

#include <boost/asio/post.hpp>

#include <utility>

namespace ftpsgate::proxy {

void session_walk::next(metrics::row_handler done) {
    done_ = std::move(done);
    ask();
}

// Only a weak reference travels: what waits for the answer belongs to the home executor and may be gone by then.
void session_walk::ask() {
    auto const self = weak_from_this();
    if (shelf_ == shelves_.size()) {
        boost::asio::post(home_, [self] {
            if (auto const walk = self.lock()) std::exchange(walk->done_, nullptr)({});
        });
        return;
    }
    auto const& shelf = shelves_[shelf_];
    boost::asio::post(*shelf.loop, [self, home = home_, &table = *shelf.sessions, left = std::move(left_)]() mutable {
        auto rows = take(table, left);
        boost::asio::post(home, [self, rows = std::move(rows), left = std::move(left)]() mutable {
            if (auto const walk = self.lock()) walk->answered(std::move(rows), std::move(left));
        });
    });
}

std::vector<metrics::session_row> session_walk::take(session_table const& sessions, places& left) {
    std::vector<metrics::session_row> rows;
    if (!left) {
        left.emplace().reserve(sessions.size());
        for (auto const& [which, owned] : sessions)
            left->push_back(which);
    }
    for (std::size_t looked_at = 0; !left->empty() && looked_at < portion; ++looked_at) {
        auto const found = sessions.find(left->back());
        left->pop_back();
        if (found != sessions.end() && !found->second->is_over()) rows.push_back(found->second->report());
    }
    return rows;
}

void session_walk::answered(std::vector<metrics::session_row> rows, places left) {
    left_ = std::move(left);
    if (left_->empty()) {
        left_.reset();
        ++shelf_;
    }
    if (rows.empty()) return ask();
    std::exchange(done_, nullptr)(std::move(rows));
}

metrics::row_source all_sessions(boost::asio::any_io_executor const& home, std::vector<session_shelf> shelves) {
    auto const walk = std::make_shared<session_walk>(home, std::move(shelves));
    return [walk](metrics::row_handler done) { walk->next(std::move(done)); };
}

}  // namespace ftpsgate::proxy
