#include "proxy/transfer_log.hpp"

#include <catch2/catch.hpp>

#include <cstdlib>
#include <ctime>
#include <regex>

using namespace ftpsgate::proxy;
using namespace std::chrono_literals;

namespace {

transfer_record sample() {
    transfer_record made;
    made.at = std::chrono::system_clock::from_time_t(1'795'861'267);
    made.took = 1500ms;
    made.client = "192.0.2.7";
    made.bytes = 12'345;
    made.path = "/in/order.csv";
    made.as = transfer_record::form::binary;
    made.direction = transfer_record::way::upload;
    made.user = "plc";
    return made;
}

std::string without_time(std::string const& line) {
    return line.size() > 25 ? line.substr(25) : line;
}

struct in_time_zone {
    explicit in_time_zone(char const* name) {
        setenv("TZ", name, 1);
        tzset();
    }
    ~in_time_zone() {
        unsetenv("TZ");
        tzset();
    }
};

}  // namespace

TEST_CASE("transfer_log: a line has the fields of xferlog(5)", "[proxy][transfer_log]") {
    in_time_zone const zone("CET-1");
    CHECK(render(sample()) == "Sat Nov 28 11:21:07 2026 2 192.0.2.7 12345 /in/order.csv b _ i r plc ftp 0 * c\n");
}

TEST_CASE("transfer_log: what each field says", "[proxy][transfer_log]") {
    auto record = sample();
    SECTION("a download") {
        record.direction = transfer_record::way::download;
        CHECK(without_time(render(record)) == "2 192.0.2.7 12345 /in/order.csv b _ o r plc ftp 0 * c\n");
    }
    SECTION("ASCII") {
        record.as = transfer_record::form::ascii;
        CHECK(without_time(render(record)) == "2 192.0.2.7 12345 /in/order.csv a _ i r plc ftp 0 * c\n");
    }
    SECTION("cut short") {
        record.ended = transfer_record::end::incomplete;
        CHECK(without_time(render(record)) == "2 192.0.2.7 12345 /in/order.csv b _ i r plc ftp 0 * i\n");
    }
    SECTION("nothing in no time") {
        record.bytes = 0;
        record.took = 0ms;
        CHECK(without_time(render(record)) == "0 192.0.2.7 0 /in/order.csv b _ i r plc ftp 0 * c\n");
    }
}

TEST_CASE("transfer_log: hostile names make no further field and no further line (A-101)", "[proxy][transfer_log]") {
    auto record = sample();
    record.path = GENERATE("a b", "a\nSat Nov 28", "a\tb\r", "\x1b[31m", "", " ", "\xff\xfe", "\xc2\x9b",
                           "a\xe2\x80\xa8z", "\xe3\x80\x80");
    record.user = GENERATE("plc", "p l c", "", "x\ny");
    auto const line = render(record);
    CAPTURE(line);
    CHECK(
        std::regex_match(without_time(line), std::regex("2 192\\.0\\.2\\.7 12345 [^ \\n\\x1b]+ b _ i r [^ \\n]+ ftp 0 "
                                                        "\\* c\n")));
}

TEST_CASE("transfer_log: UTF-8 stays, long names are cut between symbols", "[proxy][transfer_log]") {
    auto record = sample();
    record.path = "/gr\xc3\xbc\xc3\x9f";
    CHECK(render(record).find(" /gr\xc3\xbc\xc3\x9f b ") != std::string::npos);
    std::string name;
    for (int i = 0; i < 1000; ++i)
        name += "\xc3\xbc";
    record.path = name;
    auto const line = render(record);
    CHECK(line.size() < 700);
    CHECK(line.find("\xc3\xbc b _") != std::string::npos);
}
