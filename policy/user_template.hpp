// `user` of [[site.identity]]: text with placeholders for values of the client's certificate, "{cn}", "plc-{serial}".
#pragma once

#include "config/units.hpp"
#include "policy/certificate_values.hpp"
#include "policy/finding.hpp"
#include "policy/path_facts.hpp"

#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace ftpsgate::policy {

class user_template {
public:
    enum class placeholder { cn, email, email_local, upn, upn_local, dns, uri, serial, sha256 };

    /// Unknown placeholders, braces without their other half, and text that no user's name can hold are complaints.
    static config::parsed<user_template> parse(std::string_view text);

    /// yes: `user` fits one FTP line (B-192), as flaw_of_user() judges. Doubtful, never no: a value that is asked for
    /// is not in the certificate, or may not stand for a person, or the result is too long.
    finding expand(certificate_values const& values, std::string& user) const;
    bool uses(placeholder which) const;
    /// What in the certificate is asked for that is as these name constraints leave it: anybody's. "{cn}", "" =
    /// nothing.
    std::string left_open_by(name_limits const& limits) const;

private:
    using piece = std::variant<std::string, placeholder>;
    explicit user_template(std::vector<piece> pieces) : pieces_(std::move(pieces)) {}

    std::vector<piece> pieces_;
};

}  // namespace ftpsgate::policy
