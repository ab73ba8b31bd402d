#include "config/login_shapes.hpp"

#include "config/words.hpp"

#include <algorithm>

namespace ftpsgate::config {

namespace {

constexpr char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
constexpr char digits[] = "0123456789";
constexpr std::size_t longest_attribute = 256;

/// A letter, or one of `also`; behind the first also digits.
bool is_word(std::string_view word, std::string_view also) {
    auto const first = std::string(letters).append(also);
    return word.find_first_of(first) == 0 && word.find_first_not_of(first + digits) == word.npos;
}

/// HOST or HOST:PORT; an IPv6 address stands in brackets.
verdict check_place(std::string_view place) {
    if (place.starts_with('[') && place.ends_with(']')) {
        auto const address = parse_ipv6(place.substr(1, place.size() - 2));
        return address ? std::nullopt : verdict(address.fault());
    }
    if (place.find(':') == place.npos) {
        auto const host =
            place.find_first_not_of("0123456789.") == place.npos ? parse_ipv4(place) : parse_host_name(place);
        return host ? std::nullopt : verdict(host.fault());
    }
    auto const found = parse_endpoint(place, zero_port::refused);
    return found ? std::nullopt : verdict(found.fault());
}

verdict check_url(std::string_view url) {
    static constexpr char example[] = R"(like "ldaps://dc1.example.com" or "ldaps://dc1.example.com:636")";
    auto const scheme = url.starts_with("ldaps://") ? 8U : url.starts_with("ldap://") ? 7U : 0U;
    if (scheme == 0) return complaint{shown(url) + " is not a URL of a directory", example};
    if (url.find('/', scheme) != url.npos)
        return complaint{shown(url) + " has a path, which has no meaning here", example};
    auto const fault = check_place(url.substr(scheme));
    if (!fault) return std::nullopt;
    return complaint{shown(url) + ": " + fault->message, example};
}

}  // namespace

verdict login_reply::operator()(scalar const& value, unsigned& into) const {
    auto const* const written = std::get_if<std::int64_t>(&value.content);
    if (written == nullptr) return wrong_kind("232 or 230", value);
    if (*written != 232 && *written != 230) return complaint{"must be 232 or 230, not " + std::to_string(*written)};
    into = static_cast<unsigned>(*written);
    return std::nullopt;
}

verdict environment_name::operator()(scalar const& value, std::optional<placed_text>& into) const {
    std::optional<placed_text> found;
    if (auto fault = placed{}(value, found)) return fault;
    if (!is_word(found->text, "_"))
        return complaint{"is not the name of an environment variable", "letters, digits and '_', no digit first"};
    into = std::move(found);
    return std::nullopt;
}

verdict directory_urls::operator()(scalar const& value, std::vector<placed_text>& into) const {
    std::string written;
    if (auto fault = text{}(value, written)) return fault;
    std::vector<placed_text> found;
    for (auto begin = written.find_first_not_of(' '); begin != written.npos;) {
        auto const end = std::min(written.find(' ', begin), written.size());
        found.push_back({written.substr(begin, end - begin), value.where});
        if (auto fault = check_url(found.back().text)) return fault;
        begin = written.find_first_not_of(' ', end);
    }
    if (found.empty()) return complaint{"must not be empty"};
    into = std::move(found);
    return std::nullopt;
}

verdict attribute_name::operator()(scalar const& value, std::string& into) const {
    std::string written;
    if (auto fault = text{longest_attribute}(value, written)) return fault;
    if (written.starts_with('-') || !is_word(written, "-"))
        return complaint{shown(written) + " is not the name of an attribute",
                         "letters, digits and '-', a letter first"};
    into = written;
    return std::nullopt;
}

}  // namespace ftpsgate::config
