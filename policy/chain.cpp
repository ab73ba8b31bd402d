#include "policy/chain.hpp"

#include "policy/certificate_policies.hpp"
#include "policy/issuer_choice.hpp"
#include "policy/path_facts.hpp"

#include <algorithm>
#include <optional>
#include <utility>

namespace ftpsgate::policy {

namespace {

constexpr int most_certificates_in_path = 10;  // B-273
constexpr int most_ways = 20;                  // so many candidates are looked at
// A certificate of ca_file is an anchor also where it is not self-signed. Anchors first: a cross-signed CA among the
// presented ones must not lead elsewhere.
constexpr unsigned long path_flags = X509_V_FLAG_PARTIAL_CHAIN | X509_V_FLAG_TRUSTED_FIRST;

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

class path_check {
public:
    path_check(trust_anchors const& anchors, chain_question const& question, issuer_choice& choice)
        : anchors_(anchors), question_(question), choice_(choice) {
        if (question_.crls != nullptr) lists_.emplace(*question_.crls, question_.now, question_.late);
    }

    chain_answer run() {
        chain_answer answer;
        if (!prepare()) return refused(refusal::malformed, "the certificate cannot be parsed");
        bool const found = X509_verify_cert(context_.get()) == 1 && error_ == X509_V_OK;
        ERR_clear_error();
        take_path(answer);
        if (!found) explain(answer);
        if (found) check_rules(answer);
        if (found && lists_) judge_crls(answer);
        return answer;
    }

    /// Whose certificate ends the way.
    X509* culprit() const { return culprit_.get(); }

    /// For X509_STORE_set_check_issued().
    static int is_issuer(X509_STORE_CTX* context, X509* subject, X509* issuer) {
        return owner_of(context).choice_.is_chosen(*subject, *issuer) ? 1 : 0;
    }
    /// For X509_STORE_set_cert_crl().
    static int look_up(X509_STORE_CTX* context, X509_CRL* list, X509* certificate) {
        auto& lists = owner_of(context).lists_;
        return lists ? lists->look_up(*context, *list, *certificate) : 0;
    }

private:
    static chain_answer refused(refusal reason, std::string words) {
        chain_answer answer;
        answer.reason = reason;
        answer.words = std::move(words);
        return answer;
    }

    bool prepare() {
        candidates_.reset(sk_X509_new_null());
        for (std::size_t i = 1; i < question_.presented.size(); ++i)
            add_candidate(question_.presented[i]);
        for (auto const& one : question_.fetched)
            add_candidate(one);
        // A CA may sign its CRLs with another key than its certificates: such a signer is looked for here only.
        for (auto const& one : anchors_.certificates())
            if (lists_) add_candidate(one);
        context_.reset(X509_STORE_CTX_new());
        if (X509_STORE_CTX_init(context_.get(), anchors_.store(), question_.presented.front().get(),
                                candidates_.get()) != 1)
            return false;
        X509_STORE_CTX_set_app_data(context_.get(), this);
        X509_STORE_CTX_set_verify_cb(context_.get(), [](int ok, X509_STORE_CTX* context) {
            return ok == 1 ? 1 : owner_of(context).on_error(context);
        });
        set_parameters();
        return true;
    }

    // The key of a candidate is used before anybody vouched for it: too long a one would cost much time.
    void add_candidate(certificate_ptr const& one) {
        if (is_strong_key(*one)) bssl::PushToStack(candidates_.get(), share(one.get()));
    }

    void set_parameters() {
        auto* const parameters = X509_STORE_CTX_get0_param(context_.get());
        X509_VERIFY_PARAM_set_depth(parameters, most_certificates_in_path);
        X509_VERIFY_PARAM_set_flags(parameters, path_flags);
        X509_STORE_CTX_set_time(context_.get(), 0, std::chrono::system_clock::to_time_t(question_.now));
        if (lists_) lists_->prepare(*context_);
    }

    // A CRL issuer that is not on the path is checked in a context of its own, which knows its parent only.
    static path_check& owner_of(X509_STORE_CTX* context) {
        X509_STORE_CTX* const parent = X509_STORE_CTX_get0_parent_ctx(context);
        return *static_cast<path_check*>(X509_STORE_CTX_get_app_data(parent != nullptr ? parent : context));
    }

