#include "proxy/refusals.hpp"

#include <catch2/catch.hpp>

#include <atomic>
#include <string>
#include <thread>
#include <vector>

namespace ftpsgate::proxy::test {
namespace {

recent_refusals::refusal login(std::string_view client, std::string_view who) {
    return {"login refused", "s", client, who, "530 no"};
}

}  // namespace

TEST_CASE("refusals: the newest comes first, the same again only counts", "[proxy][refusals]") {
    recent_refusals recent;
    recent.note(login("192.0.2.1:1000", "bob"));
    recent.note(login("192.0.2.2:1000", "bob"));
    recent.note(login("192.0.2.1:1001", "bob"));  // another port, the same client
    auto const rows = recent.latest();
    REQUIRE(rows.size() == 2);
    CHECK(rows[0].client == "192.0.2.1");
    CHECK(rows[0].times == 2);
    CHECK(rows[1].client == "192.0.2.2");
    CHECK(rows[0].when >= rows[1].when);
}

TEST_CASE("refusals: one client that tries many names does not push others out", "[proxy][refusals]") {
    recent_refusals recent;
    recent.note(login("[2001:db8::1]:50", "alice"));
    for (int i = 0; i < 1000; ++i)
        recent.note(login("192.0.2.1:1000", std::to_string(i)));
    auto const rows = recent.latest();
    REQUIRE(rows.size() == recent_refusals::kept_of_one_client + 1);
    CHECK(rows.front().who == "999");
    CHECK(rows.back().who == "alice");
    CHECK(rows.back().client == "[2001:db8::1]");
}

TEST_CASE("refusals: there are never more than kept, and no text is longer than the limit", "[proxy][refusals]") {
    recent_refusals recent;
    std::string const huge(100'000, 'x');
    for (int i = 0; i < 200; ++i)
        recent.note({"attack", huge, "192.0.2." + std::to_string(i) + ":1", huge, huge});
    auto const rows = recent.latest();
    CHECK(rows.size() == recent_refusals::kept);
    CHECK(rows.front().client == "192.0.2.199");
    CHECK(rows.front().reason.size() == recent_refusals::longest_text);
    CHECK(rows.front().who.size() == recent_refusals::longest_text);
}

TEST_CASE("refusals: from many threads", "[proxy][refusals]") {
    recent_refusals recent;
    std::atomic<int> wrong{0};
    std::vector<std::thread> threads;
    for (int number = 0; number < 4; ++number)
        threads.emplace_back([&] {
            for (int i = 0; i < 500; ++i) {
                recent.note(login("192.0.2.1:1", "bob"));
                if (recent.latest().size() != 1) ++wrong;
            }
        });
    for (auto& thread : threads)
        thread.join();
    CHECK(wrong == 0);
    CHECK(recent.latest()[0].times == 2000);
}

}  // namespace ftpsgate::proxy::test
