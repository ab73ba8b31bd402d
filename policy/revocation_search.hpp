// The search for the revocation status of one certificate: what is held, what to fetch next, and in the end what came
// of it. OCSP before CRLs, then deltas (B-259, B-261, B-262, B-266). Belongs to one verification, used by one thread at
// a time; what it orders is judged on the fetcher's.
#pragma once

#include "config/settings.hpp"
#include "policy/chain.hpp"
#include "policy/revocation_fetcher.hpp"

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace ftpsgate::policy {

/// What all certificates of one path have in common; kept alive by the orders under way.
struct search_grounds {
    config::client_certificate_settings const* settings = nullptr;  ///< of the verifier, which `owner` keeps alive
    std::shared_ptr<void const> owner;
    std::shared_ptr<url_rules const> rules;
    std::shared_ptr<trust_anchors const> anchors;
    crl_list const* files = nullptr;  ///< crl_files
    revocation_cache* cache = nullptr;
    certificate_list path;        ///< verified: leaf first, anchor last
    certificate_list candidates;  ///< presented or fetched besides; may sign CRLs (indirect ones)
};

class revocation_search {
public:
    /// For certificate `index` of the path, which has its issuer behind it.
    revocation_search(std::shared_ptr<search_grounds const> grounds, std::size_t index);

    /// What the cache holds for this certificate, from here to the next call: CRLs go into the list.
    void look(crl_list& into, time_point now);
    /// Whether an OCSP answer counts that the responder had signed by another one; `lists` are all that are at hand.
    void judge_delegate(crl_list const& lists, time_point now);
    /// What look() found: a conclusion holds while it is unchanged.
    std::vector<held_version> const& basis() const { return seen_; }
    /// The next thing to try, given what the CRLs at hand say; nullopt: nothing more is needed, or nothing is left.
    /// The order counts as tried.
    std::optional<revocation_fetcher::order> next(crl_finding const& finding, time_point now);
    /// What came of the last order; also for one that was given up.
    void note(fetch_result const& result);

    struct outcome {
        certificate_report report;
        time_point until = time_point::max();  ///< when the answer has to be looked for again
    };
    outcome conclude(crl_finding const& finding, time_point now) const;
    /// Nothing that may still come changes it: a list says so, or a responder who is not in doubt.
    bool is_revoked(crl_finding const& finding) const;

private:
    enum class source_kind { ocsp, delegate_crl, crl, delta };
    enum class delegate_state { none, good, unknown, revoked };
    struct step {
        source_kind kind;
        std::string url;
    };

    struct dates {
        time_point this_update;
        std::optional<time_point> next_update;
    };

    outcome by_list(crl_finding const& finding, time_point now) const;
    outcome by_answer(held_answer const& answer, time_point now) const;
    outcome unknown(crl_finding const& finding) const;
    outcome empty_outcome() const;
    void date(outcome& ended, dates const& when, time_point now) const;
    void plan(source_kind kind, std::vector<std::string> const& urls);
    std::optional<revocation_fetcher::order> take(source_kind kind, time_point now);
    revocation_fetcher::order order_for(step const& what) const;
    void order_answer(revocation_fetcher::order& order) const;
    void order_list(revocation_fetcher::order& order, source_kind kind) const;
    std::uint64_t version_seen(revocation_key const& key) const;
    held_answer const* answer_that_counts() const;
    void learn_deltas();
    bool is_fresh(time_point this_update, time_point now) const;
    bool are_lists_fresh(time_point now) const;
    crl_list own_lists() const;
    crl_ptr newest_list() const;
    revocation_key list_key(std::string const& url) const { return {revocation_key::kind::crl, url, issuer_key_}; }

    std::shared_ptr<search_grounds const> grounds_;
    X509* certificate_;
    X509* issuer_;
    certificate_facts facts_;
    sha256_digest issuer_key_;
    revocation_key answer_key_;
    std::vector<step> steps_;        // left to try, in order
    std::vector<std::string> urls_;  // of CRLs and deltas, tried or not
    std::vector<held_version> seen_;
    std::optional<held_answer> answer_;  // held when look() was called
    certificate_ptr delegate_;           // of the answer; null = the issuer himself, or one that is exempt
    delegate_state delegate_is_ = delegate_state::none;
    std::optional<source_kind> last_;
    std::string troubles_;  // of what was tried
    bool timed_out_ = false;
    bool fetched_answer_ = false;
    bool fetched_list_ = false;
};

}  // namespace ftpsgate::policy
