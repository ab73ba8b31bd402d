// The signature of a CRL, checked once for each key that could have made it: a list of 30 MB takes 50 ms to hash, and
// it is looked at for each client.
#pragma once

#include "policy/signature_algorithm.hpp"

#include <mutex>
#include <optional>
#include <utility>
#include <vector>

namespace ftpsgate::policy {

class crl_signature {
public:
    void read(X509_CRL const& list);

    /// Whether its algorithm is one to be relied on (B-273).
    bool is_strong() const { return how_.has_value(); }
    /// `list` is the one that was read. Thread-safe; who asks about a key that is new waits for the others.
    bool is_by(X509 const& issuer, X509_CRL& list) const;

private:
    bool verify(X509 const& issuer, X509_CRL& list) const;

    std::optional<signature_algorithm> how_;
    std::vector<std::uint8_t> algorithm_, value_;
    mutable std::mutex mutex_;
    mutable std::vector<std::pair<sha256_digest, bool>> known_;  // by the SubjectPublicKeyInfo; the oldest first
};

}  // namespace ftpsgate::policy
