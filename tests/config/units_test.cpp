#include "config/units.hpp"

#include <catch2/catch.hpp>

using namespace ftpsgate::config;

namespace {

std::string outcome(parsed<endpoint> const& result) {
    return result ? to_text(*result) : result.fault().message;
}

}  // namespace

TEST_CASE("units: a duration is one whole number and one unit", "[config][units]") {
    auto const [text, expected] = GENERATE(table<char const*, milliseconds>({
        {"0s", 0ms},
        {"500ms", 500ms},
        {"30s", 30s},
        {"1m", 1min},
        {"24h", 24h},
        {"007s", 7s},
        {"2562047788015h", milliseconds(std::int64_t{2'562'047'788'015} * 3'600'000)},
    }));
    CAPTURE(text);
    auto const result = parse_duration(text);
    REQUIRE(result);
    CHECK(*result == expected);
}

TEST_CASE("units: what is no duration is refused with an example", "[config][units]") {
    auto const text = GENERATE("", "s", "30", "1.5s", "-1s", "+1s", " 1s", "1 s", "1s ", "1h30m", "1d", "1S", "0x1s");
    CAPTURE(text);
    auto const result = parse_duration(text);
    REQUIRE_FALSE(result);
    CHECK(result.fault().message == shown(text) + " is not a duration");
    CHECK(result.fault().hint == R"(one whole number and one of ms, s, m, h, like "30s")");
}

TEST_CASE("units: a duration that does not fit is too large, never something else", "[config][units]") {
    auto const text = GENERATE("2562047788016h", "9223372036854775808ms", "99999999999999999999999s");
    auto const result = parse_duration(text);
    REQUIRE_FALSE(result);
    CHECK(result.fault().message == shown(text) + " is too large");
}

TEST_CASE("units: sizes count in powers of 1024", "[config][units]") {
    auto const [text, expected] = GENERATE(table<char const*, std::uint64_t>({
        {"512B", 512},
        {"64KiB", 65'536},
        {"20MiB", 20'971'520},
        {"1GiB", 1'073'741'824},
    }));
    CAPTURE(text);
    auto const result = parse_size(text);
    REQUIRE(result);
    CHECK(*result == expected);
}

TEST_CASE("units: sizes without a unit, or with a decimal one, are refused", "[config][units]") {
    auto const text = GENERATE("", "64", "64K", "64KB", "64kib", "1.5MiB", "-1B", "8589934592GiB");
    CAPTURE(text);
    CHECK_FALSE(parse_size(text));
}

TEST_CASE("units: endpoints come back in canonical form", "[config][units]") {
    auto const [text, host, port] = GENERATE(table<char const*, char const*, int>({
        {"0.0.0.0:21", "0.0.0.0", 21},
        {"[::]:21", "::", 21},
        {"[2001:DB8:0::1]:65535", "2001:db8::1", 65'535},
        {"[fe80::1%eth0]:21", "fe80::1%eth0", 21},
        {"FTP.Example.com:21", "ftp.example.com", 21},
        {"under_score:990", "under_score", 990},
        {"127.0.0.1:0", "127.0.0.1", 0},
    }));
    CAPTURE(text);
    auto const result = parse_endpoint(text, zero_port::allowed);
    REQUIRE(result);
    CHECK((*result).host == host);
    CHECK((*result).port == port);
}

TEST_CASE("units: what is no endpoint is refused in words", "[config][units]") {
    auto const [text, expected] = GENERATE(table<char const*, char const*>({
        {"", R"("" has no port)"},
        {"host", R"("host" has no port)"},
        {"21", R"("21" has no port)"},
        {"[::]", R"("[::]" has no port)"},
        {"[::1:21", R"("[::1:21" has no port)"},
        {":21", R"(":21" has no address)"},
        {"::1:21", R"("::1:21": an IPv6 address stands in brackets)"},
        {"host:", R"("" is not a port)"},
        {"host:ftp", R"("ftp" is not a port)"},
        {"host:-1", R"("-1" is not a port)"},
        {"host:+1", R"("+1" is not a port)"},
        {"host:65536", R"("65536" is not a port)"},
        {"host:21 ", R"("21 " is not a port)"},
        {"256.0.0.1:21", R"("256.0.0.1" is not an IPv4 address)"},
        {"10.1:21", R"("10.1" is not an IPv4 address)"},
        {"[10.0.0.1]:21", R"("10.0.0.1" is not an IPv6 address)"},
        {"[::g]:21", R"("::g" is not an IPv6 address)"},
        {"[fe80::1%]:21", R"("fe80::1%" is not an IPv6 address)"},
        {"a b:21", R"("a b" is not a host name)"},
        {"-a:21", R"("-a" is not a host name)"},
    }));
    CAPTURE(text);
    CHECK(outcome(parse_endpoint(text, zero_port::allowed)) == expected);
}

TEST_CASE("units: port 0 is no port to connect to", "[config][units]") {
    CHECK(outcome(parse_endpoint("a:0", zero_port::refused)) == "port 0 cannot be connected to");
    CHECK(outcome(parse_endpoint("a:0", zero_port::allowed)) == "a:0");
}

TEST_CASE("units: a port range has two ends in order", "[config][units]") {
    auto const result = parse_port_range("50000-50999");
    REQUIRE(result);
    CHECK((*result).first == 50'000);
    CHECK((*result).last == 50'999);
    CHECK(parse_port_range("1024-65535"));
    CHECK(parse_port_range("2000-2000"));
}

TEST_CASE("units: what is no port range is refused in words", "[config][units]") {
    auto const [text, expected] = GENERATE(table<char const*, char const*>({
        {"50000", R"("50000" is not a port range)"},
        {"50000-", R"("50000-" is not a port range)"},
        {"-50000", R"("-50000" is not a port range)"},
        {"50000-65536", R"("50000-65536" is not a port range)"},
        {"50000 - 50999", R"("50000 - 50999" is not a port range)"},
        {"1-2-3", R"("1-2-3" is not a port range)"},
        {"50001-50000", R"("50001-50000": the first port is above the last)"},
        {"1023-2000", R"("1023-2000": ports below 1024 cannot be used for data)"},
    }));
    CAPTURE(text);
    auto const result = parse_port_range(text);
    REQUIRE_FALSE(result);
    CHECK(result.fault().message == expected);
}

TEST_CASE("units: the way back takes the largest unit that divides the value", "[config][units]") {
    CHECK(to_text(milliseconds(0)) == "0ms");
    CHECK(to_text(milliseconds(1500)) == "1500ms");
    CHECK(to_text(milliseconds(90s)) == "90s");
    CHECK(to_text(milliseconds(24h)) == "24h");
    CHECK(size_to_text(65'536) == "64KiB");
    CHECK(size_to_text(100) == "100B");
    CHECK(to_text(endpoint{"::1", 21, {}}) == "[::1]:21");
    CHECK(to_text(endpoint{"a", 21, {}}) == "a:21");
}

TEST_CASE("units: long values are shown cut, and never inside a character", "[config][units]") {
    CHECK(shown(std::string(60, 'a')) == '"' + std::string(60, 'a') + '"');
    CHECK(shown(std::string(61, 'a')) == '"' + std::string(60, 'a') + "...\"");
    CHECK(shown(std::string(59, 'a') + "\xC3\xA4") == '"' + std::string(59, 'a') + "...\"");
}
