#include "metrics/session_digest.hpp"

#include <algorithm>
#include <iterator>
#include <tuple>
#include <utility>

namespace ftpsgate::metrics {

void session_digest::add(std::vector<session_row> portion) {
    count_ += portion.size();
    for (auto const& row : portion)
        ++states_[row.state];
    rows_.insert(rows_.end(), std::make_move_iterator(portion.begin()), std::make_move_iterator(portion.end()));
    if (rows_.size() > 4 * shown) keep_first();
}

void session_digest::keep_first() {
    auto const key = [](session_row const& row) {
        return std::make_tuple(row.state != "transfer", -static_cast<double>(row.bytes), -row.age.count());
    };
    std::sort(rows_.begin(), rows_.end(), [&](auto const& one, auto const& other) { return key(one) < key(other); });
    if (rows_.size() > shown) rows_.resize(shown);
}

void session_digest::into(status& page) {
    keep_first();
    page.sessions = std::move(rows_);
    page.session_count = count_;
    page.states = std::move(states_);
}

}  // namespace ftpsgate::metrics
