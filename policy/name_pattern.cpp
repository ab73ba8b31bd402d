#include "policy/name_pattern.hpp"

#include "policy/attribute_types.hpp"

#include <algorithm>
#include <utility>

namespace ftpsgate::policy {

namespace {

constexpr std::string_view common_name = "2.5.4.3";

std::string quoted(std::string_view text) {
    return "'" + std::string(text) + "'";
}

std::string label_of(name_pattern::rdn const& rdn) {
    std::string text;
    for (auto const& each : rdn)
        text += (text.empty() ? "" : "+") + attribute_label(each.type);
    return text;
}

template <typename Rdns>
std::string parts_of(Rdns const& rdns) {
    constexpr std::size_t most = 12;  // a name may have thousands
    std::string labels;
    for (std::size_t at = 0; at < std::min(rdns.size(), most); ++at)
        labels += (at == 0 ? "" : ", ") + label_of(rdns[at]);
    if (rdns.size() > most) labels += ", ...";
    return std::to_string(rdns.size()) + (rdns.size() == 1 ? " part (" : " parts (") + labels + ")";
}

// The attributes of an RDN are a set (X.501).
finding match_rdn(name_pattern::rdn const& wanted, distinguished_name::rdn const& actual, std::size_t position) {
    auto const differs = [&] {
        return finding::no("part " + std::to_string(position + 1) + " is " + label_of(actual) + ", the rule wants " +
                           label_of(wanted));
    };
    if (wanted.size() != actual.size()) return differs();
    for (auto const& want : wanted) {
        auto const has = std::find_if(actual.begin(), actual.end(),
                                      [&](name_attribute const& each) { return each.type == want.type; });
        if (has == actual.end()) return differs();
        if (!want.value.matches(has->value))
            return finding::no(attribute_label(want.type) + " is " + quoted(has->value) + ", the rule wants " +
                               quoted(want.written));
    }
    return finding::yes();
}

}  // namespace

name_pattern::name_pattern(std::vector<rdn> rdns) : rdns_(std::move(rdns)) {
    for (auto const& part : rdns_)
        for (auto const& each : part)
            ++counts_[each.type];
}

std::size_t name_pattern::count_of(std::string_view type) const {
    auto const found = counts_.find(type);
    return found == counts_.end() ? 0 : found->second;
}

// Only what has nothing but stars matches nothing.
bool name_pattern::takes_any_value() const {
    return std::all_of(rdns_.begin(), rdns_.end(), [](rdn const& part) {
        return std::all_of(part.begin(), part.end(), [](attribute const& each) { return each.value.matches(""); });
    });
}

// "" = none. Attributes of other types than these make the name another one, whatever is in them.
std::string name_pattern::doubt(distinguished_name const& name) const {
    std::map<std::string_view, std::size_t> seen;  // type -> the last part with it
    for (std::size_t at = 0; at < name.rdns.size(); ++at) {
        auto const& part = name.rdns[at];
        bool const is_joined = part.size() > 1 && (at >= rdns_.size() || rdns_[at].size() < 2);
        for (auto const& each : part) {
            auto const count = count_of(each.type);
            if (count == 0 && each.type != common_name) continue;
            auto const label = attribute_label(each.type);
            if (is_joined)
                return "part " + std::to_string(at + 1) + " has several attributes, and the rule does not ask for that";
            if (!each.flaw.empty()) return label + " " + std::string(each.flaw);
            auto const [last, is_first] = seen.try_emplace(each.type, at);
            bool const is_twice_here = !is_first && last->second == at;
            bool const may_repeat = is_first || is_hierarchical(each.type) || count > 1;
            if (is_twice_here || !may_repeat) return "there is more than one " + label;
            last->second = at;
        }
    }
    return {};
}

// An attribute of the pattern for which nothing in the name fits, in whatever part; "" = none. What cannot be read
// could be anything.
std::string name_pattern::misfit(distinguished_name const& name) const {
    for (auto const& part : rdns_) {
        for (auto const& want : part) {
            bool is_there = false, fits = false;
            for (auto const& actual : name.rdns) {
                for (auto const& each : actual) {
                    if (each.type != want.type) continue;
                    is_there = true;
                    fits = fits || !each.flaw.empty() || want.value.matches(each.value);
                }
            }
            if (fits) continue;
            auto const label = attribute_label(want.type);
            return is_there ? "no " + label + " is " + quoted(want.written) + ", as the rule wants" : "has no " + label;
        }
    }
    return {};
}

finding name_pattern::matches(distinguished_name const& name) const {
    if (name.is_malformed) return finding::doubt("the name is not well-formed");
    if (name.rdns.empty() && takes_any_value()) return finding::doubt("the name is empty");
    auto why = doubt(name);
    if (why.empty()) return compare(name);
    auto other = misfit(name);
    return other.empty() ? finding::doubt(std::move(why)) : finding::no(std::move(other));
}

finding name_pattern::compare(distinguished_name const& name) const {
    if (name.rdns.empty()) return finding::no("is empty, the rule wants " + parts_of(rdns_));
    if (name.rdns.size() != rdns_.size())
        return finding::no("has " + parts_of(name.rdns) + ", the rule wants " + parts_of(rdns_));
    for (std::size_t at = 0; at < rdns_.size(); ++at) {
        auto one = match_rdn(rdns_[at], name.rdns[at], at);
        if (one.outcome != match::yes) return one;
    }
    return finding::yes();
}

}  // namespace ftpsgate::policy
