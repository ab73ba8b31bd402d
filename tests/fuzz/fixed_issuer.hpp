// A CA whose key is the same in every run, for targets whose corpus holds what it has signed, or what is signed here so
// that the code behind the signature is reached. The clock stands still.
#pragma once

#include "tests/fuzz/input.hpp"
#include "tests/support/test_revocation.hpp"

#include <openssl/ec.h>
#include <openssl/ec_key.h>
#include <openssl/nid.h>

#include <chrono>
#include <cstdint>
#include <initializer_list>
#include <string_view>

namespace ftpsgate::fuzz {

/// 2026-06-01T00:00:00Z
inline constexpr test::time_point now = test::time_point(std::chrono::seconds(1780272000));

class fixed_issuer {
public:
    fixed_issuer() {
        auto const key = derived_key();
        auto request = test::authority_request("Issuer");
        request.own_key = key.get();
        request.not_before = now - std::chrono::hours(24);
        request.not_after = now + std::chrono::hours(24 * 365);
        own_ = test::make_self_signed(request);
    }

    test::identity const& own() const { return own_; }

    /// A Certificate or CertificateList around its to-be-signed part, with ecdsa-with-SHA256.
    test::bytes sign(std::string_view rest) const {
        test::bytes const data(rest.begin(), rest.end());
        test::bytes const algorithm{0x30, 10, 6, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 2};
        return element(0x30, {data, algorithm, element(3, {{0}, signature_of(data)})});
    }

private:
    static bssl::UniquePtr<EVP_PKEY> derived_key() {
        static constexpr std::uint8_t secret[] = "not a secret: the same key in every run";
        bssl::UniquePtr<EC_GROUP> const curve(EC_GROUP_new_by_curve_name(NID_X9_62_prime256v1));
        bssl::UniquePtr<EC_KEY> const pair(EC_KEY_derive_from_secret(curve.get(), secret, sizeof secret));
        bssl::UniquePtr<EVP_PKEY> key(EVP_PKEY_new());
        require(EVP_PKEY_set1_EC_KEY(key.get(), pair.get()) == 1, "a key can be derived");
        return key;
    }

    test::bytes signature_of(test::bytes const& data) const {
        bssl::ScopedEVP_MD_CTX context;
        test::bytes made(static_cast<std::size_t>(EVP_PKEY_size(own_.key.get())));
        std::size_t size = made.size();
        require(EVP_DigestSignInit(context.get(), nullptr, EVP_sha256(), nullptr, own_.key.get()) == 1 &&
                    EVP_DigestSign(context.get(), made.data(), &size, data.data(), data.size()) == 1,
                "the issuer can sign");
        made.resize(size);
        return made;
    }

    static test::bytes element(std::uint8_t tag, std::initializer_list<test::bytes> parts) {
        test::bytes content;
        for (auto const& part : parts)
            content.insert(content.end(), part.begin(), part.end());
        auto const size = content.size();
        test::bytes head{tag};
        if (size > 0xffff) head.insert(head.end(), {0x83, static_cast<std::uint8_t>(size >> 16U)});
        if (size > 0xff && size <= 0xffff) head.push_back(0x82);
        if (size > 0xff) head.push_back(static_cast<std::uint8_t>(size >> 8U));
        if (size > 0x7f && size <= 0xff) head.push_back(0x81);
        head.push_back(static_cast<std::uint8_t>(size));
        content.insert(content.begin(), head.begin(), head.end());
        return content;
    }

    test::identity own_;
};

}  // namespace ftpsgate::fuzz
