// Finds the account of a client certificate in Active Directory, as useActiveDirectoryMapping of IIS does (IIS.md
// sections c.2, d.1): altSecurityIdentities in the strong forms, the SID extension, userCertificate; the weak forms
// only where the configuration names them (KB5014754).
//
// libldap blocks, so look-ups run on a few threads of their own with a bounded queue; a full queue refuses. Accounts
// that are disabled, locked or expired are refused, and so are two matches. What was found is remembered for
// cache_time.
#pragma once

#include "config/problem.hpp"
#include "config/settings.hpp"
#include "policy/identity.hpp"
#include "policy/thread_ledger.hpp"

#include <boost/asio/any_io_executor.hpp>

#include <functional>
#include <memory>
#include <string>

namespace ftpsgate::policy {

class active_directory {
public:
    using handler = std::function<void(identity_decision)>;

    ~active_directory();  ///< look-ups under way go on for nobody: their handlers are not called

    /// The handler is called exactly once, on a thread of the directory's, or at once when too many wait: it must pass
    /// the work on. Never throws; a directory that is down, slow or lies is `refused` with the reason in words.
    void look_up(std::shared_ptr<verified_peer const> peer, handler done) const;

private:
    friend std::shared_ptr<active_directory const> build_active_directory(config::site_settings const& site,
                                                                          std::shared_ptr<thread_ledger> const& ledger,
                                                                          config::problems& faults);
    struct state;
    explicit active_directory(std::unique_ptr<state> made);
    std::unique_ptr<state> state_;
};

/// Null when it is not enabled, or faults were added. Opens no connection. Its threads are in the ledger.
std::shared_ptr<active_directory const> build_active_directory(config::site_settings const& site,
                                                               std::shared_ptr<thread_ledger> const& ledger,
                                                               config::problems& faults);

}  // namespace ftpsgate::policy
