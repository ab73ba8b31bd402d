// policy::grant -> ftp::session_plan: the only way to make one.
#pragma once

#include "policy/access.hpp"
#include "proxy/ftp/session_plan.hpp"

namespace ftpsgate::proxy {

class plan_maker {
public:
    static ftp::session_plan make(policy::grant const& granted) { return ftp::session_plan(granted.backend_user()); }
};

}  // namespace ftpsgate::proxy
