#include "policy/directory_cache.hpp"

#include <algorithm>

namespace ftpsgate::policy {

std::optional<directory_answer> directory_cache::find(sha256_digest const& certificate, time_point now) const {
    std::lock_guard const lock(mutex_);
    auto const at = entries_.find(certificate);
    if (at == entries_.end() || at->second.until <= now) return std::nullopt;
    return at->second.answer;
}

void directory_cache::put(sha256_digest const& certificate, directory_answer const& answer, time_point now) {
    if (keep_ <= std::chrono::milliseconds(0) || answer.what == directory_answer::kind::refused) return;
    std::lock_guard const lock(mutex_);
    if (entries_.erase(certificate) != 0) std::erase(order_, certificate);
    while (!order_.empty() && (order_.size() >= most_ || entries_.at(order_.front()).until <= now)) {
        entries_.erase(order_.front());
        order_.pop_front();
    }
    entries_.insert_or_assign(certificate, entry{answer, now + keep_});
    order_.push_back(certificate);
}

}  // namespace ftpsgate::policy
