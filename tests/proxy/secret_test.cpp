#include "proxy/ftp/secret.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <cstdlib>
#include <new>
#include <ostream>
#include <string>
#include <type_traits>

using ftpsgate::ftp::secret_string;

namespace {

// The block that a test looks at when it is freed: afterwards nobody may.
struct {
    void const* block = nullptr;
    std::size_t size = 0;
    bool freed = false;
    bool wiped = false;
} watched;

void watch(secret_string const& secret) {
    watched = {secret.reveal().data(), secret.size(), false, false};
}

void freeing(void* block) noexcept {
    if (!block || block != watched.block) return;
    auto const* bytes = static_cast<volatile char const*>(block);
    watched.freed = true;
    watched.wiped = std::all_of(bytes, bytes + watched.size, [](char each) { return each == 0; });
    watched.block = nullptr;
}

template <typename Secret>
concept printable = requires(std::ostream& out, Secret const& secret) {
    out << secret;
};
template <typename Secret>
concept comparable = requires(Secret const& secret) {
    secret == secret;
};

bool holds(std::string const& text, std::string_view word) {
    return std::string_view(text.data(), text.capacity()).find(word) != std::string_view::npos;
}

}  // namespace

void* operator new[](std::size_t size) {
    if (void* const block = std::malloc(size)) return block;
    throw std::bad_alloc();
}
void operator delete[](void* block) noexcept {
    freeing(block);
    std::free(block);
}
void operator delete[](void* block, std::size_t) noexcept {
    freeing(block);
    std::free(block);
}

TEST_CASE("secret: it cannot be printed, compared, copied or turned into text by accident", "[ftp][secret]") {
    STATIC_REQUIRE(!printable<secret_string>);
    STATIC_REQUIRE(!comparable<secret_string>);
    STATIC_REQUIRE(!std::is_copy_constructible_v<secret_string>);
    STATIC_REQUIRE(!std::is_copy_assignable_v<secret_string>);
    STATIC_REQUIRE(!std::is_convertible_v<secret_string, std::string>);
    STATIC_REQUIRE(!std::is_convertible_v<secret_string, std::string_view>);
    STATIC_REQUIRE(!std::is_convertible_v<std::string, secret_string>);
    STATIC_REQUIRE(std::is_nothrow_move_constructible_v<secret_string>);
    CHECK(Catch::Detail::stringify(secret_string("hunter2")) == "{?}");
}

TEST_CASE("secret: reveal gives back every byte", "[ftp][secret]") {
    CHECK(secret_string().reveal().empty());
    CHECK(secret_string("").empty());
    CHECK(secret_string("pa ss").reveal() == "pa ss");
    std::string const odd("a\0\xff", 3);
    CHECK(secret_string(odd).reveal() == odd);
    CHECK(secret_string(std::string(5000, 'x')).size() == 5000);
}

TEST_CASE("secret: its bytes are wiped before they are freed (A-104)", "[ftp][secret]") {
    auto const text = GENERATE(std::string("short"), std::string(300, 'p'));
    SECTION("on destruction") {
        secret_string secret(text);
        watch(secret);
        { secret_string const inner = std::move(secret); }
    }
    SECTION("on reassignment") {
        secret_string secret(text);
        watch(secret);
        secret = secret_string("other");
        CHECK(secret.reveal() == "other");
    }
    SECTION("by wipe()") {
        secret_string secret(text);
        watch(secret);
        secret.wipe();
        CHECK(secret.empty());
    }
    CHECK(watched.freed);
    CHECK(watched.wiped);
}

TEST_CASE("secret: moving hands over the bytes and leaves nothing behind", "[ftp][secret]") {
    secret_string from("hunter2");
    auto const* const bytes = from.reveal().data();
    secret_string to = std::move(from);
    CHECK(to.reveal().data() == bytes);
    CHECK(from.empty());  // NOLINT: that is the question
    secret_string& same = to;
    to = std::move(same);
    CHECK(to.reveal() == "hunter2");
    CHECK(to.clone().reveal() == "hunter2");
}

TEST_CASE("secret: take wipes the source, small strings and the unused rest included", "[ftp][secret]") {
    SECTION("small string") {
        std::string source = "hunter2";
        CHECK(secret_string::take(source).reveal() == "hunter2");
        CHECK(source.empty());
        CHECK_FALSE(holds(source, "unter2"));
    }
    SECTION("string that once was longer") {
        std::string source = "a long line with the password hunter2";
        source.resize(20);
        ftpsgate::ftp::wipe(source);
        CHECK(source.empty());
        CHECK_FALSE(holds(source, "hunter2"));
        CHECK_FALSE(holds(source, "long"));
    }
}
