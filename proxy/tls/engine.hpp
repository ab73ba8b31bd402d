// One TLS server connection as a transformer between two byte queues: no sockets, no Asio, no waiting. The stream
// (proxy/tls/stream.hpp) moves the bytes.
//
// Where a site asks for client certificates, the handshake of a control connection pauses when one has come
// (want::verify_peer), until answer_peer(). On data connections it does not: whether it is the control connection's
// certificate is for the owner to judge (session_facts::peer_sha256, B-159).
//
// Flow: put network bytes into `input`, call handshake() / read() / write() / close(), send what is in `output`.
// Every call works until it is done or needs more input, or until `output` is full (want::output: send, call again).
// One call to read() opens many records, one call to write() seals many (PERFORMANCE.md).
//
// Handshakes, control connections and small transfers are BoringSSL's. Where the bytes of a data connection come in
// bulk under TLS 1.3, the engine opens and seals the records itself, between its queues and the caller's buffers, each
// direction from its first such call to its end.
#pragma once

#include "proxy/tls/boringssl.hpp"
#include "proxy/tls/buffer_pool.hpp"
#include "proxy/tls/error.hpp"
#include "proxy/tls/record_protection.hpp"
#include "proxy/tls/record_reader.hpp"
#include "proxy/tls/record_writer.hpp"
#include "proxy/tls/session_binding.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace ftpsgate::tls {

enum class want {
    nothing,      ///< done
    input,        ///< more bytes from the peer
    output,       ///< output is full: send it first
    closed,       ///< the peer's close_notify was read: a clean end
    failed,       ///< see failure(); an alert may be in output, send it
    verify_peer,  ///< the client's certificates are here: peer_chain(), then answer_peer(); output is to be sent
};

enum class channel_kind { control, data };

/// The contexts of one site in order of preference, one per certificate (policy::tls_context::contexts).
using context_list = std::span<bssl::UniquePtr<SSL_CTX> const>;

using sha256_digest = std::array<std::uint8_t, 32>;

/// What a site asks of clients (B-180, B-181, B-183).
enum class certificate_request {
    none,      ///< no CertificateRequest
    optional,  ///< asked for; a client may have none
    required,  ///< a client without is refused: handshake_failure, under TLS 1.3 certificate_required
};

struct site_choice {
    context_list contexts;
    certificate_request request = certificate_request::none;
    STACK_OF(CRYPTO_BUFFER) const* ca_names = nullptr;  ///< client_ca_names.hpp; copied at once
};

/// What the engine needs to know to be a server. Callbacks run inside handshake().
struct server_options {
    /// Where tickets and session ids live, so data connections must be given the same one as their control connection.
    /// Serves by itself where choose_context is unset.
    SSL_CTX* context = nullptr;
    channel_kind channel = channel_kind::control;
    session_binding const* binding = nullptr;  ///< read by the engine's constructor only
    /// Called with the lower-case SNI name without trailing dot ("" = none sent, or an address literal); returns the
    /// contexts of the site of that name, and what it asks of clients. The engine takes the first context whose
    /// certificate the client can verify. No contexts: the name is refused with unrecognized_name (B-043). Names that
    /// are no host names do not get here. Unset: no client certificate is asked for.
    std::function<site_choice(std::string_view name)> choose_context;
};

/// Installs the engine's callbacks. To be called once for each context, before connections use it.
void prepare_context(SSL_CTX* context);

/// Facts of an established connection.
struct session_facts {
    std::string version;      ///< "TLSv1.3"
    std::string cipher;       ///< IANA name, "TLS_AES_128_GCM_SHA256"
    std::string application;  ///< ALPN, "" = none
    std::string server_name;  ///< SNI, "" = none
    bool resumed = false;     ///< only possible with a session of the same binding
    /// Of the client's certificate; that of the first handshake where the connection was resumed (B-158).
    std::optional<sha256_digest> peer_sha256{};
};

struct transfer {
    want next = want::nothing;
    std::size_t count = 0;  ///< bytes of plain text moved, also when next is not `nothing`
};

