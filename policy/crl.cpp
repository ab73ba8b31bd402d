#include "policy/crl.hpp"

#include <algorithm>
#include <initializer_list>
#include <utility>

namespace ftpsgate::policy {

namespace {

constexpr std::chrono::hours max_age{24 * 7};

// The library passes over what comes behind an entry that it cannot read, and lets removeFromCRL count everywhere.
std::string defect_of(X509_REVOKED const& entry, bool delta) {
    if (X509_REVOKED_get_ext_count(&entry) == 0) return {};
    int reason_found = 0, issuer_found = 0;
    bssl::UniquePtr<ASN1_ENUMERATED> const reason(
        static_cast<ASN1_ENUMERATED*>(X509_REVOKED_get_ext_d2i(&entry, NID_crl_reason, &reason_found, nullptr)));
    bssl::UniquePtr<GENERAL_NAMES> const issuer(
        static_cast<GENERAL_NAMES*>(X509_REVOKED_get_ext_d2i(&entry, NID_certificate_issuer, &issuer_found, nullptr)));
    if ((!reason && reason_found != -1) || (!issuer && issuer_found != -1)) return "an entry cannot be understood";
    bool const removed = reason && ASN1_ENUMERATED_get(reason.get()) == CRL_REASON_REMOVE_FROM_CRL;
    return removed && !delta ? "removeFromCRL in a list that is no delta" : "";  // B-264
}

// RFC 5280 5.1.2.4: one form for each kind of time. The library reads others, but never compares them with a clock.
bool is_odd(ASN1_TIME const* time) {
    std::time_t any = 0;
    return time != nullptr && X509_cmp_time(time, &any) == 0;
}

std::string defect_of(X509_CRL& list, bool delta) {
    if (is_odd(X509_CRL_get0_lastUpdate(&list)) || is_odd(X509_CRL_get0_nextUpdate(&list)))
        return "its times cannot be understood";
    std::unique_ptr<ISSUING_DIST_POINT, decltype(&ISSUING_DIST_POINT_free)> const point(
        static_cast<ISSUING_DIST_POINT*>(X509_CRL_get_ext_d2i(&list, NID_issuing_distribution_point, nullptr, nullptr)),
        &ISSUING_DIST_POINT_free);
    // Such a one would pass for a complete list: the library asks for reasons or deltas, not for both.
    if (delta && point && point->onlysomereasons != nullptr) return "a delta CRL for some reasons";
    auto const* const entries = X509_CRL_get_REVOKED(&list);
    for (std::size_t i = 0; entries != nullptr && i < sk_X509_REVOKED_num(entries); ++i) {
        auto defect = defect_of(*sk_X509_REVOKED_value(entries, i), delta);
        if (!defect.empty()) return defect;
    }
    return {};
}

bool is_known(X509_EXTENSION const& extension, std::initializer_list<int> known) {
    int const nid = OBJ_obj2nid(X509_EXTENSION_get_object(const_cast<X509_EXTENSION*>(&extension)));
    return std::find(known.begin(), known.end(), nid) != known.end();
}

bool has_unknown_critical(STACK_OF(X509_EXTENSION) const* extensions, std::initializer_list<int> known) {
    for (std::size_t i = 0; extensions != nullptr && i < sk_X509_EXTENSION_num(extensions); ++i) {
        auto const& one = *sk_X509_EXTENSION_value(extensions, i);
        if (X509_EXTENSION_get_critical(&one) != 0 && !is_known(one, known)) return true;
    }
    return false;
}

// B-264. A critical reason code counts as unknown, as in the library.
bool has_unknown_critical(X509_CRL& list) {
    if (has_unknown_critical(X509_CRL_get0_extensions(&list),
                             {NID_issuing_distribution_point, NID_authority_key_identifier, NID_delta_crl}))
        return true;
    auto const* const entries = X509_CRL_get_REVOKED(&list);
    for (std::size_t i = 0; entries != nullptr && i < sk_X509_REVOKED_num(entries); ++i) {
        auto const* const of_entry = X509_REVOKED_get0_extensions(sk_X509_REVOKED_value(entries, i));
        if (has_unknown_critical(of_entry, {NID_certificate_issuer})) return true;
    }
    return false;
}

crl_ptr hold(bssl::UniquePtr<X509_CRL> list, std::string const& origin) {
    auto held = std::make_shared<held_crl>();
    auto const this_update = to_time_point(X509_CRL_get0_lastUpdate(list.get()));
    if (!this_update) return nullptr;
    held->origin = origin;
    held->issuer = name_text(X509_CRL_get_issuer(list.get()));
    held->this_update = *this_update;
    held->next_update = to_time_point(X509_CRL_get0_nextUpdate(list.get()));
    held->delta = X509_CRL_get_ext_by_NID(list.get(), NID_delta_crl, -1) >= 0;
    held->critical = has_unknown_critical(*list);
    held->defect = defect_of(*list, held->delta);
    bssl::UniquePtr<CRL_DIST_POINTS> const freshest(
        static_cast<CRL_DIST_POINTS*>(X509_CRL_get_ext_d2i(list.get(), NID_freshest_crl, nullptr, nullptr)));
    held->freshest_urls = urls_of(freshest.get());
    auto scope = crl_scope::read(*list);
    ERR_clear_error();
    if (!scope) return nullptr;
    held->scope = std::move(*scope);
    held->entries = crl_entries(*list);
    held->signature.read(*list);
    if (held->defect.empty() && !held->signature.is_strong()) held->defect = "signed with a weak algorithm";
    ERR_clear_error();
    held->crl = std::move(list);
    return held;
}

bool looks_like_pem(std::string const& bytes) {
    return bytes.find("-----BEGIN") != std::string::npos && (bytes.empty() || bytes.front() != '\x30');
}

bssl::UniquePtr<ASN1_INTEGER> number_of(held_crl const& list) {
    return bssl::UniquePtr<ASN1_INTEGER>(
        static_cast<ASN1_INTEGER*>(X509_CRL_get_ext_d2i(list.crl.get(), NID_crl_number, nullptr, nullptr)));
}

crl_list parse_pem(std::string const& bytes, std::string const& origin, std::string& fault) {
    crl_list found;
    bssl::UniquePtr<BIO> const in(BIO_new_mem_buf(bytes.data(), static_cast<int>(bytes.size())));
    ERR_clear_error();
    while (X509_CRL* const next = PEM_read_bio_X509_CRL(in.get(), nullptr, nullptr, nullptr)) {
        auto held = hold(bssl::UniquePtr<X509_CRL>(next), origin);
        if (!held) break;
        found.push_back(std::move(held));
        ERR_clear_error();
    }
    std::uint32_t const error = ERR_peek_last_error();
    bool const at_end = ERR_GET_LIB(error) == ERR_LIB_PEM && ERR_GET_REASON(error) == PEM_R_NO_START_LINE;
    ERR_clear_error();
    if (!at_end || found.empty()) fault = found.empty() && at_end ? "no CRL in it" : "malformed CRL";
    if (!fault.empty()) found.clear();
    return found;
}

}  // namespace

time_point held_crl::end() const {
    return next_update.value_or(this_update + max_age);
}

crl_ptr parse_crl(std::string const& bytes, std::string const& origin) {
    std::string fault;
    auto found = parse_crls(bytes, origin, fault);
    return found.size() == 1 ? found.front() : nullptr;
}

crl_list parse_crls(std::string const& bytes, std::string const& origin, std::string& fault) {
    if (looks_like_pem(bytes)) return parse_pem(bytes, origin, fault);
    auto const* at = reinterpret_cast<std::uint8_t const*>(bytes.data());
    auto const* const end = at + bytes.size();
    bssl::UniquePtr<X509_CRL> list(d2i_X509_CRL(nullptr, &at, static_cast<long>(bytes.size())));
    ERR_clear_error();
    if (list && at == end) {
        if (auto held = hold(std::move(list), origin)) return {std::move(held)};
    }
    fault = "no CRL in DER or PEM";
    return {};
}

bool is_signed_by(held_crl const& list, X509 const& issuer) {
    if (X509_NAME_cmp(X509_CRL_get_issuer(list.crl.get()), X509_get_subject_name(&issuer)) != 0) return false;
    return list.signature.is_by(issuer, *list.crl);
}

bool is_older(held_crl const& candidate, held_crl const& than) {
    if (candidate.delta != than.delta || candidate.issuer != than.issuer) return false;
    auto const one = number_of(candidate), other = number_of(than);
    if (one && other) {
        int const order = ASN1_INTEGER_cmp(one.get(), other.get());
        if (order != 0) return order < 0;
    }
    return candidate.this_update < than.this_update;
}

bool is_same(held_crl const& one, held_crl const& other) {
    return X509_CRL_match(one.crl.get(), other.crl.get()) == 0;
}

}  // namespace ftpsgate::policy
