#include "policy/tls_context.hpp"

#include "policy/input_file.hpp"
#include "policy/server_certificate.hpp"
#include "policy/ticket_keys.hpp"

#include <algorithm>
#include <iterator>
#include <optional>
#include <utility>

namespace ftpsgate::policy {

namespace {

// Only sessions of TLS 1.2 clients without tickets are kept here, one per control session (A-067, B-163).
constexpr unsigned long session_cache_size = 20000;

// AES-128 first where the processor helps with it: the fastest, and no weaker in practice. The order of the TLS 1.3
// suites is the library's: by hardware too, AES-128 and AES-256 as the client prefers.
char const* tls12_ciphers() {
    return EVP_has_aes_hardware() == 1 ? "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:"
                                         "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:"
                                         "ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305"
                                       : "ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305:"
                                         "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:"
                                         "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384";
}

// What a client certificate's key may sign the handshake with: no SHA-1, no curve or hash beyond those (B-273).
constexpr std::uint16_t client_signatures[] = {SSL_SIGN_ECDSA_SECP256R1_SHA256, SSL_SIGN_ED25519,
                                               SSL_SIGN_ECDSA_SECP384R1_SHA384, SSL_SIGN_ECDSA_SECP521R1_SHA512,
                                               SSL_SIGN_RSA_PSS_RSAE_SHA256,    SSL_SIGN_RSA_PSS_RSAE_SHA384,
                                               SSL_SIGN_RSA_PSS_RSAE_SHA512,    SSL_SIGN_RSA_PKCS1_SHA256,
                                               SSL_SIGN_RSA_PKCS1_SHA384,       SSL_SIGN_RSA_PKCS1_SHA512};

bool set_protocol(SSL_CTX* context, config::tls_version minimum) {
    std::uint16_t const lowest = minimum == config::tls_version::tls1_3 ? TLS1_3_VERSION : TLS1_2_VERSION;
    SSL_CTX_set_options(context, SSL_OP_CIPHER_SERVER_PREFERENCE);
    SSL_CTX_set_early_data_enabled(context, 0);
    return SSL_CTX_set_min_proto_version(context, lowest) == 1 &&
           SSL_CTX_set_max_proto_version(context, TLS1_3_VERSION) == 1 &&
           SSL_CTX_set_strict_cipher_list(context, tls12_ciphers()) == 1 &&
           SSL_CTX_set1_curves_list(context, "X25519:P-256:P-384") == 1 &&
           SSL_CTX_set_verify_algorithm_prefs(context, client_signatures, std::size(client_signatures)) == 1;
}

void set_resumption(SSL_CTX* context) {
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_SERVER);
    SSL_CTX_sess_set_cache_size(context, session_cache_size);
    constexpr auto lifetime = std::uint32_t{std::chrono::seconds(session_lifetime).count()};
    SSL_CTX_set_timeout(context, lifetime);
    SSL_CTX_set_session_psk_dhe_timeout(context, lifetime);
    use_shared_ticket_keys(context);
}

bool set_certificate(SSL_CTX* context, server_certificate const& certificate) {
    if (SSL_CTX_use_certificate(context, certificate.leaf.get()) != 1) return false;
    for (auto const& each : certificate.intermediates) {
        if (SSL_CTX_add1_chain_cert(context, each.get()) != 1) return false;
    }
    return SSL_CTX_use_PrivateKey(context, certificate.key.get()) == 1;
}

bssl::UniquePtr<SSL_CTX> make_context(config::tls_settings const& settings, server_certificate const& certificate) {
    ERR_clear_error();
    bssl::UniquePtr<SSL_CTX> context(SSL_CTX_new(TLS_method()));
    bool const complete =
        context && set_protocol(context.get(), settings.minimum_version) && set_certificate(context.get(), certificate);
    if (!complete) return nullptr;
    set_resumption(context.get());
    return context;
}

// A response tells of the certificates whose serial numbers are in it; a client would take it for any other as a fault.
bool tells_of(std::string const& response, server_certificate const& certificate) {
    auto const serial = certificate.serial_der();
    return !serial.empty() && response.find(serial) != std::string::npos;
}

// One definite-length SEQUENCE and nothing behind it; what it says is the client's to judge.
bool is_der_sequence(std::string const& bytes) {
    CBS all, body;
    CBS_init(&all, reinterpret_cast<std::uint8_t const*>(bytes.data()), bytes.size());
    return CBS_get_asn1(&all, &body, CBS_ASN1_SEQUENCE) == 1 && CBS_len(&all) == 0;
}

class context_builder {
public:
    context_builder(config::tls_settings const& settings, std::string const& site)
        : settings_(settings), site_key_("site[" + site + "]") {}

