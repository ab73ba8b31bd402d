#include "policy/crl_scope.hpp"

#include <algorithm>
#include <memory>

namespace ftpsgate::policy {

namespace {

using issuing_point = std::unique_ptr<ISSUING_DIST_POINT, decltype(&ISSUING_DIST_POINT_free)>;

bssl::UniquePtr<X509_NAME> copy_of(X509_NAME const* name) {
    return bssl::UniquePtr<X509_NAME>(X509_NAME_dup(const_cast<X509_NAME*>(name)));
}

std::string der_of(GENERAL_NAME const& name) {
    std::uint8_t* der = nullptr;
    int const size = i2d_GENERAL_NAME(const_cast<GENERAL_NAME*>(&name), &der);
    bssl::UniquePtr<std::uint8_t> const owner(der);
    return size > 0 ? std::string(der, der + size) : std::string();
}

reason_set reasons_of(ASN1_BIT_STRING const* flags) {
    if (flags == nullptr) return all_reasons;
    reason_set found = 0;
    for (int reason = 1; reason <= 8; ++reason)
        if (ASN1_BIT_STRING_get_bit(flags, reason) == 1) found |= 1U << static_cast<unsigned>(reason);
    return found;
}

X509_NAME const* first_directory(GENERAL_NAMES const* names) {
    for (std::size_t i = 0; names != nullptr && i < sk_GENERAL_NAME_num(names); ++i) {
        auto const* const one = sk_GENERAL_NAME_value(names, i);
        if (one->type == GEN_DIRNAME) return one->d.directoryName;
    }
    return nullptr;
}

bool has_directory(GENERAL_NAMES const* names, X509_NAME const* wanted) {
    for (std::size_t i = 0; names != nullptr && i < sk_GENERAL_NAME_num(names); ++i) {
        auto const* const one = sk_GENERAL_NAME_value(names, i);
        if (one->type == GEN_DIRNAME && X509_NAME_cmp(one->d.directoryName, wanted) == 0) return true;
    }
    return false;
}

// False: it is there, but not as it should, or twice.
template <class Owner>
bool read_extension(X509_CRL& list, int nid, Owner& into) {
    int critical = 0;
    into.reset(static_cast<typename Owner::pointer>(X509_CRL_get_ext_d2i(&list, nid, &critical, nullptr)));
    return into || critical == -1;
}

std::optional<std::string> content_of(X509_CRL& list, int nid) {
    int const at = X509_CRL_get_ext_by_NID(&list, nid, -1);
    if (at < 0) return std::nullopt;
    ASN1_STRING const* const content = X509_EXTENSION_get_data(X509_CRL_get_ext(&list, at));
    auto const* const bytes = ASN1_STRING_get0_data(content);
    return std::string(bytes, bytes + ASN1_STRING_length(content));
}

}  // namespace

point_name::point_name(DIST_POINT_NAME const* point, X509_NAME const* above) : is_there_(point != nullptr) {
    if (point == nullptr) return;
    if (point->type == 0) {
        for (std::size_t i = 0; i < sk_GENERAL_NAME_num(point->name.fullname); ++i)
            add(*sk_GENERAL_NAME_value(point->name.fullname, i));
        return;
    }
    auto whole = copy_of(above);
    for (std::size_t i = 0; i < sk_X509_NAME_ENTRY_num(point->name.relativename); ++i)
        if (whole)
            X509_NAME_add_entry(whole.get(), sk_X509_NAME_ENTRY_value(point->name.relativename, i), -1, i ? -1 : 0);
    // Encoded now, as comparing would do it otherwise, in many threads.
    if (whole && i2d_X509_NAME(whole.get(), nullptr) > 0) directories_.push_back(std::move(whole));
}

void point_name::add(GENERAL_NAME const& name) {
    if (name.type == GEN_DIRNAME) {
        if (auto copy = copy_of(name.d.directoryName)) directories_.push_back(std::move(copy));
    } else if (auto der = der_of(name); !der.empty()) {
        others_.push_back(std::move(der));
    }
}

bool point_name::shares_one_with(point_name const& other) const {
    for (auto const& mine : directories_)
        for (auto const& its : other.directories_)
            if (X509_NAME_cmp(mine.get(), its.get()) == 0) return true;
    return std::find_first_of(others_.begin(), others_.end(), other.others_.begin(), other.others_.end()) !=
           others_.end();
}

listed_certificate::listed_certificate(X509& certificate)
    : certificate_(certificate),
      is_authority_((X509_get_extension_flags(&certificate) & EXFLAG_CA) != 0),
      has_deltas_(X509_get_ext_by_NID(&certificate, NID_freshest_crl, -1) >= 0),
      parsed_(static_cast<CRL_DIST_POINTS*>(
          X509_get_ext_d2i(&certificate, NID_crl_distribution_points, nullptr, nullptr))) {
    for (std::size_t i = 0; parsed_ && i < sk_DIST_POINT_num(parsed_.get()); ++i) {
        auto const& one = *sk_DIST_POINT_value(parsed_.get(), i);
        auto const* const named = first_directory(one.CRLissuer);
        points_.push_back(
            {point_name(one.distpoint, named != nullptr ? named : issuer()), reasons_of(one.reasons), one.CRLissuer});
    }
}

std::optional<crl_scope> crl_scope::read(X509_CRL& list) {
    crl_scope made;
    made.issuer_ = copy_of(X509_CRL_get_issuer(&list));
    if (!made.issuer_ || !made.read_point(list) || !made.read_numbers(list)) return std::nullopt;
    if (!read_extension(list, NID_authority_key_identifier, made.signer_)) return std::nullopt;
    made.signer_der_ = content_of(list, NID_authority_key_identifier);
    made.has_deltas_ = X509_CRL_get_ext_by_NID(&list, NID_freshest_crl, -1) >= 0;
    return made;
}

bool crl_scope::read_point(X509_CRL& list) {
    issuing_point point(nullptr, &ISSUING_DIST_POINT_free);
    if (!read_extension(list, NID_issuing_distribution_point, point)) return false;
    if (!point) return true;
    only_user_ = point->onlyuser > 0;
    only_authority_ = point->onlyCA > 0;
    only_attribute_ = point->onlyattr > 0;
    indirect_ = point->indirectCRL > 0;
    reasons_ = reasons_of(point->onlysomereasons);
    point_ = point_name(point->distpoint, issuer());
    point_der_ = content_of(list, NID_issuing_distribution_point);
    return true;
}

bool crl_scope::read_numbers(X509_CRL& list) {
    return read_extension(list, NID_crl_number, number_) && read_extension(list, NID_delta_crl, base_) &&
           (number_ || !base_);
}

bool crl_scope::is_named_by(listed_certificate::point const& point, bool is_of_issuer) const {
    if (point.list_issuers == nullptr ? !is_of_issuer : !has_directory(point.list_issuers, issuer())) return false;
    return !point.name.is_there() || !point_.is_there() || point.name.shares_one_with(point_);
}

std::optional<reason_set> crl_scope::reasons_for(listed_certificate const& one) const {
    if (only_attribute_ || (one.is_authority_ ? only_user_ : only_authority_)) return std::nullopt;
    bool const of_issuer = is_of_issuer(one);
    for (auto const& point : one.points_)
        if (is_named_by(point, of_issuer)) return reasons_ & point.reasons;
    if (of_issuer && !point_.is_there()) return reasons_;
    return std::nullopt;
}

bool crl_scope::may_be_by(X509& signer) const {
    if (!signer_) return true;
    auto const* const key = X509_get0_subject_key_id(&signer);
    if (signer_->keyid != nullptr && key != nullptr && ASN1_STRING_cmp(signer_->keyid, key) != 0) return false;
    if (signer_->serial != nullptr && ASN1_INTEGER_cmp(X509_get0_serialNumber(&signer), signer_->serial) != 0)
        return false;
    auto const* const above = first_directory(signer_->issuer);
    return above == nullptr || X509_NAME_cmp(above, X509_get_issuer_name(&signer)) == 0;
}

bool crl_scope::is_delta_to(crl_scope const& base) const {
    return base_ && base.number_ && X509_NAME_cmp(issuer(), base.issuer()) == 0 && signer_der_ == base.signer_der_ &&
           point_der_ == base.point_der_ && ASN1_INTEGER_cmp(base_.get(), base.number_.get()) <= 0 &&
           ASN1_INTEGER_cmp(number_.get(), base.number_.get()) > 0;
}

}  // namespace ftpsgate::policy
