#include "config/key_index.hpp"

#include <algorithm>
#include <utility>

namespace ftpsgate::config {

namespace {

/// Empty for a key of the root, whose section is "" too; has_section tells them apart.
std::string enclosing(std::string const& path) {
    auto const cut = path.find_last_of(".[");
    return cut == std::string::npos ? std::string{} : path.substr(0, cut);
}

bool is_inside(std::string_view path, std::string_view outer) {
    if (!path.starts_with(outer)) return false;
    return path.size() == outer.size() || path[outer.size()] == '.' || path[outer.size()] == '[';
}

}  // namespace

std::string join(std::string_view path, std::string_view key) {
    return path.empty() ? std::string(key) : std::string(path) + "." + std::string(key);
}

std::string element(std::string_view path, std::size_t index) {
    return std::string(path) + "[" + std::to_string(index) + "]";
}

std::string pattern_of(std::string_view path) {
    std::string pattern;
    bool in_brackets = false;
    for (char const c : path) {
        if (c == '[') in_brackets = true;
        if (!in_brackets) pattern += c;
        if (c == ']') in_brackets = false;
    }
    return pattern;
}

key_index::key_index(std::string file) {
    values_[""] = location{std::move(file), 1, 1};
}

void key_index::note_value(std::string const& path, location const& where) {
    values_[path] = where;
}
void key_index::note_default(std::string const& path) {
    defaults_.insert(path);
}
void key_index::note_fault(std::string const& path) {
    faulty_.insert(path);
}
void key_index::note_known(std::string const& path) {
    known_.insert(pattern_of(path));
}

bool key_index::has(std::string const& path) const {
    return values_.contains(path);
}
bool key_index::is_default(std::string const& path) const {
    return defaults_.contains(path);
}

bool key_index::is_sound(std::string const& path) const {
    auto const touches = [&](std::string const& faulty) { return is_inside(path, faulty) || is_inside(faulty, path); };
    return std::none_of(faulty_.begin(), faulty_.end(), touches);
}

location key_index::where(std::string path) const {
    auto found = values_.find(path);
    while (found == values_.end()) {
        path = enclosing(path);
        found = values_.find(path);
    }
    return found->second;
}

std::vector<std::string> key_index::sections_with(std::string_view key) const {
    std::vector<std::string> sections;
    for (auto const& pattern : known_) {
        auto const section = enclosing(pattern);
        if (join(section, key) == pattern && !section.empty()) sections.push_back("[" + section + "]");
    }
    return sections;
}

}  // namespace ftpsgate::config
