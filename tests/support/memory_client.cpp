#include "tests/support/memory_client.hpp"

#include "tests/support/test_pki.hpp"

#include <stdexcept>

namespace ftpsgate::test {

namespace {

std::span<std::uint8_t const> as_bytes(std::string_view text) {
    return {reinterpret_cast<std::uint8_t const*>(text.data()), text.size()};
}

std::string wire_format(std::vector<std::string> const& names) {
    std::string list;
    for (auto const& name : names)
        list += static_cast<char>(name.size()) + name;
    return list;
}

bssl::UniquePtr<CRYPTO_BUFFER> buffer_of(std::string const& der) {
    return bssl::UniquePtr<CRYPTO_BUFFER>(CRYPTO_BUFFER_new(as_bytes(der).data(), der.size(), nullptr));
}

void configure(SSL_CTX* context, client_options const& options) {
    SSL_CTX_set_min_proto_version(context, options.minimum_version);
    SSL_CTX_set_max_proto_version(context, options.maximum_version);
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_CLIENT);
    // So long that the lifetime the gate gives is the shorter one.
    SSL_CTX_set_session_psk_dhe_timeout(context, 30 * 24 * 60 * 60);
    if (!options.tickets) SSL_CTX_set_options(context, SSL_OP_NO_TICKET);
    if (!options.ciphers.empty()) SSL_CTX_set_cipher_list(context, options.ciphers.c_str());
    if (!options.verify_schemes.empty()) {
        SSL_CTX_set_verify_algorithm_prefs(context, options.verify_schemes.data(), options.verify_schemes.size());
    }
    if (!options.sign_schemes.empty()) {
        SSL_CTX_set_signing_algorithm_prefs(context, options.sign_schemes.data(), options.sign_schemes.size());
    }
    if (!options.applications.empty()) {
        std::string const list = wire_format(options.applications);
        SSL_CTX_set_alpn_protos(context, as_bytes(list).data(), static_cast<unsigned>(list.size()));
    }
}

}  // namespace

memory_client::memory_client(client_options const& options)
    : context_(SSL_CTX_new(TLS_method())), from_gate_(BIO_new(BIO_s_mem())), to_gate_(BIO_new(BIO_s_mem())) {
    configure(context_.get(), options);
    SSL_CTX_sess_set_new_cb(context_.get(), keep_session);
    SSL_CTX_set_info_callback(context_.get(), note_alert);
    ssl_.reset(SSL_new(context_.get()));
    SSL_set_app_data(ssl_.get(), this);
    SSL_set_connect_state(ssl_.get());
    SSL_set_bio(ssl_.get(), from_gate_, to_gate_);
    if (!options.server_name.empty()) SSL_set_tlsext_host_name(ssl_.get(), options.server_name.c_str());
    if (options.resume != nullptr) SSL_set_session(ssl_.get(), options.resume);
    SSL_set_cert_cb(ssl_.get(), note_request, nullptr);
    if (options.who != nullptr) present(options);
}

void memory_client::present(client_options const& options) {
    static SSL_PRIVATE_KEY_METHOD const stranger{sign, nullptr, nullptr};
    std::vector<bssl::UniquePtr<CRYPTO_BUFFER>> owned;
    owned.push_back(buffer_of(certificate_der(*options.who->certificate)));
    for (auto const& each : options.chain)
        owned.push_back(buffer_of(each));
    std::vector<CRYPTO_BUFFER*> sent;
    for (auto const& each : owned)
        sent.push_back(each.get());
    bool const own_key = options.sign_with == nullptr;
    if (!own_key) sign_with_ = bssl::UpRef(options.sign_with);
    if (SSL_set_chain_and_key(ssl_.get(), sent.data(), sent.size(), own_key ? options.who->key.get() : nullptr,
                              own_key ? nullptr : &stranger) != 1) {
        throw std::runtime_error("memory_client: certificate");
    }
}

tls::want memory_client::handshake(tls::engine& gate) {
    for (bool client_done = false;;) {
        client_done = client_done || step();
        auto const sent = take_output();
        feed(gate, sent);
        auto const next = gate.handshake();
        auto const answer = drain(gate);
        put_input(answer);
        bool const idle = sent.empty() && answer.empty();
        if (next == tls::want::failed || idle || (client_done && next == tls::want::nothing)) {
            if (!client_done) client_done = step();                // reads the alert, or the end of the handshake
            if (client_done && next == tls::want::failed) read();  // under TLS 1.3 the client thought that it was over
            return next;
        }
    }
}

tls::want memory_client::handshake_accepted(tls::engine& gate) {
    auto const first = handshake(gate);
    if (first != tls::want::verify_peer) return first;
    gate.answer_peer(0);
    return handshake(gate);
}

