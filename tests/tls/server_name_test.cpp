#include "proxy/tls/server_name.hpp"

#include <catch2/catch.hpp>

using ftpsgate::tls::usable_server_name;

TEST_CASE("server_name: a host name is lower-cased and loses one trailing dot (A-016)", "[tls][server_name]") {
    CHECK(usable_server_name("ftp.example") == "ftp.example");
    CHECK(usable_server_name("FTP.Example") == "ftp.example");
    CHECK(usable_server_name("ftp.example.") == "ftp.example");
    CHECK(usable_server_name("a_b-c.1") == "a_b-c.1");
    CHECK(usable_server_name(std::string(253, 'a')) == std::string(253, 'a'));
    CHECK(usable_server_name(std::string(253, 'a') + ".") == std::string(253, 'a'));
}

TEST_CASE("server_name: what is no host name is refused (A-016)", "[tls][server_name]") {
    auto const name = GENERATE(as<std::string>(), ".", "..:", "a b", "a\nb", "a/b",
                               "b\xc3\xbc"
                               "cher.example",
                               "*.example", "\x1b[31m", std::string(254, 'a'), std::string("a\0b", 3));
    CAPTURE(name);
    CHECK_FALSE(usable_server_name(name).has_value());
}

TEST_CASE("server_name: an address literal counts as no name", "[tls][server_name]") {
    auto const name = GENERATE(as<std::string>(), "127.0.0.1", "::1", "2001:DB8::1", "::ffff:10.0.0.1");
    CAPTURE(name);
    CHECK(usable_server_name(name) == "");
}
