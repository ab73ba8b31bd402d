#include "config/iis_tls.hpp"

#include "config/units.hpp"

#include <algorithm>

namespace ftpsgate::config {

namespace {

constexpr char ssl[] = "security/ssl";
constexpr char clients[] = "security/sslClientCertificates";
constexpr char anonymous_login[] = "security/authentication/anonymousAuthentication";
constexpr char basic_login[] = "security/authentication/basicAuthentication";
constexpr char certificate_login[] = "security/authentication/clientCertAuthentication";
constexpr char custom_logins[] = "security/authentication/customAuthentication/providers";

// The numbers of IIS (IIS.md section c).
enum control_number : std::uint64_t { ssl_allow, ssl_require, ssl_require_credentials_only };
enum data_number : std::uint64_t { data_allow, data_require, data_deny };
enum client_number : std::uint64_t { cert_ignore, cert_allow, cert_require };

char const* to_toml(control_number policy) {
    switch (policy) {
        case ssl_allow: return R"("allow")";
        case ssl_require_credentials_only: return R"("require-credentials-only")";
        default: return R"("require")";
    }
}

char const* to_toml(data_number policy) {
    return policy == data_allow ? R"("allow")" : policy == data_deny ? R"("deny")" : R"("require")";
}

char const* to_toml(client_number policy) {
    return policy == cert_ignore ? R"("ignore")" : policy == cert_allow ? R"("allow")" : R"("require")";
}

char const* to_toml(bool value) {
    return value ? "true" : "false";
}

class tls_writer {
public:
    explicit tls_writer(site_draft& draft) : draft_(draft) {}

    void write() {
        read_policies();
        write_ssl();
        write_clients();
        write_authentication();
    }

private:
    using place = toml_place;

    void read_policies() {
        control_ =
            static_cast<control_number>(draft_.word(place::ssl, {ssl, "controlChannelPolicy"},
                                                    {{"SslAllow", ssl_allow},
                                                     {"SslRequire", ssl_require},
                                                     {"SslRequireCredentialsOnly", ssl_require_credentials_only}},
                                                    {ssl_require, ssl_require}));
        data_ = static_cast<data_number>(
            draft_.word(place::ssl, {ssl, "dataChannelPolicy"},
                        {{"SslAllow", data_allow}, {"SslRequire", data_require}, {"SslDeny", data_deny}},
                        {data_require, data_require}));
        clients_ = static_cast<client_number>(
            draft_.word(place::client_certificates, {clients, "clientCertificatePolicy"},
                        {{"CertIgnore", cert_ignore}, {"CertAllow", cert_allow}, {"CertRequire", cert_require}},
                        {cert_ignore, cert_require}));
        maps_ = draft_.flag(place::active_directory, {clients, "useActiveDirectoryMapping"}, false);
    }

    // ---- [site.ssl]

    void write_ssl() {
        auto const hash = draft_.text({ssl, "serverCertHash"});
        if (hash.empty() && needs_certificate())
            draft_.leave_out(
                place::ssl, ssl,
                "there is no serverCertHash: IIS refuses what these policies ask for, the gate serves it with the "
                "certificate that is filled in");
        if (!hash.empty() || needs_certificate()) write_certificate(hash);
        if (control_ == ssl_allow && clients_ == cert_require) {
            control_ = ssl_require;
            draft_.leave_out(
                place::ssl, ssl,
                "controlChannelPolicy SslAllow together with CertRequire: a client without TLS has no certificate");
        }
        draft_[place::ssl].set("control_channel_policy", to_toml(control_));
        draft_[place::ssl].set("data_channel_policy", to_toml(data_));
    }

    /// Without one IIS answers AUTH with 534, and so does the gate.
    bool needs_certificate() const {
        auto const is_implicit = [](iis_listener const& one) { return one.address.port == implicit_port; };
        auto const& listeners = draft_.from().listeners;
        return control_ != ssl_allow || data_ == data_require || clients_ != cert_ignore ||
               std::any_of(listeners.begin(), listeners.end(), is_implicit);
    }

    void write_certificate(std::string const& hash) {
        auto const store = draft_.text({ssl, "serverCertStoreName"});
        auto const& stem = draft_.from().stem;
        std::string where = hash.empty() ? "" : ", in IIS the one with the thumbprint " + hash;
        if (!hash.empty() && !store.empty()) where += " in the store " + store;
        draft_[place::ssl].comment("FILL IN: the server's certificate and its key, PEM" + where + ".");
        draft_[place::ssl].set("certificate", toml_string(stem + ".pem"));
        draft_[place::ssl].set("private_key", toml_string(stem + ".key"));
    }

    // ---- [site.client_certificates]

    void write_clients() {
        auto& section = draft_[place::client_certificates];
        section.set("policy", to_toml(clients_));
        if (clients_ != cert_ignore) {
            section.comment(
                "FILL IN: the CAs of the clients, PEM; of the store of Windows only those that issue for clients.");
            section.set("ca_file", toml_string(draft_.from().stem + "-clients.pem"));
        }
        write_flags();
        write_duration("revocationFreshnessTime", "revocation_freshness_time", {0ms, 0ms, 365 * 24h});
        write_duration("revocationUrlRetrievalTimeout", "revocation_url_retrieval_timeout", {1min, 1ms, 24h});
    }

