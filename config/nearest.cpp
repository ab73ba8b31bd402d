#include "config/nearest.hpp"

#include "config/words.hpp"

#include <algorithm>
#include <limits>
#include <vector>

namespace ftpsgate::config {

namespace {

constexpr std::size_t longest_compared = 64;  // longer words are no slips of the pen, and the cost is quadratic

std::string folded(std::string_view word) {
    auto lower = to_lower(word);
    std::replace(lower.begin(), lower.end(), '-', '_');
    return lower;
}

/// Insertions, deletions, changes and swaps of neighbours (optimal string alignment).
std::size_t distance(std::string_view a, std::string_view b) {
    std::vector<std::vector<std::size_t>> cost(a.size() + 1, std::vector<std::size_t>(b.size() + 1));
    for (std::size_t i = 0; i <= a.size(); ++i)
        cost[i][0] = i;
    for (std::size_t j = 0; j <= b.size(); ++j)
        cost[0][j] = j;
    for (std::size_t i = 1; i <= a.size(); ++i) {
        for (std::size_t j = 1; j <= b.size(); ++j) {
            auto const change = cost[i - 1][j - 1] + (a[i - 1] == b[j - 1] ? 0U : 1U);
            cost[i][j] = std::min({cost[i - 1][j] + 1, cost[i][j - 1] + 1, change});
            bool const swapped = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
            if (swapped) cost[i][j] = std::min(cost[i][j], cost[i - 2][j - 2] + 1);
        }
    }
    return cost[a.size()][b.size()];
}

bool is_part_of_the_other(std::string_view a, std::string_view b) {
    static constexpr std::size_t shortest_part = 4;
    auto const& shorter = a.size() < b.size() ? a : b;
    auto const& longer = a.size() < b.size() ? b : a;
    return shorter.size() >= shortest_part && longer.find(shorter) != std::string_view::npos;
}

}  // namespace

std::string_view nearest(std::string_view word, std::span<std::string_view const> candidates) {
    if (word.size() > longest_compared) return {};
    auto const wanted = folded(word);
    std::size_t best = wanted.size() > 5 ? 2 : 1;
    std::string_view found;
    for (auto const candidate : candidates) {
        auto const slips = distance(wanted, folded(candidate));
        if (slips > best || (slips == best && !found.empty())) continue;
        best = slips;
        found = candidate;
    }
    if (!found.empty()) return found;
    auto const related = [&](std::string_view candidate) { return is_part_of_the_other(wanted, folded(candidate)); };
    auto const part = std::find_if(candidates.begin(), candidates.end(), related);
    return part == candidates.end() ? std::string_view{} : *part;
}

std::string suggestion(std::string_view word, std::span<std::string_view const> candidates) {
    auto const found = nearest(word, candidates);
    return found.empty() ? std::string{} : "did you mean \"" + std::string(found) + "\"?";
}

}  // namespace ftpsgate::config
