// ASCII case folding: verbs, options and host names are compared without regard to the locale.
#pragma once

#include <string>
#include <string_view>

namespace ftpsgate::ftp {

inline std::string upper(std::string_view text) {
    std::string result(text);
    for (char& c : result)
        if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
    return result;
}

inline std::string lower(std::string_view text) {
    std::string result(text);
    for (char& c : result)
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    return result;
}

}  // namespace ftpsgate::ftp
