#include "policy/crl_signature.hpp"

#include <algorithm>

namespace ftpsgate::policy {

namespace {

// Clients present whom they like as the signer of a list: what is remembered is bounded.
constexpr std::size_t most_known = 16;

std::vector<std::uint8_t> der_of(X509_ALGOR const& algorithm) {
    std::uint8_t* der = nullptr;
    int const size = i2d_X509_ALGOR(const_cast<X509_ALGOR*>(&algorithm), &der);
    bssl::UniquePtr<std::uint8_t> const owner(der);
    return size > 0 ? std::vector<std::uint8_t>(der, der + size) : std::vector<std::uint8_t>();
}

// TBSCertList names the algorithm once more, behind the version (RFC 5280 5.1.2.2).
der_view inner_algorithm(der_view signed_part) {
    CBS whole, list, algorithm;
    CBS_init(&whole, signed_part.data(), signed_part.size());
    if (CBS_get_asn1(&whole, &list, CBS_ASN1_SEQUENCE) != 1) return {};
    if (CBS_get_optional_asn1(&list, nullptr, nullptr, CBS_ASN1_INTEGER) != 1) return {};
    if (CBS_get_asn1_element(&list, &algorithm, CBS_ASN1_SEQUENCE) != 1) return {};
    return {CBS_data(&algorithm), CBS_len(&algorithm)};
}

}  // namespace

void crl_signature::read(X509_CRL const& list) {
    ASN1_BIT_STRING const* value = nullptr;
    X509_ALGOR const* algorithm = nullptr;
    X509_CRL_get0_signature(&list, &value, &algorithm);
    algorithm_ = der_of(*algorithm);
    std::size_t size = 0;
    if (ASN1_BIT_STRING_num_bytes(value, &size) == 1) {
        how_ = parse_signature_algorithm(algorithm_);
        value_.assign(ASN1_STRING_get0_data(value), ASN1_STRING_get0_data(value) + size);
    }
}

bool crl_signature::is_by(X509 const& issuer, X509_CRL& list) const {
    auto const key = key_sha256_of(issuer);
    std::lock_guard const lock(mutex_);
    auto const found = std::find_if(known_.begin(), known_.end(), [&](auto const& one) { return one.first == key; });
    if (found != known_.end()) return found->second;
    if (known_.size() == most_known) known_.erase(known_.begin());
    return known_.emplace_back(key, verify(issuer, list)).second;
}

bool crl_signature::verify(X509 const& issuer, X509_CRL& list) const {
    bssl::UniquePtr<EVP_PKEY> const key(X509_get_pubkey(const_cast<X509*>(&issuer)));
    ERR_clear_error();
    if (!key || !how_ || EVP_PKEY_id(key.get()) != how_->key_type) return false;
    std::uint8_t* der = nullptr;
    int const size = i2d_X509_CRL_tbs(&list, &der);
    bssl::UniquePtr<std::uint8_t> const owner(der);
    if (size <= 0) return false;
    der_view const signed_part(der, static_cast<std::size_t>(size));
    auto const named = inner_algorithm(signed_part);
    return std::equal(named.begin(), named.end(), algorithm_.begin(), algorithm_.end()) &&
           verify_signature(*how_, *key, signed_part, value_);
}

}  // namespace ftpsgate::policy
