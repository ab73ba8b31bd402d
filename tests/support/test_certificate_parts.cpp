// The pieces that certificates and CRLs have in common.
#include "tests/support/test_certificate.hpp"

#include <openssl/err.h>
#include <openssl/obj.h>

#include <memory>
#include <stdexcept>

namespace ftpsgate::test {

namespace {

template <auto free_it>
struct freer {
    template <class T>
    void operator()(T* what) const {
        free_it(what);
    }
};
using points_ptr = std::unique_ptr<CRL_DIST_POINTS, freer<CRL_DIST_POINTS_free>>;

GENERAL_NAME* make_url(std::string const& url) {
    GENERAL_NAME* const made = GENERAL_NAME_new();
    ASN1_IA5STRING* const text = ASN1_IA5STRING_new();
    require_made(ASN1_STRING_set(text, url.data(), static_cast<int>(url.size())), "URL");
    GENERAL_NAME_set0_value(made, GEN_URI, text);
    return made;
}

// nameRelativeToCRLIssuer is one RDN: the entries of the name without their order.
STACK_OF(X509_NAME_ENTRY) * make_relative(name_spec const& spec) {
    auto const name = make_name(spec);
    auto* const made = sk_X509_NAME_ENTRY_new_null();
    for (int i = 0; i < X509_NAME_entry_count(name.get()); ++i) {
        auto* const entry = X509_NAME_ENTRY_dup(X509_NAME_get_entry(name.get(), i));
        require_made(sk_X509_NAME_ENTRY_push(made, entry) > 0, "relative name");
    }
    return made;
}

GENERAL_NAMES* make_full_name(distribution_point const& point) {
    GENERAL_NAMES* made = make_directory_names(point.directory);
    if (made == nullptr) made = GENERAL_NAMES_new();
    for (std::size_t i = 0; i < point.urls.size(); ++i)
        require_made(sk_GENERAL_NAME_insert(made, make_url(point.urls[i]), i) > 0, "URLs");
    return made;
}

}  // namespace

void require_made(bool done, char const* what) {
    if (!done) throw std::runtime_error(std::string("test pki: ") + what);
}

bssl::UniquePtr<X509_NAME> make_name(name_spec const& spec) {
    bssl::UniquePtr<X509_NAME> made(X509_NAME_new());
    for (auto const& [type, value] : spec) {
        bool const joined = type.starts_with('+');
        auto const* const text = reinterpret_cast<std::uint8_t const*>(value.data());
        require_made(X509_NAME_add_entry_by_txt(made.get(), type.c_str() + (joined ? 1 : 0), MBSTRING_UTF8, text,
                                                static_cast<int>(value.size()), -1, joined ? -1 : 0),
                     "name");
    }
    return made;
}

bssl::UniquePtr<X509_EXTENSION> make_extension(raw_extension const& spec) {
    bssl::UniquePtr<ASN1_OBJECT> const oid(OBJ_txt2obj(spec.oid.c_str(), 1));
    bssl::UniquePtr<ASN1_OCTET_STRING> const value(ASN1_OCTET_STRING_new());
    require_made(oid && ASN1_OCTET_STRING_set(value.get(), spec.der.data(), static_cast<int>(spec.der.size())), "OID");
    return bssl::UniquePtr<X509_EXTENSION>(
        X509_EXTENSION_create_by_OBJ(nullptr, oid.get(), spec.critical ? 1 : 0, value.get()));
}

bssl::UniquePtr<X509_EXTENSION> make_points_extension(int nid, std::vector<distribution_point> const& points) {
    points_ptr const all(CRL_DIST_POINTS_new());
    for (auto const& each : points) {
        DIST_POINT* const made = DIST_POINT_new();
        made->distpoint = make_point_name(each);
        made->reasons = make_reasons(each.reasons);
        made->CRLissuer = make_directory_names(each.crl_issuer);
        require_made(sk_DIST_POINT_push(all.get(), made) > 0, "points");
    }
    return bssl::UniquePtr<X509_EXTENSION>(X509V3_EXT_i2d(nid, 0, all.get()));
}

DIST_POINT_NAME* make_point_name(distribution_point const& point) {
    if (point.urls.empty() && point.directory.empty() && point.relative.empty()) return nullptr;
    DIST_POINT_NAME* const made = DIST_POINT_NAME_new();
    made->type = point.relative.empty() ? 0 : 1;
    if (point.relative.empty()) {
        made->name.fullname = make_full_name(point);
    } else {
        made->name.relativename = make_relative(point.relative);
    }
    return made;
}

ASN1_BIT_STRING* make_reasons(std::vector<int> const& bits) {
    if (bits.empty()) return nullptr;
    ASN1_BIT_STRING* const made = ASN1_BIT_STRING_new();
    for (int const bit : bits)
        require_made(ASN1_BIT_STRING_set_bit(made, bit, 1), "reasons");
    return made;
}

GENERAL_NAMES* make_directory_names(name_spec const& spec) {
    if (spec.empty()) return nullptr;
    GENERAL_NAMES* const made = GENERAL_NAMES_new();
    GENERAL_NAME* const one = GENERAL_NAME_new();
    GENERAL_NAME_set0_value(one, GEN_DIRNAME, make_name(spec).release());
    require_made(sk_GENERAL_NAME_push(made, one) > 0, "directory name");
    return made;
}

bssl::UniquePtr<ASN1_TIME> make_time(time_point when) {
    return bssl::UniquePtr<ASN1_TIME>(ASN1_TIME_set(nullptr, std::chrono::system_clock::to_time_t(when)));
}

bssl::UniquePtr<X509_ALGOR> make_old_algorithm(EVP_PKEY const& key, EVP_MD const* digest, bool pss) {
    ERR_clear_error();
    bssl::UniquePtr<X509_ALGOR> made(X509_ALGOR_new());
    if (!pss) {
        int name = NID_undef;
        require_made(OBJ_find_sigid_by_algs(&name, EVP_MD_type(digest), EVP_PKEY_id(&key)), "algorithm");
        require_made(X509_ALGOR_set0(made.get(), OBJ_nid2obj(name), V_ASN1_NULL, nullptr), "algorithm");
        return made;
    }
    bssl::UniquePtr<ASN1_STRING> empty(ASN1_STRING_new());
    require_made(ASN1_STRING_set(empty.get(), "\x30\0", 2), "algorithm");
    require_made(X509_ALGOR_set0(made.get(), OBJ_nid2obj(NID_rsassaPss), V_ASN1_SEQUENCE, empty.release()),
                 "algorithm");
    return made;
}

bssl::UniquePtr<ASN1_INTEGER> make_integer(bytes const& content) {
    bytes der{0x02, static_cast<std::uint8_t>(content.size())};
    der.insert(der.end(), content.begin(), content.end());
    auto const* at = der.data();
    bssl::UniquePtr<ASN1_INTEGER> made(d2i_ASN1_INTEGER(nullptr, &at, static_cast<long>(der.size())));
    require_made(made != nullptr, "integer");
    return made;
}

}  // namespace ftpsgate::test
