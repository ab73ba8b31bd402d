// Accounts of Active Directory that may and may not log in, and what the gate remembers of a directory.
#include "policy/account_state.hpp"

#include "policy/directory_cache.hpp"
#include "policy/work_queue.hpp"

#include <catch2/catch.hpp>

#include <array>
#include <future>
#include <string>
#include <utility>

namespace {

using namespace ftpsgate::policy;
using namespace std::chrono_literals;
using std::chrono::system_clock;

ldap_entry account(std::initializer_list<std::pair<char const*, char const*>> attributes) {
    ldap_entry entry;
    entry.dn = "CN=bob";
    for (auto const& [name, value] : attributes)
        entry.attributes[name].emplace_back(value);
    return entry;
}

// 2001-09-09T01:46:40Z, which is 126444736000000000 in the directory.
system_clock::time_point const now{1'000'000'000s};
constexpr char control[] = "useraccountcontrol", computed[] = "msds-user-account-control-computed";
constexpr char lockout[] = "lockouttime", expires[] = "accountexpires";

}  // namespace

TEST_CASE("account_state: disabled, locked out, expired and unreadable accounts are refused",
          "[policy][account_state]") {
    struct row {
        char const* name;
        ldap_entry entry;
        char const* fault;
    };
    auto const one = GENERATE(values<row>({
        {"normal", account({{control, "512"}}), ""},
        {"all is well", account({{control, "512"}, {computed, "0"}, {lockout, "0"}, {expires, "0"}}), ""},
        {"disabled", account({{control, "514"}}), "it is disabled"},
        {"disabled, smart card required", account({{control, "262658"}}), "it is disabled"},
        {"locked, as it was kept once", account({{control, "528"}}), "it is locked out"},
        {"locked, computed", account({{control, "512"}, {computed, "16"}}), "it is locked out"},
        {"password expired", account({{control, "512"}, {computed, "8388608"}}), ""},
        {"the lock has ended", account({{control, "512"}, {computed, "0"}, {lockout, "126444000000000000"}}), ""},
        {"lock of unknown end", account({{control, "512"}, {lockout, "126444000000000000"}}), "it is locked out"},
        {"unreadable lock", account({{control, "512"}, {lockout, "x"}}), "it is locked out"},
        {"never expires", account({{control, "512"}, {expires, "9223372036854775807"}}), ""},
        {"expires later", account({{control, "512"}, {expires, "126444736000000001"}}), ""},
        {"expires now", account({{control, "512"}, {expires, "126444736000000000"}}), "it has expired"},
        {"expired", account({{control, "512"}, {expires, "1"}}), "it has expired"},
        {"unreadable end", account({{control, "512"}, {expires, "soon"}}), "its accountExpires cannot be read"},
        {"two ends", account({{control, "512"}, {expires, "0"}, {expires, "0"}}), "its accountExpires cannot be read"},
        {"no state", account({}), "its userAccountControl cannot be read"},
        {"bad state", account({{control, "512x"}}), "its userAccountControl cannot be read"},
        {"empty state", account({{control, ""}}), "its userAccountControl cannot be read"},
    }));
    INFO(one.name);
    CHECK(fault_of_account(one.entry, now) == one.fault);
}

TEST_CASE("account_state: the name for the backend is the one value of the attribute, fit for a line (B-192)",
          "[policy][account_state]") {
    std::string fault;
    CHECK(backend_name_of(account({{"samaccountname", "bob"}}), "sAMAccountName", fault) == "bob");
    CHECK(fault.empty());
    for (auto const& entry :
         {account({}), account({{"samaccountname", "a"}, {"samaccountname", "b"}}), account({{"samaccountname", ""}}),
          account({{"samaccountname", "bob\r\nDELE x"}}), account({{"samaccountname", " bob"}}),
          account({{"samaccountname", "bob "}}), account({{"samaccountname", "bob\x1B[2J"}}),
          account({{"samaccountname", "bob\x7F"}}), account({{"samaccountname", "bob\xE2\x80\xA8"}}),
          account({{"samaccountname", "bob\xE2\x80\x8B"}})}) {
        fault.clear();
        CHECK_FALSE(backend_name_of(entry, "sAMAccountName", fault));
        CHECK_FALSE(fault.empty());
    }
}

TEST_CASE("account_state: an account has the SID that the certificate names (KB5014754)", "[policy][account_state]") {
    std::string const sid("\1\1\0\0\0\0\0\5\x12\0\0\0", 12), other("\1\1\0\0\0\0\0\5\x13\0\0\0", 12);
    ldap_entry entry;
    CHECK(fault_of_sid(entry, "").empty());
    CHECK_FALSE(fault_of_sid(entry, sid).empty());  // one that the gate may not see could be any
    entry.attributes["objectsid"] = {sid};
    CHECK(fault_of_sid(entry, "").empty());
    CHECK(fault_of_sid(entry, sid).empty());
    CHECK_FALSE(fault_of_sid(entry, other).empty());
    CHECK_FALSE(fault_of_sid(entry, sid.substr(0, 11)).empty());
    entry.attributes["objectsid"] = {sid, other};
    CHECK_FALSE(fault_of_sid(entry, sid).empty());
}

TEST_CASE("directory_cache: accounts and their absence are remembered for a while, refusals are not",
          "[policy][directory_cache]") {
    directory_cache cache(1000ms);
    directory_cache::time_point const start{};
    sha256_digest const bob{1}, ann{2}, eve{3};
    cache.put(bob, {directory_answer::kind::found, "CN=bob", "bob", "", {}}, start);
    cache.put(ann, {directory_answer::kind::none, "", "", "", {}}, start);
    cache.put(eve, {directory_answer::kind::refused, "", "", "it is disabled", {}}, start);
    REQUIRE(cache.find(bob, start + 999ms));
    CHECK(cache.find(bob, start)->user == "bob");
    REQUIRE(cache.find(ann, start));
    CHECK(cache.find(ann, start)->what == directory_answer::kind::none);
    CHECK_FALSE(cache.find(eve, start));
    CHECK_FALSE(cache.find(bob, start + 1000ms));
    cache.put(bob, {directory_answer::kind::none, "", "", "", {}}, start + 500ms);
    CHECK(cache.find(bob, start + 1400ms)->what == directory_answer::kind::none);
}

TEST_CASE("directory_cache: it is bounded, and off when the time is zero", "[policy][directory_cache]") {
    directory_answer const found{directory_answer::kind::found, "CN=bob", "bob", "", {}};
    directory_cache off(0ms);
    off.put({1}, found, {});
    CHECK_FALSE(off.find({1}, {}));
    directory_cache small(1000ms, 2);
    for (std::uint8_t number = 1; number <= 3; ++number)
        small.put({number}, found, {});
    CHECK_FALSE(small.find({1}, {}));
    CHECK((small.find({2}, {}) && small.find({3}, {})));
}

TEST_CASE("work_queue: a full queue takes no more, and what waits is dropped at the end", "[policy][work_queue]") {
    std::promise<void> started, go;
    auto const ledger = std::make_shared<thread_ledger>();
    auto const released = go.get_future().share();
    auto waiting = std::make_shared<int>(0);
    std::weak_ptr<int> const seen = waiting;
    {
        work_queue queue(1, 2, ledger);
        REQUIRE(queue.push([&](std::size_t) {
            started.set_value();
            released.wait();
        }));
        started.get_future().wait();
        REQUIRE(queue.push([waiting](std::size_t) { ++*waiting; }));
        REQUIRE(queue.push([waiting](std::size_t) { ++*waiting; }));
        CHECK_FALSE(queue.push([](std::size_t) {}));
        // Ends the piece under way once the queue is being destroyed or not: both must go well.
        go.set_value();
    }
    REQUIRE(ledger->wait_until_empty(10s));
    waiting.reset();
    CHECK(seen.expired());
}

TEST_CASE("work_queue: its end waits for nothing that is under way, the ledger knows of it", "[policy][work_queue]") {
    std::promise<void> started, go;
    auto const released = go.get_future().share();
    auto const ledger = std::make_shared<thread_ledger>();
    {
        work_queue queue(1, 1, ledger);
        REQUIRE(queue.push([&](std::size_t) {
            started.set_value();
            released.wait();
        }));
        started.get_future().wait();
    }
    CHECK_FALSE(ledger->wait_until_empty(0ms));
    go.set_value();
    CHECK(ledger->wait_until_empty(10s));
}

TEST_CASE("work_queue: one of its own threads may destroy it", "[policy][work_queue]") {
    auto const ledger = std::make_shared<thread_ledger>();
    auto queue = std::make_shared<work_queue>(2, 2, ledger);
    auto* const raw = queue.get();
    raw->push([held = std::move(queue)](std::size_t) mutable { held.reset(); });
    CHECK(ledger->wait_until_empty(10s));
}
