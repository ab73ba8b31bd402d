#include "proxy/handshake_turns.hpp"

#include <boost/asio/post.hpp>

#include <iterator>
#include <utility>

namespace ftpsgate::proxy {

void handshake_turns::add(client_key const& client, step what) {
    auto const [found, is_new] = line_of_.try_emplace(client);
    if (is_new) {
        lines_.push_back({client, {}});
        found->second = std::prev(lines_.end());
    }
    found->second->steps.push_back(std::move(what));
    if (waiting_++ == 0) post_next();
}

// Behind what the loop has to do already; what becomes ready meanwhile goes before the step after this one.
void handshake_turns::post_next() {
    boost::asio::post(executor_, [this] { take_next(); });
}

void handshake_turns::take_next() {
    line& first = lines_.front();
    step const due = std::move(first.steps.front());
    first.steps.pop_front();
    if (first.steps.empty()) {
        line_of_.erase(first.client);
        lines_.pop_front();
    } else {
        lines_.splice(lines_.end(), lines_, lines_.begin());
    }
    if (--waiting_ > 0) post_next();
    due();
}

}  // namespace ftpsgate::proxy
