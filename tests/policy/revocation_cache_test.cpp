#include "policy/revocation_cache.hpp"

#include "tests/policy/chain_fixture.hpp"

#include <catch2/catch.hpp>

#include <atomic>
#include <filesystem>
#include <iterator>
#include <thread>

using namespace ftpsgate;
using namespace ftpsgate::policy;
using kind = revocation_key::kind;
using std::chrono::seconds;

namespace {

struct cache_fixture {
    test::identity issuer = test::make_self_signed(test::authority_request("Issuer"));
    revocation_cache cache;
    revocation_key key{kind::crl, "http://a/list", {}};
    time_point now = std::chrono::system_clock::now();

    crl_ptr list(std::uint64_t number, int days = 1) const {
        return test::held(test::make_crl({.next_update = test::days_from_now(days), .number = number}, issuer));
    }
    held_answer answer(int hours, ocsp_status status = ocsp_status::good) const {
        return {status, test::hours_from_now(hours), test::hours_from_now(9), test::hours_from_now(9)};
    }
};

revocation_key named(kind what, std::string name, std::uint8_t issuer = 0) {
    revocation_key key{what, std::move(name), {}};
    key.issuer_key.fill(issuer);
    return key;
}

}  // namespace

TEST_CASE("revocation_cache: a list is held under its URL and its issuer's key (B-263)", "[policy][revocation_cache]") {
    cache_fixture made;
    auto const list = made.list(1);
    CHECK(made.cache.put_crl(named(kind::crl, "http://a", 1), list));
    CHECK(made.cache.find_crl(named(kind::crl, "http://a", 1)) == list);
    CHECK(made.cache.find_crl(named(kind::crl, "http://a", 2)) == nullptr);
    CHECK(made.cache.find_crl(named(kind::crl, "http://b", 1)) == nullptr);
}

TEST_CASE("revocation_cache: an older list does not replace a newer one (A-083)", "[policy][revocation_cache]") {
    cache_fixture made;
    auto const seven = made.list(7), eight = made.list(8);
    CHECK(made.cache.put_crl(made.key, seven));
    std::vector<held_version> const basis{{made.key, made.cache.version_of(made.key)}, {named(kind::ocsp, "none"), 0}};
    CHECK_FALSE(made.cache.put_crl(made.key, made.list(5)));
    CHECK(made.cache.find_crl(made.key) == seven);
    CHECK(made.cache.is_unchanged(basis));
    made.cache.put_crl(named(kind::crl, "another"), made.list(1));
    CHECK(made.cache.is_unchanged(basis));
    CHECK(made.cache.put_crl(made.key, eight));
    CHECK(made.cache.find_crl(made.key) == eight);
    CHECK_FALSE(made.cache.is_unchanged(basis));
}

TEST_CASE("revocation_cache: what is held already is no news (B-263)", "[policy][revocation_cache]") {
    cache_fixture made;
    auto const question = named(kind::ocsp, "question");
    CHECK(made.cache.version_of(made.key) == 0);
    auto const list = made.list(7);
    made.cache.put_crl(made.key, list);
    made.cache.put_answer(question, made.answer(-1));
    auto const version = made.cache.version_of(made.key);
    auto const answered = made.cache.version_of(question);
    CHECK(version != 0);
    CHECK(answered != version);
    SECTION("the same again") {
        auto const again = held_answer(*made.cache.find_answer(question, made.now));
        CHECK(made.cache.put_crl(made.key, list));
        CHECK(made.cache.put_answer(question, again));
        CHECK(made.cache.version_of(made.key) == version);
        CHECK(made.cache.version_of(question) == answered);
    }
    SECTION("another list of the same number and time") {
        CHECK(made.cache.put_crl(made.key, made.list(7)));
        CHECK(made.cache.version_of(made.key) != version);
        CHECK(made.cache.version_of(question) == answered);
    }
    SECTION("another answer of the same time") {
        auto revoked = *made.cache.find_answer(question, made.now);
        revoked.status = ocsp_status::revoked;
        CHECK(made.cache.put_answer(question, revoked));
        CHECK(made.cache.version_of(made.key) == version);
        CHECK(made.cache.version_of(question) != answered);
    }
}

