// One verification under way: the steps of peer_verifier::verify(), each on a thread of the service, one at a time.
// For peer_verifier.cpp only.
#pragma once

#include "policy/peer_verifier.hpp"
#include "policy/revocation_search.hpp"

#include <boost/asio/steady_timer.hpp>

#include <atomic>
#include <map>
#include <mutex>
#include <string>
#include <vector>

namespace ftpsgate::policy {

/// Verdicts that still hold (recall()).
struct peer_verifier::memory {
    struct entry {
        verdict_ptr verdict;
        time_point until;
        std::vector<held_version> basis;  ///< what it was concluded from
    };

    std::mutex mutex;
    std::unordered_map<std::string, entry> entries;
    std::map<std::string, crl_notice> fetched_lists;  ///< by URL
};

class peer_verifier::verification : public std::enable_shared_from_this<verification> {
public:
    struct start {
        std::shared_ptr<materials const> of;
        std::shared_ptr<url_rules const> rules;
        std::shared_ptr<memory> remembers;
        std::vector<std::string> chain;
        deadline until;
        boost::asio::any_io_executor executor;
        handler done;
    };

    explicit verification(start with);
    void run();
    void cancel();

private:
    void begin();
    void find_path();
    bool ask_for_issuer(certificate_ptr const& orphan);
    void take_issuers(revocation_key const& key);
    void begin_revocation();
    void check_revocation();
    bool order_next(chain_answer const& answer, time_point now);
    void order(revocation_fetcher::order wanted, std::function<void(fetch_result)> came);
    void note_lists(crl_list const& lists, time_point now);
    void settle(chain_answer const& answer, time_point now);
    void refuse(refusal reason, std::string words);
    void accept();
    void remember(verdict_ptr const& verdict) const;
    void finish();
    std::chrono::milliseconds patience() const;

    std::shared_ptr<materials const> of_;
    std::shared_ptr<url_rules const> rules_;
    std::shared_ptr<memory> memory_;
    std::vector<std::string> der_;
    deadline until_;
    boost::asio::any_io_executor executor_;
    handler done_;
    std::mutex ending_;  // done_ and executor_ belong to the caller, who may go away
    std::atomic<bool> cancelled_{false};

    certificate_list presented_;
    certificate_list fetched_;
    std::vector<std::string> tried_issuers_;
    certificate_list path_;
    std::vector<revocation_search> searches_;
    time_point valid_until_ = time_point::max();
    peer_verdict verdict_;
};

/// Names a chain in the memory.
std::string digest_of(std::vector<std::string> const& chain);

}  // namespace ftpsgate::policy
