// deploy/ftpsgate.toml: loads as shipped, names every key, and says the truth about the defaults.
#include "config/toml_reader.hpp"
#include "tests/config/scratch.hpp"

#include <catch2/catch.hpp>

#include <cctype>
#include <set>
#include <sstream>

using namespace ftpsgate::config;

namespace {

/// The example with the names of its files replaced by those of files that exist.
std::string example(scratch_folder& folder) {
    folder.with("server.pem").with("server.key");
    std::ifstream file(FTPSGATE_SOURCE_DIR "/deploy/ftpsgate.toml");
    std::stringstream content;
    content << file.rdbuf();
    auto text = content.str();
    for (std::string const place = "/etc/ftpsgate/"; text.find(place) != std::string::npos;)
        text.replace(text.find(place), place.size(), folder.file(""));
    return text;
}

/// "#key = value", in contrast to "# prose".
bool is_commented_out(std::string const& line) {
    return line.size() > 1 && line[0] == '#' && std::islower(static_cast<unsigned char>(line[1])) != 0 &&
           line.find(" = ") != std::string::npos;
}

struct uncommented {
    std::string text;
    std::set<std::uint32_t> changed_lines;

    explicit uncommented(std::string const& toml) {
        std::istringstream lines_of(toml);
        std::string line;
        for (std::uint32_t number = 1; std::getline(lines_of, line); ++number) {
            if (is_commented_out(line)) changed_lines.insert(number);
            text += (is_commented_out(line) ? line.substr(1) : line) + "\n";
        }
    }
};

/// The first of each list: "site.listen.tls" -> "site[0].listen[0].tls".
std::string first_of(std::string const& pattern) {
    auto path = pattern;
    if (path.starts_with("site.")) path.replace(0, 5, "site[0].");
    if (path.starts_with("site[0].listen.")) path.replace(0, 15, "site[0].listen[0].");
    return path;
}

}  // namespace

TEST_CASE("example: deploy/ftpsgate.toml has no fault as shipped", "[config][example]") {
    scratch_folder folder;
    auto const text = example(folder);
    REQUIRE_FALSE(text.empty());
    CHECK(rendered(load_text(text, folder.file("ftpsgate.toml")).faults) == lines{});
}

TEST_CASE("example: it names every key, and each line that is commented out is the default", "[config][example]") {
    scratch_folder folder;
    uncommented const whole(example(folder));
    settings values;
    document source(whole.text, folder.file("ftpsgate.toml"));
    REQUIRE(source.is_parsed());
    source.read(values, read_settings);
    CHECK(rendered(source.faults()) == lines{});

    std::size_t checked = 0;
    for (auto const& pattern : source.keys().known()) {
        auto const path = first_of(pattern);
        CAPTURE(path);
        CHECK(source.keys().has(path));
        if (!whole.changed_lines.contains(source.keys().where(path).line)) continue;
        CHECK(source.keys().is_default(path));
        ++checked;
    }
    CHECK(checked == whole.changed_lines.size());
    CHECK(checked > 30);
}
