// The XML of an applicationHost.config: positions, encodings, and what is refused.
#include "config/iis_xml.hpp"

#include "config/unicode.hpp"
#include "tests/config/iis_support.hpp"

#include <catch2/catch.hpp>

using namespace ftpsgate::config;
using namespace std::string_literals;
using namespace std::string_view_literals;
using Catch::Contains;

namespace {

/// "LINE:COLUMN message", or "" when it was read.
std::string fault_of(std::string_view bytes) {
    auto const result = read_xml(bytes);
    auto const* const fault = std::get_if<xml_fault>(&result);
    if (fault == nullptr) return {};
    return std::to_string(fault->where.line) + ":" + std::to_string(fault->where.column) + " " + fault->message;
}

xml_element read(std::string_view bytes) {
    CAPTURE(fault_of(bytes));
    REQUIRE(fault_of(bytes).empty());
    return std::get<xml_element>(read_xml(bytes));
}

std::string utf16(std::string_view ascii, byte_order order) {
    std::string bytes;
    for (char const c : ascii) {
        if (order == byte_order::big) bytes += '\0';
        bytes += c;
        if (order == byte_order::little) bytes += '\0';
    }
    return bytes;
}

}  // namespace

TEST_CASE("xml: elements and attributes have their places", "[config][iis][xml]") {
    auto const root = read(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\r\n<!-- c -->\n<a x='1'\n   "
        "\xC3\xBC='2'>text\n\t<b/>\xE2\x82\xAC<c y='&lt;&#252;&amp;'/></a>");
    CHECK(root.name == "a");
    CHECK(root.where == text_place{3, 1});
    CHECK(root.attributes.at(0).where == text_place{3, 4});
    CHECK(root.attributes.at(1).where == text_place{4, 4});
    CHECK(root.child("b")->where == text_place{5, 2});
    CHECK(root.child("c")->where == text_place{5, 7});
    CHECK(root.child("c")->value("y") == "<\xC3\xBC&");
    CHECK(root.child("c")->value("z").empty());
    CHECK(root.child("d") == nullptr);
}

TEST_CASE("xml: UTF-8 and UTF-16, with and without a mark", "[config][iis][xml]") {
    auto const text = "<a>\n <b x='1'/></a>"sv;
    auto const order = GENERATE(byte_order::little, byte_order::big);
    std::string const mark = order == byte_order::little ? "\xFF\xFE" : "\xFE\xFF";
    for (auto const& bytes :
         {std::string(text), "\xEF\xBB\xBF" + std::string(text), utf16(text, order), mark + utf16(text, order)})
        CHECK(read(bytes).child("b")->attributes.at(0).where == text_place{2, 5});
    CHECK(read(mark + utf16("<a x='", order) +
               (order == byte_order::little ? "\x3D\xD8\x00\xDE"s : "\xD8\x3D\xDE\x00"s) + utf16("'/>", order))
              .value("x") == "\xF0\x9F\x98\x80");
    CHECK(read(mark + utf16("<a x='", order) + (order == byte_order::little ? "\x3D\xD8"s : "\xD8\x3D"s) +
               utf16("'/>", order))
              .value("x") == "\xEF\xBF\xBD");
}

TEST_CASE("xml: what is not well formed has its place", "[config][iis][xml]") {
    auto const [text, expected] = GENERATE(table<char const*, char const*>(
        {{"", "0:0 has no element"},
         {"   \n", "0:0 has no element"},
         {"just text", "0:0 has no element"},
         {"<a>\n<b>\n</a>", "3:3 is not well formed"},
         {"<a>\n  <b x=1/></a>", "2:8 is not well formed"},
         {"<a>\n<b x='1", "2:"},
         {"<a", "1:"},
         {"<a><![CDATA[", "1:"},
         {"<a/>\n<b/>", "2:1 is not well formed: a second root element"},
         {"<a>\n<b x='1' y='2' x='3'/></a>", "2:16 is not well formed: a second attribute x"},
         {"<a>\n\x01</a>", "2:1 has a control character"},
         {"<a>\n\xC3\xBC\xFF</a>", "2:2 is not UTF-8"},
         {"<a>\xED\xA0\x80</a>", "1:4 is not UTF-8"},
         {"<?xml version='1.0' encoding='windows-1252'?><a x='\xC3\xBC'/>", "0:0 says that it is not UTF-8"}}));
    CAPTURE(text);
    CHECK_THAT(fault_of(text), Catch::StartsWith(expected));
}

