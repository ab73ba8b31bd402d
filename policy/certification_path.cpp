#include "policy/certification_path.hpp"

#include "policy/certificate_rules.hpp"

#include <algorithm>
#include <utility>

namespace ftpsgate::policy {

namespace {

constexpr std::size_t most_certificates = 11;  // B-273: ten, and the leaf

bool contains(certificate_list const& list, X509 const& certificate) {
    return std::any_of(list.begin(), list.end(), [&](auto const& one) {
        return one.get() == &certificate || X509_cmp(one.get(), &certificate) == 0;
    });
}

bool is_self_signed(X509& certificate) {
    return (X509_get_extension_flags(&certificate) & EXFLAG_SS) != 0;
}

class verification {
public:
    verification(certification_path const& path, time_point now) : path_(path) {
        for (std::size_t i = 1; i < path.certificates.size(); ++i)
            bssl::PushToStack(above_.get(), share(path.certificates[i].get()));
        ready_ = X509_STORE_CTX_init(context_.get(), store_.get(), path.certificates.front().get(), above_.get()) == 1;
        if (!ready_) return;
        X509_STORE_CTX_set_app_data(context_.get(), this);
        X509_STORE_CTX_set_verify_cb(context_.get(), [](int ok, X509_STORE_CTX* context) {
            auto* const self = static_cast<verification*>(X509_STORE_CTX_get_app_data(context));
            return ok == 1 ? 1 : self->on_error();
        });
        auto* const parameters = X509_STORE_CTX_get0_param(context_.get());
        X509_VERIFY_PARAM_set_depth(parameters, static_cast<int>(most_certificates));
        // Without this nobody asks whether the last certificate has expired, where it is not self-signed.
        X509_VERIFY_PARAM_set_flags(parameters, X509_V_FLAG_PARTIAL_CHAIN);
        X509_STORE_CTX_set_time(context_.get(), 0, std::chrono::system_clock::to_time_t(now));
    }

    path_fault run() {
        if (!ready_) return {X509_V_ERR_UNSPECIFIED, nullptr};
        bool const good = X509_verify_cert(context_.get()) == 1 && error_ == X509_V_OK;
        ERR_clear_error();
        if (good) {
            if (path_.is_anchored() && is_whole_path()) return {};
            return {X509_V_ERR_CERT_UNTRUSTED, nullptr};
        }
        if (error_ == X509_V_OK) error_ = X509_STORE_CTX_get_error(context_.get());
        if (error_ == X509_V_OK) error_ = X509_V_ERR_UNSPECIFIED;
        X509* const culprit = X509_STORE_CTX_get_current_cert(context_.get());
        return {error_, culprit != nullptr ? share(culprit) : nullptr};
    }

private:
    /// 1: go on.
    int on_error() {
        int const error = X509_STORE_CTX_get_error(context_.get());
        bool const passed_over = is_missing_anchor(error) ? path_.is_anchored() && is_whole_path()
                                                          : is_extension_fault(error) && is_at_anchor();
        if (passed_over) return 1;
        error_ = error;
        return 0;
    }

    // It is told of no anchor, so it takes nothing on trust, and this is what it says of each path that is good: at its
    // end, once, and before it looks at anything else.
    static bool is_missing_anchor(int error) {
        return error == X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY || error == X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN ||
               error == X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT;
    }

    static bool is_extension_fault(int error) {
        return error == X509_V_ERR_INVALID_CA || error == X509_V_ERR_UNHANDLED_CRITICAL_EXTENSION ||
               error == X509_V_ERR_PATH_LENGTH_EXCEEDED;
    }

    bool is_at_anchor() const {
        return static_cast<std::size_t>(X509_STORE_CTX_get_error_depth(context_.get())) >= path_.first_anchor;
    }

    bool is_whole_path() const {
        auto const* const found = X509_STORE_CTX_get0_chain(context_.get());
        if (found == nullptr || sk_X509_num(found) != path_.certificates.size()) return false;
        for (std::size_t i = 0; i < path_.certificates.size(); ++i)
            if (sk_X509_value(found, i) != path_.certificates[i].get()) return false;
        return true;
    }

    certification_path const& path_;
    bssl::UniquePtr<X509_STORE> store_{X509_STORE_new()};  // stays empty
    bssl::UniquePtr<STACK_OF(X509)> above_{sk_X509_new_null()};
    bssl::UniquePtr<X509_STORE_CTX> context_{X509_STORE_CTX_new()};
    bool ready_ = false;
    int error_ = X509_V_OK;
};

}  // namespace

certification_path build_path(X509& leaf, certificate_list const& anchors, issuer_choice& choice) {
    certification_path path;
    auto& found = path.certificates;
    found.push_back(share(&leaf));
    bool at_anchor = false;
    while (found.size() < most_certificates && !is_self_signed(*found.back())) {
        X509* const next = choice.issuer_of(*found.back());
        if (next == nullptr || contains(found, *next)) break;
        bool const is_anchor = contains(anchors, *next);
        if (at_anchor && !is_anchor) break;
        // Its key is used before anybody vouched for it: too long a one would cost much time.
        if (!is_anchor && !is_strong_key(*next)) break;
        if (is_anchor && !at_anchor) path.first_anchor = found.size();
        at_anchor = at_anchor || is_anchor;
        found.push_back(share(next));
    }
    if (!at_anchor) path.first_anchor = contains(anchors, leaf) ? 0 : found.size();
    return path;
}

path_fault verify_path(certification_path const& path, time_point now) {
    return verification(path, now).run();
}

}  // namespace ftpsgate::policy
