// TOML, written: values with everything quoted that needs it, sections with comments. What comes out is valid TOML,
// whatever goes in.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace ftpsgate::config {

/// A string with its quotation marks. What is not UTF-8 becomes U+FFFD; control characters are escaped.
std::string toml_string(std::string_view text);

/// ["a", "b"]
std::string toml_list(std::vector<std::string> const& texts);

/// One table with its keys, in the order in which they come.
class toml_section {
public:
    /// `header` is as written, "[site.ssl]"; "" = comments in front of everything.
    explicit toml_section(std::string header) : header_(std::move(header)) {}

    /// `value` is TOML already.
    void set(std::string_view key, std::string_view value);

    /// Broken into lines between words.
    void comment(std::string_view text);

    bool has(std::string_view comment) const;
    bool is_empty() const { return lines_.empty(); }

    /// With an empty line at the end; nothing of a section without content.
    std::string text() const;

private:
    std::string header_;
    std::vector<std::string> lines_;
    std::vector<std::string> comments_;
};

}  // namespace ftpsgate::config
