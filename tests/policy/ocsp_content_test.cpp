// What an OCSP response says: certID, contradictions, nonce, statuses, extensions (B-268, B-269, A-088).
#include "tests/policy/ocsp_fixture.hpp"

#include <catch2/catch.hpp>

#include <algorithm>

using namespace ftpsgate;
using test::ocsp_word;

TEST_CASE("ocsp: what the issuer says about the certificate is the answer (B-268)", "[policy][ocsp]") {
    test::ocsp_fixture const at;
    SECTION("good, named by key") {
        CHECK(at.judge(at.request()) == "good");
    }
    SECTION("named by name") {
        auto made = at.request();
        made.named_by = test::responder_id::by_name;
        CHECK(at.judge(made) == "good");
    }
    SECTION("revoked, with the reason and the time") {
        auto single = at.good();
        single.status = ocsp_word::revoked;
        single.reason = CRL_REASON_CERTIFICATE_HOLD;
        auto const der = test::make_ocsp_response(at.with(single), at.issuer, at.issuer);
        auto const outcome = policy::check_ocsp_response(der, at.subject(), at.rules);
        REQUIRE(test::words_of(outcome) == "revoked");
        CHECK(std::get<policy::ocsp_answer>(outcome).revoked_at == single.revoked_at);
    }
    SECTION("unknown") {
        auto single = at.good();
        single.status = ocsp_word::unknown;
        CHECK(at.judge_single(single) == "unknown");
    }
    SECTION("version 1 in so many words") {
        auto made = at.request();
        made.version = 0;
        CHECK(at.judge(made) == "good");
    }
    SECTION("with extensions that need not be known") {
        auto made = at.request();
        made.raw = {test::unknown_extension(false)};
        made.answers[0].raw = {test::unknown_extension(false)};
        CHECK(at.judge(made) == "good");
    }
}

TEST_CASE("ocsp: times of the answer are handed out (B-268)", "[policy][ocsp]") {
    test::ocsp_fixture const at;
    auto single = at.good();
    single.this_update = test::hours_from_now(-3);
    single.next_update = test::hours_from_now(7);
    auto made = at.with(single);
    made.produced_at = test::hours_from_now(-2);
    auto const der = test::make_ocsp_response(made, at.issuer, at.issuer);
    auto const outcome = policy::check_ocsp_response(der, at.subject(), at.rules);
    auto const* answer = std::get_if<policy::ocsp_answer>(&outcome);
    REQUIRE(answer != nullptr);
    CHECK(answer->this_update == single.this_update);
    CHECK(answer->next_update == single.next_update);
    CHECK(answer->produced_at == made.produced_at);
    CHECK_FALSE(answer->revoked_at);
}

TEST_CASE("ocsp: an answer counts when its certID is the certificate's, in SHA-1 or SHA-256 (B-268, A-088)",
          "[policy][ocsp]") {
    test::ocsp_fixture const at;
    auto const namesake = test::make_self_signed(test::authority_request("Issuer"));
    auto renamed_request = test::authority_request("Renamed");
    renamed_request.own_key = at.issuer.key.get();
    auto const renamed = test::make_self_signed(renamed_request);
    std::string const nothing = "no answer about this certificate";
    auto single = at.good();

    SECTION("SHA-256") {
        single.hash = EVP_sha256();
        CHECK(at.judge_single(single) == "good");
    }
    SECTION("another hash") {
        single.hash = GENERATE(EVP_md5(), EVP_sha384(), EVP_sha512());
        CHECK(at.judge_single(single) == nothing);
    }
    SECTION("the hashes of SHA-1 under another name") {
        auto der = test::make_ocsp_response(at.request(), at.issuer, at.issuer);
        test::bytes const sha1{0x2b, 14, 3, 2, 26};
        auto const found = std::search(der.begin(), der.end(), sha1.begin(), sha1.end());
        REQUIRE(found != der.end());
        found[4] = 29;
        CHECK(at.judge(der) == nothing);  // and not: bad signature
    }
    SECTION("another serial") {
        single.certificate = at.other.certificate.get();
        CHECK(at.judge_single(single) == nothing);
    }
    SECTION("the serial with its sign changed, a zero in front, cut, empty of meaning") {
        auto serial = test::serial_of(*at.leaf.certificate);
        single.serial = serial;
        single.serial[0] ^= 0x80U;
        CHECK(at.judge_single(single) == nothing);
        single.serial = serial;
        single.serial.insert(single.serial.begin(), 0);
        CHECK(at.judge_single(single) == nothing);
        single.serial = {serial.begin(), serial.end() - 1};
        CHECK(at.judge_single(single) == nothing);
        single.serial = {0};
        CHECK(at.judge_single(single) == nothing);
    }
    SECTION("an issuer of the same name with another key") {
        single.issuer = namesake.certificate.get();
        CHECK(at.judge_single(single) == nothing);
    }
    SECTION("an issuer of another name with the same key") {
        single.issuer = renamed.certificate.get();
        CHECK(at.judge_single(single) == nothing);
    }
    SECTION("no answers at all") {
        CHECK(at.judge(test::ocsp_response_request{}) == nothing);
    }
    SECTION("the matching one among others") {
        auto made = at.request();
        made.answers[0].status = ocsp_word::unknown;
        made.answers.push_back({.certificate = at.other.certificate.get(), .status = ocsp_word::revoked});
        made.answers.insert(made.answers.begin(), {.certificate = at.other.certificate.get()});
        CHECK(at.judge(made) == "unknown");
    }
}

