#include "config/load.hpp"

#include "config/login_sections.hpp"
#include "config/read_file.hpp"
#include "config/toml_reader.hpp"
#include "config/validate.hpp"
#include "config/words.hpp"

#include <utility>
#include <vector>

namespace ftpsgate::config {

namespace {

// Wide enough for anything sensible, narrow enough to catch a slip of the unit.
constexpr duration timeout{1ms, 24h};
constexpr milliseconds longest_freshness = 365 * 24h;
constexpr std::size_t largest_file = 4U << 20U;
constexpr std::size_t longest_banner = 512;  // what remains one line to every client
constexpr std::size_t longest_name = 253;
constexpr std::size_t longest_user = 255;  // B-192
constexpr milliseconds shortest_health_interval{100};

void read_server(section& in, server_settings& out) {
    in.optional("threads", out.threads, number{0, 1024});
    in.optional("user", out.user, or_empty{account_name{}});
    in.optional("drain_timeout", out.drain_timeout, duration{0ms, 24h});
}

void read_log(section& in, log_settings& out) {
    using enum log_level;
    in.optional("level", out.level,
                one_of<log_level>{{"error", error}, {"warning", warning}, {"info", info}, {"debug", debug}});
    in.optional("format", out.format, one_of<log_format>{{"text", log_format::text}, {"json", log_format::json}});
    in.optional("file", out.file, or_empty{writable_file{}});
    in.optional("transfer_log", out.transfer_log, or_empty{writable_file{}});
}

void read_metrics(section& in, metrics_settings& out) {
    out.listen_given = in.optional("listen", out.listen, or_empty{address{zero_port::allowed}});
}

void read_listener(section& in, listener_settings& out) {
    using enum tls_mode;
    out.where = in.where();
    in.required("address", out.address, address{zero_port::allowed});
    in.optional("tls", out.tls, one_of<tls_mode>{{"explicit", explicit_tls}, {"implicit", implicit_tls}});
    in.list("proxy_from", out.proxy_from, network{});
}

void read_tls_policy(section& in, tls_settings& out) {
    using control = control_policy;
    in.optional("control_channel_policy", out.control_channel_policy,
                one_of<control>{{"require", control::require},
                                {"require-credentials-only", control::require_credentials_only},
                                {"allow", control::allow}});
    in.optional("data_channel_policy", out.data_channel_policy,
                one_of<data_policy>{
                    {"require", data_policy::require}, {"allow", data_policy::allow}, {"deny", data_policy::deny}});
    in.optional("minimum_version", out.minimum_version,
                one_of<tls_version>{{"TLSv1.2", tls_version::tls1_2}, {"TLSv1.3", tls_version::tls1_3}});
    in.optional("data_session_reuse", out.data_session_reuse,
                one_of<session_reuse>{{"require", session_reuse::require}, {"ignore", session_reuse::ignore}});
    in.optional("truncated_uploads", out.truncated_uploads,
                one_of<truncated_upload>{{"reject", truncated_upload::reject}, {"accept", truncated_upload::accept}});
}

void read_tls(section& in, tls_settings& out) {
    in.one_or_list("certificate", out.certificate, readable_file{});
    in.one_or_list("private_key", out.private_key, readable_file{});
    read_tls_policy(in, out);
    in.optional("ocsp_staple_file", out.ocsp_staple_file, or_empty{readable_file{}});
    in.optional("handshake_timeout", out.handshake_timeout, timeout);
}

enum class lifted_check { none, revocation, revocation_fetch, issuer_fetch, usage };

/// nullptr for a word that was none, which has been reported.
bool* flag_of(lifted_check check, validation_flags& flags) {
    switch (check) {
        case lifted_check::revocation: return &flags.no_revocation_check;
        case lifted_check::revocation_fetch: return &flags.revocation_cache_only;
        case lifted_check::issuer_fetch: return &flags.url_retrieval_cache_only;
        case lifted_check::usage: return &flags.no_usage_check;
        case lifted_check::none: break;
    }
    return nullptr;
}

void read_validation_flags(section& in, validation_flags& out) {
    static constexpr auto key = "validation_flags";
    std::vector<lifted_check> lifted;
    in.list(key, lifted,
            one_of<lifted_check>{{"no-revocation-check", lifted_check::revocation},
                                 {"revocation-cache-only", lifted_check::revocation_fetch},
                                 {"url-retrieval-cache-only", lifted_check::issuer_fetch},
                                 {"no-usage-check", lifted_check::usage}});
    for (std::size_t at = 0; at < lifted.size(); ++at) {
        bool* const lifts = flag_of(lifted[at], out);
        if (lifts != nullptr && std::exchange(*lifts, true)) in.report(element(key, at), {"is named twice"});
    }
}

void read_client_certificates(section& in, client_certificate_settings& out) {
    using enum certificate_policy;
    in.optional("policy", out.policy,
                one_of<certificate_policy>{{"ignore", ignore}, {"allow", allow}, {"require", require}});
    in.optional("ca_file", out.ca_file, or_empty{readable_file{}});
    read_validation_flags(in, out.flags);
    in.list("crl_files", out.crl_files, readable_path{});
    in.optional("revocation_freshness_time", out.revocation_freshness_time, duration{0ms, longest_freshness});
    in.optional("revocation_url_retrieval_timeout", out.revocation_url_retrieval_timeout, timeout);
    in.optional("revocation_cache", out.revocation_cache, or_empty{writable_folder{}});
    in.optional("revocation_unavailable", out.revocation_unavailable,
                one_of<unavailable_revocation>{{"refuse", unavailable_revocation::refuse},
                                               {"accept", unavailable_revocation::accept}});
    in.list("url_allow", out.url_allow, network_or_name{});
}

/// A server that is written as its address alone.
struct server_address {
    verdict operator()(scalar const& value, backend_server& into) const {
        return address{zero_port::refused}(value, into.address);
    }
};

void read_backend_server(section& in, backend_server& out) {
    in.required("address", out.address, address{zero_port::refused});
    in.optional("weight", out.weight, number{1, 1000});
    in.optional("backup", out.backup, flag{});
}

void read_balance(section& in, balance_method& out) {
    using enum balance_method;
    in.optional("balance", out,
                one_of<balance_method>{{"round-robin", round_robin},
                                       {"least-sessions", least_sessions},
                                       {"per-user", per_user},
                                       {"per-client", per_client},
                                       {"first", first}});
}

void read_health(section& in, backend_settings& out) {
    static constexpr auto key = "health_interval";
    in.optional(key, out.health_interval, duration{0ms, 24h});
    if (out.health_interval > 0ms && out.health_interval < shortest_health_interval)
        in.report(key, {"must be 0s, or between " + to_text(shortest_health_interval) + " and 24h, not " +
                        to_text(out.health_interval)});
    in.optional("health_user", out.health_user, or_empty{text{longest_user}});
    in.optional("health_password_file", out.health_password_file, or_empty{readable_file{}});
    in.optional("fall", out.fall, number{1, 100});
    in.optional("rise", out.rise, number{1, 100});
}

void read_backend(section& in, backend_settings& out) {
    using enum backend_data_mode;
    in.required_list_or_tables("servers", out.servers, server_address{}, read_backend_server);
    read_balance(in, out.balance);
    in.optional("data_mode", out.data_mode,
                one_of<backend_data_mode>{{"passive", passive}, {"active", active}, {"client", client}});
    in.optional("trust_passive_address", out.trust_passive_address, flag{});
    in.optional("connect_timeout", out.connect_timeout, timeout);
    in.optional("reply_timeout", out.reply_timeout, timeout);
    in.optional("retries", out.retries, number{0, 100});
    in.optional("source_address", out.source_address, or_empty{ip_literal{}});
    in.optional("proxy_protocol", out.proxy_protocol,
                one_of<proxy_header>{{"", proxy_header::none}, {"v1", proxy_header::v1}, {"v2", proxy_header::v2}});
    in.optional("proxy_protocol_data", out.proxy_protocol_data, flag{});
    read_health(in, out);
}

void read_data(section& in, data_settings& out) {
    in.optional("passive_ports", out.passive_ports, or_empty{ports{}});
    in.optional("passive_address", out.passive_address, or_empty{reachable_ipv4{}});
    in.optional("allow_active", out.allow_active, flag{});
    in.optional("connect_timeout", out.connect_timeout, timeout);
    in.optional("idle_timeout", out.idle_timeout, timeout);
    in.optional("rate_limit", out.rate_limit, or_empty{byte_count{1U << 10U, std::uint64_t{1} << 40U}});
}

void read_limits(section& in, limits_settings& out) {
    in.optional("sessions", out.sessions, number{1, 1'000'000});
    in.optional("sessions_per_client", out.sessions_per_client, number{1, 1'000'000});
    in.optional("login_timeout", out.login_timeout, timeout);
    in.optional("idle_timeout", out.idle_timeout, timeout);
    in.optional("command_line", out.command_line, byte_count{128, 65'536});
    in.optional("failed_logins", out.failed_logins, number{1, 1000});
    in.optional("ban_after", out.ban_after, number{0, 1000});
    in.optional("ban_window", out.ban_window, timeout);
    in.optional("ban_time", out.ban_time, timeout);
}

void read_commands(section& in, command_settings& out) {
    in.list("deny", out.deny, verb_name{});
    in.list("allow", out.allow, verb_name{});
    in.optional("pass_unknown", out.pass_unknown, flag{});
}

/// The name is the only host by default; then it has to be one.
void read_hosts(section& in, site_settings& out) {
    auto const name = parse_host_name(out.name);
    if (name) out.hosts = {*name};
    if (in.list("hosts", out.hosts, host_name{}, at_least::one) || out.name.empty() || name) return;
    in.report("name", {name.fault().message, "give the host names of the site in hosts = [ ... ]"});
}

void read_site(section& in, site_settings& out) {
    out.where = in.where();
    in.required("name", out.name, text{longest_name});
    read_hosts(in, out);
    in.required_tables("listen", out.listen, read_listener);
    in.optional("banner", out.banner, text{longest_banner});
    in.table("ssl", out.ssl, read_tls);
    in.table("client_certificates", out.client_certificates, read_client_certificates);
    in.table("authentication", out.authentication, read_authentication);
    in.tables("identity", out.identity, read_identity_rule);
    in.table("active_directory", out.active_directory, read_active_directory);
    in.table("backend", out.backend, read_backend);
    in.table("data", out.data, read_data);
    in.table("limits", out.limits, read_limits);
    in.table("commands", out.commands, read_commands);
}

}  // namespace

void read_settings(section& in, settings& out) {
    in.table("server", out.server, read_server);
    in.table("log", out.log, read_log);
    in.table("metrics", out.metrics, read_metrics);
    in.required_tables("site", out.sites, read_site);
}

load_result load_text(std::string_view toml, std::string const& file) {
    load_result result;
    result.values.file = file;
    if (toml.size() > largest_file) {
        result.faults.push_back({{file, 0, 0}, "", "larger than " + size_to_text(largest_file), ""});
        return result;
    }
    document source(toml, file);
    if (source.is_parsed()) source.read(result.values, read_settings);
    result.faults = source.faults();
    if (source.is_parsed()) {
        auto const more = validate(result.values, source.keys());
        result.faults.insert(result.faults.end(), more.begin(), more.end());
    }
    sort_by_position(result.faults);
    return result;
}

load_result load_file(std::string const& file) {
    auto const content = read_file(file, largest_file);
    if (content) return load_text(*content, file);
    load_result result;
    result.values.file = file;
    result.faults.push_back({{file, 0, 0}, "", content.fault().message, content.fault().hint});
    return result;
}

}  // namespace ftpsgate::config
