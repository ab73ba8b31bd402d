// A TLS client on BoringSSL without sockets, to talk to proxy/tls/engine: its bytes are moved by hand into the
// engine's queues, so a test decides what arrives when.
#pragma once

#include "proxy/tls/engine.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace ftpsgate::test {

struct identity;

struct client_options {
    std::uint16_t minimum_version = TLS1_2_VERSION;
    std::uint16_t maximum_version = TLS1_3_VERSION;
    std::string server_name{};                    ///< "" = none
    std::vector<std::string> applications{};      ///< ALPN
    std::string ciphers{};                        ///< of TLS 1.2; "" = the library's
    std::vector<std::uint16_t> verify_schemes{};  ///< signature_algorithms; empty = the library's
    bool tickets = true;
    SSL_SESSION* resume = nullptr;
    identity const* who = nullptr;              ///< certificate and key, sent when asked for; nullptr = none
    std::vector<std::string> chain{};           ///< DER, sent behind the certificate
    std::vector<std::uint16_t> sign_schemes{};  ///< that it can do; empty = the library's
    EVP_PKEY* sign_with = nullptr;              ///< P-256; in place of the certificate's own key
};

class memory_client {
public:
    explicit memory_client(client_options const& options = {});
    memory_client(memory_client const&) = delete;
    memory_client& operator=(memory_client const&) = delete;

    /// Runs both sides until neither moves. Returns the gate's last word.
    tls::want handshake(tls::engine& gate);
    /// As handshake(), and accepts the certificate if one is sent.
    tls::want handshake_accepted(tls::engine& gate);
    /// One step of the client's side of the handshake; true when it is done.
    bool step();

    void write(std::string const& text);
    /// Everything that can be read now.
    std::string read();
    void close();
    bool close_received() const { return closed_; }

    /// Bytes for the gate that were not fetched yet.
    std::string take_output();
    void put_input(std::string_view bytes);
    /// Moves all bytes both ways.
    void exchange(tls::engine& gate);

    /// The alert that the gate sent, -1 = none.
    int alert() const { return alert_; }
    /// Newest first; TLS 1.3 tickets come with read().
    std::vector<bssl::UniquePtr<SSL_SESSION>>& sessions() { return sessions_; }
    /// The gate sent a CertificateRequest.
    bool was_asked() const { return asked_; }
    /// Of the authorities in it.
    std::size_t names_asked() const { return names_asked_; }
    /// Signature schemes in it.
    std::vector<std::uint16_t> const& schemes_asked() const { return schemes_asked_; }
    bool resumed() const { return SSL_session_reused(ssl_.get()) == 1; }
    /// EVP_PKEY_EC or EVP_PKEY_RSA of the gate's certificate.
    int certificate_kind() const;
    SSL* ssl() { return ssl_.get(); }

private:
    static memory_client* owner_of(SSL const* ssl);
    static int keep_session(SSL* ssl, SSL_SESSION* session);
    static void note_alert(SSL const* ssl, int type, int value);
    static int note_request(SSL* ssl, void*);
    static ssl_private_key_result_t sign(SSL* ssl, std::uint8_t* out, std::size_t* size, std::size_t limit,
                                         std::uint16_t, std::uint8_t const* in, std::size_t in_size);
    void present(client_options const& options);

    bssl::UniquePtr<SSL_CTX> context_;
    bssl::UniquePtr<SSL> ssl_;
    BIO* from_gate_ = nullptr;  // owned by ssl_
    BIO* to_gate_ = nullptr;
    std::vector<bssl::UniquePtr<SSL_SESSION>> sessions_;
    bssl::UniquePtr<EVP_PKEY> sign_with_;
    int alert_ = -1;
    bool asked_ = false;
    std::size_t names_asked_ = 0;
    std::vector<std::uint16_t> schemes_asked_;
    bool closed_ = false;
};

std::string certificate_der(X509& certificate);

/// Appends as much as fits; the test fails by throwing when that is not all.
void feed(tls::engine& gate, std::string_view bytes);
/// What the gate has for its peer, taken out.
std::string drain(tls::engine& gate);
/// Reads until the engine wants something; `last` gets what that was.
std::string read_all(tls::engine& gate, tls::want* last = nullptr);

}  // namespace ftpsgate::test
