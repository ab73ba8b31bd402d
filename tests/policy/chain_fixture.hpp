// A root with an intermediate below it, and check_chain() for certificates of theirs, with CRLs from crl_request.
#pragma once

#include "policy/chain.hpp"
#include "tests/support/test_revocation.hpp"

#include <string>
#include <utility>
#include <vector>

namespace ftpsgate::test {

inline std::string text_of(bytes const& der) {
    return {der.begin(), der.end()};
}

inline std::string text_of(X509 const& certificate) {
    return text_of(der_of(certificate));
}

inline policy::crl_ptr held(bssl::UniquePtr<X509_CRL> const& list, std::string const& origin = "test") {
    return policy::parse_crl(text_of(der_of(*list)), origin);
}

/// References to the certificates of `whose`.
inline policy::certificate_list list_of(std::vector<identity const*> const& whose) {
    policy::certificate_list made;
    for (auto const* one : whose)
        made.push_back(bssl::UpRef(one->certificate));
    return made;
}

struct chain_fixture {
    identity root = make_self_signed(authority_request("Root"));
    identity middle = make_certificate(authority_request("Middle"), root);
    std::vector<identity const*> trusted{&root};
    policy::usage_check usage = policy::usage_check::applied;
    policy::time_point now = std::chrono::system_clock::now();

    /// Leaf first. Without CRLs: the first pass.
    policy::chain_answer check(std::vector<identity const*> const& presented) const {
        return check_lists(presented, nullptr);
    }
    policy::chain_answer check(std::vector<identity const*> const& presented, policy::crl_list const& lists) const {
        return check_lists(presented, &lists);
    }

    identity issue(certificate_request const& request) const { return make_certificate(request, middle); }
    /// What the first pass says of a leaf below the intermediate.
    policy::refusal judge(certificate_request const& request) const {
        auto const leaf = issue(request);
        return check({&leaf, &middle}).reason;
    }

private:
    policy::chain_answer check_lists(std::vector<identity const*> const& presented,
                                     policy::crl_list const* lists) const {
        policy::trust_anchors const anchors(list_of(trusted));
        auto const came = list_of(presented);
        policy::certificate_list const none;
        return policy::check_chain(anchors, {came, none, usage, lists, now});
    }
};

}  // namespace ftpsgate::test
