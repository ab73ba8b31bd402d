// The tests' own maker of session plans: the real one is proxy/plan, which needs policy.
#pragma once

#include "proxy/ftp/session_plan.hpp"

#include <string>
#include <utility>

namespace ftpsgate::proxy {
class plan_maker {
public:
    static ftp::session_plan make(std::string user) { return ftp::session_plan(std::move(user)); }
};
}  // namespace ftpsgate::proxy
