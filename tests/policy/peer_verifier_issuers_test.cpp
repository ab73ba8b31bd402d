// Issuers that the client did not present (B-265), and the cache folder.
#include "policy/peer_verifier.hpp"
#include "tests/policy/peer_bench.hpp"

#include <filesystem>

using namespace ftpsgate;
using namespace ftpsgate::policy;
using namespace std::chrono_literals;
using test::peer_bench;
using test::words_of;

namespace {

// Intermediates whose certificates are at /ca0, /ca1 ... and not presented.
struct issuer_bench : peer_bench {
    issuer_bench() { settings.flags.no_revocation_check = true; }

    test::identity below(test::identity const& issuer, std::string const& name, std::string const& url) const {
        auto request = test::authority_request(name);
        request.issuer_urls = {url};
        return test::make_certificate(request, issuer);
    }
    void build(int count) {
        for (int i = 0; i < count; ++i) {
            auto const& above = i == 0 ? root : authorities.back();
            authorities.push_back(below(above, "CA " + std::to_string(i), server.url("/ca" + std::to_string(i - 1))));
            publish(i);
        }
        leaf = test::make_certificate({.issuer_urls = {server.url("/ca" + std::to_string(count - 1))}},
                                      authorities.back());
    }
    void publish(int number) {
        auto const& one = authorities[static_cast<std::size_t>(number)];
        server.serve("/ca" + std::to_string(number), test::text_of(*one.certificate), "application/pkix-cert");
    }

    std::vector<test::identity> authorities;
    test::identity leaf;
};

std::string pkcs7_of(std::vector<test::identity const*> const& whose) {
    bssl::UniquePtr<STACK_OF(X509)> const certificates(sk_X509_new_null());
    for (auto const* one : whose)
        bssl::PushToStack(certificates.get(), bssl::UpRef(one->certificate));
    bssl::ScopedCBB out;
    REQUIRE(CBB_init(out.get(), 0) == 1);
    REQUIRE(PKCS7_bundle_certificates(out.get(), certificates.get()) == 1);
    return {reinterpret_cast<char const*>(CBB_data(out.get())), CBB_len(out.get())};
}

std::vector<std::string> files_of(std::string const& folder) {
    std::vector<std::string> names;
    for (auto const& entry : std::filesystem::directory_iterator(folder))
        names.push_back(entry.path().string());
    return names;
}

}  // namespace

TEST_CASE("peer_verifier: missing issuers are fetched, up to four (B-265)", "[policy][peer_verifier][issuers]") {
    issuer_bench made;
    int const count = GENERATE(1, 4, 5);
    made.build(count);
    auto const verdict = made.verify(made.leaf);
    INFO(words_of(verdict));
    CHECK(verdict->reason == (count <= 4 ? refusal::none : refusal::untrusted));
    CHECK(made.server.connections() == static_cast<std::size_t>(std::min(count, 4)));
    if (count > 4) return;
    CHECK(verdict->chain.size() == static_cast<std::size_t>(count) + 2);
    CHECK(made.verify(made.leaf)->peer);
    CHECK(made.server.connections() == static_cast<std::size_t>(count));
}

TEST_CASE("peer_verifier: URLs that are not http are no fetches (B-265)", "[policy][peer_verifier][issuers]") {
    issuer_bench made;
    made.build(1);
    made.leaf =
        test::make_certificate({.issuer_urls = {"ldap://127.0.0.1/a", "ldap://127.0.0.1/b", "https://127.0.0.1/",
                                                "ldap://127.0.0.1/c", made.server.url("/ca0")}},
                               made.authorities.front());
    CHECK(made.verify(made.leaf)->peer);
}

