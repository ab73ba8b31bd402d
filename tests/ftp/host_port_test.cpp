#include "proxy/ftp/host_port.hpp"

#include <catch2/catch.hpp>

#include <string>

using namespace ftpsgate::ftp;
using namespace std::string_literals;

namespace {

ip_endpoint at(std::string const& address, std::uint16_t port) {
    auto const parsed = ip_address::parse(address);
    REQUIRE(parsed);
    return {*parsed, port};
}

bool is(host_port_result const& result, ip_endpoint const& expected) {
    auto const* where = std::get_if<ip_endpoint>(&result);
    return where != nullptr && *where == expected;
}

bool is(host_port_result const& result, host_port_fault expected) {
    auto const* fault = std::get_if<host_port_fault>(&result);
    return fault != nullptr && *fault == expected;
}

}  // namespace

TEST_CASE("host_port: addresses are read and written", "[ftp][host_port]") {
    CHECK(ip_address().text() == "0.0.0.0");
    CHECK(ip_address().is_v4());
    CHECK(ip_address::parse("192.0.2.1")->text() == "192.0.2.1");
    CHECK(ip_address::parse("2001:DB8:0:0:0:0:0:1")->text() == "2001:db8::1");
    CHECK_FALSE(ip_address::parse("::1")->is_v4());
    CHECK(ip_address::parse("192.0.2.1")->v4_bytes() == std::array<std::uint8_t, 4>{192, 0, 2, 1});
    CHECK(ip_address::v4({192, 0, 2, 1}) == *ip_address::parse("192.0.2.1"));
}

TEST_CASE("host_port: an IPv4-mapped address is the IPv4 host (B-110, A-018)", "[ftp][host_port]") {
    CHECK(ip_address::parse("::ffff:192.0.2.1") == ip_address::parse("192.0.2.1"));
    CHECK(ip_address::parse("0:0:0:0:0:FFFF:c000:0201") == ip_address::parse("192.0.2.1"));
    CHECK(ip_address::parse("::ffff:192.0.2.1")->text() == "192.0.2.1");
    CHECK_FALSE(ip_address::parse("::192.0.2.1") == ip_address::parse("192.0.2.1"));
    CHECK_FALSE(ip_address::parse("c000:201::") == ip_address::parse("192.0.2.1"));
    CHECK_FALSE(ip_address::parse("::") == ip_address::parse("0.0.0.0"));
}

TEST_CASE("host_port: what is no literal is no address", "[ftp][host_port]") {
    auto const text =
        GENERATE(as<std::string>(), ""s, "localhost"s, "1.2.3"s, "1.2.3.4.5"s, "1.2.3.256"s, "01.2.3.4"s, " 1.2.3.4"s,
                 "1.2.3.4 "s, "0x7f.0.0.1"s, "1.2.3.4\0"s, "1.2.3.4\0x"s, "[::1]"s, "fe80::1%eth0"s, ":::"s,
                 "1:2:3:4:5:6:7:8:9"s, std::string(45, '1'), std::string(46, '1'), std::string(100000, ':'));
    CHECK_FALSE(ip_address::parse(text));
}

TEST_CASE("host_port: PORT is six numbers (B-125)", "[ftp][host_port]") {
    CHECK(is(parse_port("192,0,2,1,7,229"), at("192.0.2.1", 2021)));
    CHECK(is(parse_port("255,255,255,255,255,255"), at("255.255.255.255", 65535)));
    CHECK(is(parse_port("0,0,0,0,0,1"), at("0.0.0.0", 1)));
    CHECK(is(parse_port("127,000,000,001,004,001"), at("127.0.0.1", 1025)));
}

TEST_CASE("host_port: everything else in PORT is a syntax fault (B-126)", "[ftp][host_port]") {
    auto const text = GENERATE(
        as<std::string>(), ""s, "192,0,2,1,7"s, "192,0,2,1,7,229,1"s, "192,0,2,1,7,229,"s, ",192,0,2,1,7,229"s,
        "192,0,2,1,7,256"s, "256,0,2,1,7,229"s, "192,0,2,1,0,0"s, "192,0,2,1,-7,229"s, "192,0,2,1,+7,229"s,
        "192,0,2,1,7, 229"s, " 192,0,2,1,7,229"s, "192,0,2,1,7,229 "s, "192.0.2.1.7.229"s, "192,0,2,1,7,0229"s,
        "0192,0,2,1,7,229"s, "192,0,2,1,7,2x9"s, "192,0,2,1,7,0x1"s, "192,,2,1,7,229"s, "192,0,2,1,7,229\r"s,
        "192,0,2,1,7,229\0"s, "a,b,c,d,e,f"s, "99999999999999999999,0,2,1,7,229"s, "|1|192.0.2.1|2021|"s, ",,,,,"s);
    CAPTURE(text);
    CHECK(is(parse_port(text), host_port_fault::syntax));
}

