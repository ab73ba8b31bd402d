#include "proxy/ftp/line_reader.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <random>
#include <string>
#include <vector>

using namespace ftpsgate::ftp;
using namespace std::string_literals;

namespace ftpsgate::ftp {

static bool operator==(line const& left, line const& right) {
    return left.text == right.text && left.fault == right.fault;
}

static std::ostream& operator<<(std::ostream& out, line const& what) {
    return out << '"' << what.text << "\"/" << static_cast<int>(what.fault);
}

}  // namespace ftpsgate::ftp

namespace {

using lines = std::vector<line>;

line good(std::string text) {
    return {std::move(text), line_fault::none};
}

line const too_long{"", line_fault::too_long};
line const bad_byte{"", line_fault::bad_byte};

void drain(line_reader& reader, lines& into) {
    while (auto each = reader.next())
        into.push_back(std::move(*each));
}

lines read_all(std::string const& bytes, std::size_t limit = 100) {
    line_reader reader(limit);
    reader.feed(bytes);
    lines found;
    drain(reader, found);
    return found;
}

lines read_bytewise(std::string const& bytes, std::size_t limit = 100) {
    line_reader reader(limit);
    lines found;
    for (char const byte : bytes) {
        reader.feed({&byte, 1});
        drain(reader, found);
    }
    return found;
}

// Bytes that matter to the reader, much more often than chance would have them.
std::string random_stream(std::mt19937& random) {
    static std::string const common = "\r\n\n\0\xff\xff\xf0\xf1\xf4\xfa\xfb\xfe"s + "abcdefgh";
    std::string bytes(random() % 200, '\0');
    for (char& byte : bytes) {
        byte = random() % 16 == 0 ? static_cast<char>(random() % 256) : common[random() % common.size()];
    }
    return bytes;
}

}  // namespace

TEST_CASE("line_reader: lines end at CR LF or a bare LF (B-002, B-003)", "[ftp][line_reader]") {
    CHECK(read_all("USER x\r\nPASS y\nNOOP\r\n") == lines{good("USER x"), good("PASS y"), good("NOOP")});
    CHECK(read_all("\r\n\n") == lines{good(""), good("")});
    CHECK(read_all("no end yet").empty());
    CHECK(read_all("no end yet\r").empty());
}

TEST_CASE("line_reader: reads and lines have nothing to do with each other (B-001)", "[ftp][line_reader]") {
    line_reader reader(100);
    reader.feed("US");
    CHECK_FALSE(reader.next());
    reader.feed("ER x\r");
    CHECK_FALSE(reader.next());
    reader.feed("\nPASS");
    CHECK(reader.next() == good("USER x"));
    CHECK_FALSE(reader.next());
    reader.feed(" y\r\n");
    CHECK(reader.next() == good("PASS y"));
}

TEST_CASE("line_reader: bytes of a name stay as they are (B-024, B-245, B-246)", "[ftp][line_reader]") {
    std::string const name = "STOR  -a\tb\"\\%s*?[ \xe4\xf6\xc3\xbc\x7f\x01 ";
    CHECK(read_all(name + "\r\n") == lines{good(name)});
}

TEST_CASE("line_reader: CR, CR NUL and NUL inside spoil the line and only this line (B-004, B-005, B-006, A-043)",
          "[ftp][line_reader]") {
    auto const bytes =
        GENERATE(as<std::string>(), "RETR a\rDELE b\r\n"s, "RETR a\0b\r\n"s, "RETR a\r\0b\r\n"s, "RETR a\r\0\r\n"s,
                 "\0\r\n"s, "RETR a\r\r\n"s, "\rDELE b\n"s, "RETR a\r\0DELE b\n"s, "a\r\xff\xff\n"s);
    CAPTURE(bytes);
    CHECK(read_all(bytes + "NOOP\r\n") == lines{bad_byte, good("NOOP")});
    CHECK(read_bytewise(bytes + "NOOP\r\n") == lines{bad_byte, good("NOOP")});
}

TEST_CASE("line_reader: LF is always an end and never part of an argument (A-043)", "[ftp][line_reader]") {
    CHECK(read_all("MKD x\nDELE y\r\n") == lines{good("MKD x"), good("DELE y")});
}

