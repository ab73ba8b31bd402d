#include "proxy/ftp/reply.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <random>
#include <string>
#include <vector>

using namespace ftpsgate::ftp;
using namespace std::string_literals;

namespace {

// What came out, as text: "230|first|last", "!junk" for not_a_reply, "!large" for too_large.
std::vector<std::string> drain(reply_parser& parser) {
    std::vector<std::string> found;
    for (;;) {
        auto const next = parser.next();
        if (std::holds_alternative<std::monostate>(next)) return found;
        if (auto const* fault = std::get_if<reply_fault>(&next)) {
            found.emplace_back(*fault == reply_fault::not_a_reply ? "!junk" : "!large");
            continue;
        }
        auto const& answer = std::get<reply>(next);
        std::string text = std::to_string(answer.code);
        for (auto const& line : answer.lines)
            text += '|' + line;
        found.push_back(text);
    }
}

std::vector<std::string> parse(std::string const& bytes, reply_limits limits = {}) {
    reply_parser parser(limits);
    parser.feed(bytes);
    return drain(parser);
}

std::vector<std::string> parse_bytewise(std::string const& bytes, reply_limits limits = {}) {
    reply_parser parser(limits);
    std::vector<std::string> found;
    for (char const byte : bytes) {
        parser.feed({&byte, 1});
        for (auto& each : drain(parser))
            found.push_back(std::move(each));
    }
    return found;
}

using texts = std::vector<std::string>;

reply with_lines(int code, std::vector<std::string> lines) {
    reply made;
    made.code = code;
    made.lines = std::move(lines);
    return made;
}

}  // namespace

TEST_CASE("reply: a line with a code and a text (B-014)", "[ftp][reply]") {
    CHECK(parse("220 hello\r\n") == texts{"220|hello"});
    CHECK(parse("220 \r\n") == texts{"220|"});
    CHECK(parse("220  two spaces \r\n") == texts{"220| two spaces "});
    CHECK(parse("220 a\r\n331 b\r\n") == texts{"220|a", "331|b"});
    CHECK(parse("220 a").empty());
}

TEST_CASE("reply: three digits alone are a reply (B-016)", "[ftp][reply]") {
    CHECK(parse("226\r\n") == texts{"226|"});
    CHECK(parse("226-a\r\n226\r\n") == texts{"226|a|"});
}

TEST_CASE("reply: any code is accepted here, judging is the machines' (B-021)", "[ftp][reply]") {
    CHECK(parse("000 x\r\n") == texts{"0|x"});
    CHECK(parse("633 x\r\n") == texts{"633|x"});
    CHECK(parse("999 x\r\n") == texts{"999|x"});
}

TEST_CASE("reply: a multi-line reply ends at its own code and a space only (B-015, B-017, B-018)", "[ftp][reply]") {
    CHECK(parse("230-a\r\n230 b\r\n") == texts{"230|a|b"});
    CHECK(parse("230-a\r\n230-b\r\n 230 c\r\n220 d\r\n2300 e\r\n230x\r\n230 f\r\n") ==
          texts{"230|a|230-b| 230 c|220 d|2300 e|230x|f"});
    CHECK(parse("211-\r\n status\r\n\r\n\n211 End\r\n") == texts{"211|| status|||End"});
    CHECK(parse("230-a\r\n530 b\r\n") == texts{});
    CHECK(parse("230-a\r\n230\tb\r\n230 c\r\n") == texts{"230|a|230 b|c"});
}

TEST_CASE("reply: the space that MLST lines begin with survives (B-241)", "[ftp][reply]") {
    CHECK(parse("250-Listing\r\n type=file;size=1; x\r\n250 End\r\n") == texts{"250|Listing| type=file;size=1; x|End"});
}

TEST_CASE("reply: lines may end with a bare LF or CR CR LF (Q-39)", "[ftp][reply]") {
    CHECK(parse("220-a\nb\r\r\n220 c\n") == texts{"220|a|b|c"});
    CHECK(parse("226\n") == texts{"226|"});
}