TEST_CASE("peer_verifier: issuers are fetched from hosts in url_allow only (B-265, A-081)",
          "[policy][peer_verifier][issuers]") {
    issuer_bench made;
    made.build(1);
    made.allow({"10.0.0.0/8", "other.example"});
    auto const verdict = made.verify(made.leaf);
    CHECK(verdict->reason == refusal::untrusted);
    CHECK(made.server.connections() == 0);
    made.allow({"127.0.0.1"});
    CHECK(made.verify(made.leaf)->peer);
    // Nor does a site learn what another has fetched, where it may not ask itself.
    made.allow({});
    CHECK(made.verify(made.leaf)->reason == refusal::untrusted);
}

TEST_CASE("peer_verifier: under url-retrieval-cache-only issuers are not fetched, lists are (B-256)",
          "[policy][peer_verifier][issuers]") {
    issuer_bench made;
    made.build(1);
    made.settings.flags.url_retrieval_cache_only = true;
    CHECK(made.verify(made.leaf)->reason == refusal::untrusted);
    CHECK(made.server.connections() == 0);
    made.settings.flags.url_retrieval_cache_only = false;
    CHECK(made.verify(made.leaf)->peer);
    made.settings.flags.url_retrieval_cache_only = true;
    CHECK(made.verify(made.leaf)->peer);  // held
    made.settings.flags.no_revocation_check = false;
    CHECK(made.verify(made.issue())->peer);
    CHECK(made.server.requests("/crl") == 1);
}

TEST_CASE("peer_verifier: issuers may come in PKCS#7, among others (B-265)", "[policy][peer_verifier][issuers]") {
    issuer_bench made;
    made.build(2);
    auto const other = test::make_self_signed(test::authority_request("Other"));
    made.server.serve("/ca1", pkcs7_of({&other, &made.authorities[1], &made.authorities[0]}));
    auto const verdict = made.verify(made.leaf);
    INFO(words_of(verdict));
    CHECK(verdict->peer);
    CHECK(made.server.connections() == 1);
}

