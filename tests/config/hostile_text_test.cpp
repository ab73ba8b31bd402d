// Texts that are no configuration at all: one clear fault, never a crash.
#include "config/nesting.hpp"
#include "tests/config/scratch.hpp"

#include <catch2/catch.hpp>

#include <random>

using namespace ftpsgate::config;

namespace {

lines faults_of(std::string_view toml) {
    return rendered(load_text(toml, "f").faults);
}

std::string repeated(std::string_view part, std::size_t times) {
    std::string text;
    for (std::size_t n = 0; n < times; ++n)
        text += part;
    return text;
}

}  // namespace

TEST_CASE("load: a syntax error is the only fault, with its position", "[config][load]") {
    CHECK(faults_of("bogus = 1\n[server]\nthreads = = 1\n").size() == 1);
    CHECK(faults_of("bogus = 1\n[server]\nthreads = = 1\n")[0].starts_with("f:3:11: error: "));
    CHECK(faults_of("a = 1\na = 2\n") ==
          lines{"f:2:5: error: Error while parsing key-value pair: cannot redefine existing integer 'a'"});
}

TEST_CASE("load: an empty file lacks a site", "[config][load]") {
    lines const missing = {"f:1:1: error: site: is missing (write [[site]])"};
    CHECK(faults_of("") == missing);
    CHECK(faults_of("\xEF\xBB\xBF") == missing);
    CHECK(faults_of("\r\n\r\n# nothing\r\n") == missing);
}

TEST_CASE("load: positions hold with a byte order mark and with CRLF", "[config][load]") {
    auto const faults = faults_of("\xEF\xBB\xBF[server]\r\nthreads = -1\r\n[[site]]\r\n");
    REQUIRE(faults.size() == 5);
    CHECK(faults[0] == "f:2:11: error: server.threads: must be between 0 and 1024, not -1");
    CHECK(faults[1].starts_with("f:3:1: error: site[0]."));
}

TEST_CASE("load: invalid UTF-8, other encodings and NUL are syntax errors", "[config][load]") {
    using namespace std::string_view_literals;
    auto const text = GENERATE("a = \"\xFF\"\n"sv, "\xFF\xFE[\0s\0"sv, "\0"sv, "a = \"\0\"\n"sv, "a = \"\xC3\x28\"\n"sv,
                               "a = \"\xED\xA0\x80\"\n"sv, "a = \"\xC3"sv);
    auto const faults = faults_of(text);
    REQUIRE(faults.size() == 1);
    CHECK(faults[0].starts_with("f:1:"));
}

TEST_CASE("load: a mebibyte of garbage is one fault", "[config][load]") {
    constexpr std::size_t mebibyte = 1U << 20U;
    auto const part =
        GENERATE("a", "[", "{", "\"", "=", "a=[", "a={", "[a]", "\\", "'''", "[[a", "a.", "\"a\".", "[a.");
    CAPTURE(part);
    CHECK(faults_of(repeated(part, mebibyte / std::string_view(part).size())).size() == 1);
}

TEST_CASE("load: random bytes are one fault", "[config][load]") {
    std::mt19937 random(GENERATE(1U, 2U, 3U));
    std::string bytes(1U << 20U, '\0');
    for (char& c : bytes)
        c = static_cast<char>(random());
    CHECK(faults_of(bytes).size() == 1);
}

TEST_CASE("load: thousands of unknown keys are all reported", "[config][load]") {
    std::string text;
    for (int n = 0; n < 2000; ++n)
        text += "unknown_" + std::to_string(n) + " = 1\n";
    CHECK(faults_of(text).size() == 2001);
}

TEST_CASE("load: a file above the size limit is refused", "[config][load]") {
    CHECK(faults_of(std::string((4U << 20U) + 1, '\n')) == lines{"f: error: larger than 4MiB"});
}

TEST_CASE("nesting: a dotted key with too many parts is found before the parser sees it", "[config][nesting]") {
    auto const deep = repeated("a.", 16) + "a";
    auto const text =
        GENERATE_COPY(deep + " = 1", "[" + deep + "]", "[[" + deep + "]]", "x = { " + deep + " = 1 }",
                      "x = '''\n''''\ny = 1\n" + deep + " = 1", "x = [ \"\"\"a\"\"\"\", { " + deep + " = 1 } ]",
                      repeated("'a' . ", 16) + "a = 1", "x = \"\\\"\"\n" + deep + " = 1", "# it's\n" + deep + " = 1");
    CAPTURE(text);
    REQUIRE(overlong_key(text));
    CHECK(faults_of(text).size() == 1);
    CHECK(faults_of(text)[0].ends_with("a dotted key with too many parts"));
}

TEST_CASE("nesting: the position is that of the dot that is too many", "[config][nesting]") {
    auto const where = overlong_key("x = 1\n" + repeated("a.", 20) + "a = 1\n");
    REQUIRE(where);
    CHECK(where->line == 2);
    CHECK(where->column == 32);
}

TEST_CASE("nesting: dots in strings, numbers and comments do not count", "[config][nesting]") {
    auto const dots = repeated(".", 100);
    auto const text =
        GENERATE_COPY("x = \"" + dots + "\"", "x = '" + dots + "'", "x = \"\"\"\n" + dots + "\n\"\"\"",
                      "x = '''" + dots + "''' # " + dots, "x = \"\\\"" + dots + "\"", "# " + dots,
                      "x = [" + repeated("1.5, ", 100) + "]", "x = [" + repeated("\"10.0.0.1:21\", ", 100) + "]",
                      repeated("a.", 15) + "a = 1", "x = \"" + dots);
    CAPTURE(text);
    CHECK_FALSE(overlong_key(text));
}