TEST_CASE("reply: blank lines between replies are ignored (B-019)", "[ftp][reply]") {
    CHECK(parse("\r\n\n  \r\n220 a\r\n\r\n") == texts{"220|a"});
}

TEST_CASE("reply: a line that is no reply is told, and what follows is read (B-020)", "[ftp][reply]") {
    auto const line =
        GENERATE(as<std::string>(), "hello"s, "22"s, "2200 x"s, "220x"s, "220\tx"s, " 220 x"s, "-20 x"s, "22a x"s,
                 "\xef\xbb\xbf"
                 "220 x"s,
                 "220_"s);
    CAPTURE(line);
    CHECK(parse(line + "\r\n331 b\r\n") == texts{"!junk", "331|b"});
}

TEST_CASE("reply: controls are replaced, bytes above ASCII are not (B-022, B-024)", "[ftp][reply]") {
    CHECK(parse("220 a\0b\x1b[c\x7f\td\re\r\n"s) == texts{"220|a?b?[c? d?e"});
    CHECK(parse("220-\x01\r\n\x02\r\n220 \x03\r\n") == texts{"220|?|?|?"});
    CHECK(parse("220 \xe4\xc3\xbc\xff\xff\xff\xf1\r\n") == texts{"220|\xe4\xc3\xbc\xff\xff\xff\xf1"});
    CHECK(without_controls("a\r\nb\tc\x80") == "a??b c\x80");
}

TEST_CASE("reply: nothing of one reply leaks into the next (A-045)", "[ftp][reply]") {
    CHECK(parse("211-a\r\n x\r\n211 b\r\n230 c\r\n150-d\r\n150 e\r\n") == texts{"211|a| x|b", "230|c", "150|d|e"});
}

TEST_CASE("reply: a line has a limit (B-023, A-048)", "[ftp][reply]") {
    reply_limits const limits{20, 100};
    std::string const longest = "220 " + std::string(16, 'x');
    CHECK(parse(longest + "\n", limits) == texts{"220|" + std::string(16, 'x')});
    CHECK(parse(longest + "x\n", limits) == texts{"!large"});
    CHECK(parse(longest + "x", limits) == texts{"!large"});
    CHECK(parse("220 a\r\n" + longest + "xyz\r\n230 b\r\n", limits) == texts{"220|a", "!large"});
}

TEST_CASE("reply: a whole reply has a limit (B-023, A-048)", "[ftp][reply]") {
    reply_limits const limits{20, 100};
    std::string const line = "012345678\r\n";  // counts ten
    std::string bytes = "220-4567\r\n";        // counts nine
    for (int i = 0; i < 8; ++i)
        bytes += line;
    CHECK(parse(bytes + "220 456789\r\n220 x\r\n", limits).size() == 2);  // a hundred to the byte
    CHECK(parse(bytes + "220 4567890\r\n220 x\r\n", limits) == texts{"!large"});
    CHECK(parse(bytes + line + "220 x\r\n", limits) == texts{"!large"});
    CHECK(parse_bytewise(bytes + line + "220 x\r\n", limits) == texts{"!large"});
    std::string const endless = "230-a\r\n" + std::string(200, '\n');
    CHECK(parse(endless, limits) == texts{"!large"});
    std::string many;
    for (int i = 0; i < 100; ++i)
        many += "220 0123456789\r\n";
    CHECK(parse(many, limits).size() == 100);
}

TEST_CASE("reply: after too_large there is nothing until reset()", "[ftp][reply]") {
    reply_parser parser({20, 100});
    parser.feed(std::string(30, 'x'));
    CHECK(drain(parser) == texts{"!large"});
    parser.feed("\r\n220 a\r\n");
    CHECK(drain(parser).empty());
    CHECK_FALSE(parser.mid_reply());
    parser.reset();
    parser.feed("220 a\r\n");
    CHECK(drain(parser) == texts{"220|a"});
}