TEST_CASE("peer_verifier: what comes in place of an issuer is not believed (B-265)",
          "[policy][peer_verifier][issuers]") {
    issuer_bench made;
    made.build(1);
    auto const twin = test::make_self_signed(test::authority_request("CA 0"));
    SECTION("rubbish") {
        made.server.serve("/ca0", "rubbish");
    }
    SECTION("PKCS#7 without certificates") {
        made.server.serve("/ca0", pkcs7_of({}));
    }
    SECTION("too much") {
        made.server.serve("/ca0", std::string(70'000, 'x'));
    }
    SECTION("another key") {
        made.server.serve("/ca0", test::text_of(*twin.certificate));
    }
    SECTION("the orphan itself") {
        made.server.serve("/ca0", test::text_of(*made.leaf.certificate));
    }
    SECTION("nothing") {
        made.server.remove("/ca0");
    }
    auto const verdict = made.verify(made.leaf);
    CHECK(verdict->reason == refusal::untrusted);
    CHECK(made.server.requests("/ca0") == 1);
}

TEST_CASE("peer_verifier: issuers are not fetched for a complete path (B-265)", "[policy][peer_verifier][issuers]") {
    issuer_bench made;
    made.build(1);
    CHECK(made.verify({&made.leaf, &made.authorities.front()})->peer);
    test::identity const spoilt{test::with_bad_signature(*made.leaf.certificate), nullptr};
    CHECK(made.verify({&spoilt, &made.authorities.front()})->reason == refusal::bad_signature);
    CHECK(made.server.connections() == 0);
}

TEST_CASE("peer_verifier: the cache folder survives the service (B-263)", "[policy][peer_verifier][folder]") {
    peer_bench made;
    test::temporary_folder const folder;
    made.settings.revocation_cache = config::file_path{folder.path(), {}};
    auto const by_list = made.issue();
    auto const by_answer = made.issue_plain({.ocsp_urls = {made.server.url("/ocsp")}});
    made.respond("/ocsp", by_answer);
    CHECK(made.verify(by_list)->peer);
    CHECK(made.verify(by_answer)->peer);
    CHECK(files_of(folder.path()).size() == 2);
    auto const before = made.server.connections();
    made.settings.flags.revocation_cache_only = GENERATE(false, true);
    made.service = std::make_shared<verification_service>(2);
    for (auto const* one : {&by_list, &by_answer}) {
        auto const verdict = made.verify(*one);
        INFO(words_of(verdict));
        CHECK(verdict->peer);
        CHECK(verdict->chain.front().source == revocation_source::cache);
    }
    CHECK(made.server.connections() == before);
}

TEST_CASE("peer_verifier: revoked stays revoked across a restart", "[policy][peer_verifier][folder]") {
    peer_bench made;
    test::temporary_folder const folder;
    made.settings.revocation_cache = config::file_path{folder.path(), {}};
    auto const by_list = made.issue();
    auto const by_answer = made.issue_plain({.ocsp_urls = {made.server.url("/ocsp")}});
    made.serve("/crl", made.listing(by_list));
    made.respond("/ocsp", by_answer, {.status = test::ocsp_word::revoked});
    CHECK(made.verify(by_list)->reason == refusal::revoked);
    CHECK(made.verify(by_answer)->reason == refusal::revoked);
    made.service = std::make_shared<verification_service>(2);
    made.server.remove("/crl");
    made.server.remove("/ocsp");
    CHECK(made.verify(by_list)->reason == refusal::revoked);
    CHECK(made.verify(by_answer)->reason == refusal::revoked);
}

TEST_CASE("peer_verifier: files of the cache folder that are corrupt, or of others, are not believed",
          "[policy][peer_verifier][folder]") {
    peer_bench made;
    test::temporary_folder const folder;
    made.settings.revocation_cache = config::file_path{folder.path(), {}};
    auto const by_list = made.issue();
    auto const by_answer = made.issue_plain({.ocsp_urls = {made.server.url("/ocsp")}});
    made.respond("/ocsp", by_answer);
    CHECK(made.verify(by_list)->peer);
    CHECK(made.verify(by_answer)->peer);
    auto const names = files_of(folder.path());
    REQUIRE(names.size() == 2);
    auto const stranger = test::make_self_signed(test::authority_request("Root"));
    auto const forged = GENERATE(0, 1, 2);
    for (auto const& name : names) {
        std::string content;
        if (forged == 1) content = "rubbish";
        if (forged == 2) content = test::text_of(test::der_of(*test::make_crl({}, stranger)));
        std::filesystem::remove(name);
        folder.write(std::filesystem::path(name).filename().string(), content);
    }
    made.service = std::make_shared<verification_service>(2);
    CHECK(made.verify(by_list)->peer);
    CHECK(made.verify(by_answer)->peer);
    CHECK(made.server.requests("/crl") == 2);
    CHECK(made.server.requests("/ocsp") == 2);
}

TEST_CASE("peer_verifier: a list in the folder that does not help does not keep the network away",
          "[policy][peer_verifier][folder]") {
    peer_bench made;
    test::temporary_folder const folder;
    made.settings.revocation_cache = config::file_path{folder.path(), {}};
    auto const leaf = made.issue();
    // Of the right issuer, and not for clients: as when the CA had mixed up its files for a while.
    test::crl_request list{.number = 1};
    list.point = test::issuing_point{.only_authority = true};
    made.serve("/crl", list);
    CHECK(made.verify(leaf)->reason == refusal::revocation_unknown);
    made.serve("/crl", {.number = 2});
    if (GENERATE(false, true)) made.service = std::make_shared<verification_service>(2);
    made.forget("/crl");
    auto const verdict = made.verify(leaf);
    INFO(words_of(verdict));
    CHECK(verdict->peer);
}

TEST_CASE("peer_verifier: a folder that cannot be written to does no harm", "[policy][peer_verifier][folder]") {
    peer_bench made;
    test::temporary_folder const folder;
    made.settings.revocation_cache = config::file_path{folder.path() + "/none", {}};
    CHECK(made.verify(made.issue())->peer);
}
