// One connection with an LDAP server: protected, authenticated, for searches. Blocks, so it is for threads of their
// own. Referrals are never followed: they would send the password of the bind to whomever.
//
// What /etc/ldap/ldap.conf, ~/.ldaprc and LDAP* variables say about TLS does not hold: the certificate of the server is
// checked against `ca_file` and the host name of the URL, and TLS 1.2 is the least.
#pragma once

#include "policy/ldap_deadline.hpp"
#include "policy/secret.hpp"

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace ftpsgate::policy {

struct directory_server {
    std::string url;  ///< "ldaps://host[:port]", "ldap://host[:port]" with start_tls
    bool start_tls = false;
    std::string ca_file;
    std::string bind_dn;
    secret bind_password;  ///< never empty: that would be an anonymous bind (RFC 4513 5.1.2)
};

/// Empty when the URL is of the kind above; else what is wrong with it, in words.
std::string fault_of_ldap_url(std::string_view url, bool start_tls);

struct ldap_entry {
    std::string dn;
    /// By name in lower case, without options (";binary", ";range=0-1499").
    std::map<std::string, std::vector<std::string>, std::less<>> attributes;

    std::vector<std::string> const& values_of(std::string_view name) const;  ///< name in lower case
};

struct ldap_search {
    std::string base;  ///< and everything below
    std::string filter;
    std::vector<std::string> attributes;
    std::size_t most = 10;  ///< entries; more are `refused`
};

enum class search_status {
    answered,
    refused,    ///< the server's answer was an error or more than was asked for; another server would say the same
    no_answer,  ///< timed out, or the server is busy
    lost,       ///< the connection is gone
};

struct ldap_search_result {
    search_status status = search_status::no_answer;
    std::vector<ldap_entry> entries;  ///< when answered
    std::string detail;               ///< in words, when not
};

class ldap_connection {
public:
    /// Connected, secured and bound; null with `fault` in words when that did not come about until the deadline. Only
    /// the resolver's own time-outs bound the look-up of the host name.
    static std::unique_ptr<ldap_connection> open(directory_server const& server, deadline until, std::string& fault);
    ~ldap_connection();
    ldap_connection(ldap_connection const&) = delete;
    ldap_connection& operator=(ldap_connection const&) = delete;

    ldap_search_result search(ldap_search const& what, deadline until);

private:
    struct handle;
    explicit ldap_connection(std::unique_ptr<handle> opened);
    std::unique_ptr<handle> handle_;
};

}  // namespace ftpsgate::policy
