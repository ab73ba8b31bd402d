#include "policy/server_certificate.hpp"

#include "policy/input_file.hpp"

#include <utility>

namespace ftpsgate::policy {

namespace {

// Never asks a terminal: an encrypted key is a fault.
int no_password(char*, int, int, void*) {
    return -1;
}

bssl::UniquePtr<BIO> open_text(std::string const& text) {
    return bssl::UniquePtr<BIO>(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
}

bool is_end_of_pem() {
    std::uint32_t const error = ERR_peek_last_error();
    return ERR_GET_LIB(error) == ERR_LIB_PEM && ERR_GET_REASON(error) == PEM_R_NO_START_LINE;
}

std::string library_reason() {
    char const* const reason = ERR_reason_error_string(ERR_peek_last_error());
    return reason != nullptr ? reason : "unknown reason";
}

bssl::UniquePtr<EVP_PKEY> parse_key(std::string const& pem, std::string& fault) {
    auto const in = open_text(pem);
    ERR_clear_error();
    bssl::UniquePtr<EVP_PKEY> key(PEM_read_bio_PrivateKey(in.get(), nullptr, no_password, nullptr));
    if (!key) {
        if (is_end_of_pem())
            fault = "no PEM private key in it";
        else if (pem.find("ENCRYPTED") != std::string::npos)
            fault = "the private key is encrypted";
        else
            fault = "malformed PEM private key: " + library_reason();
    }
    ERR_clear_error();
    return key;
}

// "" = strong enough.
std::string weakness(EVP_PKEY const* key) {
    switch (EVP_PKEY_id(key)) {
        case EVP_PKEY_EC: {
            int const curve = EC_GROUP_get_curve_name(EC_KEY_get0_group(EVP_PKEY_get0_EC_KEY(key)));
            bool const known = curve == NID_X9_62_prime256v1 || curve == NID_secp384r1;
            return known ? "" : "ECDSA keys must be on P-256 or P-384";
        }
        case EVP_PKEY_RSA: {
            int const bits = EVP_PKEY_bits(key);
            return bits >= 2048 ? "" : "RSA keys need 2048 bits or more, this has " + std::to_string(bits);
        }
        default: return "only ECDSA and RSA keys can be used";
    }
}

bool matches(X509* certificate, EVP_PKEY* key) {
    bool const same = X509_check_private_key(certificate, key) == 1;
    ERR_clear_error();
    return same;
}

// Says what is wrong with a pair that was read, "" = nothing.
std::string pair_fault(certificate_list const& chain, EVP_PKEY* key) {
    if (matches(chain.front().get(), key)) return weakness(key);
    for (auto const& other : chain) {
        if (matches(other.get(), key)) return "the certificate of this key must be the first of its file";
    }
    return "does not belong to the certificate";
}

}  // namespace

std::string server_certificate::sha256() const {
    return to_hex(sha256_of(*leaf));
}

time_point server_certificate::not_after() const {
    return to_time_point(X509_get0_notAfter(leaf.get())).value_or(time_point{});
}

std::string server_certificate::serial_der() const {
    std::uint8_t* der = nullptr;
    int const size = i2d_ASN1_INTEGER(X509_get_serialNumber(leaf.get()), &der);
    if (size <= 0) return {};
    bssl::UniquePtr<std::uint8_t> const owner(der);
    return {reinterpret_cast<char const*>(der), static_cast<std::size_t>(size)};
}

std::optional<server_certificate> load_server_certificate(certificate_files const& files, config::problems& faults) {
    auto const certificate_key = files.site_key + ".ssl.certificate";
    auto const private_key = files.site_key + ".ssl.private_key";
    auto const certificate_pem = read_input_file(files.certificate, certificate_key, faults);
    auto key_pem = read_input_file(files.key, private_key, faults);
    std::string certificate_fault, key_fault;
    certificate_list chain;
    bssl::UniquePtr<EVP_PKEY> key;
    if (certificate_pem) chain = parse_certificates(*certificate_pem, certificate_fault);
    if (key_pem) {
        key = parse_key(*key_pem, key_fault);
        OPENSSL_cleanse(key_pem->data(), key_pem->size());
    }
    if (certificate_fault.empty() && !chain.empty() && key) key_fault = pair_fault(chain, key.get());
    if (!certificate_fault.empty()) {
        faults.push_back({files.certificate.where, certificate_key, files.certificate.path + ": " + certificate_fault,
                          "the certificate first, then its intermediates"});
    }
    if (!key_fault.empty()) faults.push_back({files.key.where, private_key, files.key.path + ": " + key_fault, ""});
    if (!certificate_pem || !key_pem || !certificate_fault.empty() || !key_fault.empty()) return std::nullopt;
    server_certificate loaded{std::move(chain.front()), {}, std::move(key)};
    chain.erase(chain.begin());
    loaded.intermediates = std::move(chain);
    return loaded;
}

}  // namespace ftpsgate::policy
