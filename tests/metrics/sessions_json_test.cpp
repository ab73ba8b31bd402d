#include "metrics/sessions_json.hpp"

#include <boost/json.hpp>
#include <catch2/catch.hpp>

#include <string>
#include <vector>

namespace ftpsgate::metrics::test {
namespace {

using namespace std::chrono_literals;

session_row row(std::string id) {
    session_row made;
    made.id = std::move(id);
    made.site = "s";
    made.client = "192.0.2.7:40312";
    made.state = "idle";
    return made;
}

/// All pieces of the page, of rows that come in these portions.
std::vector<std::string> pieces(std::vector<std::vector<session_row>> portions) {
    auto const page = sessions_as_json([portions](row_handler done) mutable {
        if (portions.empty()) return done({});
        auto const next = portions.front();
        portions.erase(portions.begin());
        done(next);
    });
    std::vector<std::string> all;
    do
        page([&](std::string piece) { all.push_back(std::move(piece)); });
    while (!all.back().empty());
    return all;
}

std::string joined(std::vector<std::string> const& all) {
    std::string text;
    for (auto const& piece : all)
        text += piece;
    return text;
}

}  // namespace

TEST_CASE("sessions_json: a row has all its keys, null where nothing is known", "[metrics][sessions_json]") {
    CHECK(to_json(row("1")) == R"({"id":"1","site":"s","client":"192.0.2.7:40312","user":null,"backend":null,)"
                               R"("tls_version":null,"tls_cipher":null,"state":"idle","bytes":0,"seconds":0E0})");
    auto full = row("2");
    full.user = "bob";
    full.backend = "10.0.0.5:21";
    full.tls_version = "TLSv1.3";
    full.tls_cipher = "TLS_AES_128_GCM_SHA256";
    full.bytes = 18'000'000'000'000'000'000U;
    full.age = 12'345ms;
    auto const read = boost::json::parse(to_json(full)).as_object();
    CHECK(read.at("user").as_string() == "bob");
    CHECK(read.at("bytes").as_uint64() == 18'000'000'000'000'000'000U);
    CHECK(read.at("seconds").as_double() == 12.345);
}

TEST_CASE("sessions_json: the pieces are one array, whatever the portions", "[metrics][sessions_json]") {
    CHECK(pieces({}) == std::vector<std::string>{"[]\n", ""});
    auto const all = pieces({{row("1"), row("2")}, {row("3")}});
    REQUIRE(all.size() == 4);
    auto const read = boost::json::parse(joined(all)).as_array();
    REQUIRE(read.size() == 3);
    CHECK(read[2].at("id").as_string() == "3");
}

TEST_CASE("sessions_json: hostile text stays one string, in ASCII (A-101)", "[metrics][sessions_json]") {
    auto const name = GENERATE(as<std::string>(), "\"},{\"id\":\"", "\\", "\r\n\t\x1b[2J\x7f", "J\xc3\xbcrgen",
                               "\xe2\x80\xae"
                               "resu",
                               "\xf0\x9f\x98\x80", std::string("a\0b", 3));
    auto hostile = row("1");
    hostile.user = name;
    auto const text = to_json(hostile);
    for (char const one : text)
        CHECK((one >= 0x20 && one < 0x7F));
    CHECK(boost::json::parse(text).at("user").as_string() == name);
}

TEST_CASE("sessions_json: bytes that are not UTF-8 are shown as such", "[metrics][sessions_json]") {
    auto hostile = row("1");
    hostile.user = "j\xfcrgen\xc3";
    CHECK(boost::json::parse(to_json(hostile)).at("user").as_string() == "j\\xfcrgen\\xc3");
}

}  // namespace ftpsgate::metrics::test