TEST_CASE("line_reader: the limit is the longest line that is read (B-007)", "[ftp][line_reader]") {
    std::string const exact(4096, 'x');
    auto const end = GENERATE("\r\n", "\n");
    CHECK(read_all(exact + end, 4096) == lines{good(exact)});
    CHECK(read_bytewise(exact + end, 4096) == lines{good(exact)});
    CHECK(read_all(exact + "x" + end, 4096) == lines{too_long});
    CHECK(read_bytewise(exact + "x" + end, 4096) == lines{too_long});
}

TEST_CASE("line_reader: the tail of a line that is too long is no line of its own (A-044)", "[ftp][line_reader]") {
    auto const length = GENERATE(4097u, 8191u, 8192u, 8193u, 65536u);
    auto const expected = lines{too_long, good("DELE x")};
    std::string const bytes = std::string(length, 'a') + "DELE tail\r\nDELE x\r\n";
    CHECK(read_all(bytes, 4096) == expected);
    CHECK(read_bytewise(bytes, 4096) == expected);
}

TEST_CASE("line_reader: the first fault of a line is the one that is told", "[ftp][line_reader]") {
    CHECK(read_all("abc\0defghijklmn\r\n"s, 5) == lines{bad_byte});
    CHECK(read_all("abcdefghijklmn\0\r\n"s, 5) == lines{too_long});
    CHECK(read_all("abcde\r\r\n"s, 5) == lines{bad_byte});
}

TEST_CASE("line_reader: Telnet commands and options are taken out (B-008, B-009)", "[ftp][line_reader]") {
    auto const sequence =
        GENERATE(as<std::string>(), "\xff\xf4\xff\xf2"s, "\xff\xf1"s, "\xff\xf0"s, "\xff\xf9"s, "\xff\xfb\x01"s,
                 "\xff\xfc\xff"s, "\xff\xfd\0"s, "\xff\xfe\n"s, "\xff\xfa\x18\0\r\n\xff\xff\xff\x01 x\xff\xf0"s);
    CAPTURE(sequence);
    for (auto const& bytes : {sequence + "ABOR\r\n", "AB" + sequence + "OR\r\n", "ABOR\r" + sequence + "\n"}) {
        CHECK(read_all(bytes) == lines{good("ABOR")});
        CHECK(read_bytewise(bytes) == lines{good("ABOR")});
    }
}

TEST_CASE("line_reader: IAC IAC is one byte of text (B-010)", "[ftp][line_reader]") {
    CHECK(read_all("RETR \xff\xff\xff\xff.txt\r\n") == lines{good("RETR \xff\xff.txt")});
    CHECK(read_bytewise("RETR \xff\xff\r\n") == lines{good("RETR \xff")});
    CHECK(read_all("\xff\xff\r\n", 1) == lines{good("\xff")});
}

TEST_CASE("line_reader: an IAC before what is no Telnet command is text", "[ftp][line_reader]") {
    CHECK(read_all("RETR \xff.txt\r\n") == lines{good("RETR \xff.txt")});
    CHECK(read_all("RETR \xff\xef\r\n") == lines{good("RETR \xff\xef")});
    CHECK(read_all("RETR x\xff\r\n") == lines{good("RETR x\xff")});
    CHECK(read_all("RETR x\xff\n") == lines{good("RETR x\xff")});
    CHECK(read_all("RETR x\xff\0\n"s) == lines{bad_byte});
}

TEST_CASE("line_reader: a Telnet NOP inside a verb hides nothing (A-031)", "[ftp][line_reader]") {
    CHECK(read_all("PA\xff\xf1SV\r\n") == lines{good("PASV")});
}

TEST_CASE("line_reader: a subnegotiation without an end is bounded (A-050)", "[ftp][line_reader]") {
    std::size_t const limit = 20;
    std::string const begin = "x\xff\xfa";
    std::string const rest = "tail\r\nNOOP\r\n";
    SECTION("up to the limit it is skipped") {
        CHECK(read_all(begin + std::string(limit - 2, '\n') + "\xff\xf0" + rest, limit) ==
              lines{good("xtail"), good("NOOP")});
    }
    SECTION("beyond it the line is bad and ends where a line ends") {
        CHECK(read_all(begin + std::string(limit + 1, 'o') + rest, limit) == lines{bad_byte, good("NOOP")});
        CHECK(read_bytewise(begin + std::string(limit + 1, '\xff') + rest, limit) == lines{bad_byte, good("NOOP")});
    }
    SECTION("many short ones in one line count together") {
        std::string many;
        for (int i = 0; i < 20; ++i)
            many += "\xff\xfa\x18\xff\xf0";
        CHECK(read_all(many + rest, limit) == lines{bad_byte, good("NOOP")});
    }
    SECTION("the count begins anew with each line") {
        std::string const one = "\xff\xfa" + std::string(limit - 2, 's') + "\xff\xf0NOOP\n";
        CHECK(read_all(one + one, limit) == lines{good("NOOP"), good("NOOP")});
    }
}

