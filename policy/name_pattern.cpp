#include "policy/name_pattern.hpp"

#include "policy/attribute_types.hpp"

#include <algorithm>
#include <map>

namespace ftpsgate::policy {

namespace {

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

bool name_pattern::repeats(std::string_view type) const {
    std::size_t count = 0;
    for (auto const& part : rdns_)
        for (auto const& each : part)
            count += each.type == type ? 1 : 0;
    return count > 1;
}

// "" = none.
std::string name_pattern::doubt(distinguished_name const& name) const {
    if (name.is_malformed) return "the name is not well-formed";
    if (name.rdns.empty()) return "the name is empty";
    std::map<std::string_view, std::size_t> seen;  // type -> the last part with it
    for (std::size_t at = 0; at < name.rdns.size(); ++at) {
        auto const& part = name.rdns[at];
        if (part.size() > 1 && (at >= rdns_.size() || rdns_[at].size() < 2))
            return "part " + std::to_string(at + 1) + " has several attributes, and the rule does not ask for that";
        for (auto const& each : part) {
            auto const label = attribute_label(each.type);
            if (!each.flaw.empty()) return label + " " + std::string(each.flaw);
            auto const [last, is_first] = seen.try_emplace(each.type, at);
            bool const is_twice_here = !is_first && last->second == at;
            bool const may_repeat = is_first || is_domain_component(each.type) || repeats(each.type);
            if (is_twice_here || !may_repeat) return "there is more than one " + label;
            last->second = at;
        }
    }
    return {};
}

finding name_pattern::matches(distinguished_name const& name) const {
    if (auto why = doubt(name); !why.empty()) return finding::doubt(std::move(why));
    if (name.rdns.size() != rdns_.size())
        return finding::no("has " + parts_of(name.rdns) + ", the rule wants " + parts_of(rdns_));
    for (std::size_t at = 0; at < rdns_.size(); ++at) {
        auto one = match_rdn(rdns_[at], name.rdns[at], at);
        if (one.outcome != match::yes) return one;
    }
    return finding::yes();
}

}  // namespace ftpsgate::policy
