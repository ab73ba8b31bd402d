// Asks a site's sources who a verified client is, in order: the rules, then Active Directory (INTERFACE.md).
#pragma once

#include "policy/active_directory.hpp"
#include "policy/identity_rules.hpp"

#include <boost/asio/any_io_executor.hpp>

#include <functional>
#include <memory>
#include <mutex>
#include <utility>

namespace ftpsgate::policy {

class identity_resolver {
public:
    using handler = std::function<void(identity_ptr)>;

    /// Either may be null: not configured.
    identity_resolver(std::shared_ptr<identity_rules const> rules, std::shared_ptr<active_directory const> directory);

    /// Destroying it gives the answer up. Only on the thread of the executor given to resolve().
    class pending {
    public:
        pending() = default;
        ~pending() { reset(); }
        pending(pending&& other) noexcept : asked_(std::move(other.asked_)) {}
        pending& operator=(pending&& other) noexcept;
        void reset();

    private:
        friend class identity_resolver;
        struct question;
        std::shared_ptr<question> asked_;
    };

    /// The handler is called exactly once, posted to the executor.
    [[nodiscard]] pending resolve(std::shared_ptr<verified_peer const> peer, boost::asio::any_io_executor executor,
                                  handler done) const;

private:
    std::shared_ptr<identity_rules const> rules_;
    std::shared_ptr<active_directory const> directory_;
};

}  // namespace ftpsgate::policy
