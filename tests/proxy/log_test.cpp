#include "proxy/log.hpp"

#include <catch2/catch.hpp>

#include <chrono>
#include <csignal>
#include <cstdint>
#include <ctime>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <regex>
#include <sstream>
#include <string>
#include <sys/resource.h>
#include <thread>
#include <unistd.h>
#include <utility>
#include <vector>

using namespace ftpsgate;
using namespace std::chrono_literals;
using config::log_format;
using proxy::event_log;
using proxy::level;
using proxy::log_line;

namespace {

namespace fs = std::filesystem;

class temporary_folder {
public:
    temporary_folder() {
        auto pattern = (fs::temp_directory_path() / "ftpsgate-log-XXXXXX").string();
        REQUIRE(::mkdtemp(pattern.data()) != nullptr);
        path_ = pattern;
    }
    ~temporary_folder() {
        std::error_code ignored;
        fs::remove_all(path_, ignored);
    }
    temporary_folder(temporary_folder const&) = delete;
    temporary_folder& operator=(temporary_folder const&) = delete;
    std::string file(std::string const& name) const { return (path_ / name).string(); }

private:
    fs::path path_;
};

std::string content(std::string const& path) {
    std::ifstream in(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
}

std::vector<std::string> lines_of(std::string const& path) {
    std::istringstream in(content(path));
    std::vector<std::string> lines;
    for (std::string line; std::getline(in, line);)
        lines.push_back(line);
    return lines;
}

// A line without its time, which is checked here.
std::string without_time(std::string const& line) {
    static std::regex const time(
        "(.*),?[ ,]\"?time\"?[=:]\"?20[0-9]{2}-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:"
        "[0-6][0-9]\\.[0-9]{3}Z\"?(\\}?)");
    std::smatch parts;
    REQUIRE(std::regex_match(line, parts, time));
    return parts[1].str() + parts[2].str();
}

// Milliseconds since 1970 of a line in text form.
std::int64_t time_of(std::string const& line) {
    auto const text = line.substr(line.find(" time=") + 6);
    std::tm parts{};
    char const* const rest = ::strptime(text.c_str(), "%Y-%m-%dT%H:%M:%S", &parts);
    REQUIRE(rest != nullptr);
    return std::int64_t{::timegm(&parts)} * 1000 + std::stoi(std::string(rest + 1, 3));
}

std::int64_t milliseconds_now() {
    return std::chrono::floor<std::chrono::milliseconds>(std::chrono::system_clock::now()).time_since_epoch().count();
}

template <typename Value>
concept loggable = requires(log_line& line, Value const& value) {
    line.field("key", value);
};

}  // namespace

TEST_CASE("log: a line has the time of its writing, also across seconds", "[proxy][log]") {
    temporary_folder const folder;
    auto const path = folder.file("log");
    event_log log;
    REQUIRE_FALSE(log.configure({level::info, log_format::text, path, {}}));
    std::vector<std::pair<std::int64_t, std::int64_t>> around;
    auto const first = milliseconds_now();
    for (auto now = first, last = first - 1; now / 1000 == first / 1000; now = milliseconds_now()) {
        if (now == last) continue;  // one line a millisecond
        last = now;
        log_line(log, level::info, "e").write();
        around.emplace_back(now, milliseconds_now());
    }
    auto const last = milliseconds_now();
    log_line(log, level::info, "e").write();
    around.emplace_back(last, milliseconds_now());
    auto const lines = lines_of(path);
    REQUIRE(lines.size() == around.size());
    std::size_t wrong = 0;
    for (std::size_t at = 0; at < lines.size(); ++at) {
        auto const time = time_of(lines[at]);
        wrong += time < around[at].first || time > around[at].second;
    }
    CHECK(wrong == 0);
}

TEST_CASE("log: a line begins with the event, keeps the order of fields and ends in level and time", "[proxy][log]") {
    temporary_folder const folder;
    auto const path = folder.file("log");
    auto const [format, expected] = GENERATE(table<log_format, std::string>({
        {log_format::text,
         "event=login session=17 site=ftp.example.com client=192.0.2.1 user=\"J. Doe\" ok=true "
         "offset=-5 seconds=61.007 level=info"},
        {log_format::json, R"({"event":"login","session":17,"site":"ftp.example.com","client":"192.0.2.1",)"
                           R"("user":"J. Doe","ok":true,"offset":-5,"seconds":61.007,"level":"info"})"},
    }));
    event_log log;
    REQUIRE_FALSE(log.configure({level::info, format, path, {}}));
    std::string const site = "ftp.example.com";
    log_line(log, level::info, "login")
        .field("session", std::uint64_t{17})
        .field("site", site)
        .field("client", "192.0.2.1")
        .field("user", "J. Doe")
        .field("ok", true)
        .field("offset", -5)
        .field("seconds", 61'007ms);
    auto const lines = lines_of(path);
    REQUIRE(lines.size() == 1);
    CHECK(without_time(lines[0]) == expected);
}

TEST_CASE("log: A-101 hostile values stay one value of one line", "[proxy][log]") {
    temporary_folder const folder;
    auto const path = folder.file("log");
    event_log log;
    REQUIRE_FALSE(log.configure({level::info, log_format::text, path, {}}));
    log_line(log, level::info, "login").field("user", "x\r\nevent=login user=root").field("next", "1");
    log_line(log, level::info, "login").field("user", "\" level=error").field("long", std::string(100'000, 'A'));
    auto const lines = lines_of(path);
    REQUIRE(lines.size() == 2);
    CHECK(without_time(lines[0]) == R"(event=login user="x\r\nevent=login user=root" next=1 level=info)");
    CHECK(without_time(lines[1]).find(R"(user="\" level=error" long=AAAA)") != std::string::npos);
    CHECK(lines[1].size() < 700);
}

TEST_CASE("log: only the wanted levels are written", "[proxy][log]") {
    temporary_folder const folder;
    auto const path = folder.file("log");
    event_log log;
    REQUIRE_FALSE(log.configure({level::warning, log_format::text, path, {}}));
    CHECK(log.wants(level::error));
    CHECK_FALSE(log.wants(level::info));
    for (auto const each : {level::error, level::warning, level::info, level::debug})
        log_line(log, each, "e");
    auto const lines = lines_of(path);
    REQUIRE(lines.size() == 2);
    CHECK(without_time(lines[0]) == "event=e level=error");
    CHECK(without_time(lines[1]) == "event=e level=warning");
}

TEST_CASE("log: write() writes once, and what comes behind it is not added", "[proxy][log]") {
    temporary_folder const folder;
    auto const path = folder.file("log");
    event_log log;
    REQUIRE_FALSE(log.configure({level::info, log_format::text, path, {}}));
    {
        log_line line(log, level::info, "e");
        line.field("a", 1).write();
        line.field("b", "2").field("c", 3).field("d", 1s);
        line.write();
    }
    REQUIRE(lines_of(path).size() == 1);
    CHECK(without_time(lines_of(path)[0]) == "event=e a=1 level=info");
}

TEST_CASE("log: secrets and what would be printed as something else do not compile", "[proxy][log]") {
    STATIC_REQUIRE(loggable<std::string>);
    STATIC_REQUIRE(loggable<unsigned short>);
    STATIC_REQUIRE(!loggable<ftp::secret_string>);
    STATIC_REQUIRE(!loggable<void*>);
    STATIC_REQUIRE(!loggable<double>);
    STATIC_REQUIRE(!loggable<char>);
}

TEST_CASE("log: extreme numbers", "[proxy][log]") {
    temporary_folder const folder;
    auto const path = folder.file("log");
    event_log log;
    REQUIRE_FALSE(log.configure({level::info, log_format::text, path, {}}));
    log_line(log, level::info, "e")
        .field("a", std::numeric_limits<std::int64_t>::min())
        .field("b", std::numeric_limits<std::uint64_t>::max())
        .field("c", std::chrono::milliseconds::min())
        .field("d", 999us)
        .field("f", -1ms);
    CHECK(without_time(lines_of(path).at(0)) ==
          "event=e a=-9223372036854775808 b=18446744073709551615 c=-9223372036854775.808 d=0.000 f=-0.001 level=info");
}

TEST_CASE("log: reopen follows a rotation, and keeps the old file when the new one cannot be had", "[proxy][log]") {
    temporary_folder const folder;
    fs::create_directory(folder.file("sub"));
    auto const path = folder.file("sub/log");
    event_log log;
    REQUIRE_FALSE(log.configure({level::info, log_format::text, path, {}}));
    log_line(log, level::info, "one");
    fs::rename(path, folder.file("old"));
    log_line(log, level::info, "two");
    CHECK(lines_of(folder.file("old")).size() == 2);

    REQUIRE_FALSE(log.reopen());
    log_line(log, level::info, "three");
    CHECK(lines_of(folder.file("old")).size() == 2);
    CHECK(lines_of(path).size() == 1);

    fs::rename(folder.file("sub"), folder.file("moved"));
    CHECK(log.reopen() == boost::system::errc::no_such_file_or_directory);
    log_line(log, level::info, "four");
    CHECK(lines_of(folder.file("moved/log")).size() == 2);
    CHECK(log.lost_lines() == 0);
}

TEST_CASE("log: a file that cannot be opened changes nothing", "[proxy][log]") {
    temporary_folder const folder;
    auto const path = folder.file("log");
    event_log log;
    REQUIRE_FALSE(log.configure({level::info, log_format::text, path, {}}));
    CHECK(log.configure({level::debug, log_format::json, folder.file("no/such"), {}}));
    CHECK_FALSE(log.wants(level::debug));
    log_line(log, level::info, "e");
    CHECK(without_time(lines_of(path).at(0)) == "event=e level=info");
}

TEST_CASE("log: a full disk loses lines and counts them", "[proxy][log]") {
    event_log log;
    REQUIRE_FALSE(log.configure({level::info, log_format::text, "/dev/full", {}}));
    log_line(log, level::info, "e");
    log_line(log, level::info, "e");
    CHECK(log.lost_lines() == 2);
}

TEST_CASE("log: after a line that was written in part the next one begins on a line of its own", "[proxy][log]") {
    temporary_folder const folder;
    auto const path = folder.file("log");
    event_log log;
    REQUIRE_FALSE(log.configure({level::info, log_format::text, path, {}}));
    ::rlimit before{};
    REQUIRE(::getrlimit(RLIMIT_FSIZE, &before) == 0);
    ::rlimit const tight{100, before.rlim_max};
    REQUIRE(::setrlimit(RLIMIT_FSIZE, &tight) == 0);
    log_line(log, level::info, "first").field("filler", std::string(200, 'x'));
    log_line(log, level::info, "lost");
    REQUIRE(::setrlimit(RLIMIT_FSIZE, &before) == 0);
    CHECK(log.lost_lines() == 2);
    log_line(log, level::info, "last");
    auto const lines = lines_of(path);
    REQUIRE(lines.size() == 2);
    CHECK(lines[0].size() == 100);
    CHECK(without_time(lines[1]) == "event=last level=info");
}

TEST_CASE("log: a reader that went away does not end the process", "[proxy][log]") {
    std::signal(SIGPIPE, SIG_DFL);
    int ends[2];
    REQUIRE(::pipe2(ends, O_CLOEXEC) == 0);
    int const standard_error = ::fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3);
    ::dup2(ends[1], STDERR_FILENO);
    event_log log;  // to standard error, which is the pipe now
    ::dup2(standard_error, STDERR_FILENO);
    ::close(standard_error);
    ::close(ends[1]);

    log_line(log, level::info, "heard");
    char buffer[200];
    auto const size = ::read(ends[0], buffer, sizeof buffer);
    REQUIRE(size > 0);
    CHECK(std::string(buffer, static_cast<std::size_t>(size)).substr(0, 11) == "event=heard");
    ::close(ends[0]);
    log_line(log, level::info, "unheard");
    CHECK(log.lost_lines() == 1);
}

TEST_CASE("log: lines of several threads do not mix, also while it is reopened", "[proxy][log]") {
    temporary_folder const folder;
    auto const path = folder.file("log");
    event_log log;
    REQUIRE_FALSE(log.configure({level::info, log_format::json, path, {}}));
    std::vector<std::thread> threads;
    for (int each = 0; each < 4; ++each) {
        threads.emplace_back([&log] {
            for (int i = 0; i < 500; ++i)
                log_line(log, level::info, "e").field("filler", std::string(200, 'x'));
        });
    }
    bool reopened = true;
    for (int i = 0; i < 50; ++i)
        reopened = reopened && !log.reopen();
    for (auto& each : threads)
        each.join();
    CHECK(reopened);
    auto const lines = lines_of(path);
    CHECK(lines.size() == 2000);
    auto const whole = R"({"event":"e","filler":")" + std::string(200, 'x') + R"(","level":"info"})";
    std::size_t broken = 0;
    for (auto const& line : lines)
        broken += without_time(line) != whole;
    CHECK(broken == 0);
}
