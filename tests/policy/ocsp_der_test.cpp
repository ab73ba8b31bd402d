// OCSP on the wire: the question, and answers that are damaged (B-267, A-087).
#include "tests/policy/ocsp_fixture.hpp"

#include <catch2/catch.hpp>
#include <openssl/bytestring.h>
#include <openssl/sha.h>

#include <algorithm>

using namespace ftpsgate;

namespace {

// Takes apart what DER puts around an element.
class opened {
public:
    explicit opened(test::bytes const& der) { CBS_init(&rest_, der.data(), der.size()); }
    explicit opened(CBS rest) : rest_(rest) {}

    opened in(unsigned tag) {
        CBS content;
        REQUIRE(CBS_get_asn1(&rest_, &content, tag) == 1);
        return opened(content);
    }
    test::bytes content(unsigned tag) {
        CBS const found = in(tag).rest_;
        return {CBS_data(&found), CBS_data(&found) + CBS_len(&found)};
    }
    bool at_end() const { return CBS_len(&rest_) == 0; }

private:
    CBS rest_{};
};

test::bytes sha1_of(std::uint8_t const* data, std::size_t size) {
    test::bytes made(SHA_DIGEST_LENGTH);
    SHA1(data, size, made.data());
    return made;
}

}  // namespace

TEST_CASE("ocsp: the question is one SHA-1 certID and the nonce (B-268, B-269)", "[policy][ocsp]") {
    test::ocsp_fixture at;
    test::bytes const serial = GENERATE(test::bytes{5}, test::bytes{0x80, 1}, test::bytes(20, 0x7f));
    at.leaf = test::make_certificate({.serial = serial}, at.issuer);
    policy::ocsp_nonce nonce;
    nonce.fill(9);
    auto const der = policy::build_ocsp_request(at.subject(), nonce);

    opened whole(der);
    opened request = whole.in(CBS_ASN1_SEQUENCE);
    CHECK(whole.at_end());
    opened content = request.in(CBS_ASN1_SEQUENCE);
    CHECK(request.at_end());
    opened list = content.in(CBS_ASN1_SEQUENCE);
    opened single = list.in(CBS_ASN1_SEQUENCE);
    CHECK(list.at_end());
    opened id = single.in(CBS_ASN1_SEQUENCE);
    CHECK(single.at_end());
    CHECK(id.content(CBS_ASN1_SEQUENCE) == test::bytes{6, 5, 0x2b, 14, 3, 2, 26, 5, 0});
    std::uint8_t* name = nullptr;
    int const size = i2d_X509_NAME(X509_get_subject_name(at.issuer.certificate.get()), &name);
    REQUIRE(size > 0);
    bssl::UniquePtr<std::uint8_t> const owner(name);
    CHECK(id.content(CBS_ASN1_OCTETSTRING) == sha1_of(name, static_cast<std::size_t>(size)));
    auto const* const key = X509_get0_pubkey_bitstr(at.issuer.certificate.get());
    CHECK(id.content(CBS_ASN1_OCTETSTRING) ==
          sha1_of(ASN1_STRING_get0_data(key), static_cast<std::size_t>(ASN1_STRING_length(key))));
    CHECK(id.content(CBS_ASN1_INTEGER) == serial);
    CHECK(id.at_end());

    opened extensions = content.in(CBS_ASN1_CONTEXT_SPECIFIC | CBS_ASN1_CONSTRUCTED | 2U).in(CBS_ASN1_SEQUENCE);
    opened extension = extensions.in(CBS_ASN1_SEQUENCE);
    CHECK((content.at_end() && extensions.at_end()));
    CHECK(extension.content(CBS_ASN1_OBJECT) == test::bytes{0x2b, 6, 1, 5, 5, 7, 0x30, 1, 2});
    CHECK(extension.in(CBS_ASN1_OCTETSTRING).content(CBS_ASN1_OCTETSTRING) == test::bytes(32, 9));
    CHECK(extension.at_end());
}

