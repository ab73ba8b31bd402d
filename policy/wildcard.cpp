#include "policy/wildcard.hpp"

namespace ftpsgate::policy {

wildcard wildcard::parse(std::string_view text) {
    std::vector<std::string> literals{""};
    for (char const c : text) {
        if (c == '*') {
            literals.emplace_back();
        } else {
            literals.back() += c;
        }
    }
    return wildcard(literals);
}

wildcard::wildcard(std::vector<std::string> const& literals)
    : first_(literals.front()), has_star_(literals.size() > 1) {
    for (std::size_t at = 1; at + 1 < literals.size(); ++at)
        if (!literals[at].empty()) middle_.push_back(make_piece(literals[at]));
    if (has_star_) last_ = literals.back();
}

wildcard::piece wildcard::make_piece(std::string const& bytes) {
    piece made{bytes, std::vector<std::size_t>(bytes.size(), 0)};
    std::size_t matched = 0;
    for (std::size_t at = 1; at < bytes.size(); ++at) {
        while (matched > 0 && bytes[at] != bytes[matched])
            matched = made.fallback[matched - 1];
        if (bytes[at] == bytes[matched]) ++matched;
        made.fallback[at] = matched;
    }
    return made;
}

// Behind the first occurrence, or npos.
std::size_t wildcard::find_end(std::string_view value, piece const& what) {
    std::size_t matched = 0;
    for (std::size_t at = 0; at < value.size(); ++at) {
        while (matched > 0 && value[at] != what.bytes[matched])
            matched = what.fallback[matched - 1];
        if (value[at] == what.bytes[matched]) ++matched;
        if (matched == what.bytes.size()) return at + 1;
    }
    return std::string_view::npos;
}

bool wildcard::matches(std::string_view value) const {
    if (!has_star_) return value == first_;
    if (value.size() < first_.size() + last_.size()) return false;
    if (!value.starts_with(first_) || !value.ends_with(last_)) return false;
    value = value.substr(first_.size(), value.size() - first_.size() - last_.size());
    // The first place is as good as any later one: what comes behind it has the most room then. No going back.
    for (auto const& each : middle_) {
        auto const end = find_end(value, each);
        if (end == std::string_view::npos) return false;
        value.remove_prefix(end);
    }
    return true;
}

}  // namespace ftpsgate::policy
