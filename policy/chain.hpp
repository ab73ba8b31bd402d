// Finds a client's certification path to a site's trust anchors and checks it (RFC 5280 section 6), with what BoringSSL
// does and does not do in mind (PROTOCOL.md 5.1). CPU only: nothing is fetched, nothing is remembered.
//
// Flow (B-251): check_chain() without CRLs first. Only when that finds a path may revocation data for the certificates
// of the path be fetched; then check_chain() again with the CRLs.
#pragma once

#include "policy/certificate_rules.hpp"
#include "policy/crl_check.hpp"

#include <string>
#include <vector>

namespace ftpsgate::policy {

/// The only certificates that are believed without another's word. Immutable, shared by all threads.
class trust_anchors {
public:
    explicit trust_anchors(certificate_list anchors);

    certificate_list const& certificates() const { return certificates_; }
    bool have_several_roots() const { return several_roots_; }  ///< see path_facts.hpp

private:
    certificate_list certificates_;
    bool several_roots_;
};

struct chain_question {
    certificate_list const& presented;  ///< by the client: leaf first, then candidates for the path, in any order
    certificate_list const& fetched;    ///< further candidates (AIA), not more to be believed than those
    usage_check usage = usage_check::applied;
    crl_list const* crls = nullptr;  ///< null: revocation is not looked at
    time_point now;
    late_lists late = late_lists::left_out;  ///< for check_chain() itself
};

struct chain_answer {
    refusal reason = refusal::none;
    std::string words;
    certificate_list path;  ///< leaf first, anchor last; also set for most refusals, as far as it was built
    std::vector<crl_finding>
        findings;            ///< one each of `path`, where CRLs were given; the anchor's is not_checked (B-252)
    certificate_ptr orphan;  ///< untrusted because the issuer of this one is not to be found
};

chain_answer check_chain(trust_anchors const& anchors, chain_question const& question);

}  // namespace ftpsgate::policy
