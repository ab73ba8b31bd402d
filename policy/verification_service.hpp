// What the verifiers of all sites share: the threads on which signatures are checked (B-276), the thread that fetches,
// and the memory of what was fetched. Outlives the sessions and survives a reload; so it also keeps the ledger of
// threads that snapshots leave behind. Its own start with the first verification: a gate whose sites ask for no
// certificates has none of them.
#pragma once

#include "policy/revocation_cache.hpp"
#include "policy/revocation_fetcher.hpp"
#include "policy/thread_ledger.hpp"

#include <boost/asio/any_io_executor.hpp>

#include <memory>
#include <mutex>

namespace ftpsgate::policy {

class verification_service {
public:
    /// `threads` for signatures; 0 = one per core, at least two.
    explicit verification_service(unsigned threads = 0);
    ~verification_service();  ///< ends the threads; what is under way is given up
    verification_service(verification_service const&) = delete;
    verification_service& operator=(verification_service const&) = delete;

    revocation_cache& cache() { return cache_; }
    std::shared_ptr<thread_ledger> const& ledger() const { return ledger_; }
    revocation_fetcher& fetcher();
    boost::asio::any_io_executor processors();  ///< for signatures and parsing: several threads
    boost::asio::any_io_executor io();          ///< for timers and sockets: one thread

private:
    struct engine_room;
    engine_room& running();

    unsigned threads_;
    revocation_cache cache_;
    std::shared_ptr<thread_ledger> ledger_ = std::make_shared<thread_ledger>();
    std::once_flag started_;
    std::unique_ptr<engine_room> room_;
};

}  // namespace ftpsgate::policy
