#include "metrics/names.hpp"

#include "metrics/metrics.hpp"
#include "tests/metrics/page.hpp"

#include <catch2/catch.hpp>

#include <set>
#include <string>

namespace ftpsgate::metrics::test {
namespace {

site_words const words{"example", {"10.0.0.5:21"}, {"RETR", "STOR"}};

std::string full_page() {
    registry all;
    all.build_info("1", "2", "3");
    site_metrics site(all, words);
    auto const end = std::chrono::system_clock::now();
    return all.text(
        {{{"example", end}}, {{"example", "CN=A CA", end}}, {{"example", 0}}, {{"example", "10.0.0.5:21", true}}});
}

std::string word_for(kind type) {
    return type == kind::counter ? "counter" : type == kind::gauge ? "gauge" : "histogram";
}

std::set<std::string> label_names(std::string const& labels) {
    std::set<std::string> names;
    for (std::size_t at = 0, end = 0; (end = labels.find("=\"", at)) != std::string::npos;) {
        names.insert(labels.substr(at, end - at));
        at = labels.find('"', end + 2) + 2;
    }
    return names;
}

}  // namespace

TEST_CASE("metrics: the page has exactly the metrics of names.hpp, with their types", "[metrics][names]") {
    auto exposed = comments(full_page(), "TYPE");
    for (auto const& what : names::all) {
        INFO(what.name);
        CHECK(exposed[std::string(what.name)] == word_for(what.type));
        exposed.erase(std::string(what.name));
    }
    CHECK(exposed.empty());
}

TEST_CASE("metrics: every metric is explained on the page", "[metrics][names]") {
    auto exposed = comments(full_page(), "HELP");
    for (auto const& what : names::all) {
        INFO(what.name);
        CHECK(exposed[std::string(what.name)] == what.help);
        CHECK(what.help.back() == '.');
    }
}

TEST_CASE("metrics: every series has the labels that names.hpp gives its metric, and no other", "[metrics][names]") {
    std::istringstream lines(full_page());
    std::size_t seen = 0;
    for (std::string line; std::getline(lines, line);) {
        if (line.front() == '#') continue;
        auto const brace = line.find('{');
        REQUIRE(brace != std::string::npos);
        auto name = line.substr(0, brace);
        for (std::string const end : {"_bucket", "_sum", "_count"})
            if (name.size() > end.size() && name.ends_with(end)) name.erase(name.size() - end.size());
        auto labels = label_names(line.substr(brace + 1, line.rfind('}') - brace - 1));
        labels.erase("le");
        for (auto const& what : names::all) {
            if (what.name != name) continue;
            std::set<std::string> expected(what.labels.begin(), what.labels.end());
            expected.erase("");
            INFO(line);
            CHECK(labels == expected);
            ++seen;
        }
    }
    CHECK(seen == series_count(full_page()));
}

TEST_CASE("metrics: names follow Prometheus' conventions", "[metrics][names]") {
    for (auto const& what : names::all) {
        INFO(what.name);
        CHECK(what.name.starts_with("ftpsgate_"));
        CHECK(what.name.ends_with("_total") == (what.type == kind::counter));
        if (what.type == kind::histogram) CHECK(what.name.ends_with("_seconds"));
    }
}

}  // namespace ftpsgate::metrics::test
