// Ends what libldap waits for at a point in time. Its own time-outs do not hold while TLS is being set up (2.5 with
// GnuTLS: it would wait for ever, at full speed), and are counted anew with every packet of a slow server.
#pragma once

#include <chrono>

struct ldap;
struct ldap_conncb;
struct sockbuf;

namespace ftpsgate::policy {

using deadline = std::chrono::steady_clock::time_point;

/// Put on a handle before it connects: from then on no read and no write waits beyond `until`, which may be changed
/// between two calls. Both outlive the handle.
class ldap_deadline {
public:
    explicit ldap_deadline(deadline const& until);
    ~ldap_deadline();
    ldap_deadline(ldap_deadline const&) = delete;
    ldap_deadline& operator=(ldap_deadline const&) = delete;

    bool put_on(ldap* handle);

private:
    ldap_conncb* callbacks_;
};

}  // namespace ftpsgate::policy
