#include "proxy/tls/engine_callbacks.hpp"

#include "proxy/tls/client_ca_names.hpp"
#include "proxy/tls/client_hello.hpp"
#include "proxy/tls/engine.hpp"
#include "proxy/tls/server_name.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <span>
#include <string_view>

namespace ftpsgate::tls {

namespace {

int engine_index() {
    static int const index = SSL_get_ex_new_index(0, nullptr, nullptr, nullptr, nullptr);
    return index;
}

std::string_view sent_name(SSL const* ssl) {
    char const* const name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
    return name == nullptr ? std::string_view() : name;
}

SSL_CTX* pick(context_list contexts, SSL_CLIENT_HELLO const& hello) {
    auto const fits = [&](auto const& context) { return supports_certificate(hello, context.get()); };
    auto const found = std::ranges::find_if(contexts, fits);
    // None fits: the handshake with the preferred one fails with the right alert.
    return (found == contexts.end() ? contexts.front() : *found).get();
}

// SSL_set_SSL_CTX() takes over certificate, ciphers and callbacks, but not the versions.
void switch_context(SSL* ssl, SSL_CTX* chosen) {
    SSL_set_SSL_CTX(ssl, chosen);
    SSL_set_min_proto_version(ssl, SSL_CTX_get_min_proto_version(chosen));
    SSL_set_max_proto_version(ssl, SSL_CTX_get_max_proto_version(chosen));
}

int verify_mode(certificate_request request) {
    switch (request) {
        case certificate_request::none: return SSL_VERIFY_NONE;
        case certificate_request::optional: return SSL_VERIFY_PEER;
        case certificate_request::required: break;
    }
    return SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT;
}

bool find_protocol(std::span<std::uint8_t const> offered, std::string_view wanted, std::uint8_t const** chosen,
                   std::uint8_t* chosen_size) {
    CBS list, name;
    CBS_init(&list, offered.data(), offered.size());
    while (CBS_get_u8_length_prefixed(&list, &name)) {
        if (!CBS_mem_equal(&name, reinterpret_cast<std::uint8_t const*>(wanted.data()), wanted.size())) continue;
        *chosen = CBS_data(&name);
        *chosen_size = static_cast<std::uint8_t>(CBS_len(&name));
        return true;
    }
    return false;
}

}  // namespace

void engine_callbacks::attach(SSL* ssl, engine* owner) {
    SSL_set_ex_data(ssl, engine_index(), owner);
}

engine* engine_callbacks::owner_of(SSL const* ssl) {
    return static_cast<engine*>(SSL_get_ex_data(ssl, engine_index()));
}

ssl_select_cert_result_t engine_callbacks::choose_certificate(SSL_CLIENT_HELLO const* hello) {
    engine* const self = owner_of(hello->ssl);
    self->late_tickets_ = reads_only_downloads(*hello);
    auto const sent = sent_name(hello->ssl);
    auto const name = sent.empty() ? std::optional(std::string()) : usable_server_name(sent);
    // Refused in answer_server_name(), which can say why; an error here would be a bare handshake_failure.
    self->name_refused_ = !name.has_value();
    if (self->name_refused_) return ssl_select_cert_success;
    self->server_name_ = *name;
    if (!self->options_.choose_context) return ssl_select_cert_success;
    auto const site = self->options_.choose_context(*name);
    self->name_refused_ = site.contexts.empty();
    if (self->name_refused_) return ssl_select_cert_success;
    switch_context(hello->ssl, pick(site.contexts, *hello));
    self->bind();  // the switch took the binding away with the certificate (B-157, A-024)
    // For each connection anew: switching contexts does not take over what they ask of clients (B-277).
    self->request_ = site.request;
    SSL_set_custom_verify(hello->ssl, verify_mode(site.request), verify_peer);
    if (site.request != certificate_request::none) offer_ca_names(hello->ssl, site.ca_names);
    return ssl_select_cert_success;
}

// Called again by each handshake() until it has an answer. On a data connection TLS proves that the client owns the
// certificate; whether it is the right one is judged when the connection is up.
ssl_verify_result_t engine_callbacks::verify_peer(SSL* ssl, std::uint8_t* alert) {
    engine const* const self = owner_of(ssl);
    if (self->options_.channel == channel_kind::data) return ssl_verify_ok;
    if (!self->answer_) return ssl_verify_retry;
    if (*self->answer_ == 0) return ssl_verify_ok;
    *alert = *self->answer_;
    return ssl_verify_invalid;
}

int engine_callbacks::answer_server_name(SSL* ssl, int* alert, void*) {
    if (owner_of(ssl)->name_refused_) {
        *alert = SSL_AD_UNRECOGNIZED_NAME;
        return SSL_TLSEXT_ERR_ALERT_FATAL;
    }
    return sent_name(ssl).empty() ? SSL_TLSEXT_ERR_NOACK : SSL_TLSEXT_ERR_OK;
}

// Called only if the client offers any. Never x-filezilla-ftp: it promises a behaviour that the gate has not (B-044).
int engine_callbacks::choose_application(SSL* ssl, std::uint8_t const** chosen, std::uint8_t* chosen_size,
                                         std::uint8_t const* offered, unsigned offered_size, void*) {
    std::span const list(offered, offered_size);
    bool const data = owner_of(ssl)->options_.channel == channel_kind::data;
    if (data && find_protocol(list, "ftp-data", chosen, chosen_size)) return SSL_TLSEXT_ERR_OK;
    return find_protocol(list, "ftp", chosen, chosen_size) ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_ALERT_FATAL;
}

// Called when the library knows whether it resumes. A full handshake on a data connection would leave a session under
// the control session's binding: whoever did it could resume that on the next connection and pass for the client
// . So it gets another context, which resumes nowhere.
int engine_callbacks::unbind_full_data_handshake(SSL_CLIENT_HELLO const* hello) {
    bool const data = owner_of(hello->ssl)->options_.channel == channel_kind::data;
    if (!data || SSL_session_reused(hello->ssl) == 1) return 1;
    static constexpr std::array<std::uint8_t, 32> nobody{};
    SSL_SESSION* const session = SSL_get_session(hello->ssl);
    return session == nullptr ? 1 : SSL_SESSION_set1_id_context(session, nobody.data(), nobody.size());
}

void prepare_context(SSL_CTX* context) {
    SSL_CTX_set_dos_protection_cb(context, engine_callbacks::unbind_full_data_handshake);
    SSL_CTX_set_select_certificate_cb(context, engine_callbacks::choose_certificate);
    SSL_CTX_set_tlsext_servername_callback(context, engine_callbacks::answer_server_name);
    SSL_CTX_set_alpn_select_cb(context, engine_callbacks::choose_application, nullptr);
}

}  // namespace ftpsgate::tls
