// Certificate revocation lists (RFC 5280 section 5): parsing, and what the cache and the fetcher need to know of one.
// Whether a certificate is on a list is decided in crl_check.cpp.
#pragma once

#include "policy/crl_entries.hpp"
#include "policy/crl_scope.hpp"
#include "policy/crl_signature.hpp"

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace ftpsgate::policy {

/// Immutable; shared by all threads.
struct held_crl {
    bssl::UniquePtr<X509_CRL> crl;
    crl_signature signature;
    crl_scope scope;
    crl_entries entries;
    std::string origin;  ///< URL or file
    std::string issuer;  ///< RFC 4514
    time_point this_update{};
    std::optional<time_point> next_update;
    bool delta = false;
    bool critical = false;                   ///< a critical extension that nobody knows, of the list or an entry
    std::string defect;                      ///< in words: why it must not be used; "" = none
    std::vector<std::string> freshest_urls;  ///< where the base says that its deltas are (B-262)

    /// When it stops to count: nextUpdate, or a week after thisUpdate (B-264).
    time_point end() const;
};
using crl_ptr = std::shared_ptr<held_crl const>;
using crl_list = std::vector<crl_ptr>;

/// Null: not one CRL, in DER or PEM, and nothing behind it. `origin` is for people.
crl_ptr parse_crl(std::string const& bytes, std::string const& origin);
/// All lists of a file: one in DER, or any number in PEM. Empty with `fault` set when there is none or one is
/// malformed.
crl_list parse_crls(std::string const& bytes, std::string const& origin, std::string& fault);

bool is_signed_by(held_crl const& list, X509 const& issuer);
/// The same issuer, kind and scope, but older by its number or thisUpdate: a replay.
bool is_older(held_crl const& candidate, held_crl const& than);
/// By their digests.
bool is_same(held_crl const& one, held_crl const& other);

}  // namespace ftpsgate::policy