    /// 1: go on.
    int on_error(X509_STORE_CTX* context) {
        if (lists_ && crl_check::concerns(*context)) return lists_->on_error(*context);
        error_ = X509_STORE_CTX_get_error(context);
        return 0;
    }

    void take_path(chain_answer& answer) {
        auto const* const chain = X509_STORE_CTX_get0_chain(context_.get());
        for (std::size_t i = 0; chain != nullptr && i < sk_X509_num(chain); ++i)
            answer.path.push_back(share(sk_X509_value(chain, i)));
    }

    void explain(chain_answer& answer) {
        if (error_ == X509_V_OK) error_ = X509_STORE_CTX_get_error(context_.get());
        if (error_ == X509_V_OK) error_ = X509_V_ERR_UNSPECIFIED;
        answer.reason = classify(error_);
        answer.words = X509_verify_cert_error_string(error_);
        X509* const culprit = X509_STORE_CTX_get_current_cert(context_.get());
        if (culprit == nullptr) return;
        culprit_ = share(culprit);
        answer.words += " (" + name_text(X509_get_subject_name(culprit)) + ")";
        if (error_ == X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY || error_ == X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT)
            answer.orphan = share(culprit);
    }

    void check_rules(chain_answer& answer) const {
        for (std::size_t i = 0; i < answer.path.size(); ++i) {
            X509 const& one = *answer.path[i];
            bool const anchor = i + 1 == answer.path.size();
            if (is_strong_key(one) && (anchor || is_strong_signature(one))) continue;
            answer.reason = refusal::weak;
            answer.words = "key or signature algorithm of " + name_text(X509_get_subject_name(&one)) + " is too weak";
            return;
        }
        answer.words = form_fault(answer.path);
        if (!answer.words.empty()) {
            answer.reason = refusal::malformed;
            return;
        }
        answer.words = anchor_fault(answer.path);
        if (answer.words.empty()) answer.words = policies_fault(answer.path);
        if (!answer.words.empty()) {
            answer.reason = refusal::constraint;
            return;
        }
        answer.words = usage_fault(answer.path, question_.usage);
        if (!answer.words.empty()) answer.reason = refusal::usage;
    }

    void judge_crls(chain_answer& answer) const {
        answer.findings.resize(answer.path.size());
        for (std::size_t i = 0; i < answer.path.size(); ++i) {
            bool const anchor = i + 1 == answer.path.size();
            answer.findings[i] = lists_->conclude(*answer.path[i], i);
            if (anchor && answer.findings[i].status != revocation_status::revoked) answer.findings[i] = {};
        }
    }

    trust_anchors const& anchors_;
    chain_question const& question_;
    issuer_choice& choice_;
    bssl::UniquePtr<STACK_OF(X509)> candidates_;
    std::optional<crl_check> lists_;  // before the context, which reads them
    bssl::UniquePtr<X509_STORE_CTX> context_;
    int error_ = X509_V_OK;
    certificate_ptr culprit_;
};

}  // namespace

trust_anchors::trust_anchors(certificate_list anchors)
    : certificates_(std::move(anchors)),
      several_roots_(policy::have_several_roots(certificates_)),
      store_(X509_STORE_new()) {
    for (auto const& one : certificates_)
        X509_STORE_add_cert(store_.get(), one.get());
    X509_STORE_set_check_issued(store_.get(), &path_check::is_issuer);
    X509_STORE_set_cert_crl(store_.get(), &path_check::look_up);
    ERR_clear_error();
}

namespace {

bool is_dead_end(refusal reason) {
    return reason == refusal::untrusted || reason == refusal::bad_signature || reason == refusal::expired ||
           reason == refusal::not_yet_valid;
}

// The library goes one way only: where a candidate leads nowhere, such as a CA that a stranger cross-certified, the way
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

chain_answer check_chain(trust_anchors const& anchors, chain_question const& question) {
    auto answer = find_way(anchors, question);
    if (!answer.findings.empty() && has_late_lists(*question.crls, question.now)) look_again(anchors, question, answer);
    return answer;
}

}  // namespace ftpsgate::policy
