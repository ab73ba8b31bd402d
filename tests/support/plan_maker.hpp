// The tests' own maker of session plans: the real one is proxy/plan, which needs policy.
#pragma once

#include "proxy/ftp/session_plan.hpp"

#include <optional>
#include <string>
#include <utility>

namespace ftpsgate::proxy {
class plan_maker {
public:
    static ftp::session_plan make(std::string user) { return ftp::session_plan(std::move(user)); }
    struct mapped {
        std::string user;
        std::string password;
        std::optional<std::string> account{};
        int reply = 232;
    };
    static ftp::session_plan make(mapped const& who) {
        ftp::mapped_login login{ftp::secret_string(who.password), std::nullopt, who.reply};
        if (who.account) login.account = ftp::secret_string(*who.account);
        return {who.user, std::move(login)};
    }
};
}  // namespace ftpsgate::proxy
