#include "config/units.hpp"
#include "config/validate.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace ftpsgate::config {

namespace {

constexpr char ask_for_certificates[] = R"(set policy to "allow" or "require" in [site.client_certificates])";
constexpr char one_password[] = "one of password, password_file and password_env";

std::array<std::pair<char const*, bool>, 3> given(password_source const& source) {
    return {{{"password", source.value.has_value()},
             {"password_file", source.file.has_value()},
             {"password_env", source.environment.has_value()}}};
}

enum class presence { required, optional };

/// The rules of one site. `path` is its own, "site[0]"; keys are given from there on.
class login_rules {
public:
    login_rules(site_settings const& site, std::string path, key_index const& keys, problems& faults)
        : site_(site), path_(std::move(path)), keys_(keys), faults_(faults) {}

    void check() {
        check_basic();
        check_clients_are_asked();
        check_certificate_logins();
        for (std::size_t at = 0; at < site_.identity.size(); ++at)
            check_rule(at, site_.identity[at]);
        check_directory();
    }

private:
    bool is_sound(std::string_view key) const { return keys_.is_sound(join(path_, key)); }

    void blame(std::string_view key, complaint const& fault) {
        auto const path = join(path_, key);
        faults_.push_back({keys_.where(path), path, fault.message, fault.hint});
    }

    // ---- [site.authentication]

    void check_basic() {
        auto const& logins = site_.authentication;
        if (!is_sound("authentication")) return;
        if (!logins.basic && !logins.client_certificate)
            blame("authentication.basic",
                  {"nobody could ever log in: client_certificate is false as well", "set one of them to true"});
        if (logins.user_must_match && !logins.client_certificate)
            blame("authentication.user_must_match", {"has no meaning without client_certificate = true"});
    }

    /// Said once, of the key that comes first.
    void check_clients_are_asked() {
        bool const are_asked = site_.client_certificates.policy != certificate_policy::ignore;
        if (are_asked || !is_sound("client_certificates.policy")) return;
        complaint const fault{"needs client certificates, which nobody is asked for", ask_for_certificates};
        if (site_.authentication.client_certificate) return blame("authentication.client_certificate", fault);
        if (!site_.identity.empty()) return blame("identity[0]", fault);
        if (site_.active_directory.enabled) blame("active_directory.enabled", fault);
    }

    void check_certificate_logins() {
        if (!site_.authentication.client_certificate) return;
        auto const maps = [](identity_rule_settings const& rule) { return !rule.deny; };
        bool const can_map =
            site_.active_directory.enabled || std::any_of(site_.identity.begin(), site_.identity.end(), maps);
        if (!can_map && is_sound("identity") && is_sound("active_directory.enabled"))
            blame("authentication.client_certificate",
                  {"no certificate stands for a user", "write [[site.identity]], or enable [site.active_directory]"});
        // IIS: clientCertAuthentication needs both channel policies to allow TLS (IIS.md section c.3).
        if (site_.ssl.data_channel_policy == data_policy::deny && is_sound("ssl.data_channel_policy"))
            blame("ssl.data_channel_policy", {"\"deny\" does not go with authentication.client_certificate = true",
                                              "set \"require\" or \"allow\""});
    }

    // ---- [[site.identity]]

    void check_rule(std::size_t at, identity_rule_settings const& rule) {
        auto const path = element("identity", at);
        check_unique(at, path);
        check_matchers(path, rule);
        if (!is_sound(path + ".deny")) return;
        if (rule.deny) return check_denial(path, rule);
        if (!rule.user && is_sound(path + ".user")) blame(path + ".user", {"is missing", "or set deny = true"});
        check_password(path, rule.password, presence::required);
    }

    void check_unique(std::size_t at, std::string const& path) {
        auto const& rules = site_.identity;
        auto const end = rules.begin() + static_cast<std::ptrdiff_t>(at);
        auto const& name = rules[at].name;
        auto const same = [&](identity_rule_settings const& other) { return other.name == name; };
        if (!is_sound(path + ".name") || std::none_of(rules.begin(), end, same)) return;
        blame(path + ".name", {"another rule has the name " + shown(name)});
    }

