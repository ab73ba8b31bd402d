#include "policy/path_facts.hpp"

#include <algorithm>
#include <optional>
#include <vector>

namespace ftpsgate::policy {

namespace {

bool is_same(X509_NAME const* one, X509_NAME const* other) {
    return X509_NAME_cmp(one, other) == 0;
}

bool is_authority(X509 const& certificate) {
    return (X509_get_extension_flags(const_cast<X509*>(&certificate)) & (EXFLAG_V1 | EXFLAG_CA)) != 0;
}

bool vouches_for(X509 const& issuer, X509 const& certificate) {
    if (!is_same(X509_get_subject_name(&issuer), X509_get_issuer_name(&certificate))) return false;
    bssl::UniquePtr<EVP_PKEY> const key(X509_get_pubkey(const_cast<X509*>(&issuer)));
    bool const is_signed = key && X509_verify(const_cast<X509*>(&certificate), key.get()) == 1;
    ERR_clear_error();
    return is_signed;
}

std::optional<name_kind> kind_of(GENERAL_NAME const& base) {
    switch (base.type) {
        case GEN_DIRNAME: return name_kind::directory;
        case GEN_EMAIL: return name_kind::email;
        case GEN_DNS: return name_kind::dns;
        case GEN_URI: return name_kind::uri;
        case GEN_OTHERNAME: return name_kind::other;
        default: return std::nullopt;
    }
}

issuer_standing standing_of(certificate_list const& path, certificate_list const& anchors, bool several_roots) {
    issuer_standing found;
    if (path.size() < 2) return found;
    X509 const& issuer = *path[1];
    auto const key = key_sha256_of(issuer);
    for (auto const& each : anchors) {
        if (!is_same(X509_get_subject_name(each.get()), X509_get_subject_name(&issuer))) continue;
        found.is_namesake = true;
        found.is_anchor = found.is_anchor || key_sha256_of(*each) == key;
    }
    if (found.is_anchor) found.is_namesake = false;
    found.is_one_of_many = several_roots && !found.is_anchor;
    return found;
}

}  // namespace

name_limits::name_limits(certificate_list const& path, std::size_t from) {
    for (std::size_t at = from; at < path.size(); ++at) {
        bssl::UniquePtr<NAME_CONSTRAINTS> const constraints(
            static_cast<NAME_CONSTRAINTS*>(X509_get_ext_d2i(path[at].get(), NID_name_constraints, nullptr, nullptr)));
        if (!constraints) continue;
        are_there_ = true;
        for (auto const* trees : {constraints->permittedSubtrees, constraints->excludedSubtrees}) {
            for (std::size_t i = 0; trees != nullptr && i < sk_GENERAL_SUBTREE_num(trees); ++i)
                if (auto const kind = kind_of(*sk_GENERAL_SUBTREE_value(trees, i)->base))
                    about_.set(static_cast<std::size_t>(*kind));
        }
    }
    ERR_clear_error();
}

bool have_several_roots(certificate_list const& anchors) {
    std::vector<X509_NAME const*> names;
    std::size_t authorities = 0;
    for (auto const& each : anchors) {
        if (!is_authority(*each)) continue;
        ++authorities;
        auto const* const name = X509_get_subject_name(each.get());
        bool const is_known = std::any_of(names.begin(), names.end(), [&](auto* one) { return is_same(one, name); });
        bool const is_below = std::any_of(anchors.begin(), anchors.end(), [&](auto const& other) {
            return !is_same(X509_get_subject_name(other.get()), name) && vouches_for(*other, *each);
        });
        if (!is_known && !is_below) names.push_back(name);
    }
    return authorities > 1 && names.size() != 1;  // none at all: they vouch for one another
}

path_facts facts_of_path(certificate_list const& path, certificate_list const& anchors, bool several_roots) {
    return {standing_of(path, anchors, several_roots), name_limits(path, 1), name_limits(path, 2)};
}

}  // namespace ftpsgate::policy
