#include "proxy/tls/engine.hpp"

#include "proxy/tls/engine_callbacks.hpp"
#include "proxy/tls/queue_bio.hpp"

#include <algorithm>
#include <utility>

namespace ftpsgate::tls {

namespace {

int as_int(std::size_t size) {
    return static_cast<int>(std::min(size, record_protection::most_text));
}

std::optional<sha256_digest> peer_digest(SSL const* ssl) {
    SSL_SESSION const* const session = SSL_get_session(ssl);
    if (session == nullptr || SSL_SESSION_has_peer_sha256(session) != 1) return std::nullopt;
    std::uint8_t const* data = nullptr;
    std::size_t size = 0;
    SSL_SESSION_get0_peer_sha256(session, &data, &size);
    sha256_digest found{};
    if (size != found.size()) return std::nullopt;
    std::copy_n(data, size, found.begin());
    return found;
}

}  // namespace

engine::engine(server_options options, buffer_pool& pool)
    : input(pool), output(pool), ssl_(SSL_new(options.context)), options_(std::move(options)) {
    SSL_set_accept_state(ssl_.get());
    SSL_set_mode(ssl_.get(), SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    // Frees what only the handshake needs once it is over; an idle session then holds a few KiB.
    SSL_set_shed_handshake_config(ssl_.get(), 1);
    // Sessions and tickets carry the digest of a client's certificate, not the certificate (B-158).
    SSL_set_retain_only_sha256_of_client_certs(ssl_.get(), 1);
    if (options_.binding != nullptr) binding_ = *options_.binding;
    bind();
    SSL_set_bio(ssl_.get(), make_queue_reader(input).release(), make_queue_writer(output).release());
    engine_callbacks::attach(ssl_.get(), this);
}

void engine::bind() {
    if (!binding_) return;
    auto const& context = binding_->context();
    SSL_set_session_id_context(ssl_.get(), context.data(), context.size());
}

want engine::handshake() {
    if (failure_.kind != failure_kind::none) return want::failed;
    ERR_clear_error();  // the queue is the thread's: another session may have left something there
    int const result = SSL_do_handshake(ssl_.get());
    if (result != 1) return judge(result);
    if (!established_ && !is_peer_answered_for()) return refuse_unverified();
    established_ = true;
    return want::nothing;
}

std::vector<std::string> engine::peer_chain() const {
    std::vector<std::string> chain;
    STACK_OF(CRYPTO_BUFFER) const* const sent = peer_waits_ ? SSL_get0_peer_certificates(ssl_.get()) : nullptr;
    for (std::size_t i = 0; i < sk_CRYPTO_BUFFER_num(sent); ++i) {
        CRYPTO_BUFFER const* const each = sk_CRYPTO_BUFFER_value(sent, i);
        chain.emplace_back(reinterpret_cast<char const*>(CRYPTO_BUFFER_data(each)), CRYPTO_BUFFER_len(each));
    }
    return chain;
}

void engine::answer_peer(std::uint8_t alert) {
    if (std::exchange(peer_waits_, false)) answer_ = alert;
}

// Defence in depth: the library asks for no certificate, and for no verification, where it resumes. A control
// connection has nothing to resume; should that ever break, it breaks here.
bool engine::is_peer_answered_for() const {
    if (options_.channel == channel_kind::data) return true;
    return peer_digest(ssl_.get()) ? answer_ == std::uint8_t{0} : request_ != certificate_request::required;
}

want engine::refuse_unverified() {
    SSL_send_fatal_alert(ssl_.get(), SSL_AD_ACCESS_DENIED);
    return fail(failure_kind::certificate_absent, "the handshake passed by the verification of the client");
}

// The library keeps them back for the next write; this one is empty.
void engine::send_tickets() {
    if (!established_ || tickets_sent_ || late_tickets_ || !output.empty()) return;
    ERR_clear_error();
    SSL_write(ssl_.get(), "", 0);
    ERR_clear_error();
    tickets_sent_ = true;
}

transfer engine::read(std::span<std::uint8_t> into) {
    if (failure_.kind != failure_kind::none) return {want::failed, 0};
    if (!established_) return {fail(failure_kind::other, "read before the handshake"), 0};
    if (close_received_) return {want::closed, 0};
    transfer done;
    ERR_clear_error();  // once: a call that succeeds leaves nothing there
    while (done.count < into.size()) {
        auto const rest = into.subspan(done.count);
        transfer const step = takes_over_reading() ? open_bulk(rest) : open_one(rest);
        done.count += step.count;
        if (step.next == want::nothing) continue;
        if (done.count == 0) done.next = step.next;
        break;
    }
    return done;
}

transfer engine::write(std::span<std::uint8_t const> from) {
    if (failure_.kind != failure_kind::none) return {want::failed, 0};
    if (!established_ || close_sent_) return {fail(failure_kind::other, "write outside an open connection"), 0};
    transfer done;
    ERR_clear_error();
    while (done.count < from.size()) {
        if (!has_room()) {
            done.next = want::output;
            break;
        }
        auto const rest = from.subspan(done.count);
        transfer const step = writer_ ? seal_bulk(rest) : seal_one(rest);
        done.count += step.count;
        if (step.next == want::nothing) continue;
        done.next = step.next;
        break;
    }
    return done;
}

want engine::close() {
    if (close_sent_ || !established_ || failure_.kind != failure_kind::none) return want::nothing;
    if (!has_room()) return want::output;
    ERR_clear_error();
    if (writer_) {
        if (!put_alert(SSL3_AL_WARNING, SSL_AD_CLOSE_NOTIFY)) return fail(failure_kind::other, "cannot seal");
    } else {
        // 0: sent, the peer's has not come; 1: both. Both are done here: reading the peer's is read()'s business.
        int const result = SSL_shutdown(ssl_.get());
        if (result < 0) return judge(result);
    }
    close_sent_ = tickets_sent_ = true;
    return want::nothing;
}

// ---- a record at a time by BoringSSL, many of them by ourselves ----------------------------------------------------

transfer engine::open_one(std::span<std::uint8_t> into) {
    std::size_t const held = input.size();
    int const result = SSL_read(ssl_.get(), into.data(), as_int(into.size()));
    between_records_ = result > 0 ? SSL_pending(ssl_.get()) == 0 : between_records_ && input.size() == held;
    if (result <= 0) return {judge(result), 0};
    return {want::nothing, static_cast<std::size_t>(result)};
}

transfer engine::seal_one(std::span<std::uint8_t const> from) {
    if (std::exchange(key_update_owed_, false)) SSL_key_update(ssl_.get(), SSL_KEY_UPDATE_NOT_REQUESTED);
    int const result = SSL_write(ssl_.get(), from.data(), as_int(from.size()));
    if (result <= 0) return {judge(result), 0};
    tickets_sent_ = true;
    auto const count = static_cast<std::size_t>(result);
    // Here only: what BoringSSL had to send first, such as a KeyUpdate, has gone before this record.
    if (options_.channel == channel_kind::data && from.size() - count >= bulk) {
        if (auto keys = record_protection::take_over(ssl_.get(), record_protection::side::server))
            writer_ = std::make_unique<record_writer>(std::move(keys));
    }
    return {want::nothing, count};
}

// Between two records only, and never on a control connection: that may become clear again (B-063).
bool engine::takes_over_reading() {
    if (reader_) return true;
    if (options_.channel != channel_kind::data || !between_records_ || input.size() < bulk) return false;
    if (auto keys = record_protection::take_over(ssl_.get(), record_protection::side::client))
        reader_ = std::make_unique<record_reader>(std::move(keys));
    return reader_ != nullptr;
}

transfer engine::open_bulk(std::span<std::uint8_t> into) {
    std::size_t const count = reader_->read(input, into);
    // RFC 8446 4.6.3: answered before the next text, once however often it was asked.
    if (reader_->take_update_request()) {
        if (writer_) writer_->renew_key();
        key_update_owed_ = !writer_;
    }
    if (count > 0) return {want::nothing, count};
    if (auto const& fault = reader_->broken()) {
        if (fault->alert != 0) send_alert(fault->alert);
        ERR_clear_error();
        OPENSSL_PUT_ERROR(SSL, fault->reason);
        auto [kind, text] = drain_errors();
        return {fail(kind, std::move(text)), 0};
    }
    close_received_ = reader_->ended();
    if (close_received_) return {want::closed, 0};
    return {wait_for_input(), 0};
}

transfer engine::seal_bulk(std::span<std::uint8_t const> from) {
    auto const text = from.first(std::min(from.size(), record_protection::most_text));
    if (!writer_->put(output, SSL3_RT_APPLICATION_DATA, text)) return {fail(failure_kind::other, "cannot seal"), 0};
    return {want::nothing, text.size()};
}

void engine::send_alert(std::uint8_t alert) {
    if (!writer_) {
        SSL_send_fatal_alert(ssl_.get(), alert);
    } else if (!close_sent_ && has_room()) {
        put_alert(SSL3_AL_FATAL, alert);
    }
}

bool engine::put_alert(std::uint8_t level, std::uint8_t alert) {
    std::array<std::uint8_t, 2> const content{level, alert};
    return writer_->put(output, SSL3_RT_ALERT, content);
}

session_facts engine::facts() const {
    session_facts found;
    SSL const* const ssl = ssl_.get();
    found.version = SSL_get_version(ssl);
    if (auto const* const cipher = SSL_get_current_cipher(ssl)) found.cipher = SSL_CIPHER_standard_name(cipher);
    std::uint8_t const* name = nullptr;
    unsigned size = 0;
    SSL_get0_alpn_selected(ssl, &name, &size);
    if (size > 0) found.application.assign(reinterpret_cast<char const*>(name), size);
    found.server_name = server_name_;
    found.resumed = SSL_session_reused(ssl) == 1;
    found.peer_sha256 = peer_digest(ssl);
    return found;
}

void engine::forget_session() {
    if (SSL_SESSION* const session = SSL_get_session(ssl_.get())) {
        SSL_CTX_remove_session(options_.context, session);
    }
}

// Translates what an SSL_ call that did not succeed wants. Must follow it directly.
want engine::judge(int result) {
    switch (SSL_get_error(ssl_.get(), result)) {
        case SSL_ERROR_WANT_READ: return wait_for_input();
        case SSL_ERROR_WANT_WRITE: return want::output;
        case SSL_ERROR_WANT_CERTIFICATE_VERIFY: peer_waits_ = true; return want::verify_peer;
        case SSL_ERROR_ZERO_RETURN:
            if (!established_) return fail(failure_kind::truncated, "close_notify in the handshake");
            close_received_ = true;
            return want::closed;
        default: break;
    }
    failure found = drain_errors();
    if (name_refused_) found.kind = failure_kind::unusable_name;
    if (found.kind == failure_kind::none) found.kind = failure_kind::other;
    // What the library says of certificates that it cannot read is as varied as they are; where it stopped is not.
    bool const unread = std::string_view(SSL_state_string_long(ssl_.get())).ends_with("read_client_certificate");
    if (unread && (found.kind == failure_kind::protocol || found.kind == failure_kind::other))
        found.kind = failure_kind::certificate_malformed;
    // Under TLS 1.2 the library finds a key usage that does not allow signatures without telling the client (B-187).
    bool const untold = SSL_version(ssl_.get()) == TLS1_2_VERSION && answer_ == std::uint8_t{0};
    if (found.kind == failure_kind::certificate_refused && untold)
        SSL_send_fatal_alert(ssl_.get(), SSL_AD_UNSUPPORTED_CERTIFICATE);
    return fail(found.kind, std::move(found.text));
}

want engine::wait_for_input() {
    if (!input_ended_) return want::input;
    return fail(failure_kind::truncated,
                established_ ? "connection ended without close_notify" : "connection ended in the handshake");
}

want engine::fail(failure_kind kind, std::string text) {
    failure_ = {kind, std::move(text)};
    ERR_clear_error();
    return want::failed;
}

// The first write carries the tickets (B-160): it gets an empty block. SSL_write then never stops half-way, which would
// tie the caller to repeat the same bytes.
bool engine::has_room() const {
    return tickets_sent_ ? output.room() >= record_writer::record_room : output.empty();
}

}  // namespace ftpsgate::tls
