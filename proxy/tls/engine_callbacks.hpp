// What BoringSSL asks the engine during a handshake. Installed on contexts by prepare_context() (engine.hpp).
#pragma once

#include "proxy/tls/boringssl.hpp"

namespace ftpsgate::tls {

class engine;

struct engine_callbacks {
    /// Where a connection's engine is found again.
    static void attach(SSL* ssl, engine* owner);
    static engine* owner_of(SSL const* ssl);

    static ssl_select_cert_result_t choose_certificate(SSL_CLIENT_HELLO const* hello);
    static int unbind_full_data_handshake(SSL_CLIENT_HELLO const* hello);
    static ssl_verify_result_t verify_peer(SSL* ssl, std::uint8_t* alert);
    static int answer_server_name(SSL* ssl, int* alert, void*);
    static int choose_application(SSL* ssl, std::uint8_t const** chosen, std::uint8_t* chosen_size,
                                  std::uint8_t const* offered, unsigned offered_size, void*);
};

}  // namespace ftpsgate::tls
