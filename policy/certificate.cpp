#include "policy/certificate.hpp"

#include <algorithm>
#include <ctime>
#include <utility>

namespace ftpsgate::policy {

namespace {

// Never asks a terminal.
int no_password(char*, int, int, void*) {
    return -1;
}

bool is_end_of_pem() {
    std::uint32_t const error = ERR_peek_last_error();
    return ERR_GET_LIB(error) == ERR_LIB_PEM && ERR_GET_REASON(error) == PEM_R_NO_START_LINE;
}

void add_url(GENERAL_NAME const* name, std::vector<std::string>& urls) {
    if (name == nullptr || name->type != GEN_URI) return;
    auto const* const bytes = ASN1_STRING_get0_data(name->d.uniformResourceIdentifier);
    auto const size = static_cast<std::size_t>(ASN1_STRING_length(name->d.uniformResourceIdentifier));
    urls.emplace_back(reinterpret_cast<char const*>(bytes), size);
}

void add_access_urls(X509 const& certificate, certificate_facts& facts) {
    bssl::UniquePtr<AUTHORITY_INFO_ACCESS> const access(
        static_cast<AUTHORITY_INFO_ACCESS*>(X509_get_ext_d2i(&certificate, NID_info_access, nullptr, nullptr)));
    for (std::size_t i = 0; access && i < sk_ACCESS_DESCRIPTION_num(access.get()); ++i) {
        auto const* const one = sk_ACCESS_DESCRIPTION_value(access.get(), i);
        int const method = OBJ_obj2nid(one->method);
        if (method == NID_ad_OCSP) add_url(one->location, facts.ocsp_urls);
        if (method == NID_ad_ca_issuers) add_url(one->location, facts.issuer_urls);
    }
}

std::string serial_text(X509 const& certificate) {
    bssl::UniquePtr<BIGNUM> const number(ASN1_INTEGER_to_BN(X509_get0_serialNumber(&certificate), nullptr));
    if (!number) return {};
    bssl::UniquePtr<char> const hex(BN_bn2hex(number.get()));
    std::string text = hex ? hex.get() : "";
    for (char& c : text)
        if (c >= 'a' && c <= 'f') c = static_cast<char>(c - 'a' + 'A');
    return text;
}

}  // namespace

certificate_facts facts_of(X509 const& certificate) {
    certificate_facts facts;
    facts.subject = name_text(X509_get_subject_name(&certificate));
    facts.issuer = name_text(X509_get_issuer_name(&certificate));
    facts.serial = serial_text(certificate);
    facts.sha256 = to_hex(sha256_of(certificate));
    facts.not_before = to_time_point(X509_get0_notBefore(&certificate)).value_or(time_point{});
    facts.not_after = to_time_point(X509_get0_notAfter(&certificate)).value_or(time_point{});
    bssl::UniquePtr<CRL_DIST_POINTS> const points(
        static_cast<CRL_DIST_POINTS*>(X509_get_ext_d2i(&certificate, NID_crl_distribution_points, nullptr, nullptr)));
    bssl::UniquePtr<CRL_DIST_POINTS> const freshest(
        static_cast<CRL_DIST_POINTS*>(X509_get_ext_d2i(&certificate, NID_freshest_crl, nullptr, nullptr)));
    facts.crl_urls = urls_of(points.get());
    facts.freshest_urls = urls_of(freshest.get());
    add_access_urls(certificate, facts);
    ERR_clear_error();
    return facts;
}

std::vector<std::string> urls_of(CRL_DIST_POINTS const* points) {
    std::vector<std::string> urls;
    for (std::size_t i = 0; points != nullptr && i < sk_DIST_POINT_num(points); ++i) {
        auto const* const where = sk_DIST_POINT_value(points, i)->distpoint;
        if (where == nullptr || where->type != 0) continue;  // a relative name (B-261)
        for (std::size_t j = 0; j < sk_GENERAL_NAME_num(where->name.fullname); ++j)
            add_url(sk_GENERAL_NAME_value(where->name.fullname, j), urls);
    }
    return urls;
}

certificate_ptr parse_certificate(der_view der) {
    auto const* at = der.data();
    certificate_ptr parsed(d2i_X509(nullptr, &at, static_cast<long>(der.size())));
    ERR_clear_error();
    return parsed && at == der.data() + der.size() ? std::move(parsed) : nullptr;
}

certificate_list parse_certificates(std::string const& pem, std::string& fault) {
    certificate_list found;
    bssl::UniquePtr<BIO> const in(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
    ERR_clear_error();
    while (X509* const next = PEM_read_bio_X509(in.get(), nullptr, no_password, nullptr))
        found.emplace_back(next);
    if (!is_end_of_pem()) {
        char const* const reason = ERR_reason_error_string(ERR_peek_last_error());
        fault = std::string("malformed PEM certificate: ") + (reason != nullptr ? reason : "unknown reason");
    } else if (found.empty()) {
        fault = "no PEM certificate in it";
    }
    ERR_clear_error();
    return found;
}

std::string der_of(X509 const& certificate) {
    std::uint8_t* der = nullptr;
    int const size = i2d_X509(const_cast<X509*>(&certificate), &der);
    bssl::UniquePtr<std::uint8_t> const owner(der);
    return size > 0 ? std::string(reinterpret_cast<char const*>(der), static_cast<std::size_t>(size)) : std::string();
}

certificate_ptr share(X509* certificate) {
    X509_up_ref(certificate);
    return certificate_ptr(certificate);
}

sha256_digest sha256_of(X509 const& certificate) {
    sha256_digest digest{};
    X509_digest(&certificate, EVP_sha256(), digest.data(), nullptr);
    return digest;
}

sha256_digest key_sha256_of(X509 const& certificate) {
    sha256_digest digest{};
    std::uint8_t* der = nullptr;
    int const size = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(&certificate), &der);
    bssl::UniquePtr<std::uint8_t> const owner(der);
    if (size > 0) SHA256(der, static_cast<std::size_t>(size), digest.data());
    return digest;
}

std::string to_hex(std::span<std::uint8_t const> bytes) {
    static constexpr char digits[] = "0123456789abcdef";
    std::string hex;
    hex.reserve(bytes.size() * 2);
    for (std::uint8_t const byte : bytes) {
        hex += digits[byte >> 4U];
        hex += digits[byte & 0xfU];
    }
    return hex;
}

std::string name_text(X509_NAME const* name) {
    bssl::UniquePtr<BIO> const out(BIO_new(BIO_s_mem()));
    // UTF-8 as it is: the log escapes what a terminal could misunderstand.
    X509_NAME_print_ex(out.get(), name, 0, XN_FLAG_RFC2253 & ~static_cast<unsigned long>(ASN1_STRFLGS_ESC_MSB));
    std::uint8_t const* text = nullptr;
    std::size_t size = 0;
    BIO_mem_contents(out.get(), &text, &size);
    return {reinterpret_cast<char const*>(text), size};
}

std::optional<time_point> to_time_point(ASN1_TIME const* time) {
    if (time == nullptr) return std::nullopt;
    bssl::UniquePtr<ASN1_TIME> const epoch(ASN1_TIME_set(nullptr, 0));
    int days = 0, seconds = 0;
    if (ASN1_TIME_diff(&days, &seconds, epoch.get(), time) != 1) return std::nullopt;
    // Beyond the years that nanoseconds can count: such dates mean "never" (RFC 5280 4.1.2.5).
    static constexpr int most_days = 100'000;
    days = std::clamp(days, -most_days, most_days);
    return time_point(std::chrono::hours(24L * days) + std::chrono::seconds(seconds));
}

std::string to_text(time_point when) {
    std::time_t const seconds = std::chrono::system_clock::to_time_t(when);
    std::tm parts{};
    gmtime_r(&seconds, &parts);
    char text[32];
    return {text, std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &parts)};
}

}  // namespace ftpsgate::policy
