#include "policy/chain.hpp"

#include "policy/certificate_policies.hpp"
#include "policy/path_facts.hpp"

#include <algorithm>
#include <utility>

namespace ftpsgate::policy {

namespace {

constexpr int most_certificates_in_path = 10;  // B-273
constexpr std::chrono::minutes clock_skew{5};  // B-264
// Without EXTENDED_CRL_SUPPORT a delta CRL would pass for a complete one (A-084, PROTOCOL 5.1).
constexpr unsigned long revocation_flags =
    X509_V_FLAG_CRL_CHECK | X509_V_FLAG_CRL_CHECK_ALL | X509_V_FLAG_EXTENDED_CRL_SUPPORT | X509_V_FLAG_USE_DELTAS;
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

// What went wrong with the CRLs for one certificate.
struct crl_trouble {
    bool revoked = false;
    bool expired = false;
    int error = X509_V_OK;  // the first one but those two
    X509_CRL const* current = nullptr;
    bool in_doubt = false;
    X509_CRL const* disbelieved = nullptr;  // a list that is not what it seems: what it says does not count
    std::string list;                       // whose
};

class path_check {
public:
    path_check(trust_anchors const& anchors, chain_question const& question) : anchors_(anchors), question_(question) {}

    chain_answer run() {
        chain_answer answer;
        if (!prepare()) return refused(refusal::malformed, "the certificate cannot be parsed");
        bool const found = X509_verify_cert(context_.get()) == 1 && error_ == X509_V_OK;
        ERR_clear_error();
        take_path(answer);
        if (!found) explain(answer);
        if (found) check_rules(answer);
        if (found && question_.crls != nullptr) judge_crls(answer);
        return answer;
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
            if (question_.crls != nullptr) add_candidate(one);
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
        if (question_.crls == nullptr) return;
        X509_VERIFY_PARAM_set_flags(parameters, revocation_flags);
        lists_.reset(sk_X509_CRL_new_null());
        for (auto const& one : usable_lists())
            bssl::PushToStack(lists_.get(), bssl::UpRef(one->crl));
        X509_STORE_CTX_set0_crls(context_.get(), lists_.get());
    }

    // Of several deltas to a base the library takes the first, and asks none for its time.
    crl_list usable_lists() const {
        crl_list complete, deltas;
        for (auto const& one : *question_.crls) {
            bool const too_old = !question_.aged_lists && !one->next_update && one->end() < question_.now;  // B-264
            bool const too_early = one->delta && one->this_update > question_.now + clock_skew;
            if (one->defect.empty() && !too_old && !too_early) (one->delta ? deltas : complete).push_back(one);
        }
        std::stable_sort(deltas.begin(), deltas.end(), [](auto const& one, auto const& other) {
            return one->issuer != other->issuer ? one->issuer < other->issuer : is_older(*other, *one);
        });
        complete.insert(complete.end(), deltas.begin(), deltas.end());
        return complete;
    }

    // A CRL issuer that is not on the path is checked in a context of its own, which knows its parent only.
    static path_check& owner_of(X509_STORE_CTX* context) {
        X509_STORE_CTX* const parent = X509_STORE_CTX_get0_parent_ctx(context);
        return *static_cast<path_check*>(X509_STORE_CTX_get_app_data(parent != nullptr ? parent : context));
    }

    /// 1: go on.
    int on_error(X509_STORE_CTX* context) {
        int const error = X509_STORE_CTX_get_error(context);
        auto const depth = static_cast<std::size_t>(X509_STORE_CTX_get_error_depth(context));
        X509_CRL* const list = X509_STORE_CTX_get0_current_crl(context);
        // The library forgets which list it looks at once it has found fault with its times.
        bool const about_crl = list != nullptr || is_about_crl(error);
        if (X509_STORE_CTX_get0_parent_ctx(context) != nullptr) {
            // The anchor has no CRL of its own (B-252); anything else about the issuer of a CRL makes the CRL useless.
            bool const at_anchor = depth + 1 == sk_X509_num(X509_STORE_CTX_get0_chain(context));
            return error == X509_V_ERR_UNABLE_TO_GET_CRL && at_anchor ? 1 : 0;
        }
        if (!about_crl) {
            error_ = error;
            depth_ = depth;
            return 0;
        }
        note_trouble(depth, error, list);
        return 1;
    }

    static bool is_about_crl(int error) {
        switch (error) {
            case X509_V_ERR_UNABLE_TO_GET_CRL:
            case X509_V_ERR_UNABLE_TO_GET_CRL_ISSUER:
            case X509_V_ERR_CRL_SIGNATURE_FAILURE:
            case X509_V_ERR_UNHANDLED_CRITICAL_CRL_EXTENSION:
            case X509_V_ERR_CERT_REVOKED: return true;
            default: return false;
        }
    }