bool memory_client::step() {
    ERR_clear_error();
    return SSL_do_handshake(ssl_.get()) == 1;
}

void memory_client::write(std::string const& text) {
    ERR_clear_error();
    if (SSL_write(ssl_.get(), text.data(), static_cast<int>(text.size())) != static_cast<int>(text.size())) {
        throw std::runtime_error("memory_client: write failed");
    }
}

std::string memory_client::read() {
    std::string text;
    char block[16384];
    for (;;) {
        ERR_clear_error();
        int const count = SSL_read(ssl_.get(), block, sizeof block);
        if (count <= 0) {
            closed_ = closed_ || SSL_get_error(ssl_.get(), count) == SSL_ERROR_ZERO_RETURN;
            ERR_clear_error();
            return text;
        }
        text.append(block, static_cast<std::size_t>(count));
    }
}

void memory_client::close() {
    ERR_clear_error();
    SSL_shutdown(ssl_.get());
}

std::string memory_client::take_output() {
    std::uint8_t const* data = nullptr;
    std::size_t size = 0;
    BIO_mem_contents(to_gate_, &data, &size);
    std::string taken(reinterpret_cast<char const*>(data), size);
    BIO_reset(to_gate_);
    return taken;
}

void memory_client::put_input(std::string_view bytes) {
    if (!bytes.empty()) BIO_write(from_gate_, bytes.data(), static_cast<int>(bytes.size()));
}

void memory_client::exchange(tls::engine& gate) {
    feed(gate, take_output());
    put_input(drain(gate));
}

int memory_client::certificate_kind() const {
    bssl::UniquePtr<X509> const certificate(SSL_get_peer_certificate(ssl_.get()));
    if (!certificate) return NID_undef;
    bssl::UniquePtr<EVP_PKEY> const key(X509_get_pubkey(certificate.get()));
    return EVP_PKEY_id(key.get());
}

memory_client* memory_client::owner_of(SSL const* ssl) {
    return static_cast<memory_client*>(SSL_get_app_data(ssl));
}

int memory_client::keep_session(SSL* ssl, SSL_SESSION* session) {
    auto& kept = owner_of(ssl)->sessions_;
    kept.insert(kept.begin(), bssl::UniquePtr<SSL_SESSION>(session));
    return 1;  // the reference is ours now
}

void memory_client::note_alert(SSL const* ssl, int type, int value) {
    if (type == SSL_CB_READ_ALERT) owner_of(ssl)->alert_ = value & 0xff;
}

// Called for a CertificateRequest only.
int memory_client::note_request(SSL* ssl, void*) {
    auto& self = *owner_of(ssl);
    self.asked_ = true;
    self.names_asked_ = sk_CRYPTO_BUFFER_num(SSL_get0_server_requested_CAs(ssl));
    std::uint16_t const* schemes = nullptr;
    std::size_t const count = SSL_get0_peer_verify_algorithms(ssl, &schemes);
    self.schemes_asked_.assign(schemes, schemes + count);
    return 1;
}

ssl_private_key_result_t memory_client::sign(SSL* ssl, std::uint8_t* out, std::size_t* size, std::size_t limit,
                                             std::uint16_t, std::uint8_t const* in, std::size_t in_size) {
    bssl::ScopedEVP_MD_CTX context;
    *size = limit;
    bool const done =
        EVP_DigestSignInit(context.get(), nullptr, EVP_sha256(), nullptr, owner_of(ssl)->sign_with_.get()) == 1 &&
        EVP_DigestSign(context.get(), out, size, in, in_size) == 1;
    return done ? ssl_private_key_success : ssl_private_key_failure;
}

std::string certificate_der(X509& certificate) {
    std::uint8_t* bytes = nullptr;
    int const size = i2d_X509(&certificate, &bytes);
    if (size < 0) throw std::runtime_error("certificate_der");
    std::string der(reinterpret_cast<char const*>(bytes), static_cast<std::size_t>(size));
    OPENSSL_free(bytes);
    return der;
}

void feed(tls::engine& gate, std::string_view bytes) {
    if (gate.input.append(as_bytes(bytes)) != bytes.size()) throw std::runtime_error("feed: the input is full");
}

std::string drain(tls::engine& gate) {
    auto const data = gate.output.data();
    std::string taken(reinterpret_cast<char const*>(data.data()), data.size());
    gate.output.consume(data.size());
    return taken;
}

std::string read_all(tls::engine& gate, tls::want* last) {
    std::string text;
    std::vector<std::uint8_t> block(20000);
    for (;;) {
        auto const opened = gate.read(block);
        text.append(reinterpret_cast<char const*>(block.data()), opened.count);
        if (opened.count > 0) continue;
        if (last != nullptr) *last = opened.next;
        return text;
    }
}

}  // namespace ftpsgate::test
