// Who may log in to a backend. A grant is made only here, and nothing logs in without one (DESIGN.md section 1): from a
// verified_peer, or, where the site's policy lets clients in without a certificate, from a password_only.
#pragma once

#include "config/settings.hpp"
#include "policy/identity.hpp"
#include "policy/verdict.hpp"

#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace ftpsgate::policy {

/// The permission to log in at a site's backend, and as whom.
class grant {
public:
    /// The name that the backend is told.
    std::string const& backend_user() const { return backend_user_; }
    /// Null: with the password that the client gives.
    std::shared_ptr<backend_login const> const& mapped() const { return mapped_; }

private:
    friend class password_only;
    friend std::optional<grant> decide_session(verified_peer const& peer, std::string_view user);
    friend std::optional<grant> decide_mapped_session(verified_peer const& peer, identity_decision const& identity);
    explicit grant(std::string backend_user) : backend_user_(std::move(backend_user)) {}
    explicit grant(std::shared_ptr<backend_login const> mapped)
        : backend_user_(mapped->user), mapped_(std::move(mapped)) {}

    std::string backend_user_;
    std::shared_ptr<backend_login const> mapped_;
};

/// The site's permission for sessions without a client certificate: there is none where policy = "require" (B-183).
class password_only {
public:
    static std::optional<password_only> of(config::certificate_policy policy);
    /// The client's own name, judged by the backend's password check. Empty for names that could not be sent in one FTP
    /// line, whatever the backend makes of them (B-192).
    std::optional<grant> decide_session(std::string_view user) const;

private:
    password_only() = default;
};

/// For sessions with a client certificate that log in with the client's own name and password; the name as above.
std::optional<grant> decide_session(verified_peer const& peer, std::string_view user);

/// For those that log in as who the certificate was mapped to. Empty when it was not.
std::optional<grant> decide_mapped_session(verified_peer const& peer, identity_decision const& identity);

}  // namespace ftpsgate::policy
