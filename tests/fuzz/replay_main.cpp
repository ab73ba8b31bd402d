// Runs a fuzz target without a fuzzer: every file of the given files and folders, then mutations of them. The n-th
// mutation depends on n and the corpus only, so a failure is there again in the next run.
//   replay_NAME [--mutations COUNT] [--from FIRST] PATH...
#include <algorithm>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <string_view>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size);

// A sanitizer's report ends in SIGABRT too, so that the input is named below it.
extern "C" char const* __asan_default_options();
extern "C" char const* __asan_default_options() {
    return "abort_on_error=1";
}
extern "C" char const* __ubsan_default_options();
extern "C" char const* __ubsan_default_options() {
    return "abort_on_error=1:print_stacktrace=1";
}

namespace {

namespace fs = std::filesystem;
using namespace std::string_view_literals;

constexpr std::size_t longest_input = 16 * 1024;

char running[512] = "nothing";  // a file's name or a mutation's number, for the signal handler

// What parsers of FTP stumble over, seldom found by chance.
constexpr std::string_view dictionary[] = {
    "\r\n"sv,
    "\n"sv,
    "\r"sv,
    "\0"sv,
    "\r\0"sv,
    "\xff\xff"sv,
    "\xff\xf4\xff\xf2"sv,
    "\xff\xfa"sv,
    "\xff\xf0"sv,
    "\xff\xfb\x01"sv,
    "\xff"sv,
    " "sv,
    "\t"sv,
    ","sv,
    "|"sv,
    "("sv,
    ")"sv,
    "(|||"sv,
    "220 "sv,
    "220-"sv,
    "211-"sv,
    "211 End\r\n"sv,
    "PASS "sv,
    "SITE "sv,
    "MODE Z"sv,
    "10.0.0.5"sv,
    "10,0,0,5"sv,
    "::ffff:"sv,
    "::1"sv,
    "65536"sv,
    "-1"sv,
    "4294967296"sv,
    "256"sv,
    "0"sv,
    "\"\""sv,
    "\\"sv,
    "%n%s"sv,
    "\x80"sv,
    "\xc3\xbc"sv,
    ";"sv,
    "."sv,
    "\x7f"sv,
};

using corpus = std::vector<std::string>;
using engine = std::mt19937_64;

std::size_t below(engine& random, std::size_t bound) {
    return bound == 0 ? 0 : static_cast<std::size_t>(random() % bound);
}

void mutate_once(std::string& bytes, corpus const& seeds, engine& random) {
    std::size_t const at = below(random, bytes.size() + 1);
    std::size_t const length = below(random, std::min<std::size_t>(bytes.size() - at, 64) + 1);
    switch (below(random, 9)) {
        case 0:
            if (at < bytes.size()) bytes[at] = static_cast<char>(bytes[at] ^ (1 << below(random, 8)));
            break;
        case 1:
            if (at < bytes.size()) bytes[at] = static_cast<char>(below(random, 256));
            break;
        case 2: bytes.insert(at, 1, static_cast<char>(below(random, 256))); break;
        case 3: bytes.insert(at, dictionary[below(random, std::size(dictionary))]); break;
        case 4: bytes.replace(at, length, dictionary[below(random, std::size(dictionary))]); break;
        case 5: bytes.erase(at, length); break;
        case 6: bytes.insert(below(random, bytes.size() + 1), bytes.substr(at, length)); break;
        case 7: bytes.insert(at, 1 + below(random, 300), at < bytes.size() ? bytes[at] : '\xff'); break;
        default: {
            std::string const& other = seeds[below(random, seeds.size())];
            bytes.resize(at);
            bytes += other.substr(below(random, other.size() + 1));
        }
    }
}

std::string mutation(corpus const& seeds, std::uint64_t number) {
    engine random(number);
    std::string bytes = seeds[below(random, seeds.size())];
    for (std::size_t rounds = 1 + below(random, 8); rounds > 0; --rounds)
        mutate_once(bytes, seeds, random);
    bytes.resize(std::min(bytes.size(), longest_input));
    return bytes;
}

void run(std::string const& bytes) {
    // A block of exactly this size: a read beyond its end is a sanitizer's finding, not a NUL.
    std::vector<std::uint8_t> const exact(bytes.begin(), bytes.end());
    LLVMFuzzerTestOneInput(exact.data(), exact.size());
}

std::vector<fs::path> files_in(std::vector<std::string> const& paths) {
    std::vector<fs::path> files;
    for (fs::path const path : paths) {
        if (!fs::is_directory(path)) {
            files.push_back(path);
            continue;
        }
        for (auto const& entry : fs::directory_iterator(path))
            files.push_back(entry.path());
    }
    std::sort(files.begin(), files.end());  // a folder's own order differs from machine to machine
    return files;
}

std::string content_of(fs::path const& path) {
    std::ifstream file(path, std::ios::binary);
    if (!file) {
        std::fprintf(stderr, "cannot read %s\n", path.c_str());
        std::exit(2);
    }
    return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

struct request {
    std::uint64_t first = 0;
    std::uint64_t count = 0;
    std::vector<std::string> paths;
};

request read_arguments(int count, char** words) {
    request asked;
    for (int i = 1; i < count; ++i) {
        std::string_view const word = words[i];
        if (word == "--mutations" && i + 1 < count) {
            asked.count = std::strtoull(words[++i], nullptr, 10);
        } else if (word == "--from" && i + 1 < count) {
            asked.first = std::strtoull(words[++i], nullptr, 10);
        } else {
            asked.paths.emplace_back(word);
        }
    }
    return asked;
}

extern "C" void name_the_input(int) {
    std::fprintf(stderr, "while running %s\n", running);
    std::signal(SIGABRT, SIG_DFL);
    std::abort();
}

}  // namespace

int main(int count, char** words) {
    std::signal(SIGABRT, name_the_input);
    request const asked = read_arguments(count, words);
    corpus seeds;
    for (auto const& path : files_in(asked.paths)) {
        std::snprintf(running, sizeof running, "%s", path.c_str());
        seeds.push_back(content_of(path));
        run(seeds.back());
    }
    if (seeds.empty()) {
        std::fprintf(stderr, "no corpus: an empty one would test nothing\n");
        return 2;
    }
    for (std::uint64_t number = asked.first; number < asked.first + asked.count; ++number) {
        std::snprintf(running, sizeof running, "mutation %llu", static_cast<unsigned long long>(number));
        run(mutation(seeds, number));
    }
    std::printf("%zu inputs and %llu mutations\n", seeds.size(), static_cast<unsigned long long>(asked.count));
    return 0;
}
