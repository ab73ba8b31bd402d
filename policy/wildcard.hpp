// A pattern in which '*' stands for any run of bytes, also none. It has to match the whole value. The time is linear in
// the value's length, whatever the pattern is.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace ftpsgate::policy {

class wildcard {
public:
    /// Every '*' is one; there are no escapes.
    static wildcard parse(std::string_view text);
    /// What stands between the stars, so one more than those: {"plc-", ""} is "plc-*". Not empty.
    explicit wildcard(std::vector<std::string> const& literals);

    bool matches(std::string_view value) const;

private:
    // A literal that is looked for, with the table of Knuth, Morris and Pratt: for each length of what matched so far,
    // what of it may still be the beginning of a match after the next byte was another.
    struct piece {
        std::string bytes;
        std::vector<std::size_t> fallback;
    };
    static piece make_piece(std::string const& bytes);
    static std::size_t find_end(std::string_view value, piece const& what);

    std::string first_;
    std::vector<piece> middle_;
    std::string last_;
    bool has_star_ = false;
};

}  // namespace ftpsgate::policy
