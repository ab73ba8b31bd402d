#include "config/problem.hpp"

#include <catch2/catch.hpp>

using namespace ftpsgate::config;

TEST_CASE("problem: one line with file, line, column, key, message and hint", "[config][problem]") {
    CHECK(render({{"f.toml", 3, 7}, "site[0].name", "is bad", "do better"}) ==
          "f.toml:3:7: error: site[0].name: is bad (do better)");
}

TEST_CASE("problem: what is unknown is left out", "[config][problem]") {
    CHECK(render({{"f.toml", 3, 0}, "", "is bad", ""}) == "f.toml:3: error: is bad");
    CHECK(render({{"f.toml", 0, 0}, "k", "is bad", ""}) == "f.toml: error: k: is bad");
    CHECK(render({{}, "", "is bad", ""}) == "error: is bad");
    CHECK(render({{"f.toml", 3, 7}, "", "is odd", ""}, "warning") == "f.toml:3:7: warning: is odd");
}

TEST_CASE("problem: nothing that the file quotes breaks the line or reaches the terminal (A-101)",
          "[config][problem]") {
    CHECK(render({{"f", 1, 1}, "a\nb", "\x1B[2J\r\t\x7F", ""}) == R"(f:1:1: error: a\x0ab: \x1b[2J\x0d\x09\x7f)");
    CHECK(render({{"f", 1, 1},
                  "",
                  "\xC2\x9B"
                  "2J \xC3\x9B \xC2",
                  ""}) == "f:1:1: error: \\x9b2J \xC3\x9B \xC2");
}
