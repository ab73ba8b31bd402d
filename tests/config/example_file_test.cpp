// deploy/ftpsgate.toml: loads as shipped, names every key, says the truth about the defaults, and its examples work.
// deploy/ftpsgate.toml.5 names the same keys with the same defaults.
#include "config/toml_reader.hpp"
#include "tests/config/scratch.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <cctype>
#include <map>
#include <regex>
#include <set>
#include <sstream>

using namespace ftpsgate::config;

namespace {

std::string shipped(std::string const& name) {
    std::ifstream file(std::string(FTPSGATE_SOURCE_DIR "/deploy/") + name);
    std::stringstream content;
    content << file.rdbuf();
    return content.str();
}

/// The example with the names of its files replaced by those of files that exist.
std::string example(scratch_folder& folder) {
    std::filesystem::create_directory(folder.file("secrets"));
    folder.with("server.pem").with("server.key").with("secrets/plc");
    auto text = shipped("ftpsgate.toml");
    for (std::string const place = "/etc/ftpsgate/"; text.find(place) != std::string::npos;)
        text.replace(text.find(place), place.size(), folder.file(""));
    return text;
}

/// "#key = value", in contrast to "# prose".
bool is_commented_key(std::string const& line) {
    return line.size() > 1 && line[0] == '#' && std::islower(static_cast<unsigned char>(line[1])) != 0 &&
           line.find(" = ") != std::string::npos;
}

enum class what_to_uncomment { everything, examples };

struct uncommented {
    std::string text;
    std::set<std::uint32_t> default_lines;  ///< not those of examples

    explicit uncommented(std::string const& toml, what_to_uncomment what = what_to_uncomment::everything) {
        std::istringstream lines_of(toml);
        std::string line;
        bool is_example = false;
        for (std::uint32_t number = 1; std::getline(lines_of, line); ++number) {
            if (line.starts_with('[') || line.starts_with("#[")) is_example = line.starts_with("#[[");
            bool const is_default = is_commented_key(line) && !is_example;
            if (is_default) default_lines.insert(number);
            bool const begins_example = line.starts_with("#[[");
            bool const changes =
                is_default ? what == what_to_uncomment::everything : begins_example || is_commented_key(line);
            text += (changes ? line.substr(1) : line) + "\n";
        }
    }
};

/// Where a key may stand: "site.listen.tls" -> "site[0].listen[0].tls". Of the identity rules each is an example of
/// other keys.
std::vector<std::string> places_of(std::string const& pattern) {
    auto path = pattern;
    if (path.starts_with("site.")) path.replace(0, 5, "site[0].");
    if (path.starts_with("site[0].listen.")) path.replace(0, 15, "site[0].listen[0].");
    if (!path.starts_with("site[0].identity.")) return {path};
    std::vector<std::string> places;
    for (std::size_t at = 0; at < 10; ++at)
        places.push_back(element("site[0].identity", at) + path.substr(16));
    return places;
}

/// What comes first is the whole match.
std::vector<std::smatch> matches(std::string const& text, char const* expression) {
    std::regex const wanted(expression);
    return {std::sregex_iterator(text.begin(), text.end(), wanted), {}};
}

using key_texts = std::map<std::string, std::string>;

/// Key -> its default as the man page writes it. Of examples, which have none, "".
key_texts defaults_of_example(std::string const& toml) {
    key_texts found;
    std::string section;
    bool is_example = false;
    for (auto const& one : matches(toml, R"((#?)(\[+)([a-z_.]+)\]+(?=\n)|(\n#?)([a-z0-9_]+) = (.*))")) {
        if (one[2].matched) {
            section = one[3];
            is_example = one[2] == "[[" && one[1] == "#";
            continue;
        }
        auto value = std::regex_replace(one[6].str(), std::regex(R"re(^\[(?=.)|"|\]$)re"), "");
        if (one[6] == "[]") value = "[]";
        if (one[4] == "\n") value = "required";
        found[join(section, one[5].str())] = is_example ? "" : value;
    }
    found["site.hosts"] = "the name";
    return found;
}

/// The same of the man page.
key_texts defaults_of_manual(std::string const& page) {
    key_texts found;
    std::string section;
    for (auto const& one : matches(page, R"(\n\.Ss \[+([a-z_.]+)\]+|\n\.It Ic ([a-z0-9_]+) = Ar [a-z ]+ Pq (.*))")) {
        if (one[1].matched)
            section = one[1];
        else
            found[join(section, one[2].str())] = one[3] == R"(\(dq\(dq)" ? "" : one[3].str();
    }
    return found;
}

std::string with(std::string text, std::string const& before, std::string const& after) {
    REQUIRE(text.find(before) != std::string::npos);
    return text.replace(text.find(before), before.size(), after);
}

}  // namespace

