// What a session may do, once access was granted: the login machine does not start without one. Only proxy/plan makes
// them, from a policy::grant (DESIGN: a value is handed on at each arrow), so code that skips the decision does not
// compile.
#pragma once

#include <string>
#include <utility>

namespace ftpsgate::proxy {
class plan_maker;
}

namespace ftpsgate::ftp {

class session_plan {
public:
    /// The name to log in with at the backend.
    std::string const& user() const { return user_; }

private:
    friend class ftpsgate::proxy::plan_maker;
    explicit session_plan(std::string user) : user_(std::move(user)) {}

    std::string user_;
};

}  // namespace ftpsgate::ftp
