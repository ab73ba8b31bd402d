#include "config/toml_reader.hpp"

#include "config/nesting.hpp"

#include <toml++/toml.h>

#include <algorithm>
#include <iterator>
#include <tuple>

namespace ftpsgate::config {

namespace {

constexpr std::size_t most_known_keys_listed = 10;

std::string_view kind_of(toml::node const& node) {
    switch (node.type()) {
        case toml::node_type::table: return "a table";
        case toml::node_type::array: return "an array";
        case toml::node_type::string: return "a string";
        case toml::node_type::integer: return "an integer";
        case toml::node_type::floating_point: return "a float";
        case toml::node_type::boolean: return "a boolean";
        case toml::node_type::date: return "a date";
        case toml::node_type::time: return "a time of day";
        case toml::node_type::date_time: return "a date and time";
        case toml::node_type::none: break;
    }
    return "nothing";
}

scalar scalar_of(toml::node const& node, location where) {
    scalar value{{}, kind_of(node), std::move(where)};
    if (auto const* const string = node.as_string())
        value.content = string->get();
    else if (auto const* const integer = node.as_integer())
        value.content = integer->get();
    else if (auto const* const boolean = node.as_boolean())
        value.content = boolean->get();
    return value;
}

toml::table const& empty_table() {
    static toml::table const empty;
    return empty;
}

std::string joined(std::vector<std::string> const& words) {
    std::string line;
    for (auto const& word : words)
        line += (line.empty() ? "" : ", ") + word;
    return line;
}

std::string_view line_of(std::string_view text, toml::source_index number) {
    while (--number > 0 && text.find('\n') != text.npos)
        text.remove_prefix(text.find('\n') + 1);
    return text.substr(0, text.find('\n'));
}

/// toml++ quotes what it does not understand, and `password = tomorrow` is such a thing.
problem syntax_fault(toml::parse_error const& failure, std::string_view text, std::string const& file) {
    auto const at = failure.source().begin;
    location where{file, at.line, at.column};
    if (line_of(text, at.line).find("password") == std::string_view::npos)
        return {std::move(where), "", std::string(failure.description()), ""};
    return {std::move(where), "", "a line about a password, not shown, that is no TOML",
            "strings stand in quotation marks"};
}

}  // namespace

section::section(toml::table const& content, std::string path, location where, findings& into)
    : content_(&content), path_(std::move(path)), where_(std::move(where)), into_(&into) {
}

bool section::present(std::string_view key) {
    if (std::find(known_.begin(), known_.end(), key) == known_.end()) known_.push_back(key);
    into_->keys.note_known(join(path_, key));
    return content_->contains(key);
}

bool section::is_array(std::string_view key) const {
    auto const* const node = content_->get(key);
    return node != nullptr && node->is_array();
}

std::optional<section::item> section::find(std::string_view key) {
    if (!present(key)) return std::nullopt;
    return make_item(*content_->get(key), join(path_, key));
}

std::optional<std::vector<section::item>> section::find_list(std::string_view key, at_least count) {
    auto const whole = find(key);
    if (!whole) return std::nullopt;
    auto const* const array = content_->get_as<toml::array>(key);
    bool const is_too_short = array != nullptr && array->empty() && count == at_least::one;
    if (array == nullptr || is_too_short) {
        auto const fault = is_too_short ? complaint{"must not be empty"} : wrong_kind("a list, [ ... ]", whole->value);
        fault_at(whole->path, whole->value.where, fault);
        return std::nullopt;
    }
    std::vector<item> items;
    for (auto const& node : *array)
        items.push_back(make_item(node, element(whole->path, items.size())));
    return items;
}

std::optional<section> section::table_in_list(std::string_view key, std::size_t index) {
    auto const* const array = content_->get_as<toml::array>(key);
    auto const* const table = array == nullptr ? nullptr : array->get_as<toml::table>(index);
    if (table == nullptr) return std::nullopt;
    return section(*table, element(join(path_, key), index), position_of(*table), *into_);
}

std::optional<section> section::find_table(std::string_view key) {
    auto const path = join(path_, key);
    if (!present(key)) return section(empty_table(), path, where_, *into_);
    return make_section(*content_->get(key), path, {"must be a table", "write [" + pattern_of(path) + "]"});
}

std::vector<std::optional<section>> section::find_tables(std::string_view key, at_least count) {
    auto const whole = find(key);
    if (!whole) return {};
    std::vector<std::optional<section>> sections;
    auto const* const array = content_->get_as<toml::array>(key);
    if (array == nullptr || (array->empty() && count == at_least::one)) {
        auto fault = array == nullptr ? wrong_kind("a list of tables", whole->value) : complaint{"must not be empty"};
        fault.hint = "write [[" + pattern_of(whole->path) + "]]";
        fault_at(whole->path, whole->value.where, fault);
        return sections;
    }
    for (auto const& node : *array) {
        auto path = element(whole->path, sections.size());
        sections.push_back(make_section(node, std::move(path), {"must be a table", "write { ... }"}));
    }
    return sections;
}

void section::report(std::string_view key, complaint const& fault) {
    auto const path = join(path_, key);
    fault_at(path, into_->keys.has(path) ? into_->keys.where(path) : where_, fault);
}

void section::finish() {
    for (auto const& [key, value] : *content_) {
        auto const at = key.source().begin;
        bool const is_known = std::find(known_.begin(), known_.end(), key.str()) != known_.end();
        if (!is_known) report_unknown(key.str(), {into_->file, at.line, at.column});
    }
    // A mistyped key has just been reported: its right name is not missed as well.
    for (auto const& [key, hint] : missing_) {
        auto const path = join(path_, key);
        if (into_->keys.is_sound(path)) fault_at(path, where_, {"is missing", hint});
    }
}

void section::report_unknown(std::string_view key, location const& where) {
    auto const path = join(path_, key);
    complaint fault{"unknown key", suggestion(key, known_)};
    if (fault.hint.empty()) into_->strays.push_back({into_->faults.size(), std::string(key)});
    if (fault.hint.empty() && known_.size() <= most_known_keys_listed)
        fault.hint = "known here: " + joined({known_.begin(), known_.end()});
    into_->faults.push_back({where, path, fault.message, fault.hint});
    auto const meant = nearest(key, known_);
    if (!meant.empty() && !content_->contains(meant)) into_->keys.note_fault(join(path_, meant));
}

void section::fault_at(std::string const& path, location const& where, complaint const& fault) {
    into_->keys.note_fault(path);
    into_->faults.push_back({where, path, fault.message, fault.hint});
}

section::item section::make_item(toml::node const& node, std::string path) {
    auto const where = position_of(node);
    into_->keys.note_value(path, where);
    return {scalar_of(node, where), std::move(path)};
}

std::optional<section> section::make_section(toml::node const& node, std::string path, complaint const& otherwise) {
    auto const where = position_of(node);
    into_->keys.note_value(path, where);
    if (auto const* const table = node.as_table()) return section(*table, std::move(path), where, *into_);
    fault_at(path, where, {otherwise.message + ", not " + std::string(kind_of(node)), otherwise.hint});
    return std::nullopt;
}

location section::position_of(toml::node const& node) const {
    auto const at = node.source().begin;
    return {into_->file, at.line, at.column};
}

document::document(std::string_view toml, std::string const& file) : findings_(file) {
    if (auto where = overlong_key(toml)) {
        where->file = file;
        findings_.faults.push_back({*where, "", "a dotted key with too many parts", ""});
        return;
    }
    try {
        root_ = std::make_unique<toml::table>(toml::parse(toml, std::string_view(file)));
    } catch (toml::parse_error const& failure) {
        findings_.faults.push_back(syntax_fault(failure, toml, file));
    }
}

document::~document() = default;

section document::root_section() {
    return {*root_, "", {findings_.file, 1, 1}, findings_};
}

/// A key that is unknown where it stands may be at home in another section, known only after all were read.
void document::settle() {
    for (auto const& stray : findings_.strays) {
        auto const sections = findings_.keys.sections_with(stray.key);
        if (!sections.empty()) findings_.faults[stray.fault].hint = "it belongs in " + joined(sections);
    }
    sort_by_position(findings_.faults);
}

void sort_by_position(problems& faults) {
    auto const earlier = [](problem const& a, problem const& b) {
        return std::tie(a.where.line, a.where.column) < std::tie(b.where.line, b.where.column);
    };
    std::stable_sort(faults.begin(), faults.end(), earlier);
}

}  // namespace ftpsgate::config
