// Who may log in to a backend. A grant is made only here, and nothing logs in without one (DESIGN.md section 1).
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace ftpsgate::policy {

/// The permission to log in at a site's backend, and as whom.
class grant {
public:
    /// The name that the backend is told.
    std::string const& backend_user() const { return backend_user_; }

private:
    friend std::optional<grant> decide_password_session(std::string_view user);
    explicit grant(std::string backend_user) : backend_user_(std::move(backend_user)) {}

    std::string backend_user_;
};

/// For sessions without a client certificate: the client's own name, judged by the backend's password check. Empty for
/// names that could not be sent in one FTP line, whatever the backend makes of them (B-192).
std::optional<grant> decide_password_session(std::string_view user);

}  // namespace ftpsgate::policy
