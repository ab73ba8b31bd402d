#include "proxy/runtime.hpp"

#include "policy/backend_password.hpp"
#include "policy/client_trust.hpp"
#include "proxy/ftp/verbs.hpp"
#include "proxy/tls/engine.hpp"

#include <algorithm>

namespace ftpsgate::proxy {

namespace {

ftp::control_rule to_core(config::control_policy policy) {
    switch (policy) {
        case config::control_policy::require: return ftp::control_rule::require;
        case config::control_policy::require_credentials_only: return ftp::control_rule::require_credentials_only;
        case config::control_policy::allow: return ftp::control_rule::allow;
    }
    return ftp::control_rule::require;
}

ftp::data_rule to_core(config::data_policy policy) {
    switch (policy) {
        case config::data_policy::require: return ftp::data_rule::require;
        case config::data_policy::allow: return ftp::data_rule::allow;
        case config::data_policy::deny: return ftp::data_rule::deny;
    }
    return ftp::data_rule::require;
}

ftp::backend_mode to_core(config::backend_data_mode mode) {
    switch (mode) {
        case config::backend_data_mode::passive: return ftp::backend_mode::passive;
        case config::backend_data_mode::active: return ftp::backend_mode::active;
        case config::backend_data_mode::client: return ftp::backend_mode::client;
    }
    return ftp::backend_mode::passive;
}

std::size_t group_index(std::string_view verb_name) {
    return static_cast<std::size_t>(ftp::find_verb(verb_name).group);
}

// Aliases share their group's fate; with an allow list all that is not on it is denied.
ftp::verb_set denied_verbs(config::command_settings const& commands) {
    ftp::verb_set denied;
    if (!commands.allow.empty()) denied.set();
    for (auto const& name : commands.allow)
        denied.reset(group_index(name));
    for (auto const& name : commands.deny)
        denied.set(group_index(name));
    return denied;
}

std::vector<std::string> hidden_names(config::backend_settings const& backend) {
    std::vector<std::string> names;
    // A bare word such as "ftp" would be found in half of all replies, and tells nobody anything.
    for (auto const& server : backend.servers)
        if (server.address.host.find_first_of(".:") != std::string::npos) names.push_back(server.address.host);
    if (!backend.source_address.empty()) names.push_back(backend.source_address);
    return names;
}

std::vector<std::string> counted_verbs() {
    std::size_t count = 0;
    std::string_view const* const names = ftp::accepted_verbs(count);
    return {names, names + count};
}

// HOST after TLS may only lead to a site that would have shown the same certificate and asked the same of the client's.
std::string tls_id_of(site_runtime const& site) {
    if (site.tls.certificate_id.empty()) return {};
    return site.tls.certificate_id + (site.verifier ? site.verifier->id() : "");
}

// The directory is asked only for those who may log in by it; rules may also deny (INTERFACE.md, [[site.identity]]).
std::shared_ptr<policy::identity_resolver const> build_identities(site_runtime const& site,
                                                                  std::shared_ptr<policy::thread_ledger> const& ledger,
                                                                  config::problems& faults) {
    static policy::certificate_list const none;
    auto const& anchors = site.verifier ? site.verifier->anchors() : none;
    auto rules = policy::build_identity_rules(site.settings, anchors, faults);
    auto directory = policy::build_active_directory(site.settings, ledger, faults);
    if (!site.settings.authentication.client_certificate) directory.reset();
    if (!site.verifier || (site.settings.identity.empty() && !directory)) return nullptr;
    return std::make_shared<policy::identity_resolver const>(std::move(rules), std::move(directory));
}

std::shared_ptr<health_login const> read_health_login(config::site_settings const& site, config::problems& faults) {
    auto const& file = site.backend.health_password_file;
    if (!file || file->path.empty() || site.backend.health_user.empty()) return nullptr;  // the loader has said why
    constexpr std::size_t longest_password = 255;                                         // B-192
    std::string fault;
    auto const password = policy::read_password_file(file->path, longest_password, fault);
    if (!password) {
        faults.push_back({file->where, "site[" + site.name + "].backend.health_password_file", fault, ""});
        return nullptr;
    }
    return std::make_shared<health_login const>(
        health_login{site.backend.health_user, ftp::secret_string(password->reveal())});
}

std::shared_ptr<site_runtime> build_site(config::site_settings const& settings, metrics::registry& counters,
                                         std::shared_ptr<policy::verification_service> const& verification,
                                         config::problems& faults) {
    auto site = std::make_shared<site_runtime>();
    site->settings = settings;
    site->tls = policy::build_tls_context(settings.ssl, settings.name);
    faults.insert(faults.end(), site->tls.faults.begin(), site->tls.faults.end());
    for (auto const& context : site->tls.contexts)
        tls::prepare_context(context.get());
    auto const& clients = settings.client_certificates;
    site->verifier = policy::build_peer_verifier(clients, settings.name, verification, faults);
    if (site->verifier) site->ca_names = tls::client_ca_names(site->verifier->anchor_names());
    site->password_only = policy::password_only::of(clients.policy);
    site->identities = build_identities(*site, verification->ledger(), faults);
    site->backends = std::make_shared<backend_pool>(settings.backend, read_health_login(settings, faults));
    site->ports =
        std::make_shared<data::port_allocator>(settings.data.passive_ports.first, settings.data.passive_ports.last);
    metrics::site_words words{settings.name, {}, counted_verbs()};
    for (std::size_t i = 0; i < site->backends->size(); ++i)
        words.backends.push_back(site->backends->name(i));
    site->counters = std::make_unique<metrics::site_metrics>(counters, words);
    return site;
}

void carry_over(runtime const& previous, runtime& built) {
    for (auto const& site : built.sites) {
        auto const same = [&](auto const& old) { return old->settings.name == site->settings.name; };
        auto const found = std::find_if(previous.sites.begin(), previous.sites.end(), same);
        if (found == previous.sites.end()) continue;
        site->limits = (*found)->limits;
        site->bans = (*found)->bans;
        site->backends->carry_over(*(*found)->backends);
        if (site->verifier && (*found)->verifier) site->verifier->keep_watching_lists_of(*(*found)->verifier);
        if ((*found)->settings.data.passive_ports == site->settings.data.passive_ports) site->ports = (*found)->ports;
    }
}

// Sites that name the same address share the listener (INTERFACE.md, [[site]] listen).
std::vector<std::shared_ptr<listener_group>> group_listeners(std::vector<std::shared_ptr<site_runtime>> const& sites) {
    std::vector<std::shared_ptr<listener_group>> groups;
    for (auto const& site : sites) {
        for (auto const& wanted : site->settings.listen) {
            auto const same = [&](auto const& group) {
                return wanted.address.port != 0 && group->address.host == wanted.address.host &&
                       group->address.port == wanted.address.port;
            };
            auto found = std::find_if(groups.begin(), groups.end(), same);
            if (found == groups.end()) {
                groups.push_back(std::make_shared<listener_group>());
                found = groups.end() - 1;
                (*found)->address = wanted.address;
                (*found)->tls = wanted.tls;
                (*found)->proxy_from = wanted.proxy_from;
            }
            (*found)->sites.push_back(site);
        }
    }
    return groups;
}

void complete(listener_group& group) {
    auto rules = std::make_shared<std::vector<ftp::site_rules>>();
    for (auto const& site : group.sites) {
        rules->push_back(rules_of(site->settings, tls_id_of(*site)));
        if (group.tickets == nullptr && !site->tls.contexts.empty()) group.tickets = site->tls.contexts.front().get();
    }
    group.rules = std::move(rules);
}

}  // namespace

bool expects_proxy_header(listener_group const& group, boost::asio::ip::address const& from) {
    namespace ip = boost::asio::ip;
    auto const bytes = (from.is_v6() ? from.to_v6() : ip::make_address_v6(ip::v4_mapped, from.to_v4())).to_bytes();
    return std::any_of(group.proxy_from.begin(), group.proxy_from.end(),
                       [&](config::ip_network const& network) { return network.contains(bytes); });
}

ftp::site_rules rules_of(config::site_settings const& site, std::string tls_id) {
    ftp::site_rules rules;
    rules.name = site.name;
    rules.hosts = site.hosts;
    rules.banner = site.banner;
    rules.control = to_core(site.ssl.control_channel_policy);
    rules.data = to_core(site.ssl.data_channel_policy);
    rules.tls_id = std::move(tls_id);
    rules.data_mode = to_core(site.backend.data_mode);
    rules.trust_backend_address = site.backend.trust_passive_address;
    rules.backend_names = hidden_names(site.backend);
    rules.passive_address = ftp::ip_address::parse(site.data.passive_address);
    rules.allow_active = site.data.allow_active;
    rules.truncated_uploads = site.ssl.truncated_uploads == config::truncated_upload::accept ? ftp::truncation::accept
                                                                                             : ftp::truncation::reject;
    rules.denied = denied_verbs(site.commands);
    rules.pass_unknown = site.commands.pass_unknown && site.commands.allow.empty();
    rules.command_line = site.limits.command_line;
    rules.failed_logins = site.limits.failed_logins;
    rules.handshake_timeout = site.ssl.handshake_timeout;
    rules.login_timeout = site.limits.login_timeout;
    rules.idle_timeout = site.limits.idle_timeout;
    rules.reply_timeout = site.backend.reply_timeout;
    return rules;
}

runtime_result build_runtime(config::settings settings, metrics::registry& counters,
                             std::shared_ptr<policy::verification_service> const& verification,
                             runtime const* previous) {
    runtime_result result;
    auto built = std::make_shared<runtime>();
    for (auto const& site : settings.sites)
        built->sites.push_back(build_site(site, counters, verification, result.faults));
    if (!result.faults.empty()) return result;
    if (previous != nullptr) carry_over(*previous, *built);
    for (auto const& group : group_listeners(built->sites)) {
        complete(*group);
        built->listeners.push_back(group);
    }
    built->settings = std::move(settings);
    result.value = std::move(built);
    return result;
}

}  // namespace ftpsgate::proxy
