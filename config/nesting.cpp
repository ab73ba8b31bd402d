#include "config/nesting.hpp"

#include <algorithm>
#include <string>

namespace ftpsgate::config {

namespace {

/// Walks over the text as far as the difference between keys, strings and comments asks for.
class key_scanner {
public:
    explicit key_scanner(std::string_view toml) : toml_(toml) {}

    std::optional<location> find() {
        while (at_ < toml_.size()) {
            step();
            if (dots_ >= most_key_parts) return here();
        }
        return std::nullopt;
    }

private:
    void step() {
        static constexpr std::string_view ends_a_key = "=,[]{}\n";
        char const c = toml_[at_];
        if (c == '"' || c == '\'') return skip_string(c);
        if (c == '#') return skip_to(toml_.find('\n', at_));
        if (c == '.') ++dots_;
        if (ends_a_key.find(c) != std::string_view::npos) dots_ = 0;
        ++at_;
    }

    /// A string that does not end is a syntax error, which toml++ reports in better words: here it ends the walk.
    void skip_string(char quote) {
        std::string const thrice(3, quote);
        bool const is_long = toml_.substr(at_, 3) == thrice;
        std::string const end = is_long ? thrice : std::string(1, quote);
        auto next = at_ + end.size();
        while (next < toml_.size() && toml_.substr(next, end.size()) != end) {
            if (!is_long && toml_[next] == '\n') break;
            next += quote == '"' && toml_[next] == '\\' ? 2U : 1U;
        }
        next += end.size();
        // Up to two quotation marks may stand in front of the closing three.
        for (int more = 0; is_long && more < 2 && next < toml_.size() && toml_[next] == quote; ++more)
            ++next;
        skip_to(next);
    }

    void skip_to(std::size_t next) { at_ = std::min(next, toml_.size()); }

    location here() const {
        location where{{}, 1, 1};
        for (char const c : toml_.substr(0, at_ - 1)) {
            where.column = c == '\n' ? 1 : where.column + 1;
            if (c == '\n') ++where.line;
        }
        return where;
    }

    std::string_view toml_;
    std::size_t at_ = 0;
    unsigned dots_ = 0;
};

}  // namespace

std::optional<location> overlong_key(std::string_view toml) {
    return key_scanner(toml).find();
}

}  // namespace ftpsgate::config
