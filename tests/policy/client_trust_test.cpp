#include "policy/client_trust.hpp"

#include "tests/policy/chain_fixture.hpp"

#include <catch2/catch.hpp>

#include <filesystem>

using namespace ftpsgate;
using namespace ftpsgate::policy;

namespace {

struct trust_fixture {
    test::temporary_folder folder;
    test::identity root = test::make_self_signed(test::authority_request("Root"));
    config::client_certificate_settings settings;
    config::problems faults;

    trust_fixture() {
        settings.policy = config::certificate_policy::require;
        settings.ca_file = named("ca.pem", root.certificate_pem());
    }

    config::file_path named(std::string const& name, std::string const& content) const {
        return {folder.write(name, content), {"gate.toml", 7, 3}};
    }
    std::string crl() const { return test::pem_of(*test::make_crl({}, root)); }

    std::shared_ptr<peer_verifier const> build() {
        faults.clear();
        return build_peer_verifier(settings, "plant", std::make_shared<verification_service>(), faults);
    }
};

}  // namespace

TEST_CASE("client_trust: anchors and lists come from the files that the settings name", "[policy][client_trust]") {
    trust_fixture made;
    auto const second = test::make_self_signed(test::authority_request("Second"));
    made.settings.ca_file = made.named("ca.pem", made.root.certificate_pem() + second.certificate_pem());
    made.settings.crl_files = {made.named("list.pem", made.crl())};
    auto const verifier = made.build();
    CHECK(made.faults.empty());
    REQUIRE(verifier);
    CHECK(verifier->policy() == config::certificate_policy::require);
    CHECK(verifier->anchor_names().size() == 2);
    REQUIRE(verifier->relied_on_lists().size() == 1);
    CHECK(verifier->relied_on_lists().front().issuer == "CN=Root");
}

TEST_CASE("client_trust: the anchors' names are DER, in the order of the file (B-272)", "[policy][client_trust]") {
    trust_fixture made;
    auto const names = made.build()->anchor_names();
    REQUIRE(names.size() == 1);
    auto const* at = reinterpret_cast<std::uint8_t const*>(names.front().data());
    bssl::UniquePtr<X509_NAME> const parsed(d2i_X509_NAME(nullptr, &at, static_cast<long>(names.front().size())));
    REQUIRE(parsed);
    CHECK(name_text(parsed.get()) == "CN=Root");
}

TEST_CASE("client_trust: a site that ignores client certificates has no verifier (B-180)", "[policy][client_trust]") {
    trust_fixture made;
    made.settings.policy = config::certificate_policy::ignore;
    CHECK_FALSE(made.build());
    CHECK(made.faults.empty());
}

TEST_CASE("client_trust: a ca_file that cannot be used is a fault at its place, and there is no verifier",
          "[policy][client_trust]") {
    trust_fixture made;
    SECTION("missing") {
        made.settings.ca_file = config::file_path{made.folder.path() + "/none", {"gate.toml", 7, 3}};
    }
    SECTION("no PEM") {
        made.settings.ca_file = made.named("ca.pem", "rubbish");
    }
    SECTION("a key only") {
        made.settings.ca_file = made.named("ca.pem", made.root.key_pem());
    }
    SECTION("the second is broken") {
        made.settings.ca_file =
            made.named("ca.pem", made.root.certificate_pem() + made.root.certificate_pem().substr(0, 200));
    }
    SECTION("a folder") {
        made.settings.ca_file = config::file_path{made.folder.path(), {"gate.toml", 7, 3}};
    }
    CHECK_FALSE(made.build());
    REQUIRE(made.faults.size() == 1);
    CHECK(made.faults.front().where.line == 7);
    CHECK(made.faults.front().key == "site[plant].client_certificates.ca_file");
}

TEST_CASE("client_trust: crl_files may be PEM, DER and folders of such", "[policy][client_trust]") {
    trust_fixture made;
    auto const der = test::text_of(test::der_of(*test::make_crl({}, made.root)));
    auto const lists = made.folder.path() + "/lists";
    std::filesystem::create_directory(lists);
    std::filesystem::create_directory(lists + "/below");
    made.named("lists/b.crl", der);
    made.named("lists/a.pem", made.crl() + made.crl());
    made.named("lists/.hidden", "rubbish");
    made.settings.crl_files = {{lists, {}}, made.named("list.der", der)};
    auto const verifier = made.build();
    CHECK(made.faults.empty());
    REQUIRE(verifier);
    auto const relied_on = verifier->relied_on_lists();
    REQUIRE(relied_on.size() == 4);
    CHECK(relied_on[0].origin == lists + "/a.pem");
    CHECK(relied_on[2].origin == lists + "/b.crl");
}

TEST_CASE("client_trust: an empty folder has no lists", "[policy][client_trust]") {
    trust_fixture made;
    std::filesystem::create_directory(made.folder.path() + "/lists");
    made.settings.crl_files = {{made.folder.path() + "/lists", {}}};
    REQUIRE(made.build());
    CHECK(made.build()->relied_on_lists().empty());
}

TEST_CASE("client_trust: crl_files that cannot be used are faults that name the file", "[policy][client_trust]") {
    trust_fixture made;
    made.settings.crl_files = {made.named("good.crl", made.crl()),
                               made.named("bad.crl", "rubbish"),
                               {made.folder.path() + "/none", {"gate.toml", 9, 1}}};
    CHECK_FALSE(made.build());
    REQUIRE(made.faults.size() == 2);
    CHECK(made.faults[0].key == "site[plant].client_certificates.crl_files");
    CHECK(made.faults[0].message.find("bad.crl") != std::string::npos);
    CHECK(made.faults[1].where.line == 9);
}

TEST_CASE("client_trust: delta lists are not relied on alone", "[policy][client_trust]") {
    trust_fixture made;
    made.settings.crl_files = {
        made.named("delta.crl", test::pem_of(*test::make_crl({.number = 2, .base = 1}, made.root)))};
    REQUIRE(made.build());
    CHECK(made.build()->relied_on_lists().empty());
}

TEST_CASE("client_trust: sites that treat certificates differently have different ids", "[policy][client_trust]") {
    trust_fixture made;
    auto const id = made.build()->id();
    CHECK(made.build()->id() == id);
    auto const changed = [&](auto const& change) {
        auto const before = made.settings;
        change(made.settings);
        auto const other = made.build()->id();
        made.settings = before;
        return other != id;
    };
    using settings = config::client_certificate_settings;
    CHECK(changed([](settings& s) { s.policy = config::certificate_policy::allow; }));
    CHECK(changed([](settings& s) { s.flags.no_revocation_check = true; }));
    CHECK(changed([](settings& s) { s.flags.revocation_cache_only = true; }));
    CHECK(changed([](settings& s) { s.flags.url_retrieval_cache_only = true; }));
    CHECK(changed([](settings& s) { s.flags.no_usage_check = true; }));
    CHECK(changed([](settings& s) { s.revocation_unavailable = config::unavailable_revocation::accept; }));
    CHECK(changed([](settings& s) { s.revocation_freshness_time = std::chrono::hours(1); }));
    CHECK(changed([&](settings& s) { s.crl_files = {made.named("list.pem", made.crl())}; }));
    auto const other = test::make_self_signed(test::authority_request("Root"));
    CHECK(changed([&](settings& s) { s.ca_file = made.named("other.pem", other.certificate_pem()); }));
}
