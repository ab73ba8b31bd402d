#include "proxy/tls/error.hpp"

#include "proxy/tls/boringssl.hpp"

#include <catch2/catch.hpp>

#include <set>

using namespace ftpsgate::tls;

TEST_CASE("error: the reason of the library becomes a failure kind", "[tls][error]") {
    struct row {
        char const* name;
        int reason;
        failure_kind kind;
    };
    auto const [name, reason, kind] =
        GENERATE(values<row>({{"garbage", SSL_R_WRONG_VERSION_NUMBER, failure_kind::protocol},
                              {"http", SSL_R_HTTP_REQUEST, failure_kind::protocol},
                              {"bad mac", SSL_R_DECRYPTION_FAILED_OR_BAD_RECORD_MAC, failure_kind::protocol},
                              {"renegotiation", SSL_R_NO_RENEGOTIATION, failure_kind::protocol},
                              {"TLS 1.1", SSL_R_UNSUPPORTED_PROTOCOL, failure_kind::no_shared_version},
                              {"cipher", SSL_R_NO_SHARED_CIPHER, failure_kind::no_shared_cipher},
                              {"group", SSL_R_NO_SHARED_GROUP, failure_kind::no_shared_cipher},
                              {"signature", SSL_R_NO_COMMON_SIGNATURE_ALGORITHMS, failure_kind::no_shared_cipher},
                              {"alpn", SSL_R_NO_APPLICATION_PROTOCOL, failure_kind::no_application_protocol},
                              {"unknown ca", SSL_R_TLSV1_ALERT_UNKNOWN_CA, failure_kind::peer_alert},
                              {"handshake failure", SSL_R_SSLV3_ALERT_HANDSHAKE_FAILURE, failure_kind::peer_alert}}));
    CAPTURE(name);
    ERR_clear_error();
    ERR_put_error(ERR_LIB_SSL, 0, reason, __FILE__, __LINE__);
    auto const found = drain_errors();
    CHECK(found.kind == kind);
    CHECK_FALSE(found.text.empty());
}

TEST_CASE("error: the first entry of the TLS library is the cause and the queue is empty afterwards", "[tls][error]") {
    ERR_clear_error();
    ERR_put_error(ERR_LIB_SSL, 0, SSL_R_NO_SHARED_CIPHER, __FILE__, __LINE__);
    ERR_put_error(ERR_LIB_SSL, 0, SSL_R_HTTP_REQUEST, __FILE__, __LINE__);
    CHECK(drain_errors().kind == failure_kind::no_shared_cipher);
    CHECK(ERR_peek_error() == 0);
    CHECK(drain_errors().kind == failure_kind::none);
}

TEST_CASE("error: the word of the TLS library counts more than that of a primitive", "[tls][error]") {
    ERR_clear_error();
    ERR_put_error(ERR_LIB_CIPHER, 0, 101, __FILE__, __LINE__);
    ERR_put_error(ERR_LIB_SSL, 0, SSL_R_DECRYPTION_FAILED_OR_BAD_RECORD_MAC, __FILE__, __LINE__);
    CHECK(drain_errors().kind == failure_kind::protocol);
}

TEST_CASE("error: what does not come from the TLS library is other", "[tls][error]") {
    ERR_clear_error();
    ERR_put_error(ERR_LIB_EVP, 0, EVP_R_BUFFER_TOO_SMALL, __FILE__, __LINE__);
    CHECK(drain_errors().kind == failure_kind::other);
}

TEST_CASE("error: each kind has a word of its own", "[tls][error]") {
    std::set<std::string> words;
    for (int kind = 0; kind <= static_cast<int>(failure_kind::other); ++kind) {
        words.insert(to_string(static_cast<failure_kind>(kind)));
    }
    CHECK(words.size() == static_cast<std::size_t>(failure_kind::other) + 1);
}
