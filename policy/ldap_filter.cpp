#include "policy/ldap_filter.hpp"

#include <algorithm>

namespace ftpsgate::policy {

namespace {

bool is_alphanumeric(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

bool stays(char c) {
    return is_alphanumeric(c) || std::string_view("-_.@:,=").find(c) != std::string_view::npos;
}

}  // namespace

std::string escape_filter_value(std::string_view value) {
    static constexpr char digits[] = "0123456789abcdef";
    std::string text;
    text.reserve(value.size());
    for (char const c : value) {
        if (stays(c)) {
            text += c;
            continue;
        }
        auto const byte = static_cast<unsigned char>(c);
        text += '\\';
        text += digits[byte >> 4U];
        text += digits[byte & 0xfU];
    }
    return text;
}

std::string equality_filter(std::string_view attribute, std::string_view value) {
    return "(" + std::string(attribute) + "=" + escape_filter_value(value) + ")";
}

std::string account_filter(std::string_view attribute, std::vector<std::string> const& values) {
    std::string any;
    for (auto const& value : values)
        any += equality_filter(attribute, value);
    if (values.size() != 1) any = "(|" + any + ")";
    // Active Directory's class of everything that can log in; groups have a SID, contacts a userCertificate.
    return "(&(objectClass=user)" + any + ")";
}

bool is_attribute_description(std::string_view text) {
    auto const belongs = [](char c) { return is_alphanumeric(c) || c == '-' || c == ';' || c == '.'; };
    return !text.empty() && is_alphanumeric(text.front()) && std::all_of(text.begin(), text.end(), belongs);
}

}  // namespace ftpsgate::policy
