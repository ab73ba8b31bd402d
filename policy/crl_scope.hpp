// Which certificates a CRL speaks of, by which reasons they may have been revoked, and which delta goes with which
// base: RFC 5280 6.3.3 (b), (c) and 5.2.4. Done here as BoringSSL dropped lists for some reasons, lists in another's
// name and deltas in 2023; up to then it did the same. Reads only; what a list says is in crl_entries.hpp.
#pragma once

#include "policy/certificate.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace ftpsgate::policy {

/// ReasonFlags (RFC 5280 4.2.1.13): bit n is reason n.
using reason_set = std::uint32_t;
constexpr reason_set all_reasons = 0x1fe;

/// The name of a distribution point: any number of names, each of which will do.
class point_name {
public:
    point_name() = default;  ///< none
    /// A relative one is below `above`.
    point_name(DIST_POINT_NAME const* point, X509_NAME const* above);

    bool is_there() const { return is_there_; }
    bool shares_one_with(point_name const& other) const;

private:
    void add(GENERAL_NAME const& name);

    bool is_there_ = false;
    std::vector<bssl::UniquePtr<X509_NAME>> directories_;
    std::vector<std::string> others_;  // DER
};

/// A certificate as lists see it; must not outlive it.
class listed_certificate {
public:
    explicit listed_certificate(X509& certificate);

    X509& certificate() const { return certificate_; }
    X509_NAME const* issuer() const { return X509_get_issuer_name(&certificate_); }

private:
    friend class crl_scope;
    struct point {
        point_name name;
        reason_set reasons;
        GENERAL_NAMES const* list_issuers;  // null: the certificate's issuer
    };

    X509& certificate_;
    bool is_authority_;
    bool has_deltas_;
    bssl::UniquePtr<CRL_DIST_POINTS> parsed_;
    std::vector<point> points_;
};

class crl_scope {
public:
    /// For no list.
    crl_scope() = default;
    /// Unset: extensions that cannot be understood, or a delta without number.
    static std::optional<crl_scope> read(X509_CRL& list);

    X509_NAME const* issuer() const { return issuer_.get(); }
    bool is_indirect() const { return indirect_; }
    /// RFC 5280 5.2.5: for one kind of certificates at most.
    bool is_sound() const { return static_cast<int>(only_user_) + only_authority_ + only_attribute_ <= 1; }
    reason_set reasons() const { return reasons_; }

    /// The issuer of both is the same.
    bool is_of_issuer(listed_certificate const& one) const { return X509_NAME_cmp(issuer(), one.issuer()) == 0; }
    /// Unset: the list is for others.
    std::optional<reason_set> reasons_for(listed_certificate const& one) const;
    /// As far as the authority key identifier tells.
    bool may_be_by(X509& signer) const;
    /// Base and certificate have to agree that there are deltas.
    bool announces_deltas(listed_certificate const& one) const { return has_deltas_ || one.has_deltas_; }
    bool is_delta_to(crl_scope const& base) const;

private:
    bool read_point(X509_CRL& list);
    bool read_numbers(X509_CRL& list);
    bool is_named_by(listed_certificate::point const& point, bool is_of_issuer) const;

    bssl::UniquePtr<X509_NAME> issuer_;
    bool only_user_ = false, only_authority_ = false, only_attribute_ = false, indirect_ = false, has_deltas_ = false;
    reason_set reasons_ = all_reasons;
    point_name point_;
    bssl::UniquePtr<AUTHORITY_KEYID> signer_;
    bssl::UniquePtr<ASN1_INTEGER> number_, base_;
    std::optional<std::string> signer_der_, point_der_;  // base and delta must have the same
};

}  // namespace ftpsgate::policy
