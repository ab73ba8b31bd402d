#include "policy/issuer_choice.hpp"

#include "policy/certificate_rules.hpp"

#include <algorithm>

namespace ftpsgate::policy {

namespace {

// A client may send twenty CAs of one name (B-273): what is tried beyond this would only cost time.
constexpr std::size_t most_signatures = 40;

bool is_same(X509 const& one, X509 const& other) {
    return &one == &other || X509_cmp(&one, &other) == 0;
}

bool is_valid(X509 const& certificate, std::time_t now) {
    return X509_cmp_time(X509_get0_notBefore(&certificate), &now) < 0 &&
           X509_cmp_time(X509_get0_notAfter(&certificate), &now) > 0;
}

}  // namespace

issuer_choice::issuer_choice(certificate_list const& anchors, certificate_list const& presented,
                             certificate_list const& fetched, time_point now)
    : now_(std::chrono::system_clock::to_time_t(now)) {
    for (auto const& one : anchors)
        known_.push_back(one.get());
    for (std::size_t i = 1; i < presented.size(); ++i)  // the leaf issues nothing
        known_.push_back(presented[i].get());
    for (auto const& one : fetched)
        known_.push_back(one.get());
}

X509* issuer_choice::issuer_of(X509& subject) {
    auto found = std::find_if(chosen_.begin(), chosen_.end(), [&](auto const& one) { return one.first == &subject; });
    if (found == chosen_.end()) found = chosen_.insert(chosen_.end(), {&subject, choose(subject)});
    return found->second;
}

void issuer_choice::exclude(X509& issuer) {
    excluded_.push_back(share(&issuer));
    chosen_.clear();
}

bool issuer_choice::is_excluded(X509 const& issuer) const {
    return std::any_of(excluded_.begin(), excluded_.end(), [&](auto const& one) { return is_same(*one, issuer); });
}

X509* issuer_choice::choose(X509& subject) {
    auto const plausible = plausible_issuers(subject);
    if (plausible.empty()) return nullptr;
    if (plausible.size() == 1) return plausible.front();
    X509* best = nullptr;
    int best_rank = -1;
    for (X509* const one : plausible) {
        int const its_rank = rank(subject, *one);
        if (its_rank > best_rank) best = one;
        best_rank = std::max(best_rank, its_rank);
    }
    return best;
}

std::vector<X509*> issuer_choice::plausible_issuers(X509& subject) const {
    std::vector<X509*> found;
    auto const* const name = X509_get_issuer_name(&subject);
    for (X509* const one : known_) {
        if (X509_NAME_cmp(X509_get_subject_name(one), name) != 0) continue;
        if (X509_check_issued(one, &subject) != X509_V_OK || is_excluded(*one)) continue;
        bool const again = std::any_of(found.begin(), found.end(), [&](X509* it) { return is_same(*it, *one); });
        if (!again) found.push_back(one);
    }
    return found;
}

int issuer_choice::rank(X509& subject, X509& issuer) {
    return (has_signed(subject, issuer) ? 2 : 0) + (is_valid(issuer, now_) ? 1 : 0);
}

bool issuer_choice::has_signed(X509& subject, X509& issuer) {
    std::pair const both(&subject, &issuer);
    auto const found =
        std::find_if(signatures_.begin(), signatures_.end(), [&](auto const& one) { return one.first == both; });
    if (found != signatures_.end()) return found->second;
    if (signatures_.size() == most_signatures || !is_strong_key(issuer)) return false;
    bssl::UniquePtr<EVP_PKEY> const key(X509_get_pubkey(&issuer));
    bool const good = key && X509_verify(&subject, key.get()) == 1;
    ERR_clear_error();
    signatures_.emplace_back(both, good);
    return good;
}

}  // namespace ftpsgate::policy