TEST_CASE("host_port: EPRT with any delimiter (B-129)", "[ftp][host_port]") {
    CHECK(is(parse_eprt("|1|192.0.2.1|2021|"), at("192.0.2.1", 2021)));
    CHECK(is(parse_eprt("|2|2001:DB8:0::1|65535|"), at("2001:db8::1", 65535)));
    CHECK(is(parse_eprt("!1!192.0.2.1!1!"), at("192.0.2.1", 1)));
    CHECK(is(parse_eprt("~2~::1~2021~"), at("::1", 2021)));
    CHECK(is(parse_eprt("x1x192.0.2.1x2021x"), at("192.0.2.1", 2021)));
    CHECK(is(parse_eprt("|2|::ffff:192.0.2.1|2021|"), at("192.0.2.1", 2021)));
}

TEST_CASE("host_port: an EPRT family other than 1 and 2 is a fault of its own (B-129, B-130)", "[ftp][host_port]") {
    auto const text = GENERATE("|3|192.0.2.1|2021|", "|0|192.0.2.1|2021|", "|12|192.0.2.1|2021|", "|3|x|y|",
                               "|99999999999999999999|::1|1|");
    CHECK(is(parse_eprt(text), host_port_fault::family));
}

TEST_CASE("host_port: everything else in EPRT is a syntax fault (B-130)", "[ftp][host_port]") {
    auto const text = GENERATE(
        as<std::string>(), ""s, "|"s, "||"s, "|||"s, "||||"s, "|||||"s, "||||||"s, "|1|192.0.2.1|2021"s,
        "1|192.0.2.1|2021|"s, "|1|192.0.2.1|2021||"s, "||192.0.2.1|2021|"s, "|1|192.0.2.1||"s, "|1||2021|"s,
        "|1|192.0.2.1|0|"s, "|1|192.0.2.1|00000|"s, "|1|192.0.2.1|65536|"s, "|1|192.0.2.1|99999|"s, "|1|192.0.2.1|-1|"s,
        "|1|192.0.2.1|+1|"s, "|1|192.0.2.1| 1|"s, "|1|192.0.2.1|000001|"s, "|1|192.0.2.1|4294967297|"s,
        "|1|192.0.2.1|x|"s, "|1|::1|2021|"s, "|2|192.0.2.1|2021|"s, "|1|192.0.2|2021|"s, "|1|::ffff:192.0.2.1|2021|"s,
        "|2|fe80::1%1|2021|"s, "|2|[::1]|2021|"s, "|x|192.0.2.1|2021|"s, "|-1|192.0.2.1|2021|"s, "|1|192.0.2.1|2021| "s,
        " 1 192.0.2.1 2021 "s, "\t1\t192.0.2.1\t2021\t"s,
        "\x7f"
        "1\x7f"
        "192.0.2.1\x7f"
        "2021\x7f"s,
        "\xff"
        "1\xff"
        "192.0.2.1\xff"
        "2021\xff"s,
        "|1|192.0.2.1!2021|"s, "111111192.0.2.1120211"s, "|1|localhost|2021|"s, "|1|192.0.2.1\0|2021|"s);
    CAPTURE(text);
    CHECK(is(parse_eprt(text), host_port_fault::syntax));
}

TEST_CASE("host_port: 227 in the spellings of the servers (B-139)", "[ftp][host_port]") {
    auto const text = GENERATE("Entering Passive Mode (10,0,0,5,7,229).", "Entering Passive Mode 10,0,0,5,7,229",
                               "10,0,0,5,7,229", "=10,0,0,5,7,229", "Passive Mode (10, 0,  0,5 ,7,229) 10,0,0,5,7,229",
                               "Entering 1 Passive Mode, 2,3 (10,0,0,5,7,229", "ok 10, 0, 0, 5, 7, 229 .",
                               "vsFTPd 3.0.3, 10,0,0,5,7,229,1,2,3");
    CAPTURE(text);
    auto const found = parse_227(text);
    REQUIRE(found);
    if (text[0] == 'v') {
        CHECK(*found == at("3.10.0.0", 5 * 256 + 7));  // the first six, whoever's they are
    } else {
        CHECK(*found == at("10.0.0.5", 2021));
    }
}

