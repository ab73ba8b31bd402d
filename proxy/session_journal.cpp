#include "proxy/session_journal.hpp"

#include "proxy/backend_notice.hpp"

#include <array>
#include <atomic>
#include <charconv>
#include <random>

namespace ftpsgate::proxy {

namespace {

// Unique on this gate for as long as it runs, and unlikely to be met again after a restart.
std::string new_session_id() {
    static std::uint64_t const start = (std::uint64_t{std::random_device{}()} << 32) | std::random_device{}();
    static std::atomic<std::uint64_t> number{0};
    std::array<char, 16> text{};
    auto const end = std::to_chars(text.data(), text.data() + text.size(), start + ++number, 16).ptr;
    return {text.data(), end};
}

char const* word_of(ftp::direction way) {
    switch (way) {
        case ftp::direction::upload: return "upload";
        case ftp::direction::listing: return "list";
        default: return "download";
    }
}

metrics::direction counted(ftp::direction way) {
    switch (way) {
        case ftp::direction::upload: return metrics::direction::upload;
        case ftp::direction::listing: return metrics::direction::list;
        default: return metrics::direction::download;
    }
}

metrics::channel counted(tls::channel_kind channel) {
    return channel == tls::channel_kind::control ? metrics::channel::control : metrics::channel::data;
}

char const* word_of(tls::channel_kind channel) {
    return channel == tls::channel_kind::control ? "control" : "data";
}

// Handshakes that the gate ended because of what the site wants; others are noise of the network.
bool is_decision(std::string_view reason) {
    return reason == "not_resumed" || reason == "other_certificate" || reason == "no_shared_version" ||
           reason == "no_shared_cipher";
}

std::string in_words(tls::channel_kind channel, std::string_view reason) {
    std::string const where = std::string(word_of(channel)) + " connection: ";
    if (reason == "not_resumed") return where + "it did not resume the TLS session of its control connection";
    if (reason == "other_certificate") return where + "another certificate than on the control connection";
    if (reason == "no_shared_version") return where + "the client knows no TLS version that the site accepts";
    return where + "the client knows no cipher that the site accepts";
}

char const* result_of(policy::certificate_report const& report) {
    using enum policy::revocation_status;
    if (report.status == unknown && report.timed_out) return "timeout";
    if (report.status == good && report.stale) return "stale";
    return to_string(report.status);
}

}  // namespace

session_journal::session_journal(logs to, std::string client, std::string via)
    : log_(to.events),
      transfers_(to.transfers),
      refusals_(to.refusals),
      id_(new_session_id()),
      client_(std::move(client)),
      via_(std::move(via)) {
}

metrics::session_row session_journal::report() const {
    metrics::session_row row;
    row.id = id_;
    row.site = site_->settings.name;
    row.client = client_;
    row.bytes = bytes_;
    row.age = std::chrono::duration_cast<std::chrono::milliseconds>(clock::now() - opened_at_);
    return row;
}

void session_journal::refused(std::string_view what, std::string_view who, std::string reason) const {
    refusals_.note({what, site_->settings.name, client_, who, std::move(reason)});
}

log_line& session_journal::about(log_line& entry) const {
    return entry.field("session", id_).field("site", site_->settings.name).field("client", client_);
}

void session_journal::opened(site_runtime& site) {
    site_ = &site;
    site_->counters->session_opened();
    log_line entry(log_, level::info, "session_opened");
    about(entry);
    if (!via_.empty()) entry.field("via", via_);
}

void session_journal::moved_to(site_runtime& site) {
    if (site_ == &site) return;
    site_->counters->session_left();
    site_ = &site;
    site_->counters->session_opened();
}

void session_journal::closed(ftp::end_reason reason) {
    backend_left();
    site_->counters->session_closed(to_string(reason));
    log_line entry(log_, level::info, "session_closed");
    about(entry)
        .field("reason", to_string(reason))
        .field("commands", commands_)
        .field("bytes", bytes_)
        .field("seconds", clock::now() - opened_at_);
}

void session_journal::tls_established(tls::channel_kind channel, tls::session_facts const& facts,
                                      clock::duration took) {
    site_->counters->handshake(counted(channel), facts.resumed ? "resumed" : "ok", took);
    // One line a session is what an operator reads; those of data connections are for whoever debugs.
    log_line entry(log_, channel == tls::channel_kind::control ? level::info : level::debug, "tls_established");
    about(entry)
        .field("channel", word_of(channel))
        .field("version", facts.version)
        .field("cipher", facts.cipher)
        .field("resumed", facts.resumed)
        .field("server_name", facts.server_name);
    if (channel == tls::channel_kind::control && !certificate_.empty())
        entry.field("certificate", certificate_).field("certificate_sha256", certificate_sha256_);
}

void session_journal::peer_checked(policy::peer_verdict const& verdict) {
    for (auto const& fetch : verdict.fetches) {
        log_line entry(log_, fetch.usable ? level::debug : level::warning,
                       fetch.usable ? "revocation_fetched" : "revocation_fetch_failed");
        about(entry).field("url", fetch.url).field("detail", fetch.detail);
    }
    for (auto const& report : verdict.chain) {
        if (report.status == policy::revocation_status::not_checked) continue;
        site_->counters->revocation_check(to_string(report.source), result_of(report));
    }
    for (auto const& words : verdict.warnings) {
        log_line entry(log_, level::warning, "revocation_warning");
        about(entry).field("certificate", verdict.subject).field("detail", words);
    }
    if (verdict.peer) return;
    site_->counters->client_certificate(to_string(verdict.reason));
    log_line entry(log_, level::warning, "certificate_refused");
    about(entry)
        .field("reason", to_string(verdict.reason))
        .field("certificate", verdict.subject)
        .field("certificate_sha256", verdict.sha256)
        .field("detail", verdict.detail);
    refused("certificate refused", verdict.subject, words_of(verdict.reason) + ": " + verdict.detail);
}

void session_journal::peer_admitted(policy::verified_peer const* peer) {
    site_->counters->client_certificate(peer != nullptr ? "accepted" : "absent");
    certificate_ = peer != nullptr ? peer->subject() : std::string();
    certificate_sha256_ = peer != nullptr ? peer->facts().sha256 : std::string();
}

void session_journal::certificate_absent() {
    site_->counters->client_certificate("absent");
    log_line entry(log_, level::warning, "certificate_refused");
    about(entry).field("reason", "absent").field("detail", "the client sent no certificate");
    refused("certificate refused", {}, "the client sent no certificate");
}

void session_journal::tls_failed(tls::channel_kind channel, std::string_view reason, std::string_view text) {
    site_->counters->handshake(counted(channel), reason, {});
    log_line entry(log_, level::warning, "tls_failed");
    about(entry).field("channel", word_of(channel)).field("reason", reason).field("detail", text);
    if (is_decision(reason)) refused("TLS refused", certificate_, in_words(channel, reason));
}

void session_journal::handshake_refused(limit_reason why) {
    bool const by_client = why == limit_reason::client_full;
    std::string const detail = by_client ? "too many handshakes of this client are under way"
                                         : "too many handshakes are under way on the gate";
    site_->counters->handshake(metrics::channel::control, "refused", {});
    log_line entry(log_, level::warning, "tls_failed");
    about(entry).field("channel", "control").field("reason", "refused").field("detail", detail);
    refused("TLS refused", {}, detail);
}

void session_journal::command(ftp::note_command const& what) {
    ++commands_;
    site_->counters->command(what.row->name);
}

void session_journal::command_denied(ftp::note_denied const& what, std::string_view user) {
    log_line entry(log_, level::warning, "command_denied");
    about(entry).field("command", what.command);
    refused("command denied", user, what.command.substr(0, what.command.find(' ')) + " is not allowed on this site");
}

void session_journal::certificate_malformed(std::string_view text) {
    refused_by_library(policy::refusal::malformed, "what the client sent cannot be read as certificates", text);
}

void session_journal::certificate_unusable(std::string_view text) {
    refused_by_library(policy::refusal::usage, "its key usage does not include digitalSignature", text);
}

void session_journal::refused_by_library(policy::refusal reason, std::string_view detail, std::string_view text) {
    site_->counters->client_certificate(to_string(reason));
    log_line entry(log_, level::warning, "certificate_refused");
    about(entry).field("reason", to_string(reason)).field("detail", detail).field("library", text);
    refused("certificate refused", {}, std::string(detail));
}

void session_journal::identified(policy::identity_decision const& identity) {
    site_->counters->identity_lookup(to_string(identity.source), to_string(identity.outcome));
    bool const mapped = identity.outcome == policy::identity_outcome::mapped;
    if (identity.outcome == policy::identity_outcome::not_mapped) return;
    log_line entry(log_, mapped ? level::info : level::warning, mapped ? "identity_mapped" : "identity_refused");
    about(entry).field("source", to_string(identity.source)).field("rule", identity.rule);
    if (mapped)
        entry.field("user", identity.login->user);
    else
        entry.field("result", to_string(identity.outcome)).field("detail", identity.detail);
}

void session_journal::login(ftp::note_login const& what, std::string_view backend) {
    char const* const result = what.accepted ? "ok" : "refused";
    user_ = what.mapped_user.empty() ? what.user : what.mapped_user;
    auto const method = what.by_certificate ? metrics::login_method::certificate : metrics::login_method::password;
    site_->counters->login(method, result);
    log_line entry(log_, what.accepted ? level::info : level::warning, "login");
    about(entry)
        .field("user", user_)
        .field("method", what.by_certificate ? "certificate" : "password")
        .field("backend", backend)
        .field("result", result);
    if (!what.mapped_user.empty()) entry.field("client_user", what.user);  // both are of interest (D-16)
    if (!what.reason.empty()) entry.field("reason", what.reason);
    if (!what.accepted) refused("login refused", what.mapped_user.empty() ? what.user : what.mapped_user, what.reason);
}

void session_journal::banned(clock::duration time) {
    log_line entry(log_, level::warning, "client_banned");
    about(entry).field("seconds", time);
}

void session_journal::transfer(ftp::note_transfer const& what, std::uint64_t bytes, clock::duration took) {
    bytes_ += bytes;
    site_->counters->transfer(counted(what.way), to_string(what.result), bytes, took);
    bool const ok = what.result == ftp::transfer_result::ok;
    log_line entry(log_, ok ? level::info : level::warning, "transfer");
    about(entry)
        .field("direction", word_of(what.way))
        .field("path", what.path)
        .field("bytes", bytes)
        .field("seconds", took)
        .field("result", to_string(what.result))
        .field("truncated", what.result == ftp::transfer_result::truncated);
    // The backend kept what the client was told is incomplete: somebody has to look at this file (B-223).
    if (what.stored_anyway) entry.field("stored_on_backend", true);
    if (what.begun && what.way != ftp::direction::listing) file_transferred(what, bytes, took);
}

void session_journal::file_transferred(ftp::note_transfer const& what, std::uint64_t bytes, clock::duration took) {
    transfer_record record;
    record.at = std::chrono::system_clock::now();
    record.took = took;
    record.client = std::string_view(client_).substr(0, client_.rfind(':'));
    record.bytes = bytes;
    record.path = what.path;
    if (what.type == ftp::representation::image) record.as = transfer_record::form::binary;
    if (what.way == ftp::direction::upload) record.direction = transfer_record::way::upload;
    record.user = user_;
    if (what.result != ftp::transfer_result::ok) record.ended = transfer_record::end::incomplete;
    transfers_.write(record);
}

void session_journal::attack(ftp::attack_kind kind, std::string_view detail) {
    site_->counters->attack(to_string(kind));
    log_line entry(log_, level::warning, "attack");
    about(entry).field("kind", to_string(kind));
    if (!detail.empty()) entry.field("detail", detail);
    refused("attack", certificate_, words_of(kind) + (detail.empty() ? "" : ": " + std::string(detail)));
}

void session_journal::data_failed(data::leg_failure failure, std::string_view detail) {
    if (failure != data::leg_failure::connect) return tls_failed(tls::channel_kind::data, to_string(failure), detail);
    log_line entry(log_, level::info, "data_connection_failed");
    about(entry).field("detail", detail);
}

void session_journal::backend_connected(std::string_view backend) {
    backend_ = backend;
    site_->counters->backend_session_opened(backend);
}

void session_journal::backend_greeted(std::string_view backend) {
    site_->counters->backend_connect(backend, "ok");
}

void session_journal::backend_changed(std::string_view backend,
                                      std::optional<backend_health::change> const& change) const {
    log_change(log_, site_->settings.name, backend, change);
}

void session_journal::backend_failed(std::string_view backend, std::string_view reason, std::string_view detail) {
    site_->counters->backend_connect(backend, reason);
    log_line entry(log_, level::warning, "backend_connect_failed");
    about(entry).field("backend", backend).field("reason", reason).field("detail", detail);
}

void session_journal::backend_left() {
    if (backend_.empty()) return;
    site_->counters->backend_session_closed(backend_);
    backend_.clear();
}

}  // namespace ftpsgate::proxy
