#include "policy/chain.hpp"

#include "policy/certificate_policies.hpp"
#include "policy/certification_path.hpp"
#include "policy/path_facts.hpp"

#include <utility>

namespace ftpsgate::policy {

namespace {

constexpr int most_ways = 20;  // so many candidates are looked at

refusal classify(int error) {
    switch (error) {
        case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
        case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
        case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
        case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
        case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
        case X509_V_ERR_CERT_CHAIN_TOO_LONG:
        case X509_V_ERR_CERT_UNTRUSTED:
        case X509_V_ERR_CERT_REJECTED: return refusal::untrusted;
        case X509_V_ERR_CERT_SIGNATURE_FAILURE:
        case X509_V_ERR_UNABLE_TO_DECRYPT_CERT_SIGNATURE:
        case X509_V_ERR_UNABLE_TO_DECODE_ISSUER_PUBLIC_KEY: return refusal::bad_signature;
        case X509_V_ERR_CERT_HAS_EXPIRED: return refusal::expired;
        case X509_V_ERR_CERT_NOT_YET_VALID: return refusal::not_yet_valid;
        case X509_V_ERR_ERROR_IN_CERT_NOT_BEFORE_FIELD:
        case X509_V_ERR_ERROR_IN_CERT_NOT_AFTER_FIELD:
        case X509_V_ERR_INVALID_EXTENSION:
        case X509_V_ERR_UNSPECIFIED:
        case X509_V_ERR_OUT_OF_MEM: return refusal::malformed;
        default: return refusal::constraint;
    }
}

struct rule_breach {
    refusal reason = refusal::none;
    std::string words;
};

// What every path has to keep to, but for the usage of its leaf.
rule_breach breach_of(certificate_list const& path) {
    for (std::size_t i = 0; i < path.size(); ++i) {
        X509 const& one = *path[i];
        bool const anchor = i + 1 == path.size();
        if (is_strong_key(one) && (anchor || is_strong_signature(one))) continue;
        return {refusal::weak,
                "key or signature algorithm of " + name_text(X509_get_subject_name(&one)) + " is too weak"};
    }
    if (auto words = form_fault(path); !words.empty()) return {refusal::malformed, std::move(words)};
    if (auto words = constraint_fault(path); !words.empty()) return {refusal::constraint, std::move(words)};
    if (auto words = policies_fault(path); !words.empty()) return {refusal::constraint, std::move(words)};
    return {};
}

// One way from the leaf to an anchor, as `choice` would have it now.
class path_check {
public:
    path_check(trust_anchors const& anchors, chain_question const& question, issuer_choice& choice)
        : anchors_(anchors.certificates()), question_(question), choice_(choice) {}

    chain_answer run() {
        auto path = build_path(*question_.presented.front(), anchors_, choice_);
        auto const fault = verify_path(path, question_.now);
        chain_answer answer;
        answer.path = std::move(path.certificates);
        if (fault) {
            explain(fault, answer);
            return answer;
        }
        check_rules(answer);
        if (question_.crls != nullptr) answer.findings = ask_lists(*question_.crls).judge(answer.path);
        return answer;
    }

    /// Whose certificate ends the way.
    X509* culprit() const { return culprit_.get(); }

private:
    void explain(path_fault const& fault, chain_answer& answer) {
        answer.reason = classify(fault.error);
        answer.words = X509_verify_cert_error_string(fault.error);
        if (!fault.culprit) return;
        culprit_ = share(fault.culprit.get());
        answer.words += " (" + name_text(X509_get_subject_name(culprit_.get())) + ")";
        if (fault.error == X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY) answer.orphan = share(culprit_.get());
    }

    void check_rules(chain_answer& answer) const {
        auto breach = breach_of(answer.path);
        if (breach.reason == refusal::none) {
            breach.words = usage_fault(answer.path, question_.usage);
            if (!breach.words.empty()) breach.reason = refusal::usage;
        }
        answer.reason = breach.reason;
        answer.words = std::move(breach.words);
    }

    crl_check ask_lists(crl_list const& lists) {
        auto const path_of = [this](X509& signer) { return path_of_signer(signer); };
        return crl_check({lists, list_signers(), path_of, question_.now, question_.late});
    }

    // A CA may sign its CRLs with another key than its certificates; an anchor, too.
    std::vector<X509*> list_signers() const {
        std::vector<X509*> found;
        auto const add = [&](X509& one) {
            if (is_strong_key(one)) found.push_back(&one);
        };
        for (std::size_t i = 1; i < question_.presented.size(); ++i)
            add(*question_.presented[i]);
        for (auto const* others : {&question_.fetched, &anchors_})
            for (auto const& one : *others)
                add(*one);
        return found;
    }

    certificate_list path_of_signer(X509& signer) {
        auto path = build_path(signer, anchors_, choice_);
        if (verify_path(path, question_.now) || breach_of(path.certificates).reason != refusal::none) return {};
        return std::move(path.certificates);
    }

    certificate_list const& anchors_;
    chain_question const& question_;
    issuer_choice& choice_;
    certificate_ptr culprit_;
};

bool is_dead_end(refusal reason) {
    return reason == refusal::untrusted || reason == refusal::bad_signature || reason == refusal::expired ||
           reason == refusal::not_yet_valid;
}

// A path is built one way only: where a candidate leads nowhere, such as a CA that a stranger cross-certified, the way
// is tried without it.
chain_answer find_way(trust_anchors const& anchors, chain_question const& question) {
    issuer_choice choice(anchors.certificates(), question.presented, question.fetched, question.now);
    X509 const* const leaf = question.presented.front().get();
    chain_answer told;
    for (int tried = 0; tried < most_ways; ++tried) {
        path_check way(anchors, question, choice);
        auto answer = way.run();
        if (!is_dead_end(answer.reason)) return answer;
        // An issuer that has expired says more than one that is not there.
        bool const first = tried == 0;
        if (first || (told.reason == refusal::untrusted && answer.reason != refusal::untrusted))
            told = std::move(answer);
        X509* const culprit = way.culprit();
        if (culprit == nullptr || X509_cmp(culprit, leaf) == 0 || choice.is_excluded(*culprit)) break;
        choice.exclude(*culprit);
    }
    return told;
}

// What says "revoked" is believed also where it is out of its time; that it takes something back is not.
void look_again(trust_anchors const& anchors, chain_question const& question, chain_answer& answer) {
    chain_question const again{question.presented, question.fetched, question.usage,
                               question.crls,      question.now,     late_lists::counted};
    auto const other = find_way(anchors, again);
    for (std::size_t i = 0; i < answer.findings.size() && i < other.findings.size(); ++i)
        if (other.findings[i].status == revocation_status::revoked) answer.findings[i] = other.findings[i];
}

}  // namespace

trust_anchors::trust_anchors(certificate_list anchors)
    : certificates_(std::move(anchors)), several_roots_(policy::have_several_roots(certificates_)) {
}

chain_answer check_chain(trust_anchors const& anchors, chain_question const& question) {
    auto answer = find_way(anchors, question);
    if (!answer.findings.empty() && has_late_lists(*question.crls, question.now)) look_again(anchors, question, answer);
    return answer;
}

}  // namespace ftpsgate::policy