TEST_CASE("ocsp: the question's id is its certID and nothing else", "[policy][ocsp]") {
    test::ocsp_fixture const at;
    auto const id = policy::ocsp_question_id(at.subject());
    REQUIRE_FALSE(id.empty());
    for (std::uint8_t const fill : {std::uint8_t{1}, std::uint8_t{2}}) {
        policy::ocsp_nonce nonce;
        nonce.fill(fill);
        auto const der = policy::build_ocsp_request(at.subject(), nonce);
        CHECK(std::search(der.begin(), der.end(), id.begin(), id.end(), [](std::uint8_t left, char right) {
                  return left == static_cast<std::uint8_t>(right);
              }) != der.end());
    }
    CHECK(policy::ocsp_question_id({*at.other.certificate, *at.issuer.certificate}) != id);
    auto const namesake = test::make_self_signed(test::authority_request("Issuer"));
    CHECK(policy::ocsp_question_id({*at.leaf.certificate, *namesake.certificate}) != id);
}

TEST_CASE("ocsp: an answer that ends too early is refused at every byte (A-087)", "[policy][ocsp]") {
    test::ocsp_fixture const at;
    auto const delegate = test::make_certificate(test::delegate_request(), at.issuer);
    auto made = at.request();
    made.certs = {delegate.certificate.get()};
    made.raw = {test::unknown_extension(false)};
    auto const whole = test::make_ocsp_response(made, at.issuer, delegate);
    REQUIRE(at.judge(whole) == "good");
    for (std::size_t size = 0; size < whole.size(); ++size) {
        // A copy of exactly that size, so that reading behind it is seen.
        test::bytes const cut(whole.begin(), whole.begin() + static_cast<long>(size));
        if (at.judge(cut) != "malformed") FAIL("cut to " << size << " bytes: " << at.judge(cut));
    }
    auto longer = whole;
    longer.push_back(0);
    CHECK(at.judge(longer) == "malformed");
}

TEST_CASE("ocsp: an answer with one bit turned is refused wherever it is (B-267)", "[policy][ocsp]") {
    test::ocsp_fixture const at;
    auto single = at.good();
    single.status = test::ocsp_word::revoked;  // longest
    single.reason = 1;
    auto const whole = test::make_ocsp_response(at.with(single), at.issuer, at.issuer);
    REQUIRE(at.judge(whole) == "revoked");
    for (std::size_t bit = 0; bit < whole.size() * 8; ++bit) {
        auto bent = whole;
        bent[bit / 8] = static_cast<std::uint8_t>(bent[bit / 8] ^ (1U << (bit % 8)));
        auto const outcome = policy::check_ocsp_response(bent, at.subject(), at.rules);
        auto const* fault = std::get_if<policy::ocsp_fault>(&outcome);
        if (fault == nullptr || fault->words.empty()) FAIL("bit " << bit << ": " << test::words_of(outcome));
    }
}

TEST_CASE("ocsp: rubbish and too much of it are refused (A-087)", "[policy][ocsp]") {
    test::ocsp_fixture const at;
    CHECK(at.judge(test::bytes()) == "malformed");
    CHECK(at.judge(test::bytes{'<', 'h', 't', 'm', 'l', '>'}) == "malformed");
    CHECK(at.judge(test::bytes(64 * 1024, 0x30)) == "malformed");
    CHECK(at.judge(test::bytes(64 * 1024 + 1, 0x30)) == "larger than 64 KiB");
    CHECK(at.judge(test::bytes{0x30, 0x80, 0x0a, 1, 0, 0, 0}) == "malformed");  // BER's indefinite length
    CHECK(at.judge(test::bytes{0x30, 3, 0x0a, 1, 0}) == "malformed");           // successful, without a body
}

TEST_CASE("ocsp: refused answers leave no error behind for the next TLS call", "[policy][ocsp]") {
    test::ocsp_fixture const at;
    ERR_clear_error();
    auto bent = test::make_certificate(test::delegate_request(), at.issuer);
    bent.certificate = test::with_bad_signature(*bent.certificate);
    CHECK(at.judge_delegate(bent) == "the delegate's certificate is not the issuer's work");
    CHECK(ERR_peek_error() == 0);
    CHECK(at.judge(test::bytes(100, 0x30)) == "malformed");
    CHECK(ERR_peek_error() == 0);
}
