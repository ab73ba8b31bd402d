#include "config/iis_layers.hpp"

#include <algorithm>

namespace ftpsgate::config {

namespace {

xml_element const* section_of(xml_element const* root, std::string_view path) {
    while (root != nullptr && !path.empty()) {
        auto const end = std::min(path.find('/'), path.size());
        root = root->child(path.substr(0, end));
        path.remove_prefix(std::min(end + 1, path.size()));
    }
    return root;
}

/// All attributes of the <remove> are those of the <add>; one that is missing is "".
bool removes(xml_element const& remove, xml_element const& add) {
    auto const is_same = [&](xml_attribute const& one) { return add.value(one.name) == one.value; };
    return std::all_of(remove.attributes.begin(), remove.attributes.end(), is_same);
}

void apply(xml_element const& step, std::vector<xml_element const*>& entries) {
    if (step.name == "clear") entries.clear();
    if (step.name == "remove") std::erase_if(entries, [&](auto const* one) { return removes(step, *one); });
    if (step.name == "add") entries.push_back(&step);
}

}  // namespace

xml_attribute const* iis_layers::attribute(std::string_view section, std::string_view name) const {
    for (auto const* const root : roots_) {
        auto const* const found = section_of(root, section);
        auto const* const wanted = found == nullptr ? nullptr : found->attribute(name);
        if (wanted != nullptr) return wanted;
    }
    return nullptr;
}

std::vector<xml_element const*> iis_layers::entries(std::string_view section) const {
    std::vector<xml_element const*> found;
    for (auto root = roots_.rbegin(); root != roots_.rend(); ++root)
        if (auto const* const collection = section_of(*root, section))
            for (auto const& step : collection->children)
                apply(step, found);
    return found;
}

text_place iis_layers::where(std::string_view section) const {
    for (auto const* const root : roots_)
        if (auto const* const found = section_of(root, section)) return found->where;
    return {};
}

}  // namespace ftpsgate::config