    void write_flags() {
        auto const* const given = draft_.from().layers.attribute(clients, "validationFlags");
        if (given == nullptr) return;
        auto const flags = parse_iis_flags(given->value, {{"NoRevocationCheck", 1},
                                                          {"CertChainRevocationCheckCacheOnly", 2},
                                                          {"CertChainCacheOnlyUrlRetrieval", 4},
                                                          {"CertNoUsageCheck", 8}});
        static constexpr char const* words[] = {"no-revocation-check", "revocation-cache-only",
                                                "url-retrieval-cache-only", "no-usage-check"};
        std::vector<std::string> named;
        for (std::size_t bit = 0; bit < std::size(words); ++bit)
            if ((flags.known >> bit & 1U) != 0) named.emplace_back(words[bit]);
        if (flags.has_unknown)
            draft_.leave_out(
                place::client_certificates, given->where,
                std::string(clients) + ": validationFlags=" + shown(given->value) + " has flags that IIS has not");
        draft_[place::client_certificates].set("validation_flags", toml_list(named));
    }

    struct range {
        milliseconds missing, least, most;
    };

    void write_duration(std::string_view name, std::string_view key, range const& limits) {
        auto const value = draft_.duration(place::client_certificates, {clients, name}, limits.missing);
        auto const fit = std::clamp(value, limits.least, limits.most);
        if (fit != value)
            draft_.leave_out(place::client_certificates, clients,
                             std::string(name) + ": the gate's " + std::string(key) + " is " + to_text(limits.least) +
                                 " to " + to_text(limits.most));
        if (fit != limits.missing) draft_[place::client_certificates].set(key, toml_string(to_text(fit)));
    }

    // ---- [site.authentication]

    void write_authentication() {
        bool const wants_certificates = draft_.flag(place::authentication, {certificate_login, "enabled"}, false);
        bool const asks = clients_ != cert_ignore;
        bool const can_map = asks && data_ != data_deny;
        bool const passwords = takes_passwords();
        if (wants_certificates && !(can_map && maps_))
            draft_.leave_out(place::authentication, certificate_login,
                             "clientCertAuthentication has no effect in IIS: it needs CertAllow or CertRequire, "
                             "useActiveDirectoryMapping, and TLS on the data channel");
        // Nobody could log in to IIS. Whoever meant certificates gets a rule that lets in nobody until it is filled in.
        bool const wants_rule = wants_certificates && !passwords && can_map && !maps_;
        bool const by_certificate = wants_certificates && can_map && (maps_ || wants_rule);
        if (!passwords && !by_certificate)
            draft_.leave_out(
                place::authentication, "security/authentication",
                "no authentication is enabled, and so IIS lets nobody log in; the gate leaves USER and PASS to the "
                "backend");
        draft_[place::authentication].comment("USER and PASS are judged by the backend, also those of anonymous.");
        draft_[place::authentication].set("basic", to_toml(passwords || !by_certificate));
        draft_[place::authentication].set("client_certificate", to_toml(by_certificate));
        if (wants_rule) write_rule();
        if (maps_) write_directory(asks);
    }

    bool takes_passwords() {
        bool const anonymous = draft_.flag(place::authentication, {anonymous_login, "enabled"}, false);
        bool const basic = draft_.flag(place::authentication, {basic_login, "enabled"}, false);
        bool custom = false;
        for (auto const* const provider : draft_.from().layers.entries(custom_logins)) {
            if (!parse_iis_bool(provider->value("enabled")).value_or(true)) continue;
            custom = true;
            draft_.leave_out(
                place::authentication, provider->where,
                "the custom authentication " + shown(provider->value("name")) + ": the backend has to do it");
        }
        if (anonymous && !basic && !custom)
            draft_.leave_out(
                place::authentication, anonymous_login,
                "only anonymous may log in to IIS; the gate passes every USER on, so the backend has to refuse others");
        return anonymous || basic || custom;
    }

    void write_rule() {
        auto& section = draft_[place::identity];
        section.comment("FILL IN: which certificates stand for which user of the backend.");
        section.set("name", R"("fill-in")");
        section.set("subject", R"("CN=fill-in")");
        section.set("user", R"("fill-in")");
        section.set("password", R"("fill-in")");
    }

    void write_directory(bool asks) {
        if (!asks)
            return draft_.leave_out(place::active_directory, clients,
                                    "useActiveDirectoryMapping has no effect: no client is asked for a certificate");
        auto const& stem = draft_.from().stem;
        auto& section = draft_[place::active_directory];
        draft_.leave_out(
            place::active_directory, clients,
            "useActiveDirectoryMapping: Windows knows its directory and logs users on by itself; the gate has to "
            "be told where the directory is, and the users' passwords at the backend");
        section.set("enabled", "true");
        section.comment(
            "FILL IN: a domain controller, the CA of its certificate, an account that may search, and where.");
        section.set("url", R"("ldaps://fill-in.invalid")");
        section.set("ca_file", toml_string(stem + "-directory.pem"));
        section.set("bind_dn", R"("fill-in@fill-in.invalid")");
        section.set("bind_password_file", toml_string(stem + "-directory.password"));
        section.set("base_dn", R"("DC=fill-in,DC=invalid")");
        section.comment("FILL IN: a file with the password of each user, '%u', at the backend.");
        section.set("password_file", toml_string(stem + "-%u.password"));
    }

    site_draft& draft_;
    control_number control_ = ssl_require;
    data_number data_ = data_require;
    client_number clients_ = cert_ignore;
    bool maps_ = false;  ///< useActiveDirectoryMapping
};

}  // namespace

void write_iis_tls(site_draft& draft) {
    tls_writer(draft).write();
}

}  // namespace ftpsgate::config
