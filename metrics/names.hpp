// Every metric the gate exposes, as data: name, type, help, labels, and the fixed words that label values are taken
// from. A label holds a word from here or a name from the configuration, never what a peer sent.
// A metric appears here when something moves it. tests/metrics/names_test.cpp holds the exposed page to this list.
#pragma once

#include <array>
#include <string_view>

namespace ftpsgate::metrics {

enum class kind { counter, gauge, histogram };

struct description {
    std::string_view name;
    kind type;
    std::string_view help;
    std::array<std::string_view, 3> labels;  ///< unused ones are empty
};

namespace names {

inline constexpr description sessions{"ftpsgate_sessions", kind::gauge, "Sessions that are open now.", {"site"}};
inline constexpr description sessions_total{
    "ftpsgate_sessions_total",
    kind::counter,
    "Sessions that have ended and connections that were refused, by how; each counts once.",
    {"site", "result"}};
inline constexpr description tls_handshakes_total{"ftpsgate_tls_handshakes_total",
                                                  kind::counter,
                                                  "TLS handshakes with clients, by outcome.",
                                                  {"site", "channel", "result"}};
inline constexpr description tls_handshake_seconds{"ftpsgate_tls_handshake_seconds",
                                                   kind::histogram,
                                                   "Time from the start of a TLS handshake to its success.",
                                                   {"site", "channel"}};
inline constexpr description client_certificates_total{"ftpsgate_client_certificates_total",
                                                       kind::counter,
                                                       "Control connections of sites that ask for client certificates, "
                                                       "by what became of the certificate.",
                                                       {"site", "result"}};
inline constexpr description revocation_checks_total{
    "ftpsgate_revocation_checks_total",
    kind::counter,
    "Certificates of clients and their CAs that were looked up, by where the answer came from.",
    {"site", "source", "result"}};
inline constexpr description crl_next_update{"ftpsgate_crl_next_update_timestamp_seconds",
                                             kind::gauge,
                                             "When the CRL expires that the site relies on, Unix time.",
                                             {"site", "issuer"}};
inline constexpr description identity_lookups_total{
    "ftpsgate_identity_lookups_total",
    kind::counter,
    "Client certificates that were to be mapped to a user, by who knew.",
    {"site", "source", "result"}};
inline constexpr description logins_total{
    "ftpsgate_logins_total", kind::counter, "Login attempts, by method and outcome.", {"site", "method", "result"}};
inline constexpr description commands_total{
    "ftpsgate_commands_total", kind::counter, "Commands from clients, by verb.", {"site", "verb"}};
inline constexpr description transfers_total{"ftpsgate_transfers_total",
                                             kind::counter,
                                             "Transfers that have ended, by outcome.",
                                             {"site", "direction", "result"}};
inline constexpr description transfer_bytes_total{
    "ftpsgate_transfer_bytes_total", kind::counter, "Bytes of file data and listings moved.", {"site", "direction"}};
inline constexpr description transfer_seconds{"ftpsgate_transfer_seconds",
                                              kind::histogram,
                                              "Time from a transfer command to its final reply.",
                                              {"site", "direction"}};
inline constexpr description backend_up{
    "ftpsgate_backend_up", kind::gauge, "1 while a backend may get sessions, 0 while it is down.", {"site", "backend"}};
inline constexpr description backend_sessions{
    "ftpsgate_backend_sessions", kind::gauge, "Sessions that hold a connection to a backend now.", {"site", "backend"}};
inline constexpr description backend_connects_total{"ftpsgate_backend_connects_total",
                                                    kind::counter,
                                                    "Attempts to connect to a backend, by outcome.",
                                                    {"site", "backend", "result"}};
inline constexpr description passive_ports_in_use{
    "ftpsgate_passive_ports_in_use", kind::gauge, "Ports of the passive range that are taken.", {"site"}};
inline constexpr description attacks_total{
    "ftpsgate_attacks_total", kind::counter, "Attempts that are no mistake of a client.", {"site", "kind"}};
inline constexpr description certificate_not_after{"ftpsgate_certificate_not_after_timestamp_seconds",
                                                   kind::gauge,
                                                   "When the site's certificate that expires first does so, Unix time.",
                                                   {"site"}};
inline constexpr description reloads_total{
    "ftpsgate_reloads_total", kind::counter, "Reloads of the configuration, by outcome.", {"result"}};
inline constexpr description build_info{
    "ftpsgate_build_info", kind::gauge, "Always 1; the labels say what runs.", {"version", "boringssl", "boost"}};

inline constexpr std::array all{sessions,
                                sessions_total,
                                tls_handshakes_total,
                                tls_handshake_seconds,
                                client_certificates_total,
                                revocation_checks_total,
                                crl_next_update,
                                identity_lookups_total,
                                logins_total,
                                commands_total,
                                transfers_total,
                                transfer_bytes_total,
                                transfer_seconds,
                                backend_up,
                                backend_sessions,
                                backend_connects_total,
                                passive_ports_in_use,
                                attacks_total,
                                certificate_not_after,
                                reloads_total,
                                build_info};

}  // namespace names

/// Label values known before the first client comes, as their enums spell them: their series exist from the start, at
/// 0 (Prometheus' increase() misses what a new series begins with), and are found without a lock. A word that is
/// missing here is counted all the same; tests/proxy/metric_words_test.cpp finds it.
namespace words {

using std::string_view_literals::operator""sv;

inline constexpr std::array session_results{
    "closed"sv,       "client_gone"sv,    "login_timeout"sv, "idle_timeout"sv, "handshake"sv, "backend_unreachable"sv,
    "backend_gone"sv, "backend_desync"sv, "failed_logins"sv, "protocol"sv,     "shutdown"sv,  "refused"sv,
    "banned"sv};
inline constexpr std::array reload_results{"ok"sv, "refused"sv};
inline constexpr std::array channels{"control"sv, "data"sv};
inline constexpr std::array handshake_results{"ok"sv,
                                              "resumed"sv,
                                              "protocol"sv,
                                              "no_shared_version"sv,
                                              "no_shared_cipher"sv,
                                              "no_application_protocol"sv,
                                              "unusable_name"sv,
                                              "peer_alert"sv,
                                              "truncated"sv,
                                              "not_resumed"sv,
                                              "certificate_absent"sv,
                                              "certificate_malformed"sv,
                                              "certificate_refused"sv,
                                              "other_certificate"sv,
                                              "refused"sv,
                                              "timeout"sv,
                                              "handshake"sv,
                                              "other"sv};
inline constexpr std::array client_certificate_results{
    "accepted"sv,      "absent"sv, "malformed"sv, "untrusted"sv,  "bad_signature"sv, "expired"sv,
    "not_yet_valid"sv, "weak"sv,   "usage"sv,     "constraint"sv, "revoked"sv,       "revocation_unknown"sv};
inline constexpr std::array revocation_sources{"ocsp"sv, "crl"sv, "cache"sv};
inline constexpr std::array revocation_results{"good"sv, "revoked"sv, "unknown"sv, "timeout"sv, "stale"sv};
inline constexpr std::array identity_sources{"rule"sv, "active_directory"sv};
inline constexpr std::array identity_results{"mapped"sv, "not_mapped"sv, "denied"sv, "refused"sv};
inline constexpr std::array login_methods{"password"sv, "certificate"sv};
inline constexpr std::array login_results{"ok"sv, "refused"sv};
inline constexpr std::array directions{"upload"sv, "download"sv, "list"sv};
inline constexpr std::array transfer_results{
    "ok"sv,        "refused"sv,       "aborted"sv, "client_failed"sv, "backend_failed"sv,
    "truncated"sv, "not_protected"sv, "timeout"sv};
inline constexpr std::array connect_results{"ok"sv,        "unresolved"sv, "refused"sv,     "unreachable"sv,
                                            "timed_out"sv, "other"sv,      "no_greeting"sv, "bad_greeting"sv};
inline constexpr std::array attack_kinds{"starttls_injection"sv, "bounce"sv,         "data_theft"sv,
                                         "reply_injection"sv,    "cross_protocol"sv, "proxy_header"sv};

/// What stands for every word too many, and for verbs outside the table.
inline constexpr std::string_view other = "other";

}  // namespace words

}  // namespace ftpsgate::metrics
