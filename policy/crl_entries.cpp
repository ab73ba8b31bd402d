#include "policy/crl_entries.hpp"

#include <algorithm>

namespace ftpsgate::policy {

namespace {

bssl::UniquePtr<GENERAL_NAMES> issuer_of(X509_REVOKED const& entry) {
    if (X509_REVOKED_get_ext_count(&entry) == 0) return nullptr;
    return bssl::UniquePtr<GENERAL_NAMES>(
        static_cast<GENERAL_NAMES*>(X509_REVOKED_get_ext_d2i(&entry, NID_certificate_issuer, nullptr, nullptr)));
}

entry_kind kind_of(X509_REVOKED const& entry) {
    bssl::UniquePtr<ASN1_ENUMERATED> const reason(
        static_cast<ASN1_ENUMERATED*>(X509_REVOKED_get_ext_d2i(&entry, NID_crl_reason, nullptr, nullptr)));
    bool const removed = reason && ASN1_ENUMERATED_get(reason.get()) == CRL_REASON_REMOVE_FROM_CRL;
    return removed ? entry_kind::removed : entry_kind::revoked;
}

bool is_issuer(GENERAL_NAMES const* names, X509_NAME const* of_list, X509_NAME const* wanted) {
    if (names == nullptr) return X509_NAME_cmp(of_list, wanted) == 0;
    for (std::size_t i = 0; i < sk_GENERAL_NAME_num(names); ++i) {
        auto const* const one = sk_GENERAL_NAME_value(names, i);
        if (one->type == GEN_DIRNAME && X509_NAME_cmp(one->d.directoryName, wanted) == 0) return true;
    }
    return false;
}

}  // namespace

crl_entries::crl_entries(X509_CRL& list) {
    auto const* const all = X509_CRL_get_REVOKED(&list);
    std::size_t const count = all != nullptr ? sk_X509_REVOKED_num(all) : 0;
    for (std::size_t i = 0; i < count; ++i) {
        auto const* const one = sk_X509_REVOKED_value(all, i);
        auto issuer = issuer_of(*one);
        if (issuer && issuers_.empty())  // the first one that has an issuer
            for (std::size_t before = 0; before < i; ++before)
                entries_.push_back({sk_X509_REVOKED_value(all, before), nullptr});
        if (issuer) issuers_.push_back(std::move(issuer));
        // An entry without an issuer has that of the one before it.
        if (!issuers_.empty()) entries_.push_back({one, issuers_.back().get()});
    }
    std::stable_sort(entries_.begin(), entries_.end(), [](auto const& one, auto const& other) {
        return ASN1_INTEGER_cmp(X509_REVOKED_get0_serialNumber(one.found),
                                X509_REVOKED_get0_serialNumber(other.found)) < 0;
    });
    // The library sorts the entries at the first look-up, under a lock: done here, where nobody waits for it.
    bssl::UniquePtr<ASN1_INTEGER> const any(ASN1_INTEGER_new());
    ASN1_INTEGER_set(any.get(), 1);
    X509_REVOKED* ignored = nullptr;
    X509_CRL_get0_by_serial(&list, &ignored, any.get());
}

entry_kind crl_entries::look_up(X509_CRL& list, X509 const& certificate) const {
    if (!entries_.empty()) return look_up_all(list, certificate);
    if (!is_issuer(nullptr, X509_CRL_get_issuer(&list), X509_get_issuer_name(&certificate))) return entry_kind::none;
    auto* const serial = const_cast<ASN1_INTEGER*>(X509_get0_serialNumber(&certificate));
    X509_REVOKED* found = nullptr;
    if (X509_CRL_get0_by_serial(&list, &found, serial) == 0) return entry_kind::none;
    return kind_of(*found);
}

entry_kind crl_entries::look_up_all(X509_CRL& list, X509 const& certificate) const {
    auto const* const serial = X509_get0_serialNumber(&certificate);
    auto at = std::lower_bound(entries_.begin(), entries_.end(), serial, [](auto const& one, auto const* wanted) {
        return ASN1_INTEGER_cmp(X509_REVOKED_get0_serialNumber(one.found), wanted) < 0;
    });
    auto told = entry_kind::none;
    for (; at != entries_.end() && ASN1_INTEGER_cmp(X509_REVOKED_get0_serialNumber(at->found), serial) == 0; ++at) {
        if (!is_issuer(at->issuer, X509_CRL_get_issuer(&list), X509_get_issuer_name(&certificate))) continue;
        told = kind_of(*at->found);
        if (told == entry_kind::revoked) break;
    }
    return told;
}

}  // namespace ftpsgate::policy
