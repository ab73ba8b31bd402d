#include "policy/crl_check.hpp"

#include <algorithm>

namespace ftpsgate::policy {

namespace {

constexpr std::chrono::minutes clock_skew{5};  // B-264

// Which of several lists is taken: the one with the most of these, the first counting most; of equals the newest.
constexpr int no_critical = 0x100;
constexpr int in_scope = 0x80;
constexpr int in_time = 0x40;
constexpr int of_issuer = 0x20;
constexpr int by_issuer = 0x18;  // signed by the certificate's issuer
constexpr int on_path = 0x08;    // part of by_issuer

// A list without nextUpdate would count at any age otherwise, and a delta takes back what its base says.
bool is_late(held_crl const& list, time_point now) {
    return (list.delta || !list.next_update) && list.end() < now;
}

// Of several deltas to a base the newest counts.
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

bool may_sign_lists(X509& signer) {
    return (X509_get_extension_flags(&signer) & EXFLAG_KUSAGE) == 0 ||
           (X509_get_key_usage(&signer) & X509v3_KU_CRL_SIGN) != 0;
}

bool has_name(X509 const& certificate, X509_NAME const* name) {
    return X509_NAME_cmp(X509_get_subject_name(&certificate), name) == 0;
}

}  // namespace

bool has_late_lists(crl_list const& lists, time_point now) {
    return std::any_of(lists.begin(), lists.end(), [&](auto const& one) { return is_late(*one, now); });
}

crl_check::crl_check(crl_question question)
    : question_(std::move(question)), used_(usable(question_.lists, question_.now, question_.late)) {
}

std::vector<crl_finding> crl_check::judge(certificate_list const& path) {
    std::vector<crl_finding> findings;
    for (std::size_t i = 0; i < path.size(); ++i) {
        auto const trouble = trouble_at({path, i, purpose::of_client, listed_certificate(*path[i])});
        findings.push_back(conclude(trouble, *path[i]));
    }
    if (!findings.empty() && findings.back().status != revocation_status::revoked) findings.back() = {};
    return findings;
}

// Lists for some reasons count together; without an answer for every reason there is none.
crl_check::list_trouble crl_check::trouble_at(place const& at) {
    list_trouble trouble;
    held_crl const* last = nullptr;
    for (reason_set covered = 0; covered != all_reasons;) {
        auto const chosen = choose(at, covered);
        if (chosen) read(*chosen, at, trouble);
        if (chosen) last = chosen->list;
        if (!chosen || chosen->reasons == covered) {
            note(trouble, last, X509_V_ERR_UNABLE_TO_GET_CRL);
            break;
        }
        covered = chosen->reasons;
    }
    return trouble;
}

std::optional<crl_check::chosen_list> crl_check::choose(place const& at, reason_set covered) const {
    std::optional<chosen_list> best;
    for (auto const& one : used_) {
        auto const next = weigh(*one, at, covered);
        if (!next) continue;
        bool const better = !best || next->score > best->score ||
                            (next->score == best->score && next->list->this_update > best->list->this_update);
        if (better) best = next;
    }
    if (best) best->delta = delta_to(*best->list, at);
    return best;
}

// Unset: nothing that could be said of the certificate, or nothing that is new.
std::optional<crl_check::chosen_list> crl_check::weigh(held_crl const& list, place const& at,
                                                       reason_set covered) const {
    auto const& scope = list.scope;
    if (list.delta || !scope.is_sound() || (scope.reasons() & ~covered) == 0) return std::nullopt;
    bool const same_issuer = scope.is_of_issuer(at.certificate);
    if (!same_issuer && !scope.is_indirect()) return std::nullopt;
    auto const signer = signer_of(scope, at);
    if (signer.certificate == nullptr) return std::nullopt;
    auto const reasons = scope.reasons_for(at.certificate);
    if (reasons && (*reasons & ~covered) == 0) return std::nullopt;
    int const score = signer.score + (list.critical ? 0 : no_critical) + (reasons ? in_scope : 0) +
                      (is_in_time(list) ? in_time : 0) + (same_issuer ? of_issuer : 0);
    return chosen_list{&list, nullptr, signer.certificate, score, covered | reasons.value_or(0)};
}

crl_check::found_signer crl_check::signer_of(crl_scope const& list, place const& at) const {
    // A self-signed anchor is its own issuer.
    auto above = std::min(at.depth + 1, at.path.size() - 1);
    X509& issuer = *at.path[above];
    if (list.is_of_issuer(at.certificate) && list.may_be_by(issuer)) return {&issuer, by_issuer};
    for (++above; above < at.path.size(); ++above)
        if (has_name(*at.path[above], list.issuer()) && list.may_be_by(*at.path[above]))
            return {at.path[above].get(), on_path};
    for (X509* const one : question_.signers)
        if (has_name(*one, list.issuer()) && list.may_be_by(*one)) return {one, 0};
    return {};
}

held_crl const* crl_check::delta_to(held_crl const& base, place const& at) const {
    if (!base.scope.announces_deltas(at.certificate)) return nullptr;
    auto const found = std::find_if(used_.begin(), used_.end(),
                                    [&](auto const& one) { return one->delta && one->scope.is_delta_to(base.scope); });
    return found != used_.end() ? found->get() : nullptr;
}

void crl_check::read(chosen_list const& chosen, place const& at, list_trouble& trouble) {
    auto const& list = *chosen.list;
    int const doubt = disbelief(chosen, at);
    if (doubt != X509_V_OK) note(trouble, &list, doubt);
    // What the base does not know any more, a delta does that has not expired.
    bool const fresh_delta = chosen.delta != nullptr && is_in_time(*chosen.delta);
    if (list.next_update && *list.next_update <= question_.now && !fresh_delta)
        note(trouble, &list, X509_V_ERR_CRL_HAS_EXPIRED);
    if (doubt != X509_V_OK) return;
    auto told = entry_kind::none;
    if (chosen.delta != nullptr) told = look_up(*chosen.delta, *chosen.signer, at, trouble);
    if (told != entry_kind::removed) look_up(list, *chosen.signer, at, trouble);
}

// What a list says that is not what it seems does not count, nor do its deltas.
int crl_check::disbelief(chosen_list const& chosen, place const& at) {
    if (!may_sign_lists(*chosen.signer)) return X509_V_ERR_KEYUSAGE_NO_CRL_SIGN;
    if ((chosen.score & in_scope) == 0) return X509_V_ERR_DIFFERENT_CRL_SCOPE;
    bool const known = (chosen.score & on_path) != 0;
    if (!known && !has_good_path(*chosen.signer, at)) return X509_V_ERR_CRL_PATH_VALIDATION_ERROR;
    auto const skew = at.why == purpose::of_client ? clock_skew : std::chrono::minutes(0);
    return chosen.list->this_update > question_.now + skew ? X509_V_ERR_CRL_NOT_YET_VALID : X509_V_OK;
}

// Who signs lists without being on the path has a path of his own, to the same anchor, and nobody on it is revoked or
// may be. There it ends: nobody vouches for those who sign lists about him but himself, where his issuer says in his
// certificate that the list which he signs is for it, too (PKITS 4.14.30).
bool crl_check::has_good_path(X509& signer, place const& at) {
    if (at.why == purpose::of_signer) return at.depth == 0 && X509_cmp(&signer, at.path.front().get()) == 0;
    auto const known = std::find_if(known_signers_.begin(), known_signers_.end(),
                                    [&](auto const& one) { return one.first == &signer; });
    if (known != known_signers_.end()) return known->second;
    return known_signers_.emplace_back(&signer, is_good_path(question_.path_of(signer), *at.path.back())).second;
}

bool crl_check::is_good_path(certificate_list const& path, X509 const& anchor) {
    if (path.empty() || X509_cmp(path.back().get(), &anchor) != 0) return false;
    for (std::size_t i = 0; i < path.size(); ++i) {
        auto const trouble = trouble_at({path, i, purpose::of_signer, listed_certificate(*path[i])});
        bool const is_anchor = i + 1 == path.size();  // B-252
        if (is_anchor ? trouble.revoked : !trouble.is_none()) return false;
    }
    return true;
}

entry_kind crl_check::look_up(held_crl const& list, X509 const& signer, place const& at, list_trouble& trouble) const {
    if (list.critical) {
        note(trouble, &list, X509_V_ERR_UNHANDLED_CRITICAL_CRL_EXTENSION);
    } else if (!is_signed_by(list, signer)) {
        note(trouble, &list, X509_V_ERR_CRL_SIGNATURE_FAILURE);
    } else {
        auto const told = list.entries.look_up(*list.crl, at.certificate.certificate());
        if (told == entry_kind::revoked) note(trouble, &list, X509_V_ERR_CERT_REVOKED);
        return told;
    }
    return entry_kind::none;
}

bool crl_check::is_in_time(held_crl const& list) const {
    return list.this_update <= question_.now && (!list.next_update || *list.next_update > question_.now);
}

void crl_check::note(list_trouble& trouble, held_crl const* list, int error) {
    if (list != nullptr) trouble.list = list->issuer;
    if (error == X509_V_ERR_CERT_REVOKED) {
        trouble.revoked = true;
    } else if (error == X509_V_ERR_CRL_HAS_EXPIRED) {
        trouble.expired = true;
    } else if (trouble.error == X509_V_OK) {
        trouble.error = error;
    }
}

crl_finding crl_check::conclude(list_trouble const& trouble, X509 const& certificate) const {
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
    for (auto const& one : question_.lists)
        if (one->issuer == name && !one->defect.empty()) return ": that of " + name + " is not usable: " + one->defect;
    return {};
}

}  // namespace ftpsgate::policy
