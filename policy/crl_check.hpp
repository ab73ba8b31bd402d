// What the CRLs at hand say of the certificates of a path that was verified (RFC 5280 6.3.3). Done here and not by
// BoringSSL, which hashes a list at every look (crl_signature.hpp), believes deltas at any age, and no longer knows
// deltas, lists for some reasons, or lists in another's name (crl_scope.hpp). CPU only.
#pragma once

#include "policy/crl.hpp"
#include "policy/verdict.hpp"

#include <functional>
#include <string>
#include <utility>
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

struct crl_question {
    crl_list const& lists;
    std::vector<X509*> signers;  ///< candidates for who signs lists and is not on the path; nothing is known of them
    /// The verified path of one of them, leaf first; empty: there is none.
    std::function<certificate_list(X509&)> path_of;
    time_point now;
    late_lists late;
};

/// For one path.
class crl_check {
public:
    explicit crl_check(crl_question question);

    /// One finding for each of `path`: leaf first, anchor last. The anchor is only told to be revoked (B-252).
    std::vector<crl_finding> judge(certificate_list const& path);

private:
    // What went wrong with the CRLs for one certificate.
    struct list_trouble {
        bool revoked = false;
        bool expired = false;
        int error = X509_V_OK;  // the first one but those two
        std::string list;       // whose

        bool is_none() const { return !revoked && !expired && error == X509_V_OK; }
    };
    enum class purpose { of_client, of_signer };
    // Whose revocation is asked about.
    struct place {
        certificate_list const& path;
        std::size_t depth;
        purpose why;
        listed_certificate certificate;
    };
    struct found_signer {
        X509* certificate = nullptr;
        int score = 0;
    };
    struct chosen_list {
        held_crl const* list;
        held_crl const* delta = nullptr;
        X509* signer;
        int score;
        reason_set reasons;  // with those of the lists before it
    };

    list_trouble trouble_at(place const& at);
    std::optional<chosen_list> choose(place const& at, reason_set covered) const;
    std::optional<chosen_list> weigh(held_crl const& list, place const& at, reason_set covered) const;
    found_signer signer_of(crl_scope const& list, place const& at) const;
    held_crl const* delta_to(held_crl const& base, place const& at) const;
    void read(chosen_list const& chosen, place const& at, list_trouble& trouble);
    int disbelief(chosen_list const& chosen, place const& at);
    bool has_good_path(X509& signer, place const& at);
    bool is_good_path(certificate_list const& path, X509 const& anchor);
    entry_kind look_up(held_crl const& list, X509 const& signer, place const& at, list_trouble& trouble) const;
    bool is_in_time(held_crl const& list) const;
    static void note(list_trouble& trouble, held_crl const* list, int error);
    crl_finding conclude(list_trouble const& trouble, X509 const& certificate) const;
    std::string defects_of(X509_NAME const* issuer) const;

    crl_question question_;
    crl_list used_;
    std::vector<std::pair<X509*, bool>> known_signers_;  // not on the path: whether he may sign
};

}  // namespace ftpsgate::policy
