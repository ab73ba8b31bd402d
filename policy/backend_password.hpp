// Where the gate's password for a mapped user comes from: the configuration, a file (one for all, or '%u' for one
// each), or the environment. For the rules and for Active Directory.
#pragma once

#include "config/problem.hpp"
#include "config/settings.hpp"
#include "policy/secret.hpp"

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace ftpsgate::policy {

class backend_password {
public:
    /// Reads what does not depend on the user: a missing or unreadable file, an unset variable and text that does not
    /// fit one FTP line are faults at the place of the value. `key` is the table's, for the faults.
    static std::optional<backend_password> load(config::password_source const& source, std::string const& key,
                                                config::problems& faults);

    /// nullopt with `fault` in words. The last line end of a file is not part of the password. A user whose name would
    /// lead to another folder ('/', "..", NUL, a leading dot) gets none.
    std::optional<secret> of(std::string_view user, std::string& fault) const;

private:
    std::string file_;  // with '%u' in it; "" = `fixed_`
    secret fixed_;
};

/// The one line in a regular file, without its end; nullopt with `fault` in words. In one buffer that is wiped: a
/// stream would leave pieces of the password all over the heap. `longest` in bytes.
std::optional<secret> read_password_file(std::string const& path, std::size_t longest, std::string& fault);

/// B-192: no CR, LF or NUL, at most 255 bytes of UTF-8, not empty.
bool fits_ftp_line(std::string_view text);

}  // namespace ftpsgate::policy
