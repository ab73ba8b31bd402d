#include "proxy/log_escape.hpp"

#include "proxy/log.hpp"

#include <catch2/catch.hpp>

#include <string>
#include <string_view>

using namespace ftpsgate;
using config::log_format;

namespace {

std::string rendered(std::string_view value, log_format format) {
    std::string line = "key=";
    proxy::append_value(line, value, format);
    REQUIRE(line.substr(0, 4) == "key=");
    return line.substr(4);
}

std::string inner(std::string_view value, log_format format) {
    auto const all = rendered(value, format);
    return all.front() == '"' ? all.substr(1, all.size() - 2) : all;
}

}  // namespace

TEST_CASE("log_escape: text quotes only what needs it", "[proxy][log]") {
    auto const [value, expected] = GENERATE(table<std::string, std::string>({
        {"plain", "plain"},
        {"/pub/file-1.txt", "/pub/file-1.txt"},
        {"", "\"\""},
        {"two words", "\"two words\""},
        {"a=b", "\"a=b\""},
        {"say \"hi\"", R"("say \"hi\"")"},
        {"\"", R"("\"")"},
        {"C:\\dir", R"("C:\\dir")"},
        {"gr\xc3\xbc\xc3\x9f", "gr\xc3\xbc\xc3\x9f"},
    }));
    CHECK(rendered(value, log_format::text) == expected);
}

TEST_CASE("log_escape: A-101 what could forge lines or drive a terminal is escaped", "[proxy][log]") {
    auto const [name, value, text, json] = GENERATE(table<std::string, std::string, std::string, std::string>({
        {"line end", "a\r\nevent=login", R"("a\r\nevent=login")", R"("a\r\nevent=login")"},
        {"tab", "a\tb", R"("a\tb")", R"("a\tb")"},
        {"NUL", std::string("a\0b", 3), R"("a\u0000b")", R"("a\u0000b")"},
        {"escape sequence", "\x1b[2J", R"("\u001b[2J")", R"("\u001b[2J")"},
        {"DEL", "\x7f", R"("\u007f")", R"("\u007f")"},
        {"C1 as UTF-8",
         "\xc2\x9b"
         "31m",
         R"("\u009b31m")", R"("\u009b31m")"},
        {"C1 as a byte",
         "\x9b"
         "31m",
         R"("\x9b31m")", R"("\\x9b31m")"},
        {"next line", "\xc2\x85", R"("\u0085")", R"("\u0085")"},
        {"line separator", "\xe2\x80\xa8", R"("\u2028")", R"("\u2028")"},
        {"right-to-left override", "\xe2\x80\xaegpj.exe", R"("\u202egpj.exe")", R"("\u202egpj.exe")"},
        {"soft hyphen", "\xc2\xad", R"("\u00ad")", R"("\u00ad")"},
        {"zero width space", "\xe2\x80\x8b", R"("\u200b")", R"("\u200b")"},
        {"tag character", "\xf3\xa0\x81\x81", R"("\udb40\udc41")", R"("\udb40\udc41")"},
        {"lone lead byte", "\xc3", R"("\xc3")", R"("\\xc3")"},
        {"lead byte before ASCII",
         "\xe2\x82"
         "A",
         R"("\xe2\x82A")", R"("\\xe2\\x82A")"},
        {"overlong slash", "\xc0\xaf", R"("\xc0\xaf")", R"("\\xc0\\xaf")"},
        {"overlong in three", "\xe0\x80\xaf", R"("\xe0\x80\xaf")", R"("\\xe0\\x80\\xaf")"},
        {"surrogate", "\xed\xa0\x80", R"("\xed\xa0\x80")", R"("\\xed\\xa0\\x80")"},
        {"beyond Unicode", "\xf4\x90\x80\x80", R"("\xf4\x90\x80\x80")", R"("\\xf4\\x90\\x80\\x80")"},
        {"0xff", "\xff", R"("\xff")", R"("\\xff")"},
        {"emoji stays", "\xf0\x9f\x98\x80", "\xf0\x9f\x98\x80", "\"\xf0\x9f\x98\x80\""},
    }));
    INFO(name);
    CHECK(rendered(value, log_format::text) == text);
    CHECK(rendered(value, log_format::json) == json);
}

TEST_CASE("log_escape: A-101 a value is capped, and never within an escape", "[proxy][log]") {
    auto const format = GENERATE(log_format::text, log_format::json);
    std::size_t const limit = proxy::log_value_limit;
    SECTION("the limit itself is not cut") {
        CHECK(inner(std::string(limit, 'x'), format) == std::string(limit, 'x'));
    }
    SECTION("one more is") {
        CHECK(inner(std::string(limit + 1, 'x'), format) == std::string(limit - 3, 'x') + "...");
    }
    SECTION("100 KB of controls") {
        auto const text = inner(std::string(100'000, '\x1b'), format);
        CHECK(text.size() <= limit);
        CHECK(text.size() > limit - 12);
        CHECK(text.substr(text.size() - 9) == "\\u001b...");
    }
    SECTION("escapes at every offset of the cut") {
        for (std::size_t lead = 0; lead < 12; ++lead) {
            auto const text = inner(std::string(lead, 'x') + std::string(600, '\x01'), format);
            CHECK(text.size() <= limit);
            CHECK((text.size() - lead - 3) % 6 == 0);
        }
    }
    SECTION("no character is cut in two") {
        std::string value;
        while (value.size() < 1000)
            value += "\xe2\x82\xac";
        auto const text = inner(value, format);
        CHECK((text.size() - 3) % 3 == 0);
    }
}

TEST_CASE("log_escape: every byte and pair of bytes gives one line of valid UTF-8", "[proxy][log]") {
    auto const format = GENERATE(log_format::text, log_format::json);
    std::size_t bad = 0;
    for (unsigned pair = 0; pair < 0x10000; ++pair) {
        std::string const value{static_cast<char>(pair >> 8), static_cast<char>(pair & 0xff)};
        std::string line;
        proxy::append_value(line, value, format);
        for (std::size_t i = 0; i < line.size(); ++i) {
            auto const byte = static_cast<unsigned char>(line[i]);
            bool const pair_kept = byte >= 0xC2 && byte <= 0xDF && i + 1 < line.size() && line.substr(i, 2) == value;
            if (pair_kept) ++i;
            if (!pair_kept && (byte < 0x20 || byte >= 0x7f)) ++bad;
        }
    }
    CHECK(bad == 0);
}
