#include "config/words.hpp"

#include "config/nearest.hpp"

#include <catch2/catch.hpp>

using namespace ftpsgate::config;

TEST_CASE("words: host names come back in lower case", "[config][words]") {
    auto const [text, expected] = GENERATE_COPY(table<std::string, std::string>({
        {"FTP.Example.COM", "ftp.example.com"},
        {"a", "a"},
        {"plant_7-b", "plant_7-b"},
        {"xn--mller-kva.example", "xn--mller-kva.example"},
        {std::string(63, 'a'), std::string(63, 'a')},
    }));
    auto const result = parse_host_name(text);
    REQUIRE(result);
    CHECK(*result == expected);
}

TEST_CASE("words: what is no host name is refused", "[config][words]") {
    auto const text =
        GENERATE(as<std::string>{}, "", ".", "a.", ".a", "a..b", "-a", "a-", "a b", "*.example.com", "a:b", "a|b",
                 "a\nb", std::string(64, 'a'), std::string(126, '.'), std::string("a\0b", 3));
    CAPTURE(text);
    CHECK_FALSE(parse_host_name(text));
}

TEST_CASE("words: a host name of more than 253 bytes is refused", "[config][words]") {
    std::string name = "a";
    while (name.size() < 253)
        name += ".a";
    CHECK(parse_host_name(name));
    CHECK_FALSE(parse_host_name(name + ".a"));
}

TEST_CASE("words: international names get a hint", "[config][words]") {
    auto const result = parse_host_name("m\xC3\xBCller.example");
    REQUIRE_FALSE(result);
    CHECK(result.fault().hint == "write international names in their xn-- form");
}

TEST_CASE("words: address literals are taken in full only", "[config][words]") {
    CHECK(parse_ipv4("192.0.2.1"));
    for (auto const* const text : {"192.0.2", "192.0.2.1.", "192.0.2.256", "0x7f.0.0.1", "", "::1", "010.0.0.1"})
        CHECK_FALSE(parse_ipv4(text));
    CHECK_FALSE(parse_ipv4(std::string_view("192.0.2.1\0", 10)));
    CHECK(*parse_ipv6("2001:0DB8::0001") == "2001:db8::1");
    CHECK(*parse_ip("::ffff:192.0.2.1") == "::ffff:192.0.2.1");
    CHECK(*parse_ip("192.0.2.1") == "192.0.2.1");
    CHECK_FALSE(parse_ip("[::1]"));
    CHECK_FALSE(parse_ip("localhost"));
}

TEST_CASE("words: verbs come back in upper case", "[config][words]") {
    CHECK(*parse_verb("site") == "SITE");
    CHECK(*parse_verb("P@sw") == "P@SW");
    CHECK(*parse_verb("xsha256") == "XSHA256");
    CHECK(parse_verb("ABCDEFGHIJKLMNOP"));
}

TEST_CASE("words: what does not look like a verb is refused", "[config][words]") {
    auto const text = GENERATE("", "SITE EXEC", "SITE\r", "ABCDEFGHIJKLMNOPQ", "D\xC3\x8BLE", "A-B", "*");
    CAPTURE(text);
    CHECK_FALSE(parse_verb(text));
}

TEST_CASE("nearest: slips of the pen are recognised, other words are not", "[config][nearest]") {
    std::vector<std::string_view> const known = {"name", "certificate", "private_key", "idle_timeout", "login_timeout"};
    auto const [word, expected] = GENERATE(table<char const*, char const*>({
        {"certificates", "certificate"},
        {"Certificate", "certificate"},
        {"private-key", "private_key"},
        {"prviate_key", "private_key"},
        {"idle_timout", "idle_timeout"},
        {"cert", "certificate"},
        {"nmae", "name"},
        {"nm", ""},
        {"reply_timeout", ""},
        {"colour", ""},
        {"", ""},
    }));
    CAPTURE(word);
    CHECK(nearest(word, known) == expected);
    CHECK(nearest(std::string(1 << 20, 'a'), known).empty());
}
