#include "proxy/tls/server_name.hpp"

#include <algorithm>
#include <arpa/inet.h>

namespace ftpsgate::tls {

namespace {

constexpr std::size_t longest_name = 253;

char lower(char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

bool is_name_character(char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '-' || c == '_';
}

bool is_address(std::string const& text) {
    in6_addr scratch{};
    return inet_pton(AF_INET, text.c_str(), &scratch) == 1 || inet_pton(AF_INET6, text.c_str(), &scratch) == 1;
}

}  // namespace

std::optional<std::string> usable_server_name(std::string_view sent) {
    std::string name(sent);
    std::transform(name.begin(), name.end(), name.begin(), lower);
    if (is_address(name)) return std::string();
    if (name.ends_with('.')) name.pop_back();
    bool const usable =
        !name.empty() && name.size() <= longest_name && std::all_of(name.begin(), name.end(), is_name_character);
    return usable ? std::optional(std::move(name)) : std::nullopt;
}

}  // namespace ftpsgate::tls
