#include "policy/backend_password.hpp"

#include "tests/support/test_pki.hpp"

#include <catch2/catch.hpp>

#include <cstdlib>
#include <filesystem>
#include <sys/stat.h>

using namespace ftpsgate;
using policy::backend_password;

namespace {

struct bench {
    config::password_source source;
    config::problems faults;
    test::temporary_folder folder;

    std::optional<backend_password> load() { return backend_password::load(source, "rule", faults); }
    std::string fault() {
        CHECK_FALSE(load());
        REQUIRE(faults.size() == 1);
        return config::render(faults.front());
    }
    void name(std::string const& path) { source.file = config::file_path{path, {"gate.toml", 7, 17}}; }
    void name_environment(std::string const& variable) {
        source.environment = config::placed_text{variable, {"gate.toml", 8, 16}};
    }
    void set(std::string const& text) { source.value = config::placed_text{text, {"gate.toml", 9, 12}}; }

    /// What the gate would send for the user, or "(why not)".
    std::string of(std::string const& user) {
        auto const loaded = load();
        REQUIRE(loaded);
        std::string fault;
        auto const found = loaded->of(user, fault);
        CHECK(found.has_value() == fault.empty());
        return found ? std::string(found->reveal()) : "(" + fault + ")";
    }
};

}  // namespace

TEST_CASE("backend_password: comes from the configuration", "[policy][backend_password]") {
    bench one;
    one.set("p\xC3\xA4ss %u word");
    CHECK(one.of("anna") == "p\xC3\xA4ss %u word");
    CHECK(one.of("../x") == "p\xC3\xA4ss %u word");  // no file, so no path
}

TEST_CASE("backend_password: comes from a file, without its last line end", "[policy][backend_password]") {
    auto const [content, expected] = GENERATE(table<std::string, std::string>({
        {"secret", "secret"},
        {"secret\n", "secret"},
        {"secret\r\n", "secret"},
        {" secret \n", " secret "},
        {std::string(255, 'x') + "\r\n", std::string(255, 'x')},
    }));
    bench one;
    one.name(one.folder.write("password", content));
    CHECK(one.of("anna") == expected);
}

TEST_CASE("backend_password: a file that is no password is a fault with its place", "[policy][backend_password]") {
    auto const content = GENERATE(as<std::string>(), "", "\n", "a\nb\n", "secret\n\n", std::string("a\0b", 3), "\xFF",
                                  std::string(256, 'x'), std::string(256, 'x') + "\r\n", std::string(100000, 'x'));
    bench one;
    auto const path = one.folder.write("password", content);
    one.name(path);
    auto const fault = one.fault();
    CHECK_THAT(fault, Catch::StartsWith("gate.toml:7:17: error: rule.password_file: what is in " + path + " is "));
    CHECK(fault.find("xx") == std::string::npos);
}

TEST_CASE("backend_password: files that cannot be read are faults", "[policy][backend_password]") {
    bench one;
    SECTION("missing") {
        one.name(one.folder.path() + "/none");
        CHECK_THAT(one.fault(), Catch::Contains("/none: No such file or directory"));
    }
    SECTION("a folder") {
        one.name(one.folder.path());
        CHECK_THAT(one.fault(), Catch::EndsWith("not a regular file"));
    }
    SECTION("a FIFO, which nobody writes to") {
        auto const path = one.folder.path() + "/fifo";
        REQUIRE(::mkfifo(path.c_str(), 0600) == 0);
        one.name(path);
        CHECK_THAT(one.fault(), Catch::EndsWith("not a regular file"));
    }
}

TEST_CASE("backend_password: nothing is a fault, text for more than one line too (A-041)",
          "[policy][backend_password]") {
    bench one;
    CHECK(one.fault() == "error: rule.password: is missing");
    one.faults.clear();
    one.set("pass\r\nDELE x");
    CHECK_THAT(one.fault(), Catch::StartsWith("gate.toml:9:12: error: rule.password: "));
    CHECK(one.faults.front().message.find("DELE") == std::string::npos);
}

TEST_CASE("backend_password: comes from the environment", "[policy][backend_password]") {
    bench one;
    one.name_environment("FTPSGATE_TEST_PASSWORD");
    ::unsetenv("FTPSGATE_TEST_PASSWORD");
    CHECK_THAT(one.fault(), Catch::StartsWith("gate.toml:8:16: error: rule.password_env: "));
    ::setenv("FTPSGATE_TEST_PASSWORD", "", 1);
    one.faults.clear();
    CHECK_THAT(one.fault(), Catch::Contains("is empty"));
    ::setenv("FTPSGATE_TEST_PASSWORD", "from outside", 1);
    CHECK(one.of("anna") == "from outside");
    ::unsetenv("FTPSGATE_TEST_PASSWORD");
}

TEST_CASE("backend_password: %u is the user, read when it is asked for", "[policy][backend_password]") {
    bench one;
    one.name(one.folder.path() + "/%u.secret");
    CHECK_THAT(one.of("anna"), Catch::Contains("/anna.secret: No such file or directory"));
    one.folder.write("anna.secret", "for anna\n");
    CHECK(one.of("anna") == "for anna");
    one.folder.write("anna.secret", "another\n");
    CHECK(one.of("anna") == "another");
    one.folder.write("%u.secret", "of one who is called %u");
    CHECK(one.of("%u") == "of one who is called %u");
    one.folder.write("evil.secret", "a\r\nDELE x\r\n");
    CHECK_THAT(one.of("evil"), Catch::EndsWith("is not one line of UTF-8 with at most 255 bytes)"));
}

TEST_CASE("backend_password: no user leads out of the folder", "[policy][backend_password]") {
    bench one;
    std::filesystem::create_directory(one.folder.path() + "/inside");
    one.folder.write("outside", "stolen");
    one.folder.write("inside/.hidden", "stolen");
    one.folder.write("inside/a", "stolen");
    one.name(one.folder.path() + "/inside/%u");
    auto const user = GENERATE(as<std::string>(), "../outside", "..", ".", "", ".hidden", "./a", "x/../a", "a/", "/a",
                               std::string("a\0b", 3), "a..b", "a\nb", std::string(256, 'a'));
    CHECK(one.of(user) == "(the user's name cannot be part of a file's name)");
}

TEST_CASE("backend_password: one FTP line has no CR, LF or NUL in it (B-192)", "[policy][backend_password]") {
    CHECK(policy::fits_ftp_line("anna"));
    CHECK(policy::fits_ftp_line("anna b \xC3\xA4"));
    CHECK(policy::fits_ftp_line(std::string(255, 'x')));
    auto const text = GENERATE(as<std::string>(), "", "a\rb", "a\n", std::string("a\0", 2), std::string(256, 'x'),
                               "\xFF\xF4", "\xC0\x8A", "\xED\xA0\x80", "\xF4\x90\x80\x80", "\xE2\x82");
    CHECK_FALSE(policy::fits_ftp_line(text));
}

TEST_CASE("backend_password: other passwords of the gate may be longer", "[policy][backend_password]") {
    test::temporary_folder const folder;
    std::string fault;
    folder.write("word", std::string(300, 'a') + "\r\n");
    auto const path = folder.path() + "/word";
    auto const found = policy::read_password_file(path, 300, fault);
    REQUIRE(found);
    CHECK(found->reveal() == std::string(300, 'a'));
    CHECK_FALSE(policy::read_password_file(path, 299, fault));
    CHECK(fault == "what is in " + path + " is not one line of UTF-8 with at most 299 bytes");
}