    void note_trouble(std::size_t depth, int error, X509_CRL const* list) {
        if (troubles_.size() <= depth) troubles_.resize(depth + 1);
        auto& trouble = troubles_[depth];
        if (list != nullptr) trouble.current = list;
        if (list == nullptr && error != X509_V_ERR_UNABLE_TO_GET_CRL) list = trouble.current;
        if (error == X509_V_ERR_CRL_NOT_YET_VALID) {
            auto const from = to_time_point(X509_CRL_get0_lastUpdate(list));
            if (from && *from <= question_.now + clock_skew) return;
        }
        if (list != nullptr) trouble.list = name_text(X509_CRL_get_issuer(list));
        if (error == X509_V_ERR_CERT_REVOKED) {
            trouble.revoked = trouble.revoked || !trouble.in_doubt || list != trouble.disbelieved;
            return;
        }
        if (error == X509_V_ERR_CRL_HAS_EXPIRED) {
            trouble.expired = true;
            return;
        }
        if (error != X509_V_ERR_UNABLE_TO_GET_CRL) {
            trouble.in_doubt = true;
            trouble.disbelieved = list;
        }
        if (trouble.error == X509_V_OK) trouble.error = error;
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
            auto const trouble = i < troubles_.size() ? troubles_[i] : crl_trouble{};
            answer.findings[i] = judge(trouble);
            if (anchor && answer.findings[i].status != revocation_status::revoked) answer.findings[i] = {};
        }
    }

    static crl_finding judge(crl_trouble const& trouble) {
        // Once revoked, a certificate stays so: even a list that is out of date says that.
        if (trouble.revoked) return {revocation_status::revoked, "revoked by the CRL of " + trouble.list, false};
        if (trouble.error != X509_V_OK) {
            std::string const whose = trouble.list.empty() ? std::string() : " (CRL of " + trouble.list + ")";
            return {revocation_status::unknown, X509_verify_cert_error_string(trouble.error) + whose, trouble.expired};
        }
        if (trouble.expired) return {revocation_status::unknown, "the CRL of " + trouble.list + " has expired", true};
        return {revocation_status::good, {}, false};
    }

    trust_anchors const& anchors_;
    chain_question const& question_;
    bssl::UniquePtr<STACK_OF(X509)> candidates_;
    bssl::UniquePtr<STACK_OF(X509_CRL)> lists_;
    bssl::UniquePtr<X509_STORE_CTX> context_;
    std::vector<crl_trouble> troubles_;
    int error_ = X509_V_OK;
    std::size_t depth_ = 0;
};

}  // namespace

trust_anchors::trust_anchors(certificate_list anchors)
    : certificates_(std::move(anchors)),
      several_roots_(policy::have_several_roots(certificates_)),
      store_(X509_STORE_new()) {
    for (auto const& one : certificates_)
        X509_STORE_add_cert(store_.get(), one.get());
    ERR_clear_error();
}

namespace {

bool is_in(certificate_list const& list, X509 const& certificate) {
    return std::any_of(list.begin(), list.end(),
                       [&](auto const& one) { return X509_cmp(one.get(), &certificate) == 0; });
}

certificate_list without(certificate_list const& list, certificate_list const& excluded) {
    certificate_list rest;
    for (auto const& one : list)
        if (!is_in(excluded, *one)) rest.push_back(share(one.get()));
    return rest;
}

// The library goes one way only: where a candidate leads nowhere, such as a CA that a stranger cross-certified, the way
// is tried without it.
chain_answer find_way(trust_anchors const& anchors, chain_question const& question) {
    auto first = path_check(anchors, question).run();
    if (first.reason != refusal::untrusted) return first;
    certificate_list excluded;
    auto last = first.path.empty() ? nullptr : share(first.path.back().get());
    while (last && X509_cmp(last.get(), question.presented.front().get()) != 0) {
        excluded.push_back(std::move(last));
        auto const presented = without(question.presented, excluded);
        auto const fetched = without(question.fetched, excluded);
        chain_question const rest{presented, fetched, question.usage, question.crls, question.now, question.aged_lists};
        auto other = path_check(anchors, rest).run();
        if (other.reason != refusal::untrusted) return other;
        if (other.path.empty() || is_in(excluded, *other.path.back())) break;
        last = share(other.path.back().get());
    }
    return first;
}

// What says "revoked" is believed also where something else is not to be believed: a delta, or a list without
// nextUpdate that is too old.
void look_again(trust_anchors const& anchors, chain_question const& question, chain_answer& answer) {
    crl_list complete;
    for (auto const& one : *question.crls)
        if (!one->delta) complete.push_back(one);
    chain_question const again{question.presented, question.fetched, question.usage, &complete, question.now, true};
    auto const other = find_way(anchors, again);
    for (std::size_t i = 0; i < answer.findings.size() && i < other.findings.size(); ++i) {
        bool const hidden = answer.findings[i].status == revocation_status::unknown;
        if (hidden && other.findings[i].status == revocation_status::revoked) answer.findings[i] = other.findings[i];
    }
}

}  // namespace

chain_answer check_chain(trust_anchors const& anchors, chain_question const& question) {
    auto answer = find_way(anchors, question);
    bool const doubtful = std::any_of(answer.findings.begin(), answer.findings.end(),
                                      [](auto const& one) { return one.status == revocation_status::unknown; });
    if (doubtful) look_again(anchors, question, answer);
    return answer;
}

}  // namespace ftpsgate::policy
