// Cursor over a parsed TOML document. A `section` is one table of the file; each call names one of its keys, the member
// it fills and its shape (shapes.hpp). Absent keys leave the member as it is: its initialiser is the default. Faults
// are collected, never thrown, and keys that nobody asked for are reported when the section is done.
//     document file(text, "ftpsgate.toml");
//     if (file.is_parsed()) file.read(values, read_settings);      // void read_settings(section&, settings&)
//     file.faults()                                                // in file order
// In a result with faults, members are as far filled as possible, elements of lists at the index they have in the file.
#pragma once

#include "config/key_index.hpp"
#include "config/problem.hpp"
#include "config/shapes.hpp"

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace toml {
inline namespace v3 {
class array;
class node;
class table;
}  // namespace v3
}  // namespace toml

namespace ftpsgate::config {

/// What the sections of one document write to.
struct findings {
    struct stray {  ///< an unknown key with no likely name in its own section
        std::size_t fault;
        std::string key;
    };

    explicit findings(std::string const& file_name) : file(file_name), keys(file_name) {}

    std::string file;
    key_index keys;
    problems faults;
    std::vector<stray> strays;
};

/// How many elements a list needs.
enum class at_least { none, one };

class section {
public:
    section(toml::table const& content, std::string path, location where, findings& into);

    location const& where() const { return where_; }

    /// True when the key is present, even with a fault.
    template <typename Value, typename Shape>
    bool optional(std::string_view key, Value& into, Shape const& shape);

    template <typename Value, typename Shape>
    void required(std::string_view key, Value& into, Shape const& shape);

    /// [ ... ], each element of the shape. An empty list replaces the default.
    template <typename Value, typename Shape>
    bool list(std::string_view key, std::vector<Value>& into, Shape const& shape, at_least count = at_least::none);

    template <typename Value, typename Shape>
    void required_list(std::string_view key, std::vector<Value>& into, Shape const& shape);

    /// [ ... ], each element of the shape, or a table that is read; at least one.
    template <typename Value, typename Shape>
    void required_list_or_tables(std::string_view key, std::vector<Value>& into, Shape const& shape,
                                 void (*read)(section&, Value&));

    /// A single value is a list of one.
    template <typename Value, typename Shape>
    bool one_or_list(std::string_view key, std::vector<Value>& into, Shape const& shape);

    /// A sub-section. One that is absent is read as if it were empty, so that its required keys are missed.
    template <typename Value>
    void table(std::string_view key, Value& into, void (*read)(section&, Value&));

    /// [[key]], or a list of inline tables.
    template <typename Value>
    void tables(std::string_view key, std::vector<Value>& into, void (*read)(section&, Value&),
                at_least count = at_least::none);

    template <typename Value>
    void required_tables(std::string_view key, std::vector<Value>& into, void (*read)(section&, Value&));

    /// For what a shape cannot express; at the position of the key (or "key[1]"), or of the section when it is absent.
    void report(std::string_view key, complaint const& fault);

    /// Reports missing and unknown keys. Called by whoever made the section, after its reader.
    void finish();

private:
    struct item {
        scalar value;
        std::string path;
    };

    struct missing_key {
        std::string_view key;
        std::string hint;
    };

    bool present(std::string_view key);
    std::optional<item> find(std::string_view key);
    std::optional<std::vector<item>> find_list(std::string_view key, at_least count);
    std::optional<section> find_table(std::string_view key);
    /// nullopt inside: not a table, which has been reported.
    std::vector<std::optional<section>> find_tables(std::string_view key, at_least count);
    /// Unset where the element is no table.
    std::optional<section> table_in_list(std::string_view key, std::size_t index);
    bool is_array(std::string_view key) const;

    item make_item(toml::node const& node, std::string path);
    std::optional<section> make_section(toml::node const& node, std::string path, complaint const& otherwise);
    void report_unknown(std::string_view key, location const& where);
    void fault_at(std::string const& path, location const& where, complaint const& fault);
    location position_of(toml::node const& node) const;

