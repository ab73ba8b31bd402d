// policy::grant -> ftp::session_plan: the only way to make one.
#pragma once

#include "policy/access.hpp"
#include "proxy/ftp/session_plan.hpp"

namespace ftpsgate::proxy {

class plan_maker {
public:
    /// `reply` is what USER gets when a mapped login went well (D-04).
    static ftp::session_plan make(policy::grant const& granted, unsigned reply) {
        if (!granted.mapped()) return ftp::session_plan(granted.backend_user());
        ftp::mapped_login login;
        login.password = ftp::secret_string(granted.mapped()->password.reveal());
        if (granted.mapped()->account) login.account = ftp::secret_string(granted.mapped()->account->reveal());
        login.reply = static_cast<int>(reply);
        return {granted.backend_user(), std::move(login)};
    }
};

}  // namespace ftpsgate::proxy
