// What a directory said of certificates a short while ago: accounts that were found, and that there is none. What could
// not be decided is not remembered. Thread-safe and bounded; the oldest go first.
#pragma once

#include "policy/certificate.hpp"
#include "policy/directory_client.hpp"

#include <chrono>
#include <cstddef>
#include <deque>
#include <map>
#include <mutex>
#include <optional>
#include <utility>

namespace ftpsgate::policy {

class directory_cache {
public:
    using time_point = std::chrono::steady_clock::time_point;

    /// `keep` = 0: nothing is remembered.
    explicit directory_cache(std::chrono::milliseconds keep, std::size_t most = 10'000) : keep_(keep), most_(most) {}

    std::optional<directory_answer> find(sha256_digest const& certificate, time_point now) const;
    void put(sha256_digest const& certificate, directory_answer const& answer, time_point now);

private:
    struct entry {
        directory_answer answer;
        time_point until;
    };
    std::chrono::milliseconds keep_;
    std::size_t most_;
    mutable std::mutex mutex_;
    std::map<sha256_digest, entry> entries_;
    std::deque<sha256_digest> order_;  ///< of entries_, the oldest first
};

}  // namespace ftpsgate::policy
