#include "policy/windows_name.hpp"

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

namespace ftpsgate::policy {

namespace {

using key_name = std::pair<std::string_view, std::string_view>;
constexpr std::array<key_name, 20> key_names{{{"2.5.4.3", "CN"},
                                              {"2.5.4.4", "SN"},
                                              {"2.5.4.5", "SERIALNUMBER"},
                                              {"2.5.4.6", "C"},
                                              {"2.5.4.7", "L"},
                                              {"2.5.4.8", "S"},
                                              {"2.5.4.9", "STREET"},
                                              {"2.5.4.10", "O"},
                                              {"2.5.4.11", "OU"},
                                              {"2.5.4.12", "T"},
                                              {"2.5.4.13", "Description"},
                                              {"2.5.4.17", "PostalCode"},
                                              {"2.5.4.18", "POBox"},
                                              {"2.5.4.20", "Phone"},
                                              {"2.5.4.24", "X21Address"},
                                              {"2.5.4.42", "G"},
                                              {"2.5.4.43", "I"},
                                              {"2.5.4.46", "dnQualifier"},
                                              {"1.2.840.113549.1.9.1", "E"},
                                              {"0.9.2342.19200300.100.1.25", "DC"}}};

std::string key_of(std::string const& type) {
    auto const* const known =
        std::find_if(key_names.begin(), key_names.end(), [&](key_name const& one) { return one.first == type; });
    return known != key_names.end() ? std::string(known->second) : "OID." + type;
}

std::string quoted(std::string const& value) {
    if (value.find_first_of(",+=\"<>#;") == std::string::npos) return value;
    std::string text = "\"";
    for (char const c : value)
        text += c == '"' ? std::string("\"\"") : std::string(1, c);
    return text + '"';
}

}  // namespace

std::optional<std::string> windows_name(distinguished_name const& name, std::string& fault) {
    fault = name.is_malformed ? "is not well-formed" : name.rdns.empty() ? "is empty" : "";
    std::string text;
    for (auto rdn = name.rdns.rbegin(); rdn != name.rdns.rend(); ++rdn) {
        char separator = text.empty() ? '\0' : ',';
        for (auto const& attribute : *rdn) {
            if (!attribute.flaw.empty() && fault.empty())
                fault = "has a " + key_of(attribute.type) + " that " + std::string(attribute.flaw);
            if (separator != '\0') text += separator;
            separator = ' ';
            text += key_of(attribute.type) + "=" + quoted(attribute.value);
        }
    }
    return fault.empty() ? std::optional(std::move(text)) : std::nullopt;
}

}  // namespace ftpsgate::policy