    /// A rule that lets everybody through is a slip more often than a wish; subject = "CN=*" says it.
    void check_matchers(std::string const& path, identity_rule_settings const& rule) {
        bool const has_one = rule.subject || rule.issuer || rule.serial || rule.sha256 || rule.spki_sha256 ||
                             rule.email || rule.dns || rule.upn || rule.uri;
        static constexpr std::array matchers{"subject", "issuer", "serial", "sha256", "spki_sha256",
                                             "email",   "dns",    "upn",    "uri"};
        auto const sound = [&](char const* key) { return is_sound(join(path, key)); };
        if (has_one || !std::all_of(matchers.begin(), matchers.end(), sound)) return;
        blame(path, {"does not say which certificates it is about",
                     "one of subject, issuer, serial, sha256, spki_sha256, email, dns, upn and uri at least"});
    }

    void check_denial(std::string const& path, identity_rule_settings const& rule) {
        complaint const fault{"has no meaning in a rule with deny = true"};
        if (rule.user) blame(path + ".user", fault);
        for (auto const& [key, is_given] : given(rule.password))
            if (is_given) blame(join(path, key), fault);
        if (rule.account) blame(path + ".account", fault);
    }

    void check_password(std::string const& path, password_source const& source, presence needed) {
        std::size_t count = 0;
        for (auto const& [key, is_given] : given(source)) {
            if (!is_sound(join(path, key))) return;
            if (is_given && ++count > 1)
                blame(join(path, key), {"there is a password already", std::string("only ") + one_password});
        }
        if (count == 0 && needed == presence::required) blame(path + ".password", {"is missing", one_password});
    }

    // ---- [site.active_directory]

    void check_directory() {
        auto const& directory = site_.active_directory;
        check_directory_tls();
        check_map_by();
        bool const is_enabled = directory.enabled && is_sound("active_directory.enabled");
        check_password("active_directory", directory.password, is_enabled ? presence::required : presence::optional);
        if (!is_enabled) return;
        require("active_directory.url", !directory.urls.empty());
        require("active_directory.ca_file", directory.ca_file.has_value());
        require("active_directory.bind_dn", !directory.bind_dn.empty());
        require("active_directory.bind_password_file", directory.bind_password.file.has_value());
        require("active_directory.base_dn", !directory.base_dn.empty());
    }

    void require(std::string_view key, bool is_given) {
        if (!is_given && is_sound(key)) blame(key, {"is missing", "needed by enabled = true"});
    }

    void check_directory_tls() {
        auto const& directory = site_.active_directory;
        if (!is_sound("active_directory.url") || !is_sound("active_directory.start_tls")) return;
        auto const speaks_tls = [](placed_text const& url) { return url.text.starts_with("ldaps://"); };
        auto const& urls = directory.urls;
        auto const clear = std::find_if_not(urls.begin(), urls.end(), speaks_tls);
        if (!directory.start_tls && clear != urls.end())
            blame("active_directory.url",
                  {shown(clear->text) + " would carry passwords in clear", "set start_tls = true, or use ldaps://"});
        if (directory.start_tls && std::any_of(urls.begin(), urls.end(), speaks_tls))
            blame("active_directory.start_tls",
                  {"ldaps:// is TLS from the first byte", "use ldap://, or set start_tls = false"});
    }

    void check_map_by() {
        auto const& forms = site_.active_directory.map_by;
        auto const key = [](std::size_t at) { return element("active_directory.map_by", at); };
        for (std::size_t at = 1; at < forms.size(); ++at) {
            bool is_repeated = false;
            for (std::size_t earlier = 0; earlier < at; ++earlier)
                is_repeated = is_repeated || (forms[earlier] == forms[at] && is_sound(key(earlier)));
            if (is_repeated && is_sound(key(at))) blame(key(at), {"is named twice"});
        }
    }

    site_settings const& site_;
    std::string path_;
    key_index const& keys_;
    problems& faults_;
};

}  // namespace

problems validate_logins(settings const& values, key_index const& keys) {
    problems faults;
    for (std::size_t at = 0; at < values.sites.size(); ++at)
        login_rules(values.sites[at], element("site", at), keys, faults).check();
    return faults;
}

}  // namespace ftpsgate::config
