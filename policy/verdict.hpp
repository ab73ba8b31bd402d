// The outcome of looking at a client's certificate, with all that the log, the metrics and `ftpsgate identity` tell
// about it. A verified_peer is made by peer_verifier only: whoever holds one knows that the checks were passed.
#pragma once

#include "policy/path_facts.hpp"

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace ftpsgate::policy {

/// Why a client certificate is refused. One metric label each.
enum class refusal {
    none,
    malformed,           ///< no certificate, too many of them, or one that cannot be parsed
    untrusted,           ///< no path to a trust anchor of the site
    bad_signature,       ///< on the path
    expired,             ///< also: one of the path
    not_yet_valid,       ///< also: one of the path
    weak,                ///< key or signature algorithm below B-273
    usage,               ///< extended key usage, key usage, or a CA's certificate as a client's (B-186 .. B-188)
    constraint,          ///< basic, name or policy constraints, path length, unknown critical extension
    revoked,             ///< said by a valid CRL or OCSP answer
    revocation_unknown,  ///< no usable answer was to be had (B-253)
};

/// Fixed word for logs and metric labels.
char const* to_string(refusal why);
/// The TLS alert that the client gets (B-271).
std::uint8_t alert_of(refusal why);

/// The client of a session as its certificate shows it, after every check that the site asks for.
class verified_peer {
public:
    std::string const& subject() const { return facts_.subject; }
    sha256_digest const& sha256() const { return sha256_; }
    certificate_facts const& facts() const { return facts_; }
    /// Leaf first, trust anchor last.
    certificate_list const& chain() const { return chain_; }
    path_facts const& path() const { return path_; }

private:
    friend class peer_verifier;
    verified_peer(certificate_list chain, path_facts const& path)
        : chain_(std::move(chain)),
          path_(path),
          facts_(facts_of(*chain_.front())),
          sha256_(sha256_of(*chain_.front())) {}

    certificate_list chain_;
    path_facts path_;
    certificate_facts facts_;
    sha256_digest sha256_;
};

enum class revocation_status { not_checked, good, revoked, unknown };
enum class revocation_source { none, ocsp, crl, cache };  ///< cache: an OCSP answer or CRL that was already held

char const* to_string(revocation_status status);
char const* to_string(revocation_source source);

/// What is known of one certificate of the path.
struct certificate_report {
    certificate_facts facts;
    bool anchor = false;
    revocation_status status = revocation_status::not_checked;
    revocation_source source = revocation_source::none;
    std::optional<time_point> this_update;
    std::optional<time_point> next_update;
    std::string detail;      ///< in words: which CRL or responder, or why there is no answer
    bool stale = false;      ///< older than revocation_freshness_time, and newer is not to be had (D-12)
    bool timed_out = false;  ///< one of those that were asked gave no answer in time
};

/// One attempt to fetch a CRL, an OCSP answer or an issuer's certificate. Told to the one who asked first.
struct fetch_report {
    std::string url;
    bool usable = false;
    bool timed_out = false;
    std::string detail;  ///< in words
};

struct peer_verdict {
    std::shared_ptr<verified_peer const> peer;  ///< null: refused
    refusal reason = refusal::none;
    std::string detail;                     ///< in words; never for the client
    std::string subject;                    ///< of the certificate that was presented, also when refused
    std::string sha256;                     ///< hex
    std::vector<certificate_report> chain;  ///< leaf first; empty when there is no path
    std::vector<fetch_report> fetches;
    std::vector<std::string> warnings;  ///< accepted all the same: a stale CRL (D-12), unknown but allowed (B-253)
};

using verdict_ptr = std::shared_ptr<peer_verdict const>;  ///< never null

}  // namespace ftpsgate::policy
