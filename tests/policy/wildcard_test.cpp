#include "policy/wildcard.hpp"

#include <catch2/catch.hpp>

#include <chrono>
#include <random>

using ftpsgate::policy::wildcard;

namespace {

// By definition, and slow.
bool matches_by_trying(std::string_view pattern, std::string_view value) {
    if (pattern.empty()) return value.empty();
    if (pattern.front() != '*')
        return !value.empty() && value.front() == pattern.front() &&
               matches_by_trying(pattern.substr(1), value.substr(1));
    for (std::size_t at = 0; at <= value.size(); ++at)
        if (matches_by_trying(pattern.substr(1), value.substr(at))) return true;
    return false;
}

std::string word(std::mt19937& random, std::string_view letters, std::size_t longest) {
    std::string made(random() % (longest + 1), ' ');
    for (char& c : made)
        c = letters[random() % letters.size()];
    return made;
}

}  // namespace

TEST_CASE("wildcard: the whole value has to match (A-092)", "[policy][wildcard]") {
    auto const [pattern, value, expected] = GENERATE(table<std::string, std::string, bool>({
        {"alice", "alice", true},
        {"alice", "alice.evil", false},
        {"alice", "malice", false},
        {"alice", "Alice", false},
        {"", "", true},
        {"", "a", false},
        {"*", "", true},
        {"*", "anything at all", true},
        {"**", "x", true},
        {"plc-*", "plc-7", true},
        {"plc-*", "plc-", true},
        {"plc-*", "xplc-7", false},
        {"*.example", "a.b.example", true},
        {"*.example", ".example", true},
        {"*.example", "a.example.evil", false},
        {"*.example", "aXexample", false},
        {"a*a", "a", false},
        {"a*a", "aa", true},
        {"a*b*c", "aXbXc", true},
        {"a*b*c", "acb", false},
        {"*aab*", "aaab", true},
        {"*abab*abab*", "ababab", false},
        {"*abab*abab*", "abababab", true},
        {".+", "ab", false},
        {"a?c", "abc", false},
        {"[a-z]*", "a", false},
    }));
    INFO(pattern << " and " << value);
    CHECK(wildcard::parse(pattern).matches(value) == expected);
}

TEST_CASE("wildcard: a literal may hold a star", "[policy][wildcard]") {
    wildcard const literal({"a*b"});
    CHECK(literal.matches("a*b"));
    CHECK_FALSE(literal.matches("aXb"));
    wildcard const both({"*", ""});
    CHECK(both.matches("*x"));
    CHECK_FALSE(both.matches("x*"));
}

TEST_CASE("wildcard: says the same as trying everything", "[policy][wildcard]") {
    std::mt19937 random(1);  // NOLINT: the same in every run
    for (int round = 0; round < 20000; ++round) {
        auto const pattern = word(random, "ab*", 8);
        auto const value = word(random, "ab", 10);
        INFO(pattern << " and " << value);
        REQUIRE(wildcard::parse(pattern).matches(value) == matches_by_trying(pattern, value));
    }
}

TEST_CASE("wildcard: the time is linear, whatever the pattern is (A-092)", "[policy][wildcard]") {
    // What goes back would need 10^9 steps for each of these, or many more.
    auto const begin = std::chrono::steady_clock::now();
    std::string const value(64 * 1024, 'a');
    CHECK_FALSE(wildcard::parse("*a*a*a*a*a*b").matches(value));
    CHECK_FALSE(wildcard::parse("*a*a*a*a*a*b*").matches(value));
    std::string const half(32 * 1024, 'a');
    CHECK_FALSE(wildcard::parse("*" + half + "b*").matches(value));
    std::string many;
    for (int i = 0; i < 16 * 1024; ++i)
        many += "*a";
    CHECK(wildcard::parse(many + "*").matches(value));
    CHECK_FALSE(wildcard::parse(many + "*b*").matches(value));
    CHECK(std::chrono::steady_clock::now() - begin < std::chrono::seconds(1));
}
