// Where each key of the file stands and what became of it. The reader writes it; the cross-field rules ask it which
// position to blame, and whether a value is sound at all (no second complaint about a value that has one).
// A path names one key of this file, "site[0].ssl.certificate[1]"; a pattern names it in any file,
// "site.ssl.certificate".
#pragma once

#include "config/settings.hpp"

#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace ftpsgate::config {

/// "site[0].ssl" and "certificate" -> "site[0].ssl.certificate"; the root is "".
std::string join(std::string_view path, std::string_view key);

/// "certificate" and 1 -> "certificate[1]".
std::string element(std::string_view path, std::size_t index);

/// "site[0].listen[1].tls" -> "site.listen.tls".
std::string pattern_of(std::string_view path);

class key_index {
public:
    /// `file` is what positions of absent keys fall back to in the end, line 1.
    explicit key_index(std::string file);

    void note_value(std::string const& path, location const& where);
    void note_default(std::string const& path);  ///< the file writes out what would hold anyway
    void note_fault(std::string const& path);
    void note_known(std::string const& path);  ///< the program has such a key, present or not

    bool has(std::string const& path) const;
    bool is_default(std::string const& path) const;
    /// False when the value, a part of it, or a section around it has a fault.
    bool is_sound(std::string const& path) const;
    /// Of the value, else of the closest section around it.
    location where(std::string path) const;

    /// Patterns of all keys that the program has.
    std::set<std::string> const& known() const { return known_; }
    /// Patterns of the sections that have a key of this name, in the way they are written: "[site.data]".
    std::vector<std::string> sections_with(std::string_view key) const;

private:
    std::map<std::string, location> values_;
    std::set<std::string> defaults_;
    std::set<std::string> faulty_;
    std::set<std::string> known_;
};

}  // namespace ftpsgate::config