class engine {
public:
    /// What to put into `input` for a read() of `text` bytes: as many full records of TLS 1.3 as it has room for, at
    /// least one. With a record more, each block of an upload would end in a small write of its own.
    static constexpr std::size_t sealed_size(std::size_t text) {
        auto const records = text / record_protection::most_text;
        return (records > 0 ? records : 1) * (record_protection::most_text + record_protection::overhead);
    }
    /// From how many bytes in one call on a direction is taken over from BoringSSL.
    static constexpr std::size_t bulk = 64 * 1024;

    engine(server_options options, buffer_pool& pool);
    ~engine() = default;
    engine(engine const&) = delete;
    engine& operator=(engine const&) = delete;

    byte_queue input;   ///< from the peer, not yet opened
    byte_queue output;  ///< for the peer

    /// The peer ended its side of the TCP connection. Decided here: without close_notify before it, read() fails with
    /// failure_kind::truncated (B-167).
    void input_ended() { input_ended_ = true; }

    /// nothing: established. After `failed` output may hold the alert. Bytes behind the handshake stay in `input`.
    want handshake();
    /// DER, the client's own certificate first. Only while want::verify_peer. The key behind it is not proved yet: that
    /// comes with the rest of the handshake, so nothing may be granted on the chain alone.
    std::vector<std::string> peer_chain() const;
    /// Only while want::verify_peer; handshake() goes on then. 0 accepts; anything else is the alert with which
    /// handshake() fails (failure_kind::certificate_refused).
    void answer_peer(std::uint8_t alert);
    /// Opens records until `into` is full or input runs out; count > 0 means next == nothing, unless the very next
    /// record ends or breaks the connection (that is reported by the following call).
    transfer read(std::span<std::uint8_t> into);
    /// Seals until `from` is used up or output has no room for another record. Nothing of what was counted needs to be
    /// passed again; what was not may be passed in any later call.
    transfer write(std::span<std::uint8_t const> from);
    /// Session tickets go with the first bytes that are written, in one segment. Where none will be written soon, as on
    /// the data connection of an upload, this puts them into output now: its client, which may use each ticket once
    /// only (OpenSSL's, under TLS 1.3), needs a new one for its next data connection (B-160, B-161). Does nothing for a
    /// client that must get them late (client_hello.hpp).
    void send_tickets();
    /// Puts close_notify into output, once; further calls and calls before the handshake is over do nothing. Sends the
    /// session tickets with it where nothing was written before (B-160). Reading goes on.
    want close();

    bool established() const { return established_; }
    /// read() saw the peer's close_notify; what came behind it is in `input`, never opened (B-063, A-004).
    bool close_received() const { return close_received_; }
    session_facts facts() const;
    failure const& why() const { return failure_; }

    /// Takes the session out of the context's cache: it cannot be resumed by its id any more. For the end of a
    /// control session; tickets are out of reach, the binding's end makes them worthless (B-164).
    void forget_session();

private:
    friend struct engine_callbacks;

    void bind();
    bool is_peer_answered_for() const;
    want refuse_unverified();
    want judge(int result);
    want wait_for_input();
    want fail(failure_kind kind, std::string text);
    bool has_room() const;

    transfer open_one(std::span<std::uint8_t> into);
    transfer seal_one(std::span<std::uint8_t const> from);
    bool takes_over_reading();
    transfer open_bulk(std::span<std::uint8_t> into);
    transfer seal_bulk(std::span<std::uint8_t const> from);
    void send_alert(std::uint8_t alert);
    bool put_alert(std::uint8_t level, std::uint8_t alert);

    bssl::UniquePtr<SSL> ssl_;
    std::unique_ptr<record_reader> reader_;  // once reading was taken over
    std::unique_ptr<record_writer> writer_;  // once writing was
    bool between_records_ = true;            // BoringSSL holds neither part of a record nor text of one
    bool key_update_owed_ = false;           // with the next record that BoringSSL seals
    server_options options_;
    std::optional<session_binding> binding_;
    bool established_ = false;
    bool tickets_sent_ = false;
    bool late_tickets_ = false;  // with the first write or close_notify, see client_hello.hpp
    bool input_ended_ = false;
    bool close_sent_ = false;
    bool close_received_ = false;
    bool name_refused_ = false;
    bool peer_waits_ = false;             // for answer_peer()
    std::optional<std::uint8_t> answer_;  // of answer_peer()
    certificate_request request_ = certificate_request::none;
    std::string server_name_;
    failure failure_;
};

}  // namespace ftpsgate::tls