TEST_CASE("line_reader: runs of IAC do not overrun (A-050)", "[ftp][line_reader]") {
    std::string const run(64 * 1024, '\xff');
    CHECK(read_all(run + "\r\nNOOP\r\n", 4096) == lines{too_long, good("NOOP")});
    CHECK(read_all(std::string(8192, '\xff') + "\r\n", 4096) == lines{good(std::string(4096, '\xff'))});
}

TEST_CASE("line_reader: empty() means that nothing at all came behind the last line (A-001)", "[ftp][line_reader]") {
    line_reader reader(100);
    CHECK(reader.empty());
    auto const behind = GENERATE(as<std::string>(), "F"s, "FEAT\r\n"s, "\n"s, "\r"s, "\0"s, "\xff"s, "\xff\xf1"s,
                                 "\xff\xfb\x01"s, "\xff\xfa"s);
    CAPTURE(behind);
    reader.feed("AUTH TLS\r\n");
    CHECK_FALSE(reader.empty());
    REQUIRE(reader.next() == good("AUTH TLS"));
    CHECK(reader.empty());
    reader.feed(behind);
    CHECK_FALSE(reader.empty());
}

TEST_CASE("line_reader: bytes in a line that was dropped count as bytes behind (A-001)", "[ftp][line_reader]") {
    line_reader reader(4);
    reader.feed("NOOP\r\n" + std::string(100, 'x'));
    REQUIRE(reader.next() == good("NOOP"));
    CHECK_FALSE(reader.empty());
}

TEST_CASE("line_reader: what waits is counted (B-013)", "[ftp][line_reader]") {
    line_reader reader(10);
    reader.feed("NOOP\r\nPWD\r\n12345678901\r\nABOR");
    CHECK(reader.waiting_lines() == 3);
    CHECK(reader.waiting_bytes() == 7);
    reader.next();
    CHECK(reader.waiting_lines() == 2);
    CHECK(reader.waiting_bytes() == 3);
    reader.next();
    CHECK(reader.next() == too_long);
    CHECK(reader.waiting_lines() == 0);
    CHECK(reader.waiting_bytes() == 0);
}

TEST_CASE("line_reader: reset() forgets whatever state it was in (B-028)", "[ftp][line_reader]") {
    auto const before = GENERATE(as<std::string>(), "USER x\r\nPA"s, "a\r"s, "\xff"s, "\xff\xfb"s, "\xff\xfa\x01"s,
                                 "\xff\xfa\xff"s, "\0"s, "123456789012345"s);
    line_reader reader(10);
    reader.feed(before);
    reader.reset();
    CHECK(reader.empty());
    CHECK(reader.waiting_bytes() == 0);
    reader.feed("\nNOOP 6789\r\n");
    CHECK(reader.next() == good(""));
    CHECK(reader.next() == good("NOOP 6789"));
    CHECK(reader.empty());
}

TEST_CASE("line_reader: segmentation changes nothing (B-288)", "[ftp][line_reader]") {
    std::mt19937 random(20240607);
    for (int round = 0; round < 3000; ++round) {
        std::size_t const limit = 1 + random() % 24;
        std::string const bytes = random_stream(random);
        line_reader whole(limit);
        line_reader pieces(limit);
        lines from_whole;
        lines from_pieces;
        whole.feed(bytes);
        drain(whole, from_whole);
        for (std::size_t at = 0; at < bytes.size();) {
            std::size_t const length = std::min<std::size_t>(1 + random() % 7, bytes.size() - at);
            pieces.feed(std::string_view(bytes).substr(at, length));
            if (random() % 2 == 0) drain(pieces, from_pieces);
            at += length;
        }
        drain(pieces, from_pieces);
        REQUIRE(from_whole == from_pieces);
        REQUIRE(from_whole == read_bytewise(bytes, limit));
        REQUIRE(whole.empty() == pieces.empty());
        for (auto const& each : from_whole) {
            REQUIRE(each.text.size() <= limit);
            REQUIRE(each.text.find_first_of("\r\n\0"s) == std::string::npos);
            REQUIRE((each.fault == line_fault::none || each.text.empty()));
        }
    }
}