TEST_CASE("xml: foreign encodings are fine as long as nobody could tell", "[config][iis][xml]") {
    CHECK(read("<?xml version='1.0' encoding='windows-1252'?><a x='&#252;'/>").value("x") == "\xC3\xBC");
}

TEST_CASE("xml: NUL does not end the text", "[config][iis][xml]") {
    CHECK_THAT(fault_of("<a/>\0<b>"sv), Catch::StartsWith("1:5 has a control character"));
    CHECK_FALSE(fault_of("\0\0\0\0"sv).empty());
    CHECK_FALSE(fault_of("\x7F"
                         "ELF\x02\x01\x01\0\0\0"sv)
                    .empty());
}

TEST_CASE("xml: document types, and with them entities, are refused", "[config][iis][xml]") {
    CHECK_THAT(fault_of("<!DOCTYPE a><a/>"), Contains("document type declaration"));
    std::string bomb = "<!DOCTYPE a [<!ENTITY l0 \"lol\">";
    for (int i = 1; i < 10; ++i) {
        bomb += "<!ENTITY l" + std::to_string(i) + " \"";
        for (int k = 0; k < 10; ++k)
            bomb += "&l" + std::to_string(i - 1) + ";";
        bomb += "\">";
    }
    CHECK_THAT(fault_of(bomb + "]><a x='&l9;'>&l9;</a>"), Contains("document type declaration"));
    CHECK_THAT(fault_of("<!DOCTYPE a [<!ENTITY x SYSTEM \"file:///etc/passwd\">]><a>&x;</a>"),
               Contains("document type"));
}

TEST_CASE("xml: neither depth nor length can hurt", "[config][iis][xml]") {
    std::string open, close;
    for (int i = 0; i < 200'000; ++i) {
        open += "<a>";
        close += "</a>";
    }
    CHECK_THAT(fault_of(open + close), Contains("is nested deeper"));
    CHECK_FALSE(fault_of(open).empty());
    std::string attributes = "<a";
    for (int i = 0; i < 100'000; ++i)
        attributes += " a" + std::to_string(i) + "=''";
    CHECK_THAT(fault_of(attributes + "/>"), Contains("more attributes"));
    CHECK_THAT(fault_of("<a>" + std::string(largest_iis_file, ' ') + "</a>"), Contains("larger than 8MiB"));
}

TEST_CASE("xml: references that are no characters do no harm to the TOML", "[config][iis][xml]") {
    for (std::string const odd :
         {"&#0;", "&#xD800;", "&#x110000;", "&#xFFFFFFFFFF;", "&nothing;", "&#x85;", "&#x9b;", "&#10;]"}) {
        imported const done(
            in_sites(site("<messages bannerMessage='x" + odd + "'/><connections minBytesPerSecond='" + odd + "'/>", "",
                          "a" + odd + "b")));
        CAPTURE(odd, done.from.toml);
        CHECK(done.faults == lines{});
        CHECK(done.values.sites.size() == 1);
    }
}

TEST_CASE("import: other XML than IIS' is refused with its place", "[config][iis]") {
    CHECK(imported("\n<html/>").faults ==
          lines{"a.config:2:1: error: is no configuration of IIS: <html> in place of <configuration>"});
    CHECK(imported("<configuration><system.web/></configuration>").from.faults.empty());
}

TEST_CASE("import: more sites than the gate would read are refused, and many are no trouble", "[config][iis]") {
    std::string many;
    for (int i = 0; i < 2000; ++i)
        many += site("", "", "site " + std::to_string(i), "*:21:h" + std::to_string(i) + ".test");
    imported const done(in_sites(many));
    CHECK(done.faults == lines{});
    CHECK(done.values.sites.size() == 2000);
    for (int i = 0; i < 18'000; ++i)
        many += site("", "", "s " + std::to_string(i));
    CHECK_THAT(imported(in_sites(many)).faults.at(0), Contains("fits into 4MiB"));
}