TEST_CASE("example: deploy/ftpsgate.toml has no fault as shipped", "[config][example]") {
    scratch_folder folder;
    auto const text = example(folder);
    REQUIRE_FALSE(text.empty());
    CHECK(rendered(load_text(text, folder.file("ftpsgate.toml")).faults) == lines{});
}

TEST_CASE("example: it names every key, and each line that is commented out is the default or an example",
          "[config][example]") {
    scratch_folder folder;
    uncommented const whole(example(folder));
    settings values;
    document source(whole.text, folder.file("ftpsgate.toml"));
    REQUIRE(source.is_parsed());
    source.read(values, read_settings);
    CHECK(rendered(source.faults()) == lines{});

    std::size_t checked = 0;
    for (auto const& pattern : source.keys().known()) {
        auto const places = places_of(pattern);
        auto const has = [&](std::string const& place) { return source.keys().has(place); };
        auto const path = *std::find_if(places.begin(), places.end() - 1, has);
        CAPTURE(path);
        CHECK(source.keys().has(path));
        if (!whole.default_lines.contains(source.keys().where(path).line)) continue;
        CHECK(source.keys().is_default(path));
        ++checked;
    }
    CHECK(checked == whole.default_lines.size());
    CHECK(checked > 30);
}

TEST_CASE("example: the identity rules have no fault once clients are asked for certificates", "[config][example]") {
    scratch_folder folder;
    auto text = uncommented(example(folder), what_to_uncomment::examples).text;
    text = with(text, "#policy = \"ignore\"", "policy = \"require\"");
    text = with(text, "#ca_file = \"\"", "ca_file = \"server.pem\"");
    text = with(text, "#client_certificate = false", "client_certificate = true");
    auto const result = load_text(text, folder.file("ftpsgate.toml"));
    CHECK(rendered(result.faults) == lines{});
    CHECK(result.values.sites.at(0).identity.size() == 5);
}

TEST_CASE("manual: ftpsgate.toml(5) names every key, with the default of the example", "[config][example]") {
    scratch_folder folder;
    uncommented const whole(example(folder));
    settings values;
    document source(whole.text, folder.file("ftpsgate.toml"));
    source.read(values, read_settings);
    auto const& known = source.keys().known();

    auto const expected = defaults_of_example(shipped("ftpsgate.toml"));
    auto const manual = defaults_of_manual(shipped("ftpsgate.toml.5"));
    CHECK(manual.size() > 80);
    for (auto const& key : known) {
        auto const is_inside = [&](auto const& entry) { return entry.first.starts_with(key + "."); };
        CAPTURE(key);
        CHECK((manual.contains(key) || std::any_of(manual.begin(), manual.end(), is_inside)));
    }
    for (auto const& [key, value] : manual) {
        CAPTURE(key);
        CHECK(known.contains(key));
        auto const found = expected.find(key);
        bool const is_example = key.starts_with("site.identity.") || key.starts_with("site.listen.");
        if (!is_example) CHECK((found != expected.end() && value == found->second));
    }
}
