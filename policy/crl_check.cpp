#include "policy/crl_check.hpp"

#include <algorithm>
#include <utility>

namespace ftpsgate::policy {

namespace {

constexpr std::chrono::minutes clock_skew{5};  // B-264
// Without EXTENDED_CRL_SUPPORT a delta CRL would pass for a complete one (A-084, PROTOCOL 5.1).
constexpr unsigned long revocation_flags =
    X509_V_FLAG_CRL_CHECK | X509_V_FLAG_CRL_CHECK_ALL | X509_V_FLAG_EXTENDED_CRL_SUPPORT | X509_V_FLAG_USE_DELTAS;

// BoringSSL takes a list without nextUpdate at any age, and asks no delta for its time.
bool is_late(held_crl const& list, time_point now) {
    return (list.delta || !list.next_update) && list.end() < now;
}

// Of several deltas to a base the library takes the first.
crl_list usable(crl_list const& lists, time_point now, late_lists late) {
    crl_list complete, deltas;
    for (auto const& one : lists) {
        bool const too_early = one->delta && one->this_update > now + clock_skew;
        bool const too_late = late == late_lists::left_out && is_late(*one, now);
        if (one->defect.empty() && !too_late && !too_early) (one->delta ? deltas : complete).push_back(one);
    }
    std::stable_sort(deltas.begin(), deltas.end(), [](auto const& one, auto const& other) {
        return one->issuer != other->issuer ? one->issuer < other->issuer : is_older(*other, *one);
    });
    complete.insert(complete.end(), deltas.begin(), deltas.end());
    return complete;
}

bool is_about_issuer(X509_STORE_CTX& context) {
    return X509_STORE_CTX_get0_parent_ctx(&context) != nullptr;
}

bool is_at_anchor(X509_STORE_CTX& context) {
    auto const depth = static_cast<std::size_t>(X509_STORE_CTX_get_error_depth(&context));
    return depth + 1 == sk_X509_num(X509_STORE_CTX_get0_chain(&context));
}

// That a certificate's own key signed the list which is to speak of it.
bool is_own_list(X509_STORE_CTX& context) {
    auto const* const signer = X509_STORE_CTX_get0_current_issuer(&context);
    auto const* const path = X509_STORE_CTX_get0_chain(&context);
    return X509_STORE_CTX_get_error_depth(&context) == 0 && signer != nullptr &&
           X509_cmp(signer, sk_X509_value(path, 0)) == 0;
}

// On the path of someone who signs lists: what is wrong there makes the list useless, but for two things. Nobody asks
// for CRLs about the anchor (B-252). And where the issuer of the signer says in his certificate that the signer's list
// is for it, too, BoringSSL would have to check the signer once more, and refuses to; but that is going on (PKITS
// 4.14.30).
int on_issuer_error(X509_STORE_CTX& context) {
    int const error = X509_STORE_CTX_get_error(&context);
    bool const about_list =
        error == X509_V_ERR_UNABLE_TO_GET_CRL || X509_STORE_CTX_get0_current_crl(&context) != nullptr;
    if (about_list && is_at_anchor(context)) return 1;
    return error == X509_V_ERR_CRL_PATH_VALIDATION_ERROR && is_own_list(context) ? 1 : 0;
}

}  // namespace

bool has_late_lists(crl_list const& lists, time_point now) {
    return std::any_of(lists.begin(), lists.end(), [&](auto const& one) { return is_late(*one, now); });
}

crl_check::crl_check(crl_list const& lists, time_point now, late_lists late)
    : lists_(lists), now_(now), used_(usable(lists, now, late)), stack_(sk_X509_CRL_new_null()) {
    for (auto const& one : used_)
        bssl::PushToStack(stack_.get(), bssl::UpRef(one->crl));
}

void crl_check::prepare(X509_STORE_CTX& context) {
    X509_VERIFY_PARAM_set_flags(X509_STORE_CTX_get0_param(&context), revocation_flags);
    X509_STORE_CTX_set0_crls(&context, stack_.get());
}

bool crl_check::concerns(X509_STORE_CTX& context) {
    if (is_about_issuer(context) || X509_STORE_CTX_get0_current_crl(&context) != nullptr) return true;
    // The library forgets which list it looks at once it has found fault with its times.
    switch (X509_STORE_CTX_get_error(&context)) {
        case X509_V_ERR_UNABLE_TO_GET_CRL:
        case X509_V_ERR_UNABLE_TO_GET_CRL_ISSUER:
        case X509_V_ERR_CRL_SIGNATURE_FAILURE: return true;
        default: return false;
    }
}

int crl_check::on_error(X509_STORE_CTX& context) {
    int const error = X509_STORE_CTX_get_error(&context);
    if (error == X509_V_ERR_CRL_SIGNATURE_FAILURE) {  // always: it is look_up() that asks for the signature
        X509_STORE_CTX_set_error(&context, X509_V_OK);
        return 1;
    }
    if (is_about_issuer(context)) return on_issuer_error(context);
    X509_CRL const* const list = X509_STORE_CTX_get0_current_crl(&context);
    if (error == X509_V_ERR_CRL_NOT_YET_VALID && list != nullptr) {
        auto const from = to_time_point(X509_CRL_get0_lastUpdate(list));
        if (from && *from <= now_ + clock_skew) return 1;
    }
    note(context, list, error);
    if (error == X509_V_ERR_CRL_HAS_EXPIRED || error == X509_V_ERR_UNABLE_TO_GET_CRL) return 1;
    auto& trouble = trouble_at(context);
    trouble.disbelieved = list;
    trouble.disbelieved_signer = X509_STORE_CTX_get0_current_issuer(&context);
    return 1;
}

int crl_check::look_up(X509_STORE_CTX& context, X509_CRL& list, X509& certificate) {
    X509 const* const signer = X509_STORE_CTX_get0_current_issuer(&context);
    auto const* const known = held(list);
    if (known == nullptr || signer == nullptr) return 0;
    if (!is_about_issuer(context) && is_disbelieved(trouble_at(context), *known, *signer)) return 1;
    int fault = X509_V_OK;
    if (known->critical) {
        fault = X509_V_ERR_UNHANDLED_CRITICAL_CRL_EXTENSION;
    } else if (!is_signed_by(*known, *signer)) {
        fault = X509_V_ERR_CRL_SIGNATURE_FAILURE;
    } else {
        X509_REVOKED* entry = nullptr;
        int const found = X509_CRL_get0_by_cert(&list, &entry, &certificate);
        if (found != 1) return found == 0 ? 1 : 2;
        fault = X509_V_ERR_CERT_REVOKED;
    }
    if (is_about_issuer(context)) return is_at_anchor(context) && fault != X509_V_ERR_CERT_REVOKED ? 1 : 0;
    note(context, &list, fault);
    return 1;
}

bool crl_check::is_disbelieved(list_trouble const& so_far, held_crl const& list, X509 const& signer) {
    return so_far.disbelieved == list.crl.get() || (list.delta && so_far.disbelieved_signer == &signer);
}

crl_check::list_trouble& crl_check::trouble_at(X509_STORE_CTX& context) {
    auto const depth = static_cast<std::size_t>(X509_STORE_CTX_get_error_depth(&context));
    if (troubles_.size() <= depth) troubles_.resize(depth + 1);
    return troubles_[depth];
}

void crl_check::note(X509_STORE_CTX& context, X509_CRL const* list, int error) {
    auto& trouble = trouble_at(context);
    if (list != nullptr) trouble.list = name_text(X509_CRL_get_issuer(list));
    if (error == X509_V_ERR_CERT_REVOKED) {
        trouble.revoked = true;
    } else if (error == X509_V_ERR_CRL_HAS_EXPIRED) {
        trouble.expired = true;
    } else if (trouble.error == X509_V_OK) {
        trouble.error = error;
    }
}

held_crl const* crl_check::held(X509_CRL const& list) const {
    auto const found =
        std::find_if(used_.begin(), used_.end(), [&](auto const& one) { return one->crl.get() == &list; });
    return found != used_.end() ? found->get() : nullptr;
}

crl_finding crl_check::conclude(X509 const& certificate, std::size_t depth) const {
    if (depth >= troubles_.size()) return {revocation_status::good, {}, false};
    auto const& trouble = troubles_[depth];
    // Once revoked, a certificate stays so: even a list that is out of date says that.
    if (trouble.revoked) return {revocation_status::revoked, "revoked by the CRL of " + trouble.list, false};
    if (trouble.error != X509_V_OK) {
        std::string words = X509_verify_cert_error_string(trouble.error);
        if (!trouble.list.empty()) words += " (CRL of " + trouble.list + ")";
        words += defects_of(X509_get_issuer_name(&certificate));
        return {revocation_status::unknown, std::move(words), trouble.expired};
    }
    if (trouble.expired) return {revocation_status::unknown, "the CRL of " + trouble.list + " has expired", true};
    return {revocation_status::good, {}, false};
}

// Why a list that is at hand was not asked.
std::string crl_check::defects_of(X509_NAME const* issuer) const {
    auto const name = name_text(issuer);
    for (auto const& one : lists_)
        if (one->issuer == name && !one->defect.empty()) return ": that of " + name + " is not usable: " + one->defect;
    return {};
}

}  // namespace ftpsgate::policy
