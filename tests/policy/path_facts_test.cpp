// What a path leaves open, of paths and trust anchors as they come.
#include "policy/path_facts.hpp"

#include "tests/policy/chain_fixture.hpp"

#include <catch2/catch.hpp>

using namespace ftpsgate;
using namespace ftpsgate::test;

namespace {

bool several(std::vector<identity const*> const& trusted) {
    return policy::have_several_roots(list_of(trusted));
}

/// With this key, or a new one.
identity authority(std::string const& name, identity const& issuer, EVP_PKEY* key = nullptr) {
    auto request = authority_request(name);
    request.own_key = key;
    return make_certificate(request, issuer);
}

}  // namespace

TEST_CASE("path_facts: roots are counted by name, and those below one do not count (B-190)", "[policy][path_facts]") {
    chain_fixture const made;
    auto const other = make_self_signed(authority_request("Other"));
    auto const renewed = make_self_signed(authority_request("Root"));
    auto const client = make_self_signed({.subject = common_name("anna")});
    auto const below_other = authority("Middle", other);
    auto const of_the_name = authority("Root", other);
    CHECK_FALSE(several({}));
    CHECK_FALSE(several({&made.root}));
    CHECK_FALSE(several({&made.middle}));
    CHECK_FALSE(several({&made.root, &made.middle}));
    CHECK_FALSE(several({&made.middle, &made.root}));
    CHECK_FALSE(several({&made.root, &renewed}));
    CHECK_FALSE(several({&made.root, &client}));
    CHECK(several({&made.root, &other}));
    CHECK(several({&made.root, &made.middle, &other}));
    CHECK(several({&made.root, &below_other}));
    CHECK(several({&made.middle, &of_the_name}));  // the name of who issued the other is not enough
}

TEST_CASE("path_facts: cross-certificates are below one another", "[policy][path_facts]") {
    chain_fixture const made;
    auto const other = make_self_signed(authority_request("Other"));
    auto const other_by_root = authority("Other", made.root, other.key.get());
    auto const root_by_other = authority("Root", other, made.root.key.get());
    CHECK_FALSE(several({&made.root, &other_by_root}));
    CHECK(several({&root_by_other, &other_by_root}));
}

TEST_CASE("path_facts: an issuer is an anchor by name and key (B-190, A-093)", "[policy][path_facts]") {
    chain_fixture const made;
    auto const other = make_self_signed(authority_request("Other"));
    auto const twin = authority("Middle", other);
    auto const leaf = made.issue({});
    auto const standing = [&](identity const& issuer, std::vector<identity const*> const& trusted) {
        auto const found = policy::facts_of_path(list_of({&leaf, &issuer}), list_of(trusted), several(trusted)).issuer;
        return std::string(found.is_anchor ? "anchor " : "") + (found.is_namesake ? "namesake " : "") +
               (found.is_one_of_many ? "one of many" : "");
    };
    CHECK(standing(made.middle, {&made.root}).empty());
    CHECK(standing(made.middle, {&made.root, &other}) == "one of many");
    CHECK(standing(made.middle, {&made.root, &other, &made.middle}) == "anchor ");
    CHECK(standing(twin, {&made.root, &other, &made.middle}) == "namesake one of many");
    CHECK(standing(twin, {&made.root, &made.middle}) == "namesake ");
    CHECK(standing(authority("Middle", other, made.middle.key.get()), {&made.root, &other, &made.middle}) == "anchor ");
    CHECK(standing(made.middle, {&made.middle, &twin}) == "anchor ");
    auto const alone = policy::facts_of_path(list_of({&leaf}), list_of({&leaf}), true).issuer;
    CHECK_FALSE((alone.is_anchor || alone.is_namesake || alone.is_one_of_many));
}
