// Filters keep their shape whatever is in a value (RFC 4515): the reader below takes them apart by the grammar.
#include "policy/ldap_filter.hpp"

#include <catch2/catch.hpp>

#include <random>
#include <string>
#include <utility>
#include <vector>

namespace {

using namespace ftpsgate::policy;

// filtercomp = and / or / item, of which the builder uses these. Anything else is a failure.
class filter_reader {
public:
    explicit filter_reader(std::string text) : rest_(std::move(text)) {}

    /// The assertions as "ATTRIBUTE=VALUE", unescaped, in order; "&" and "|" open a list, ")" closes it.
    std::vector<std::string> read() {
        component();
        REQUIRE(rest_.empty());
        return std::move(parts_);
    }

private:
    char take() {
        REQUIRE_FALSE(rest_.empty());
        char const first = rest_.front();
        rest_.erase(0, 1);
        return first;
    }

    void component() {
        REQUIRE(take() == '(');
        if (rest_.starts_with('&') || rest_.starts_with('|')) {
            parts_.emplace_back(1, take());
            while (rest_.starts_with('('))
                component();
            parts_.emplace_back(")");
            REQUIRE(take() == ')');
            return;
        }
        std::string item;
        for (char next = take(); next != ')'; next = take()) {
            // value = 0*(normal / escaped): no NUL, '(', ')', '*', '\' but as "\xx", nor bytes beyond ASCII here.
            REQUIRE((next != '\0' && next != '(' && next != '*' && static_cast<unsigned char>(next) < 0x80));
            if (next != '\\') {
                item += next;
                continue;
            }
            std::string const hex{take(), take()};
            REQUIRE(hex.find_first_not_of("0123456789abcdef") == std::string::npos);
            item += static_cast<char>(std::stoi(hex, nullptr, 16));
        }
        parts_.push_back(item);
    }

    std::string rest_;
    std::vector<std::string> parts_;
};

}  // namespace

TEST_CASE("ldap_filter: what RFC 4515 demands to be escaped is", "[policy][ldap_filter]") {
    using row = std::pair<std::string, std::string>;
    auto const [value, expected] = GENERATE(values<row>({
        {"alice", "alice"},
        {"a*", "a\\2a"},
        {"(a)", "\\28a\\29"},
        {"a\\b", "a\\5cb"},
        {std::string("a\0b", 3), "a\\00b"},
        {std::string("a\0", 2), "a\\00"},
        {"a b ", "a\\20b\\20"},
        {"\xc3\xa9", "\\c3\\a9"},
        {"X509:<S>CN=a", "X509:\\3cS\\3eCN=a"},
        {"*)(objectClass=*", "\\2a\\29\\28objectClass=\\2a"},
        {"a)(|(cn=*", "a\\29\\28\\7c\\28cn=\\2a"},
        {"\r\n", "\\0d\\0a"},
        {"", ""},
    }));
    CHECK(escape_filter_value(value) == expected);
    CHECK(equality_filter("cn", value) == "(cn=" + expected + ")");
}

TEST_CASE("ldap_filter: every byte in every place comes back as one value of one assertion", "[policy][ldap_filter]") {
    for (int byte = 0; byte < 256; ++byte) {
        auto const c = static_cast<char>(byte);
        for (auto const& value : {std::string{c}, std::string{c, 'a'}, std::string{'a', c}, std::string{'a', c, 'b'}}) {
            std::vector<std::string> const expected{"&", "objectClass=user", "userPrincipalName=" + value, ")"};
            REQUIRE(filter_reader(account_filter("userPrincipalName", {value})).read() == expected);
        }
    }
}

TEST_CASE("ldap_filter: random values come back as they were, and any of them will do", "[policy][ldap_filter]") {
    std::mt19937 random(4515);  // NOLINT: the same in every run
    std::uniform_int_distribution<int> some_byte(0, 255), some_size(0, 60);
    for (int round = 0; round < 500; ++round) {
        std::vector<std::string> values(2);
        for (auto& value : values)
            for (int size = some_size(random); size > 0; --size)
                value += static_cast<char>(some_byte(random));
        std::vector<std::string> const expected{"&", "objectClass=user", "|", "a=" + values[0], "a=" + values[1], ")",
                                                ")"};
        REQUIRE(filter_reader(account_filter("a", values)).read() == expected);
    }
}

TEST_CASE("ldap_filter: the name of an attribute cannot change the filter", "[policy][ldap_filter]") {
    CHECK(is_attribute_description("sAMAccountName"));
    CHECK(is_attribute_description("userCertificate;binary"));
    CHECK(is_attribute_description("1.2.840.113556.1.4.221"));
    for (auto const* text : {"", "a=b", "a)(b", "a*", " a", "a ", "-a", "a\n", "a:dn", "&", "\xc3\xa9"})
        CHECK_FALSE(is_attribute_description(text));
}