TEST_CASE("ocsp: serials are compared as they are, negative and of 20 bytes (B-268)", "[policy][ocsp]") {
    test::ocsp_fixture at;
    test::bytes const serial = GENERATE(test::bytes{0x80}, test::bytes{0}, test::bytes{0xff, 0x7f},
                                        test::bytes(20, 0x7f), test::bytes(20, 0x81));
    at.leaf = test::make_certificate({.subject = test::common_name("anna"), .serial = serial}, at.issuer);
    REQUIRE(test::serial_of(*at.leaf.certificate) == serial);
    CHECK(at.judge(at.request()) == "good");
}

TEST_CASE("ocsp: a responder that contradicts itself is believed the worst (A-088)", "[policy][ocsp]") {
    test::ocsp_fixture const at;
    auto const one = [&](ocsp_word word) {
        auto single = at.good();
        single.status = word;
        return single;
    };
    auto const both = [&](test::ocsp_single const& first, test::ocsp_single const& second) {
        auto made = at.with(first);
        made.answers.push_back(second);
        return at.judge(made);
    };
    CHECK(both(one(ocsp_word::good), one(ocsp_word::revoked)) == "revoked");
    CHECK(both(one(ocsp_word::revoked), one(ocsp_word::good)) == "revoked");
    CHECK(both(one(ocsp_word::unknown), one(ocsp_word::revoked)) == "revoked");
    CHECK(both(one(ocsp_word::good), one(ocsp_word::unknown)) == "unknown");
    CHECK(both(one(ocsp_word::unknown), one(ocsp_word::good)) == "unknown");

    auto elsewhere = one(ocsp_word::revoked);
    elsewhere.hash = EVP_sha256();
    CHECK(both(one(ocsp_word::good), elsewhere) == "revoked");

    auto stale = one(ocsp_word::good);
    stale.next_update = test::hours_from_now(-1);
    CHECK(both(stale, one(ocsp_word::revoked)) == "revoked");
    CHECK_THAT(both(one(ocsp_word::good), stale), Catch::StartsWith("expired at"));
    stale.status = ocsp_word::revoked;
    CHECK_THAT(both(stale, one(ocsp_word::good)), Catch::StartsWith("expired at"));
}

TEST_CASE("ocsp: an echoed nonce is the one that was sent; none is accepted (B-269, A-088)", "[policy][ocsp]") {
    test::ocsp_fixture at;
    policy::ocsp_nonce sent;
    sent.fill(7);
    at.rules.nonce = sent;
    auto made = at.request();
    std::string const other = "the nonce is not the one that was sent";

    CHECK(at.judge(made) == "good");
    made.nonce = test::bytes(32, 7);
    CHECK(at.judge(made) == "good");
    made.nonce = test::bytes(32, 8);
    CHECK(at.judge(made) == other);
    made.nonce = test::bytes(31, 7);
    CHECK(at.judge(made) == other);
    made.nonce = test::bytes(33, 7);
    CHECK(at.judge(made) == other);
    at.rules.nonce.reset();
    CHECK(at.judge(made) == "good");
}

TEST_CASE("ocsp: a nonce that is no OCTET STRING, or one of two, is none to trust (B-269)", "[policy][ocsp]") {
    test::ocsp_fixture at;
    policy::ocsp_nonce sent;
    sent.fill(7);
    at.rules.nonce = sent;
    auto made = at.request();
    made.raw = {{"1.3.6.1.5.5.7.48.1.2", false, test::bytes(32, 7)}};
    CHECK(at.judge(made) == "the nonce is not the one that was sent");
    made.nonce = test::bytes(32, 7);
    CHECK(at.judge(made) == "more than one nonce");
}

TEST_CASE("ocsp: an unknown critical extension makes the response useless (B-268)", "[policy][ocsp]") {
    test::ocsp_fixture const at;
    auto made = at.request();
    SECTION("of the response") {
        made.raw = {test::unknown_extension(true)};
    }
    SECTION("of the answer") {
        made.answers[0].raw = {test::unknown_extension(true)};
    }
    SECTION("of an answer about another certificate") {
        made.answers.push_back({.certificate = at.other.certificate.get(), .raw = {test::unknown_extension(true)}});
    }
    SECTION("a nonce where none belongs") {
        made.answers[0].raw = {{"1.3.6.1.5.5.7.48.1.2", true, {4, 1, 7}}};
    }
    CHECK(at.judge(made) == "unknown critical extension");
}

TEST_CASE("ocsp: an error status, another type or version is a fault in words (B-267)", "[policy][ocsp]") {
    test::ocsp_fixture const at;
    auto made = at.request();
    SECTION("status") {
        auto const [status, words] = GENERATE(table<int, char const*>({{1, "the responder says malformedRequest"},
                                                                       {2, "the responder says internalError"},
                                                                       {3, "the responder says tryLater"},
                                                                       {4, "unknown response status"},
                                                                       {5, "the responder says sigRequired"},
                                                                       {6, "the responder says unauthorized"},
                                                                       {7, "unknown response status"}}));
        made.status = status;
        CHECK(at.judge(made) == words);
    }
    SECTION("type") {
        made.type = "1.3.6.1.5.5.7.48.1.3";
        CHECK(at.judge(made) == "not a basic OCSP response");
    }
    SECTION("version") {
        made.version = 1;
        CHECK(at.judge(made) == "unknown version of OCSP");
    }
}
