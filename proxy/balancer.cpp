#include "proxy/balancer.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

namespace ftpsgate::proxy {

namespace {

constexpr unsigned full_share = 100;

// The finalizer of splitmix64: every bit of the input changes half of the output.
std::uint64_t mix(std::uint64_t value) {
    value = (value ^ (value >> 30)) * 0xbf58476d1ce4e5b9ULL;
    value = (value ^ (value >> 27)) * 0x94d049bb133111ebULL;
    return value ^ (value >> 31);
}

// Between 0 and 1, neither included.
double fraction(std::uint64_t hash) {
    return (static_cast<double>(hash >> 11) + 0.5) * 0x1p-53;
}

}  // namespace

std::uint64_t stable_hash(std::string_view text) {
    std::uint64_t hash = 0xcbf29ce484222325ULL;  // FNV-1a
    for (char const byte : text)
        hash = (hash ^ static_cast<unsigned char>(byte)) * 0x100000001b3ULL;
    return mix(hash);
}

balancer::balancer(config::balance_method method, std::vector<member> members)
    : method_(method), members_(std::move(members)), credit_(members_.size()) {
}

std::optional<std::size_t> balancer::choose(std::vector<server_standing> const& now, std::uint64_t key) {
    using enum config::balance_method;
    auto const among = usable(now);
    if (among.empty()) return std::nullopt;
    if (among.size() == 1) return among.front();
    if (method_ == per_user || method_ == per_client) return owner_of(key, among, now);
    // Without it a server that is down would stay so for as long as the others do well.
    auto const waits = [&](std::size_t index) { return now[index].on_trial; };
    auto const trial = std::find_if(among.begin(), among.end(), waits);
    if (trial != among.end()) return *trial;
    if (method_ == least_sessions) return least_loaded(among, now);
    if (method_ == first) return first_of(among, now);
    return in_turn(among, now);
}

balancer::indexes balancer::usable(std::vector<server_standing> const& now) const {
    indexes found;
    for (bool const backup : {false, true}) {
        for (std::size_t i = 0; i < members_.size(); ++i)
            if (members_[i].backup == backup && now[i].share > 0) found.push_back(i);
        if (!found.empty()) break;
    }
    return found;
}

std::uint64_t balancer::weight_of(std::size_t index, std::vector<server_standing> const& now) const {
    return std::uint64_t{members_[index].weight} * now[index].share;
}

std::size_t balancer::in_turn(indexes const& among, std::vector<server_standing> const& now) {
    std::int64_t total = 0;
    std::size_t best = among.front();
    for (auto const index : among) {
        auto const weight = static_cast<std::int64_t>(weight_of(index, now));
        total += weight;
        credit_[index] += weight;
        if (credit_[index] > credit_[best]) best = index;
    }
    credit_[best] -= total;
    // What was saved up before a server went away must not become a burst when it is back.
    for (std::size_t i = 0; i < credit_.size(); ++i)
        if (now[i].share == 0) credit_[i] = 0;
    return best;
}

std::size_t balancer::least_loaded(indexes const& among, std::vector<server_standing> const& now) {
    // a / b < c / d without division
    auto const load = [&](std::size_t index) { return std::uint64_t{now[index].sessions} + 1; };
    auto const less = [&](std::size_t one, std::size_t other) {
        return load(one) * weight_of(other, now) < load(other) * weight_of(one, now);
    };
    auto const least = *std::min_element(among.begin(), among.end(), less);
    indexes equals;
    for (auto const index : among)
        if (!less(least, index)) equals.push_back(index);
    return in_turn(equals, now);
}

// Efraimidis and Spirakis' exponential variates: the largest of -weight / ln(u) wins with probability weight / total,
// and the numbers of the others do not change when one is added, removed, or weighs more.
std::size_t balancer::owner_of(std::uint64_t key, indexes const& among, std::vector<server_standing> const& now) const {
    std::size_t best = among.front();
    double highest = 0;
    for (auto const index : among) {
        double const weight = static_cast<double>(weight_of(index, now));
        double const score = -weight / std::log(fraction(mix(key ^ members_[index].id)));
        if (score <= highest) continue;
        highest = score;
        best = index;
    }
    return best;
}

std::size_t balancer::first_of(indexes const& among, std::vector<server_standing> const& now) {
    for (auto const index : among) {
        if (now[index].share >= full_share) return index;
        credit_[index] += now[index].share;
        if (credit_[index] < full_share) continue;
        credit_[index] -= full_share;
        return index;
    }
    return among.front();
}

}  // namespace ftpsgate::proxy