TEST_CASE("host_port: an unusable 227 is empty (B-141, A-047, Q-39)", "[ftp][host_port]") {
    auto const text =
        GENERATE(as<std::string>(), ""s, "Entering Passive Mode ("s, "Entering Passive Mode ()"s, "10,0,0,5,7"s,
                 "10,0,0,5,7,"s, "(10,0,0,5,0,0)"s, "(256,0,0,5,7,229)"s, "(10,0,0,5,7,1000000000)"s,
                 "(10,0,0,5,7,-229)"s, "10.0.0.5.7.229"s, "(10,0,0,5,,229)"s, "(99999999999999999999999,0,0,5,7,229)"s,
                 "%s%n,%d"s, ",,,,,,,,"s, "(10,0,0,5,7,"s, "10\0,0,0,5,7,229"s, "(|||2021|)"s);
    CAPTURE(text);
    CHECK_FALSE(parse_227(text));
}

TEST_CASE("host_port: 229 with any delimiter and filled fields (B-142, Q-37)", "[ftp][host_port]") {
    auto const text = GENERATE("Entering Extended Passive Mode (|||6446|)", "Entering (extended) Mode (|||6446|).",
                               "(!!!6446!)", "(|1|10.0.0.5|6446|)", "(|2|fe80::1|6446|) (|||1|)", "()(|||6446|)",
                               "(|||0|)(|||6446|)", "((((((|||6446|)", "(|||6446|", "(|||06446|)");
    CAPTURE(text);
    CHECK(parse_229(text) == 6446);
}

TEST_CASE("host_port: an unusable 229 is empty (A-047)", "[ftp][host_port]") {
    auto const text = GENERATE(as<std::string>(), ""s, "("s, "()"s, "(|"s, "(||"s, "(|||"s, "(|||)"s, "(||||)"s,
                               "(|||6446"s, "(|||6446)"s, "|||6446|"s, "(|||0|)"s, "(|||65536|)"s, "(|||1000000000|)"s,
                               "(|||-1|)"s, "(|||+1|)"s, "(||| 6446|)"s, "(|||6446 |)"s, "(|||99999999999999999999|)"s,
                               "(111164461)"s, "(   6446 )"s, "(|||64\0|)"s, "(10,0,0,5,7,229)"s,
                               "(\xff\xff\xff"
                               "6446\xff)"s);
    CAPTURE(text);
    CHECK_FALSE(parse_229(text));
}

TEST_CASE("host_port: hostile length is read in time (A-047)", "[ftp][host_port]") {
    for (auto const* piece : {"(", "(|", "1,", "1, ", "9", "(a", "1,2,3,4,5,", ",", " "}) {
        std::string text;
        while (text.size() < 500000)
            text += piece;
        CHECK_FALSE(parse_229(text));
        CHECK(parse_227(text).has_value() == (piece == "1,"s || piece == "1, "s || piece == "1,2,3,4,5,"s));
        CHECK(is(parse_port(text), host_port_fault::syntax));
        CHECK(is(parse_eprt(text), host_port_fault::syntax));
    }
}

TEST_CASE("host_port: what the gate writes (B-110, B-112)", "[ftp][host_port]") {
    auto const v4 = at("192.0.2.1", 2021);
    auto const v6 = at("2001:db8::1", 2021);
    CHECK(format_port(v4) == "192,0,2,1,7,229");
    CHECK(format_eprt(v4) == "|1|192.0.2.1|2021|");
    CHECK(format_eprt(v6) == "|2|2001:db8::1|2021|");
    CHECK(format_227(v4) == "Entering Passive Mode (192,0,2,1,7,229).");
    CHECK(format_227(at("::ffff:192.0.2.1", 65535)) == "Entering Passive Mode (192,0,2,1,255,255).");
    CHECK(format_229(2021) == "Entering Extended Passive Mode (|||2021|)");
    CHECK(parse_227(format_227(v4)) == v4);
    CHECK(parse_229(format_229(2021)) == 2021);
    CHECK(is(parse_eprt(format_eprt(v6)), v6));
}
