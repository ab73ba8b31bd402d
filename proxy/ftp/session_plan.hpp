// What a session may do, once access was granted: the login machine does not start without one. Only proxy/plan makes
// them, from a policy::grant (DESIGN: a value is handed on at each arrow), so code that skips the decision does not
// compile.
#pragma once

#include "proxy/ftp/secret.hpp"

#include <memory>
#include <optional>
#include <string>
#include <utility>

namespace ftpsgate::proxy {
class plan_maker;
}

namespace ftpsgate::ftp {

/// What the client's certificate stands for, in place of its USER and PASS (B-069).
struct mapped_login {
    secret_string password;
    std::optional<secret_string> account;
    int reply = 232;  ///< to USER once the backend let it in: 232 or 230 (D-04)
};

class session_plan {
public:
    /// The name to log in with at the backend.
    std::string const& user() const { return user_; }
    /// Null: with the password that the client gives.
    mapped_login const* mapped() const { return mapped_.get(); }
    /// The login is over: its secrets are not needed for the hours that the session may last.
    void forget_secrets() {
        if (mapped_) mapped_ = std::make_shared<mapped_login const>(mapped_login{{}, std::nullopt, mapped_->reply});
    }

private:
    friend class ftpsgate::proxy::plan_maker;
    explicit session_plan(std::string user) : user_(std::move(user)) {}
    session_plan(std::string user, mapped_login mapped)
        : user_(std::move(user)), mapped_(std::make_shared<mapped_login const>(std::move(mapped))) {}

    std::string user_;
    std::shared_ptr<mapped_login const> mapped_;
};

}  // namespace ftpsgate::ftp
