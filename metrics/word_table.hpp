// The series of one metric that differ in one label: found by the label's value without a lock if the value was known
// from the start, made on the way otherwise. Only for metrics/metrics.cpp.
#pragma once

#include "metrics/names.hpp"

#include <prometheus/family.h>

#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

namespace ftpsgate::metrics {

template <class Metric>
class word_table {
public:
    /// How many words may be added later before the rest becomes "other": a page that grows without bound is an
    /// outage of its own.
    static constexpr std::size_t spare = 16;

    template <class Words>
    word_table(prometheus::Family<Metric>& family, prometheus::Labels labels, std::string_view label,
               Words const& known)
        : family_(family), labels_(std::move(labels)), label_(label) {
        for (auto const& word : known)
            known_.emplace(word, &series(word));
    }

    Metric& of(std::string_view word) {
        auto* const found = find(word);
        return found ? *found : added(word);
    }

    /// For tables that are complete: whatever was not known from the start counts as "other".
    Metric& of_known(std::string_view word) {
        auto* const found = find(word);
        return found ? *found : of(words::other);
    }

    /// Of all series of the table.
    double sum() {
        double total = 0;
        for (auto const& [word, metric] : known_)
            total += metric->Value();
        std::lock_guard const lock(mutex_);
        for (auto const& [word, metric] : added_)
            total += metric->Value();
        return total;
    }

private:
    struct hash : std::hash<std::string_view> {
        using is_transparent = void;
    };

    Metric* find(std::string_view word) const {
        auto const found = known_.find(word);
        return found != known_.end() ? found->second : nullptr;
    }

    Metric& series(std::string_view word) {
        auto labels = labels_;
        labels[label_] = word;
        return family_.Add(labels);
    }

    Metric& added(std::string_view word) {
        std::lock_guard const lock(mutex_);
        auto const found = added_.find(word);
        if (found != added_.end()) return *found->second;
        if (added_.size() >= spare) return series(words::other);
        return *added_.emplace(word, &series(word)).first->second;
    }

    prometheus::Family<Metric>& family_;
    prometheus::Labels labels_;
    std::string label_;
    std::unordered_map<std::string, Metric*, hash, std::equal_to<>> known_;  // never changes
    std::mutex mutex_;
    std::map<std::string, Metric*, std::less<>> added_;
};

}  // namespace ftpsgate::metrics
