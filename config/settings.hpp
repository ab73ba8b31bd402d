// Everything the operator can set, as typed values. One struct member is one key of the configuration file,
// its initialiser is the default (the only place where defaults exist) and its comment the documentation.
// The loader (config/load.hpp) fills these; nothing here knows about TOML. A key appears here when it works.
// Timeouts range from 1ms to 24h where nothing else is said; comparisons leave positions out.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace ftpsgate::config {

using namespace std::chrono_literals;
using milliseconds = std::chrono::milliseconds;

/// Where in which file a value stands; line and column count from 1, 0 = unknown.
struct location {
    std::string file;
    std::uint32_t line = 0;
    std::uint32_t column = 0;
};

/// A path as found after relative paths were resolved against the configuration file's folder.
struct file_path {
    std::string path;
    location where;

    friend bool operator==(file_path const& a, file_path const& b) { return a.path == b.path; }
};

/// Host (an address literal or a name, in canonical form) and port. "[::]:990" is host "::", port 990.
struct endpoint {
    std::string host;
    std::uint16_t port = 0;
    location where{};

    friend bool operator==(endpoint const& a, endpoint const& b) { return a.host == b.host && a.port == b.port; }
};

/// Inclusive range of ports; first == 0 means "any port the kernel picks".
struct port_range {
    std::uint16_t first = 0;
    std::uint16_t last = 0;

    friend bool operator==(port_range const&, port_range const&) = default;
};

enum class log_level { error, warning, info, debug };
enum class log_format { text, json };
enum class tls_mode { explicit_tls, implicit_tls };
/// IIS controlChannelPolicy: SslRequire, SslRequireCredentialsOnly, SslAllow (PROTOCOL.md section 3.9).
enum class control_policy { require, require_credentials_only, allow };
/// IIS dataChannelPolicy: SslRequire, SslAllow, SslDeny.
enum class data_policy { require, allow, deny };
enum class tls_version { tls1_2, tls1_3 };
/// Must a protected data connection prove that it belongs to its control connection (B-156, B-157)?
enum class session_reuse { require, ignore };
/// What an upload is that ends without close_notify (D-07).
enum class truncated_upload { reject, accept };
/// How the gate opens data connections with the backend (B-136); client = the way the client used.
enum class backend_data_mode { passive, active, client };
/// The PROXY header that a backend gets in front of everything else (HAProxy's doc/proxy-protocol.txt).
enum class proxy_header { none, v1, v2 };

/// Which of several backends a session goes to.
enum class balance_method {
    round_robin,     ///< in turn, by weight
    least_sessions,  ///< where the fewest sessions are for its weight
    per_user,        ///< the same user to the same server, as long as it is up; the user that the backend sees
    per_client,      ///< likewise by the client's address (of IPv6 its /64)
    first,           ///< the first of the list that is up
};

/// An account of this system.
struct system_account {
    std::string name;
    std::uint32_t user_id = 0;
    std::uint32_t group_id = 0;  ///< the primary one

    friend bool operator==(system_account const&, system_account const&) = default;
};

struct server_settings {
    unsigned threads = 0;                ///< worker threads, each with its own event loop; 0 = one per core; to 1024
    std::optional<system_account> user;  ///< who to become once all is bound; unset ("") = stay
    milliseconds drain_timeout = 30s;    ///< how long running transfers may go on after SIGTERM; 0s to 24h
};

struct log_settings {
    log_level level = log_level::info;
    log_format format = log_format::text;
    std::string file;          ///< "" = standard error; its folder must exist
    std::string transfer_log;  ///< xferlog(5), one line a transfer; "" = none; its folder must exist
};

struct metrics_settings {
    std::optional<endpoint> listen = endpoint{"127.0.0.1", 9921, {}};  ///< nullopt ("") = off
    bool listen_given = false;  ///< the file names it: then failing to bind is fatal
};

/// An address block in CIDR notation. IPv4 is held as IPv4-mapped IPv6, so prefix counts from 96.
struct ip_network {
    std::array<std::uint8_t, 16> address{};
    unsigned prefix = 128;  ///< bits that count

    bool contains(std::array<std::uint8_t, 16> const& other) const;
    friend bool operator==(ip_network const&, ip_network const&) = default;
};

struct listener_settings {
    endpoint address;  ///< where to listen
    tls_mode tls = tls_mode::explicit_tls;
    std::vector<ip_network> proxy_from;  ///< balancers: from them a PROXY header is required, on data connections too
    location where{};
};