    tls_context build() {
        load_certificates();
        if (built_.faults.empty()) make_contexts();
        if (built_.faults.empty()) staple();
        if (!built_.faults.empty()) built_.contexts.clear();
        return std::move(built_);
    }

private:
    void load_certificates() {
        auto const& files = settings_.certificate;
        if (files.size() != settings_.private_key.size()) {
            auto const& where = files.empty() ? settings_.private_key.front().where : files.front().where;
            report(where, "certificate", "as many private keys as certificates are needed");
            return;
        }
        for (std::size_t i = 0; i < files.size(); ++i) {
            auto loaded = load_server_certificate({files[i], settings_.private_key[i], site_key_}, built_.faults);
            if (loaded) certificates_.push_back({std::move(*loaded), files[i].where});
        }
        std::stable_sort(certificates_.begin(), certificates_.end(), [](auto const& left, auto const& right) {
            return left.certificate.is_ecdsa() && !right.certificate.is_ecdsa();
        });
    }

    void make_contexts() {
        std::vector<std::string> digests;
        for (auto const& each : certificates_) {
            auto context = make_context(settings_, each.certificate);
            if (!context) report(each.where, "certificate", "refused by the TLS library: " + library_reason());
            built_.contexts.push_back(std::move(context));
            digests.push_back(each.certificate.sha256());
            auto const end = each.certificate.not_after();
            built_.not_after = digests.size() == 1 ? end : std::min(built_.not_after, end);
        }
        // Sorted: the order in the settings makes no difference to what a client may be shown.
        std::sort(digests.begin(), digests.end());
        for (auto const& digest : digests)
            built_.certificate_id += digest;
    }

    void staple() {
        if (!settings_.ocsp_staple_file) return;
        auto const& file = *settings_.ocsp_staple_file;
        auto const response = read_input_file(file, site_key_ + ".ssl.ocsp_staple_file", built_.faults);
        if (!response) return;
        if (!is_der_sequence(*response)) {
            report(file.where, "ocsp_staple_file", file.path + ": not an OCSP response in DER");
            return;
        }
        bool used = false;
        for (std::size_t i = 0; i < certificates_.size(); ++i) {
            if (!tells_of(*response, certificates_[i].certificate)) continue;
            used = SSL_CTX_set_ocsp_response(built_.contexts[i].get(),
                                             reinterpret_cast<std::uint8_t const*>(response->data()),
                                             response->size()) == 1;
        }
        if (!used) report(file.where, "ocsp_staple_file", file.path + ": tells of none of the certificates");
    }

    void report(config::location const& where, std::string const& key, std::string message) {
        built_.faults.push_back({where, site_key_ + ".ssl." + key, std::move(message), ""});
    }

    static std::string library_reason() {
        char const* const reason = ERR_reason_error_string(ERR_get_error());
        ERR_clear_error();
        return reason != nullptr ? reason : "unknown reason";
    }

    struct placed_certificate {
        server_certificate certificate;
        config::location where;
    };

    config::tls_settings const& settings_;
    std::string site_key_;
    std::vector<placed_certificate> certificates_;
    tls_context built_;
};

}  // namespace

tls_context build_tls_context(config::tls_settings const& settings, std::string const& site) {
    return context_builder(settings, site).build();
}

}  // namespace ftpsgate::policy