TEST_CASE("revocation_cache: an older OCSP answer does not replace a newer one", "[policy][revocation_cache]") {
    cache_fixture made;
    auto const key = named(kind::ocsp, "question");
    made.cache.put_answer(key, made.answer(-1, ocsp_status::revoked));
    made.cache.put_answer(key, made.answer(-2, ocsp_status::good));
    CHECK(made.cache.find_answer(key, made.now)->status == ocsp_status::revoked);
    made.cache.put_answer(key, made.answer(0, ocsp_status::good));
    CHECK(made.cache.find_answer(key, made.now)->status == ocsp_status::good);
}

TEST_CASE("revocation_cache: answers, issuers and failures are held until their time", "[policy][revocation_cache]") {
    cache_fixture made;
    auto const key = named(kind::ocsp, "question");
    auto const until = made.now + seconds(10);
    made.cache.put_answer(key, {ocsp_status::good, made.now, std::nullopt, until});
    made.cache.put_failure(key, {"words", true}, until);
    made.cache.put_issuers(key, test::list_of({&made.issuer}), until);
    CHECK(made.cache.find_answer(key, until - seconds(1)));
    CHECK_FALSE(made.cache.find_answer(key, until));
    REQUIRE(made.cache.find_failure(key, until - seconds(1)));
    CHECK(made.cache.find_failure(key, until - seconds(1))->words == "words");
    CHECK(made.cache.find_failure(key, until - seconds(1))->timed_out);
    CHECK_FALSE(made.cache.find_failure(key, until));
    CHECK(made.cache.find_issuers(key, until - seconds(1)).size() == 1);
    CHECK(made.cache.find_issuers(key, until).empty());
}

TEST_CASE("revocation_cache: a list or an answer ends the pause after a failure (B-263)",
          "[policy][revocation_cache]") {
    cache_fixture made;
    auto const until = made.now + seconds(10);
    made.cache.put_failure(made.key, {"words", false}, until);
    made.cache.put_crl(made.key, made.list(1));
    CHECK_FALSE(made.cache.find_failure(made.key, made.now));
}

TEST_CASE("revocation_cache: is bounded, and what ends first goes first", "[policy][revocation_cache]") {
    cache_fixture made;
    auto const late = made.list(1, 9), soon = made.list(2, 1), next = made.list(3, 5);
    made.cache.put_crl(named(kind::crl, "late"), late);
    made.cache.put_crl(named(kind::crl, "soon"), soon);
    for (int i = 0; i < 498; ++i)
        made.cache.put_crl(named(kind::crl, std::to_string(i)), next);
    CHECK(made.cache.find_crl(named(kind::crl, "soon")));
    made.cache.put_crl(named(kind::crl, "one more"), next);
    CHECK_FALSE(made.cache.find_crl(named(kind::crl, "soon")));
    CHECK(made.cache.find_crl(named(kind::crl, "late")));
    CHECK(made.cache.find_crl(named(kind::crl, "one more")));
}

TEST_CASE("revocation_cache: lists are bounded in their bytes as well", "[policy][revocation_cache]") {
    cache_fixture made;
    auto const late = made.list(1, 9), soon = made.list(2, 1), next = made.list(3, 5);
    constexpr std::size_t half = 64U << 20U;
    made.cache.put_crl(named(kind::crl, "soon"), soon, half);
    made.cache.put_crl(named(kind::crl, "late"), late, half);
    CHECK(made.cache.find_crl(named(kind::crl, "soon")));
    made.cache.put_crl(named(kind::crl, "next"), next, 1);
    CHECK_FALSE(made.cache.find_crl(named(kind::crl, "soon")));
    CHECK(made.cache.find_crl(named(kind::crl, "late")));
    made.cache.put_crl(named(kind::crl, "late"), made.list(9, 9), 1);  // in its own place
    CHECK(made.cache.find_crl(named(kind::crl, "next")));
}

