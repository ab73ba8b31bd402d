// What the CRLs at hand say of the certificates of a path. BoringSSL chooses the lists (scope, reasons, deltas, whoever
// signs lists in a CA's place) and asks here at each fault and at each look into a list. CPU only.
#pragma once

#include "policy/crl.hpp"
#include "policy/verdict.hpp"

#include <string>
#include <vector>

namespace ftpsgate::policy {

/// What the CRLs at hand say of one certificate of the path.
struct crl_finding {
    revocation_status status = revocation_status::not_checked;
    std::string words;          ///< why there is no answer
    bool expired_list = false;  ///< the answer was there, but is out of date
};

/// Out of their time: deltas that have expired, and lists without nextUpdate that are too old (B-264).
enum class late_lists { left_out, counted };
bool has_late_lists(crl_list const& lists, time_point now);

/// For one run of X509_verify_cert(), of which it has to get every error about CRLs.
class crl_check {
public:
    crl_check(crl_list const& lists, time_point now, late_lists late);

    /// Makes BoringSSL look at CRLs at all.
    void prepare(X509_STORE_CTX& context);

    /// The error is about a CRL, or about who signs one: for on_error().
    static bool concerns(X509_STORE_CTX& context);
    /// For the verify callback. 1: go on.
    int on_error(X509_STORE_CTX& context);
    /// For X509_STORE_set_cert_crl(). 1: go on, 2: taken off again, whatever the list below says.
    int look_up(X509_STORE_CTX& context, X509_CRL& list, X509& certificate);

    crl_finding conclude(X509 const& certificate, std::size_t depth) const;

private:
    // What went wrong with the CRLs for one certificate.
    struct list_trouble {
        bool revoked = false;
        bool expired = false;
        int error = X509_V_OK;  // the first one but those two
        std::string list;       // whose
        // A list that is not what it seems, and whoever signed it: what it says does not count, nor do its deltas.
        X509_CRL const* disbelieved = nullptr;
        X509 const* disbelieved_signer = nullptr;
    };

    static bool is_disbelieved(list_trouble const& so_far, held_crl const& list, X509 const& signer);
    list_trouble& trouble_at(X509_STORE_CTX& context);
    void note(X509_STORE_CTX& context, X509_CRL const* list, int error);
    held_crl const* held(X509_CRL const& list) const;
    std::string defects_of(X509_NAME const* issuer) const;

    crl_list const& lists_;
    time_point now_;
    crl_list used_;
    bssl::UniquePtr<STACK_OF(X509_CRL)> stack_;
    std::vector<list_trouble> troubles_;  // by depth
};

}  // namespace ftpsgate::policy
