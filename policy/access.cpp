#include "policy/access.hpp"

namespace ftpsgate::policy {

std::optional<grant> decide_password_session(std::string_view user) {
    std::string_view const breaks_lines("\r\n\0", 3);
    if (user.empty() || user.find_first_of(breaks_lines) != std::string_view::npos) return std::nullopt;
    return grant(std::string(user));
}

}  // namespace ftpsgate::policy