TEST_CASE("revocation_cache: file names tell kind, name and issuer's key apart and hold nothing of them",
          "[policy][revocation_cache]") {
    auto const name = named(kind::crl, "http://a/../../etc/passwd").file_name();
    CHECK(name.starts_with("crl-"));
    CHECK(name.ends_with(".der"));
    CHECK(name.find('/') == std::string::npos);
    CHECK(name == named(kind::crl, "http://a/../../etc/passwd").file_name());
    CHECK(name != named(kind::ocsp, "http://a/../../etc/passwd").file_name());
    CHECK(name != named(kind::crl, "http://a/../../etc/passwd", 1).file_name());
    CHECK(name != named(kind::crl, "http://a").file_name());
}

TEST_CASE("revocation_cache: files are read as they were written, whole or not at all", "[policy][revocation_cache]") {
    test::temporary_folder const folder;
    auto const key = named(kind::crl, "http://a");
    std::string const bytes("a\0b\r\n\xff", 6);
    CHECK_FALSE(read_cache_file(folder.path(), key));
    CHECK(write_cache_file(folder.path(), key, bytes));
    CHECK(read_cache_file(folder.path(), key) == bytes);
    CHECK(write_cache_file(folder.path(), key, "other"));
    CHECK(read_cache_file(folder.path(), key) == "other");
    CHECK_FALSE(read_cache_file(folder.path(), named(kind::crl, "http://b")));
    auto const files = std::filesystem::directory_iterator(folder.path());
    CHECK(std::distance(begin(files), end(files)) == 1);
}

TEST_CASE("revocation_cache: without a folder, or with one that is gone, there are no files",
          "[policy][revocation_cache]") {
    auto const key = named(kind::crl, "http://a");
    CHECK_FALSE(read_cache_file("", key));
    CHECK(write_cache_file("", key, "bytes"));
    test::temporary_folder const folder;
    CHECK_FALSE(write_cache_file(folder.path() + "/none", key, "bytes"));
    CHECK_FALSE(read_cache_file(folder.path() + "/none", key));
    std::filesystem::create_directory(folder.path() + "/" + key.file_name());
    CHECK_FALSE(write_cache_file(folder.path(), key, "bytes"));
    auto const files = std::filesystem::directory_iterator(folder.path());
    CHECK(std::distance(begin(files), end(files)) == 1);
    auto const read = read_cache_file(folder.path(), key);
    CHECK((!read || read->empty()));
}

TEST_CASE("revocation_cache: many threads may use it at once", "[policy][revocation_cache][threads]") {
    cache_fixture made;
    auto const list = made.list(1);
    std::atomic<int> lost{0};
    auto const work = [&](std::uint8_t number) {
        for (int i = 0; i < 300; ++i) {
            auto const key = named(kind::crl, std::to_string(i % 7), number);
            made.cache.put_crl(key, list);
            made.cache.put_answer(key, made.answer(i % 5));
            made.cache.put_issuers(key, test::list_of({&made.issuer}), made.now + seconds(60));
            made.cache.put_failure(key, {"words", false}, made.now + seconds(60));
            bool const there = made.cache.find_crl(key) == list && made.cache.find_answer(key, made.now) &&
                               made.cache.find_issuers(key, made.now).size() == 1 && made.cache.version_of(key) > 0;
            if (!there) ++lost;
        }
    };
    std::vector<std::thread> threads;
    for (std::uint8_t number = 0; number < 4; ++number)
        threads.emplace_back(work, static_cast<std::uint8_t>(number % 2));
    for (auto& one : threads)
        one.join();
    CHECK(lost == 0);
}
