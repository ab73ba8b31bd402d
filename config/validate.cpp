#include "config/validate.hpp"

#include "config/units.hpp"

#include <algorithm>

namespace ftpsgate::config {

namespace {

constexpr char certificate_policy_key[] = "client_certificates.policy";

/// The rules of one site. `path` is its own, "site[0]"; keys are given from there on.
class site_rules {
public:
    site_rules(site_settings const& site, std::string path, key_index const& keys, problems& faults)
        : site_(site), path_(std::move(path)), keys_(keys), faults_(faults) {}

    void check() {
        check_key_pairs();
        check_staple();
        check_implicit_listeners();
        check_login_is_possible();
        check_client_certificates();
        check_health();
        check_verbs();
        check_proxy_protocol();
    }

private:
    bool is_sound(std::string_view key) const { return keys_.is_sound(join(path_, key)); }

    void blame(std::string_view key, complaint const& fault) {
        auto const path = join(path_, key);
        faults_.push_back({keys_.where(path), path, fault.message, fault.hint});
    }

    bool has_no_certificate() const { return is_sound("ssl.certificate") && site_.ssl.certificate.empty(); }

    void check_key_pairs() {
        if (!is_sound("ssl.certificate") || !is_sound("ssl.private_key")) return;
        auto const certificates = site_.ssl.certificate.size();
        auto const private_keys = site_.ssl.private_key.size();
        if (certificates == private_keys) return;
        auto const counted = std::to_string(private_keys) + " for " + std::to_string(certificates) + " certificates";
        complaint const fault{"private keys and certificates must be as many: " + counted,
                              "the n-th private key belongs to the n-th certificate"};
        blame(keys_.has(join(path_, "ssl.private_key")) ? "ssl.private_key" : "ssl.certificate", fault);
    }

    void check_staple() {
        if (has_no_certificate() && site_.ssl.ocsp_staple_file)
            blame("ssl.ocsp_staple_file", {"there is no certificate that the OCSP response could belong to"});
    }

    void check_implicit_listeners() {
        if (!has_no_certificate()) return;
        for (std::size_t at = 0; at < site_.listen.size(); ++at) {
            auto const key = element("listen", at) + ".tls";
            if (site_.listen[at].tls == tls_mode::implicit_tls && is_sound(key))
                blame(key, {"implicit TLS needs a certificate", "set certificate and private_key in [site.ssl]"});
        }
    }

    /// Without a certificate AUTH is answered 534 (B-035), so a policy that asks for TLS refuses everybody. With
    /// implicit listeners alone that has been said already.
    void check_login_is_possible() {
        auto const is_implicit = [](listener_settings const& one) { return one.tls == tls_mode::implicit_tls; };
        bool const has_been_said =
            !site_.listen.empty() && std::all_of(site_.listen.begin(), site_.listen.end(), is_implicit);
        if (has_been_said || !has_no_certificate() || !is_sound("ssl.control_channel_policy")) return;
        if (site_.ssl.control_channel_policy != control_policy::allow)
            return blame("ssl.control_channel_policy",
                         {"nobody could ever log in: the site has no certificate, but requires TLS",
                          "set certificate and private_key; plain FTP only with control_channel_policy = \"allow\" and "
                          "data_channel_policy = \"allow\""});
        if (site_.ssl.data_channel_policy == data_policy::require && is_sound("ssl.data_channel_policy"))
            blame("ssl.data_channel_policy",
                  {"nothing could ever be transferred: the site has no certificate, but requires protected data",
                   "set certificate and private_key, or data_channel_policy = \"allow\""});
    }

    void check_client_certificates() {
        auto const& clients = site_.client_certificates;
        if (clients.policy == certificate_policy::ignore || !is_sound(certificate_policy_key)) return;
        if (!clients.ca_file && is_sound("client_certificates.ca_file"))
            blame(keys_.has(join(path_, "client_certificates.ca_file")) ? "client_certificates.ca_file"
                                                                        : certificate_policy_key,
                  {"without ca_file no client certificate could ever be accepted",
                   "name the CAs of the clients in ca_file"});
        if (has_no_certificate())
            blame(certificate_policy_key, {"client certificates need TLS, and the site has no certificate of its own",
                                           "set certificate and private_key in [site.ssl]"});
        check_clear_logins();
    }

    /// A client in clear has no certificate: its login could never work (B-185).
    void check_clear_logins() {
        bool const is_required = site_.client_certificates.policy == certificate_policy::require;
        bool const is_clear = site_.ssl.control_channel_policy == control_policy::allow;
        if (!is_required || !is_clear || !is_sound("ssl.control_channel_policy")) return;
        blame(certificate_policy_key,
              {"logins in clear, which control_channel_policy = \"allow\" lets in, have no client certificate",
               "set policy = \"allow\", or control_channel_policy to \"require\""});
    }

    /// Said once, of the key that is there.
    void check_health() {
        auto const& backend = site_.backend;
        bool const has_password = backend.health_password_file.has_value();
        bool const has_user = !backend.health_user.empty();
        if (!is_sound("backend.health_user") || !is_sound("backend.health_password_file")) return;
        auto const key = has_user ? "backend.health_user" : "backend.health_password_file";
        if (has_user != has_password)
            return blame(key, {has_user ? "needs health_password_file" : "needs health_user",
                               "a check logs in with both, or not at all"});
        if (has_user && backend.health_interval == 0ms && is_sound("backend.health_interval"))
            blame(key, {"has no meaning with health_interval = \"0s\": there are no checks that could log in"});
    }

    void check_verbs() {
        auto const& allow = site_.commands.allow;
        for (std::size_t at = 0; at < site_.commands.deny.size(); ++at) {
            auto const& verb = site_.commands.deny[at];
            auto const key = element("commands.deny", at);
            if (!is_sound(key) || std::find(allow.begin(), allow.end(), verb) == allow.end()) continue;
            blame(key, {shown(verb) + " is both denied and allowed"});
        }
    }

    void check_proxy_protocol() {
        auto const& backend = site_.backend;
        if (!backend.proxy_protocol_data || backend.proxy_protocol != proxy_header::none) return;
        if (is_sound("backend.proxy_protocol") && is_sound("backend.proxy_protocol_data"))
            blame("backend.proxy_protocol_data",
                  {"there is no PROXY header that could be sent", "set proxy_protocol to \"v1\" or \"v2\""});
    }

    site_settings const& site_;
    std::string path_;
    key_index const& keys_;
    problems& faults_;
};

void check_unique_names(settings const& values, key_index const& keys, problems& faults) {
    for (std::size_t at = 0; at < values.sites.size(); ++at) {
        auto const path = element("site", at) + ".name";
        auto const& name = values.sites[at].name;
        auto const end = values.sites.begin() + static_cast<std::ptrdiff_t>(at);
        auto const same = [&](site_settings const& other) { return other.name == name; };
        if (!keys.is_sound(path) || std::none_of(values.sites.begin(), end, same)) continue;
        faults.push_back({keys.where(path), path, "another site has the name " + shown(name), ""});
    }
}

}  // namespace

problems validate_sites(settings const& values, key_index const& keys) {
    problems faults;
    for (std::size_t at = 0; at < values.sites.size(); ++at)
        site_rules(values.sites[at], element("site", at), keys, faults).check();
    check_unique_names(values, keys, faults);
    return faults;
}

problems validate(settings const& values, key_index const& keys) {
    auto faults = validate_sites(values, keys);
    for (auto const& more : {validate_logins(values, keys), validate_addresses(values, keys)})
        faults.insert(faults.end(), more.begin(), more.end());
    return faults;
}

}  // namespace ftpsgate::config
