// Fetches revocation information and issuers' certificates, each at most once at a time however many handshakes wait
// for it (single flight, B-263). What arrives is judged by the one who ordered it; large CRLs on a thread of their own:
// parsing many megabytes delays neither a verification nor what is small.
//
// Thread-safe. Waiters are called on the fetcher's I/O thread: they must pass the work on.
#pragma once

#include "policy/http_fetch.hpp"
#include "policy/revocation_cache.hpp"
#include "policy/verdict.hpp"

#include <boost/asio/any_io_executor.hpp>

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <utility>
#include <vector>

namespace ftpsgate::policy {

/// How an order was fulfilled.
struct fetch_result {
    fetch_report report;
    bool from_folder = false;  ///< the cache folder had it: no connection was made
    bool first = false;        ///< this waiter is the one whose order was carried out
};

class revocation_fetcher {
public:
    struct order {
        enum class source { folder, network };

        revocation_key key;      ///< of what is wanted, in the folder
        revocation_key attempt;  ///< of this way to get it: the same as `key`, or with the responder's URL in its name
        /// version_of(key) when this was ordered: another one by now, and it came in the meantime.
        std::uint64_t known_version = 0;
        fetch_request request;
        std::shared_ptr<url_rules const> rules;
        std::string folder;  ///< looked into before, if nothing is held, and written to after; "" = none
        enum class reach { network, folder_only } how_far = reach::network;
        /// Checks what came and puts it into the cache; in words why it is not usable, "" = done.
        std::function<std::string(std::string const& bytes, source from)> accept;
    };
    using waiter = std::function<void(fetch_result)>;

    struct executors {
        boost::asio::any_io_executor io;       ///< one thread
        boost::asio::any_io_executor lists;    ///< where large CRLs are judged, which may take seconds
        boost::asio::any_io_executor answers;  ///< where all else is
    };
    revocation_fetcher(executors where, revocation_cache& cache);

    ~revocation_fetcher();  ///< what is under way is given up
    revocation_fetcher(revocation_fetcher const&) = delete;
    revocation_fetcher& operator=(revocation_fetcher const&) = delete;

    void fetch(order wanted, waiter done);

private:
    // Other rules may refuse what these allow, so they never share a flight.
    using flight_key = std::pair<revocation_key, url_rules const*>;
    struct flight {
        order wanted;
        std::vector<waiter> waiters;
        std::unique_ptr<http_fetch> http;
    };

    void join(std::shared_ptr<order> const& wanted, waiter done);
    bool is_held(revocation_key const& key) const;
    void look_into_folder(std::shared_ptr<flight> const& one);
    void ask_network(std::shared_ptr<flight> const& one);
    void judge(std::shared_ptr<flight> const& one, fetch_outcome outcome);
    void land(std::shared_ptr<flight> const& one, fetch_result result);

    boost::asio::any_io_executor const& judge_of(std::size_t size) const;

    executors where_;
    revocation_cache& cache_;
    std::map<flight_key, std::shared_ptr<flight>> flights_;
};

}  // namespace ftpsgate::policy