TEST_CASE("reply: mid_reply() tells whether the rest is to be waited for (B-018)", "[ftp][reply]") {
    reply_parser parser;
    CHECK_FALSE(parser.mid_reply());
    parser.feed("22");
    drain(parser);
    CHECK(parser.mid_reply());
    parser.feed("0-a\r\n");
    drain(parser);
    CHECK(parser.mid_reply());
    parser.feed("220 b\r\n");
    REQUIRE(std::holds_alternative<reply>(parser.next()));
    CHECK_FALSE(parser.mid_reply());
    parser.feed("220-b\r\n");
    drain(parser);
    parser.reset();
    CHECK_FALSE(parser.mid_reply());
    parser.feed("331 c\r\n");
    CHECK(drain(parser) == texts{"331|c"});
}

TEST_CASE("reply: segmentation changes nothing (B-001, B-288)", "[ftp][reply]") {
    static std::string const alphabet = "\r\n\n2200 --\t\0\xffx"s;
    std::mt19937 random(7);
    for (int round = 0; round < 3000; ++round) {
        std::string bytes(random() % 120, '\0');
        for (char& byte : bytes)
            byte = alphabet[random() % alphabet.size()];
        if (round % 2 == 0) bytes.insert(0, "220-");
        reply_limits const limits{5 + random() % 20, 30 + random() % 50};
        REQUIRE(parse(bytes, limits) == parse_bytewise(bytes, limits));
    }
}

TEST_CASE("reply: a reply is written with CR LF", "[ftp][reply]") {
    CHECK(render(200, "ok") == "200 ok\r\n");
    CHECK(render(reply(200, "ok")) == "200 ok\r\n");
    CHECK(render(200, "") == "200 \r\n");
    CHECK(render(with_lines(200, {})) == "200 \r\n");
    CHECK(render(with_lines(230, {"a", "b"})) == "230-a\r\n230 b\r\n");
    CHECK(render(with_lines(211, {"Features:", " SIZE", "End"})) == "211-Features:\r\n SIZE\r\n211 End\r\n");
    CHECK(render(7, "x") == "007 x\r\n");
}

TEST_CASE("reply: no text splits a reply (A-074)", "[ftp][reply]") {
    CHECK(render(200, "a\r\n230 b\0\tc"s) == "200 a??230 b? c\r\n");
    CHECK(render(with_lines(211, {"a\n", "b\r\n211 x", "c\n"})) == "211-a?\r\nb??211 x\r\n211 c?\r\n");
}

TEST_CASE("reply: a line inside never looks like the end (RFC 959 4.2, A-045)", "[ftp][reply]") {
    auto const middle = [](std::string line) {
        auto const out = render(with_lines(230, {"a", std::move(line), "b"}));
        return out.substr(7, out.size() - 7 - 9);
    };
    CHECK(middle("230 x") == " 230 x");
    CHECK(middle("230\tx") == " 230 x");
    CHECK(middle("230") == " 230");
    CHECK(middle("230x") == " 230x");    // Python's ftplib would end here
    CHECK(middle("550 x") == " 550 x");  // and curl here
    CHECK(middle("230-x") == "230-x");
    CHECK(middle("550-x") == "550-x");
    CHECK(middle("5500 files") == "5500 files");
    CHECK(middle(" 230 x") == " 230 x");
    CHECK(middle("") == "");
    CHECK(middle("22") == "22");
}

TEST_CASE("reply: what was parsed is written as it came", "[ftp][reply]") {
    auto const bytes = GENERATE(as<std::string>(), "220 a\r\n"s, "230-a\r\n230-b\r\n  c\r\n\r\n230 d\r\n"s,
                                "257 \"a\"\"b\" is here\r\n"s, "211-\xe4\r\n211 \xff\r\n"s);
    reply_parser parser;
    parser.feed(bytes);
    CHECK(render(std::get<reply>(parser.next())) == bytes);
}

TEST_CASE("reply: classes of codes", "[ftp][reply]") {
    CHECK(reply(150, "").is_preliminary());
    CHECK_FALSE(reply(150, "").is_final());
    CHECK(reply(226, "").is_completion());
    CHECK(reply(350, "").is_intermediate());
    CHECK(reply(421, "").is_negative());
    CHECK(reply(550, "").is_negative());
    CHECK_FALSE(reply(633, "").is_negative());
}
