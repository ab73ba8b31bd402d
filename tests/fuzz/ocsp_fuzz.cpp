// Input: a byte of decisions, then an OCSPResponse as a stranger sends it, or (bit 0) a ResponseData that the issuer
// signs here, so that what is behind the signature is reached. Bit 1: a nonce of 0x07 was sent.
//
// The issuer's key comes from a fixed secret and the clock stands still, so that certIDs and times of the corpus stay
// what they are. Its files were made with make_ocsp_response() for world(); those without bit 0 were signed by others
// under the issuer's name, or by delegates that nobody certified.
#include "policy/ocsp.hpp"
#include "tests/fuzz/input.hpp"
#include "tests/support/test_revocation.hpp"

#include <openssl/ec.h>
#include <openssl/ec_key.h>
#include <openssl/nid.h>

#include <initializer_list>

using namespace ftpsgate;

namespace {

// 2026-06-01T00:00:00Z
constexpr policy::time_point now = policy::time_point(std::chrono::seconds(1780272000));

bssl::UniquePtr<EVP_PKEY> fixed_key() {
    static constexpr std::uint8_t secret[] = "not a secret: the same key in every run";
    bssl::UniquePtr<EC_GROUP> const curve(EC_GROUP_new_by_curve_name(NID_X9_62_prime256v1));
    bssl::UniquePtr<EC_KEY> const pair(EC_KEY_derive_from_secret(curve.get(), secret, sizeof secret));
    bssl::UniquePtr<EVP_PKEY> key(EVP_PKEY_new());
    fuzz::require(EVP_PKEY_set1_EC_KEY(key.get(), pair.get()) == 1, "a key can be derived");
    return key;
}

struct parties {
    parties() {
        auto const key = fixed_key();
        auto authority = test::authority_request("Issuer");
        authority.own_key = key.get();
        issuer = test::make_self_signed(authority);
        leaf = test::make_certificate({.subject = test::common_name("anna"),
                                       .serial = {0x41, 2, 3, 4},
                                       .not_before = now - std::chrono::hours(9)},
                                      issuer);
    }
    policy::ocsp_subject subject() const { return {*leaf.certificate, *issuer.certificate}; }

    test::identity issuer;
    test::identity leaf;
};

parties const& world() {
    static parties const both;
    return both;
}

test::bytes sign(test::bytes const& data) {
    bssl::ScopedEVP_MD_CTX context;
    test::bytes made(static_cast<std::size_t>(EVP_PKEY_size(world().issuer.key.get())));
    std::size_t size = made.size();
    fuzz::require(EVP_DigestSignInit(context.get(), nullptr, EVP_sha256(), nullptr, world().issuer.key.get()) == 1 &&
                      EVP_DigestSign(context.get(), made.data(), &size, data.data(), data.size()) == 1,
                  "the issuer can sign");
    made.resize(size);
    return made;
}

test::bytes element(std::uint8_t tag, std::initializer_list<test::bytes> parts) {
    test::bytes content;
    for (auto const& part : parts)
        content.insert(content.end(), part.begin(), part.end());
    auto const size = content.size();
    test::bytes head{tag};
    if (size > 0xff) {
        head.insert(head.end(), {0x82, static_cast<std::uint8_t>(size >> 8U)});
    } else if (size > 0x7f) {
        head.push_back(0x81);
    }
    head.push_back(static_cast<std::uint8_t>(size & 0xffU));
    content.insert(content.begin(), head.begin(), head.end());
    return content;
}

// OCSPResponse around a ResponseData.
test::bytes signed_response(std::string_view rest) {
    test::bytes const data(rest.begin(), rest.end());
    test::bytes const basic_type{6, 9, 0x2b, 6, 1, 5, 5, 7, 0x30, 1, 1};
    test::bytes const ecdsa_sha256{0x30, 10, 6, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 2};
    auto const basic = element(0x30, {data, ecdsa_sha256, element(3, {{0}, sign(data)})});
    return element(0x30, {{0x0a, 1, 0}, element(0xa0, {element(0x30, {basic_type, element(4, {basic})})})});
}

void check_answer(policy::ocsp_answer const& answer, policy::ocsp_rules const& rules) {
    fuzz::require(answer.this_update <= now + rules.skew, "no answer is of the future (B-268)");
    fuzz::require(answer.produced_at <= now + rules.skew, "no answer is made in the future (B-268)");
    if (answer.next_update)
        fuzz::require(*answer.next_update >= now, "no answer is used after its time (B-268)");
    else
        fuzz::require(answer.this_update >= now - rules.max_age, "an answer without an end is recent (B-268)");
    bool const revoked = answer.status == policy::ocsp_status::revoked;
    fuzz::require(revoked == answer.revoked_at.has_value(), "what is revoked was revoked at a time, and only that");
    fuzz::require(!answer.delegate_to_check, "the issuer needs no delegate");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
    fuzz::input in(data, size);
    std::uint8_t const decisions = in.byte();
    bool const by_issuer = (decisions & 1U) != 0;
    policy::ocsp_rules rules{.now = now, .nonce = {}};
    if ((decisions & 2U) != 0) rules.nonce.emplace().fill(7);
    auto const response = by_issuer ? signed_response(in.rest()) : test::bytes(in.rest().begin(), in.rest().end());
    auto const outcome = policy::check_ocsp_response(response, world().subject(), rules);
    if (auto const* answer = std::get_if<policy::ocsp_answer>(&outcome)) {
        fuzz::require(by_issuer, "nobody answers without the issuer's key (B-267)");
        check_answer(*answer, rules);
    } else {
        fuzz::require(!std::get<policy::ocsp_fault>(outcome).words.empty(), "a fault has words");
    }
    return 0;
}
