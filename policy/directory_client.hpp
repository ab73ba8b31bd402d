// Asks the servers of one directory for the account of a certificate, over a connection that is kept. For one thread.
//
// Servers are tried in order: the next one when a server cannot be reached, has a bad certificate, refuses the bind or
// gives no answer in time; never when one answered, whatever it said. A kept connection that turns out to be gone is
// opened again once.
#pragma once

#include "policy/identity.hpp"
#include "policy/ldap_connection.hpp"
#include "policy/mapping_values.hpp"

#include <atomic>
#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace ftpsgate::policy {

struct directory_site {
    std::vector<directory_server> servers;
    std::string base_dn;
    std::string user_attribute;
    std::chrono::milliseconds timeout{};  ///< for all that one server is asked for one certificate
};

struct directory_question {
    std::vector<mapping_value>
        wanted;       ///< in the order in which they are tried; the first that finds an account decides
    std::string sid;  ///< binary, that of the certificate's extension: the account must have it; "" = none
};

struct directory_answer {
    enum class kind { found, none, refused };
    kind what = kind::refused;
    std::string dn, user;              ///< when found
    std::string detail;                ///< in words, when refused
    std::vector<identity_step> steps;  ///< named by the servers' URLs
};

class directory_client {
public:
    /// `site` and `stopping` (gives up between two steps when it becomes true) outlive the client.
    directory_client(directory_site const& site, std::atomic<bool> const& stopping)
        : site_(site), stopping_(stopping) {}

    directory_answer ask(directory_question const& question);

private:
    struct attempt;
    std::optional<directory_answer> ask_kept(attempt& now);
    std::optional<directory_answer> ask_server(std::size_t which, attempt& now);
    std::optional<directory_answer> search_all(attempt& now);
    search_status search_one(mapping_value const& wanted, attempt& now, std::vector<ldap_entry>& found);
    directory_answer conclude(mapping_value const& wanted, std::vector<ldap_entry> const& found, attempt& now) const;
    void note(attempt& now, std::string detail) const;

    directory_site const& site_;
    std::atomic<bool> const& stopping_;
    std::unique_ptr<ldap_connection> kept_;
    std::size_t server_ = 0;  ///< of kept_
    deadline opened_{};
};

}  // namespace ftpsgate::policy