struct tls_settings {
    std::vector<file_path> certificate;  ///< PEM, leaf first; several = ECDSA and RSA side by side; none = AUTH is 534
    std::vector<file_path> private_key;  ///< PEM; the n-th belongs to the n-th certificate
    control_policy control_channel_policy = control_policy::require;
    data_policy data_channel_policy = data_policy::require;
    tls_version minimum_version = tls_version::tls1_2;
    session_reuse data_session_reuse = session_reuse::require;
    truncated_upload truncated_uploads = truncated_upload::reject;
    std::optional<file_path> ocsp_staple_file;  ///< DER OCSP response sent with the server certificate
    milliseconds handshake_timeout = 10s;       ///< control and data handshakes alike (A-035, A-056)
};

/// IIS clientCertificatePolicy: CertIgnore, CertAllow, CertRequire (B-180 .. B-184).
enum class certificate_policy { ignore, allow, require };
enum class unavailable_revocation { refuse, accept };

/// IIS validationFlags; each lifts one check (B-254 .. B-258).
struct validation_flags {
    bool no_revocation_check = false;
    bool revocation_cache_only = false;     ///< only CRLs and OCSP answers that are held already
    bool url_retrieval_cache_only = false;  ///< missing issuers are not fetched; does not restrict revocation (B-256)
    bool no_usage_check = false;            ///< B-186, B-187; but the TLS library wants digitalSignature always

    friend bool operator==(validation_flags const&, validation_flags const&) = default;
};

/// "10.0.0.0/8", "crl.plant.example:8080", "[::1]:80": where URLs out of certificates may lead.
struct url_permission {
    std::optional<ip_network> network;  ///< unset: host is a name
    std::string host;                   ///< lower case
    std::uint16_t port = 0;             ///< 0 = any

    friend bool operator==(url_permission const&, url_permission const&) = default;
};

struct client_certificate_settings {
    certificate_policy policy = certificate_policy::ignore;
    std::optional<file_path> ca_file;  ///< PEM, the only trust anchors for clients; required unless policy = ignore
    validation_flags flags;
    std::vector<file_path> crl_files;                      ///< PEM or DER, or folders of such
    milliseconds revocation_freshness_time = 0ms;          ///< 0 = until nextUpdate (B-259); to 365 days
    milliseconds revocation_url_retrieval_timeout = 1min;  ///< for one URL (B-260)
    std::optional<file_path> revocation_cache;             ///< folder; unset = memory only
    unavailable_revocation revocation_unavailable = unavailable_revocation::refuse;  ///< B-253
    std::vector<url_permission> url_allow;  ///< besides public addresses on port 80; AIA needs it always (B-265)
};

/// Text with its place, for values that policy/ takes apart.
struct placed_text {
    std::string text;
    location where;

    friend bool operator==(placed_text const& a, placed_text const& b) { return a.text == b.text; }
};

/// Where a password of the gate for the backend comes from; exactly one is set. In file names '%u' is the mapped user.
struct password_source {
    std::optional<placed_text> value;
    std::optional<file_path> file;
    std::optional<placed_text> environment;  ///< name of a variable of the process

    friend bool operator==(password_source const&, password_source const&) = default;
};

/// [[site.identity]]. All matchers that are given must match.
struct identity_rule_settings {
    std::string name;                    ///< shown in logs
    std::optional<placed_text> subject;  ///< RFC 4514, '*' inside attribute values
    std::optional<placed_text> issuer;   ///< the same, of the verified chain
    std::optional<placed_text> serial;   ///< hex
    std::optional<placed_text> sha256;   ///< of the certificate, hex
    std::optional<placed_text> spki_sha256;
    std::optional<placed_text> email;
    std::optional<placed_text> dns;
    std::optional<placed_text> upn;
    std::optional<placed_text> uri;
    bool deny = false;
    std::optional<placed_text> user;  ///< may use {cn} ...; required unless deny
    password_source password;         ///< required unless deny
    std::optional<placed_text> account;
    location where{};
};

/// [site.authentication]
struct authentication_settings {
    bool basic = true;                ///< pass the client's USER and PASS on
    bool client_certificate = false;  ///< log in with the mapped identity in place of them
    unsigned reply = 232;             ///< to USER when the certificate logs in: 232 or 230 (D-04)
    bool user_must_match = false;     ///< USER must name the mapped user (D-16)
};

/// How a certificate finds its account (IIS.md section d.1). The last four are weak (KB5014754).
enum class mapping_form {
    issuer_serial,
    ski,
    sha1_public_key,
    sid,
    user_certificate,
    upn,
    issuer_subject,
    subject,
    rfc822
};