    template <typename Value, typename Shape>
    void take(item const& found, Value& into, Shape const& shape);

    toml::table const* content_;
    std::string path_;
    location where_;
    findings* into_;
    std::vector<std::string_view> known_;
    std::vector<missing_key> missing_;
};

class document {
public:
    /// A syntax error becomes the only fault; nothing behind it can be trusted.
    document(std::string_view toml, std::string const& file);
    ~document();
    document(document const&) = delete;
    document& operator=(document const&) = delete;

    bool is_parsed() const { return root_ != nullptr; }

    template <typename Value>
    void read(Value& into, void (*read_root)(section&, Value&)) {
        auto root = root_section();
        read_root(root, into);
        root.finish();
        settle();
    }

    key_index const& keys() const { return findings_.keys; }
    problems const& faults() const { return findings_.faults; }

private:
    section root_section();
    void settle();

    findings findings_;
    std::unique_ptr<toml::table> root_;
};

/// By position; those of the same position keep their order.
void sort_by_position(problems& faults);

// Implementation of the templates.

template <typename Value, typename Shape>
void section::take(item const& found, Value& into, Shape const& shape) {
    Value const before = into;
    if (auto const fault = shape(found.value, into))
        fault_at(found.path, found.value.where, *fault);
    else if (into == before)
        into_->keys.note_default(found.path);
}

template <typename Value, typename Shape>
bool section::optional(std::string_view key, Value& into, Shape const& shape) {
    if (auto const found = find(key)) take(*found, into, shape);
    return present(key);
}

template <typename Value, typename Shape>
void section::required(std::string_view key, Value& into, Shape const& shape) {
    if (!optional(key, into, shape)) missing_.push_back({key, {}});
}

template <typename Value, typename Shape>
bool section::list(std::string_view key, std::vector<Value>& into, Shape const& shape, at_least count) {
    auto const found = find_list(key, count);
    if (!found) return present(key);
    std::vector<Value> const before = std::exchange(into, {});
    for (auto const& one : *found)
        take(one, into.emplace_back(), shape);
    if (into == before) into_->keys.note_default(join(path_, key));
    return true;
}

template <typename Value, typename Shape>
void section::required_list(std::string_view key, std::vector<Value>& into, Shape const& shape) {
    if (!list(key, into, shape, at_least::one)) missing_.push_back({key, {}});
}

template <typename Value, typename Shape>
void section::required_list_or_tables(std::string_view key, std::vector<Value>& into, Shape const& shape,
                                      void (*read)(section&, Value&)) {
    auto const found = find_list(key, at_least::one);
    if (!present(key)) missing_.push_back({key, {}});
    if (!found) return;
    into.clear();
    for (auto const& one : *found) {
        auto& value = into.emplace_back();
        auto inner = table_in_list(key, into.size() - 1);
        if (!inner) {
            take(one, value, shape);
            continue;
        }
        read(*inner, value);
        inner->finish();
    }
}

template <typename Value, typename Shape>
bool section::one_or_list(std::string_view key, std::vector<Value>& into, Shape const& shape) {
    if (is_array(key)) return list(key, into, shape);
    Value single{};
    if (!optional(key, single, shape)) return false;
    into.assign(1, single);
    return true;
}

template <typename Value>
void section::table(std::string_view key, Value& into, void (*read)(section&, Value&)) {
    auto inner = find_table(key);
    if (!inner) return;
    read(*inner, into);
    inner->finish();
}

template <typename Value>
void section::tables(std::string_view key, std::vector<Value>& into, void (*read)(section&, Value&), at_least count) {
    for (auto& inner : find_tables(key, count)) {
        auto& one = into.emplace_back();
        if (!inner) continue;
        read(*inner, one);
        inner->finish();
    }
}

template <typename Value>
void section::required_tables(std::string_view key, std::vector<Value>& into, void (*read)(section&, Value&)) {
    tables(key, into, read, at_least::one);
    if (!present(key)) missing_.push_back({key, "write [[" + pattern_of(join(path_, key)) + "]]"});
}

}  // namespace ftpsgate::config