/// [site.active_directory]
struct active_directory_settings {
    bool enabled = false;
    std::vector<placed_text> urls;  ///< in order; ldaps://, or ldap:// with start_tls
    bool start_tls = false;
    std::optional<file_path> ca_file;
    std::string bind_dn;
    password_source bind_password;  ///< file only
    std::string base_dn;
    std::vector<mapping_form> map_by{mapping_form::issuer_serial, mapping_form::ski, mapping_form::sha1_public_key,
                                     mapping_form::sid, mapping_form::user_certificate};
    std::string user_attribute = "sAMAccountName";
    password_source password;        ///< what the backend is told for the mapped user
    milliseconds timeout = 5s;       ///< for one server
    milliseconds cache_time = 1min;  ///< 0s = nothing is remembered; to 24h
    location where{};
};

/// One of backend.servers: "10.0.0.5:21" or { address = "10.0.0.5:21", weight = 2, backup = true }.
struct backend_server {
    endpoint address;
    unsigned weight = 1;  ///< its share of the sessions, relative to the others'; 1 to 1000
    bool backup = false;  ///< gets sessions only while none of the others is up

    friend bool operator==(backend_server const&, backend_server const&) = default;
};

struct backend_settings {
    std::vector<backend_server> servers;  ///< plain FTP servers
    balance_method balance = balance_method::round_robin;
    backend_data_mode data_mode = backend_data_mode::passive;
    bool trust_passive_address = false;  ///< false: data goes to the address of the control connection (B-140)
    milliseconds connect_timeout = 5s;   ///< for one server; where there are several, its greeting included
    milliseconds reply_timeout = 1min;   ///< any reply, also the final one of a transfer
    unsigned retries = 2;                ///< further servers (or tries) before the login is sent, never after; to 100
    std::string source_address;          ///< local address of connections to the backend; "" = the kernel's choice
    proxy_header proxy_protocol = proxy_header::none;  ///< tells the client's address; "" = none
    bool proxy_protocol_data =
        false;  ///< also on data connections that the gate opens: SFTPGo wants it, ProFTPD does not
    milliseconds health_interval =
        10s;                  ///< between two checks of a server, 100ms to 24h; 0s = none but what sessions see
    std::string health_user;  ///< a check logs in as well; "" = the greeting is enough
    std::optional<file_path> health_password_file;  ///< one line; with health_user
    unsigned fall = 3;                              ///< failures in a row until a server is down; 1 to 100
    unsigned rise = 2;                              ///< successes in a row until it is up again; 1 to 100
};

struct data_settings {
    port_range passive_ports;            ///< for PASV and EPSV, 1024 or above; unset = ephemeral
    std::string passive_address;         ///< IPv4 address told in PASV; "" = the one the client connected to
    bool allow_active = true;            ///< PORT / EPRT, to the control connection's peer only, port >= 1024
    milliseconds connect_timeout = 30s;  ///< for each leg of a data connection to come up
    milliseconds idle_timeout = 5min;    ///< neither leg moves
    std::size_t rate_limit = 0;          ///< bytes a second per session, 1 KiB to 1 TiB; 0 ("") = none
};

struct limits_settings {
    std::size_t sessions = 10000;           ///< at once, on this site; 1 to 1000000
    std::size_t sessions_per_client = 100;  ///< at once, from one address; 1 to 1000000
    milliseconds login_timeout = 30s;       ///< absolute, from connection to login (A-055)
    milliseconds idle_timeout = 5min;       ///< between commands
    std::size_t command_line = 4096;        ///< bytes of one command line without its end, 128 to 65536 (B-007)
    unsigned failed_logins = 3;             ///< in one session, then 421 and close; 1 to 1000
    unsigned ban_after = 10;                ///< failed logins from one address within ban_window; 0 = never; to 1000
    milliseconds ban_window = 10min;
    milliseconds ban_time = 10min;  ///< 421 at connection; certificates still log in (A-060)
};

struct command_settings {
    std::vector<std::string> deny;   ///< upper case verbs answered 502; aliases follow (A-052)
    std::vector<std::string> allow;  ///< when not empty, nothing else passes
    bool pass_unknown = false;       ///< verbs outside the built-in table (D-10)
};

struct site_settings {
    std::string name;                ///< unique; the label in logs and metrics
    std::vector<std::string> hosts;  ///< SNI, HOST and "host|user" names, lower case; default [name]
    std::vector<listener_settings> listen;
    std::string banner = "FTP server ready.";  ///< one line, at most 512 bytes
    tls_settings ssl;
    client_certificate_settings client_certificates;
    authentication_settings authentication;
    std::vector<identity_rule_settings> identity;
    active_directory_settings active_directory;
    backend_settings backend;
    data_settings data;
    limits_settings limits;
    command_settings commands;
    location where{};
};

struct settings {
    server_settings server;
    log_settings log;
    metrics_settings metrics;
    std::vector<site_settings> sites;
    std::string file;  ///< the configuration file these came from
};

}  // namespace ftpsgate::config
