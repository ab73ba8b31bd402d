#include "config/iis_leftovers.hpp"

#include "config/units.hpp"
#include "config/words.hpp"

#include <algorithm>
#include <set>

namespace ftpsgate::config {

namespace {

using place = toml_place;

enum class fate {
    taken,    ///< has a key, or a meaning of its own in the conversion
    no_gate,  ///< no counterpart
    no_need   ///< no setting, or without effect on what clients meet
};

constexpr char backend_s[] = "it is the backend's business";
constexpr char own_log[] = "the gate has a log of its own, see [log]";
constexpr char firewall_s[] = "the gate has no address rules; put it into the firewall";
constexpr char account_s[] = "the account of Windows that a login becomes is the backend's business";

/// `name` "*" is any attribute: then the whole element is one thing.
struct attribute_fate {
    std::string_view section, name;
    fate becomes;
    place where = place::site;
    std::string_view same = {};  ///< values with which the gate does the same, with bars between them
    std::string_view why = {};
};

constexpr attribute_fate fates[] = {
    {"", "allowUTF8", fate::no_gate, place::site, "true|1",
     "names of files pass as they are, and FEAT is the backend's"},
    {"", "serverAutoStart", fate::no_gate, place::site, "true|1",
     "IIS does not start this site by itself, the gate does"},
    {"", "state", fate::no_need},
    {"", "lastStartupStatus", fate::no_need},

    {"connections", "unauthenticatedTimeout", fate::taken},
    {"connections", "controlChannelTimeout", fate::taken},
    {"connections", "dataChannelTimeout", fate::taken},
    {"connections", "maxConnections", fate::taken},
    {"connections", "minBytesPerSecond", fate::no_gate, place::data, "0",
     "slow transfers may go on as long as they move"},
    {"connections", "resetOnMaxConnections", fate::no_gate, place::limits, "false|0", "who is too many is told 421"},
    {"connections", "serverListenBacklog", fate::no_gate, place::limits, "", "the backlog is the kernel's, somaxconn"},
    {"connections", "disableSocketPooling", fate::no_need},
    {"connections", "maxBandwidth", fate::no_gate, place::data, "", "IIS never implemented it"},

    {"security/ssl", "controlChannelPolicy", fate::taken},
    {"security/ssl", "dataChannelPolicy", fate::taken},
    {"security/ssl", "serverCertHash", fate::taken},
    {"security/ssl", "serverCertStoreName", fate::taken},
    {"security/ssl", "ssl128", fate::no_need},  // the gate has no cipher below 128 bits

    {"security/sslClientCertificates", "clientCertificatePolicy", fate::taken},
    {"security/sslClientCertificates", "validationFlags", fate::taken},
    {"security/sslClientCertificates", "revocationFreshnessTime", fate::taken},
    {"security/sslClientCertificates", "revocationUrlRetrievalTimeout", fate::taken},
    {"security/sslClientCertificates", "useActiveDirectoryMapping", fate::taken},

    {"security/authentication/anonymousAuthentication", "enabled", fate::taken},
    {"security/authentication/anonymousAuthentication", "userName", fate::no_gate, place::authentication, "IUSR",
     account_s},
    {"security/authentication/anonymousAuthentication", "password", fate::no_gate, place::authentication, "",
     account_s},
    {"security/authentication/anonymousAuthentication", "defaultLogonDomain", fate::no_gate, place::authentication,
     "NT AUTHORITY", account_s},
    {"security/authentication/anonymousAuthentication", "logonMethod", fate::no_gate, place::authentication,
     "ClearText|3", account_s},
    {"security/authentication/basicAuthentication", "enabled", fate::taken},
    {"security/authentication/basicAuthentication", "defaultLogonDomain", fate::no_gate, place::authentication,
     "NT AUTHORITY", account_s},
    {"security/authentication/basicAuthentication", "logonMethod", fate::no_gate, place::authentication, "ClearText|3",
     account_s},
    {"security/authentication/clientCertAuthentication", "enabled", fate::taken},
    {"security/authentication/customAuthentication/providers/add", "*", fate::taken},
    {"security/authentication/denyByFailure", "enabled", fate::taken},
    {"security/authentication/denyByFailure", "maxFailure", fate::taken},
    {"security/authentication/denyByFailure", "entryExpiration", fate::taken},
    {"security/authentication/denyByFailure", "loggingOnlyMode", fate::no_gate, place::limits, "false|0",
     "failed logins are in the log always; ban_after = 0, as nobody was banned"},

    {"security/dataChannelSecurity", "matchClientAddressForPort", fate::no_gate, place::data, "true|1",
     "the gate never sends data elsewhere than to the client"},
    {"security/dataChannelSecurity", "matchClientAddressForPasv", fate::no_gate, place::data, "true|1",
     "the gate never takes data from elsewhere than from the client"},
    {"security/commandFiltering", "maxCommandLine", fate::taken},
    {"security/commandFiltering", "allowUnlisted", fate::taken},
    {"security/commandFiltering/add", "*", fate::taken},
    {"security/ipSecurity", "allowUnlisted", fate::no_gate, place::site, "true|1", firewall_s},
    {"security/ipSecurity", "enableReverseDns", fate::no_gate, place::site, "false|0", firewall_s},
    {"security/ipSecurity", "denyAction", fate::no_gate, place::site, "", firewall_s},
    {"security/ipSecurity/add", "*", fate::no_gate, place::site, "", firewall_s},
    {"security/authorization/add", "*", fate::no_gate, place::backend, "", backend_s},
    {"security/customAuthorization/provider", "*", fate::no_gate, place::backend, "", backend_s},
    {"security/requestFiltering", "allowHighBitCharacters", fate::no_gate, place::backend, "true|1", backend_s},
    {"security/requestFiltering/fileExtensions", "allowUnlisted", fate::no_gate, place::backend, "true|1", backend_s},
    {"security/requestFiltering/fileExtensions/add", "*", fate::no_gate, place::backend, "", backend_s},
    {"security/requestFiltering/hiddenSegments/add", "*", fate::no_gate, place::backend, "", backend_s},
    {"security/requestFiltering/denyUrlSequences/add", "*", fate::no_gate, place::backend, "", backend_s},
    {"security/requestFiltering/requestLimits", "maxAllowedContentLength", fate::no_gate, place::backend, "0",
     backend_s},
    {"security/requestFiltering/requestLimits", "maxUrl", fate::no_gate, place::backend, "", backend_s},

    {"customFeatures/providers/add", "*", fate::no_gate, place::site, "", "no program of IIS runs in the gate"},
    {"messages", "bannerMessage", fate::taken},
    {"messages", "expandVariables", fate::taken},
    {"messages", "suppressDefaultBanner", fate::no_need},  // the gate does not name its software by itself
    {"messages", "greetingMessage", fate::no_gate, place::site, "", "what is said after the login is the backend's"},
    {"messages", "exitMessage", fate::no_gate, place::site, "", "the gate has no message of its own for QUIT"},
    {"messages", "maxClientsMessage", fate::no_gate, place::limits, "", "the gate has a message of its own for that"},
    {"messages", "allowLocalDetailedErrors", fate::no_gate, place::site, "false|0", "details are in the log only"},

    {"fileHandling", "allowReadUploadsInProgress", fate::no_gate, place::backend, "", backend_s},
    {"fileHandling", "allowReplaceOnRename", fate::no_gate, place::backend, "", backend_s},
    {"fileHandling", "keepPartialUploads", fate::no_gate, place::backend, "", backend_s},
    {"firewallSupport", "externalIp4Address", fate::taken},
    {"firewallSupport", "lowDataChannelPort", fate::taken},
    {"firewallSupport", "highDataChannelPort", fate::taken},
    {"userIsolation", "mode", fate::no_gate, place::backend, "None|4", backend_s},
    {"userIsolation/activeDirectory", "*", fate::no_gate, place::backend, "", backend_s},
    {"directoryBrowse", "showFlags", fate::no_gate, place::backend, "", "listings are the backend's"},
    {"directoryBrowse", "virtualDirectoryTimeout", fate::no_gate, place::backend, "", "listings are the backend's"},

    {"logFile", "enabled", fate::no_gate, place::log, "true|1", own_log},
    {"logFile", "directory", fate::no_gate, place::log, "", own_log},
    {"logFile", "logExtFileFlags", fate::no_gate, place::log, "", own_log},
    {"logFile", "logFormat", fate::no_gate, place::log, "", own_log},
    {"logFile", "period", fate::no_gate, place::log, "", own_log},
    {"logFile", "truncateSize", fate::no_gate, place::log, "", own_log},
    {"logFile", "localTimeRollover", fate::no_gate, place::log, "", own_log},
    {"logFile", "selectiveLogging", fate::no_gate, place::log, "", own_log},
    {"log", "centralLogFileMode", fate::no_gate, place::log, "Central|1", own_log},
    {"log", "logInUTF8", fate::no_gate, place::log, "true|1", own_log},
    {"log/centralLogFile", "*", fate::no_gate, place::log, "", own_log},
    {"caching/credentialsCache", "enabled", fate::no_gate, place::head, "false|0",
     "the backend is asked at each login"},
    {"caching/credentialsCache", "flushInterval", fate::no_gate, place::head, "", "the backend is asked at each login"},
    {"serverRuntime/hostNameSupport", "useDomainNameAsHostName", fate::no_gate, place::head, "false|0",
     R"(the gate knows "host|user", not "host\user" and "user@host")"},
    {"providerDefinitions/add", "*", fate::no_need},  // without effect until a site names them
    {"providerDefinitions/activation/providerData", "*", fate::no_need},
    {"sessions/session", "*", fate::no_need},
};

std::string join_path(std::string_view section, std::string_view child) {
    return std::string(section) + (section.empty() ? "" : "/") + std::string(child);
}

attribute_fate const* fate_of(std::string_view section, std::string_view name) {
    auto const is_it = [&](attribute_fate const& one) { return one.section == section && one.name == name; };
    auto const* const found = std::find_if(std::begin(fates), std::end(fates), is_it);
    return found == std::end(fates) ? nullptr : found;
}

bool is_known(std::string_view section) {
    auto const below = std::string(section) + "/";
    return std::any_of(std::begin(fates), std::end(fates), [&](attribute_fate const& one) {
        return one.section == section || one.section.starts_with(below);
    });
}

bool is_one_of(std::string_view words, std::string_view value) {
    for (auto rest = words;;) {
        auto const end = std::min(rest.find('|'), rest.size());
        if (is_same_word(rest.substr(0, end), value)) return true;
        if (end == rest.size()) return false;
        rest.remove_prefix(end + 1);
    }
}

bool is_secret(std::string_view name) {
    return to_lower(name).find("password") != std::string::npos;
}

/// `users="bob" permissions="Read"`; never a password.
std::string attributes_of(xml_element const& element) {
    std::string text;
    for (auto const& one : element.attributes)
        text += " " + one.name + "=" + (is_secret(one.name) ? "(not shown)" : shown(one.value));
    return text;
}

/// Everybody may do everything: so it is without such a rule at the gate.
bool grants_everything(xml_element const& rule) {
    auto const granted = parse_iis_flags(rule.value("permissions"), {{"Read", 1}, {"Write", 2}});
    return parse_iis_word(rule.value("accessType"), {{"Allow", 0}, {"Deny", 1}}) == std::uint64_t{0} &&
           rule.value("users") == "*" && granted.known == 3;
}

class leftover_walk {
public:
    explicit leftover_walk(site_draft& draft) : draft_(draft), layers_(draft.from().layers) {}

    void walk() {
        for (auto const* const root : layers_.roots())
            visit(*root, "");
    }

private:
    void visit(xml_element const& element, std::string const& section) {
        if (auto const* const whole = fate_of(section, "*")) return visit_entry(element, section, *whole);
        for (auto const& one : element.attributes)
            visit_attribute(section, one);
        for (auto const& child : element.children)
            visit_child(element, section, child);
    }

    void visit_child(xml_element const& parent, std::string const& section, xml_element const& child) {
        auto const path = join_path(section, child.name);
        bool const is_collection = fate_of(join_path(section, "add"), "*") != nullptr;
        if (is_collection && (child.name == "remove" || child.name == "clear")) return;  // see iis_layers
        if (!is_known(path))
            draft_.leave_out(place::site, child.where, "<" + path + "> is not known here");
        else if (!is_collection && parent.child(child.name) != &child && fate_of(path, "*") == nullptr)
            draft_.leave_out(place::site, child.where, "<" + path + "> is there twice; the first one counts");
        else
            visit(child, path);
    }

    /// What another layer overrides has no effect.
    void visit_attribute(std::string const& section, xml_attribute const& one) {
        auto const* const found = fate_of(section, one.name);
        auto const what = (section.empty() ? "ftpServer" : section) + ": " + one.name + "=" +
                          (is_secret(one.name) ? "(not shown)" : shown(one.value));
        if (found == nullptr) return draft_.leave_out(place::site, one.where, what + " is not known here");
        if (found->becomes != fate::no_gate || is_one_of(found->same, one.value)) return;
        if (layers_.attribute(section, one.name) != &one || is_switched_off(section, one)) return;
        draft_.leave_out(found->where, one.where, what + ": " + std::string(found->why));
    }

    /// A section with `enabled` means nothing while that is false.
    bool is_switched_off(std::string const& section, xml_attribute const& one) const {
        if (one.name == "enabled" || fate_of(section, "enabled") == nullptr || section == "logFile") return false;
        auto const* const enabled = layers_.attribute(section, "enabled");
        bool const by_default = section == "caching/credentialsCache";
        return !(enabled == nullptr ? by_default : parse_iis_bool(enabled->value).value_or(true));
    }

    void visit_entry(xml_element const& entry, std::string const& section, attribute_fate const& whole) {
        if (whole.becomes != fate::no_gate) return;
        if (section.ends_with("/add") && is_removed(entry, section.substr(0, section.size() - 4))) return;
        if (section == "security/authorization/add" && grants_everything(entry)) return;
        draft_.leave_out(whole.where, entry.where,
                         "<" + section + attributes_of(entry) + ">: " + std::string(whole.why));
    }

    bool is_removed(xml_element const& entry, std::string const& collection) {
        auto const [left, is_new] = left_.try_emplace(collection);
        if (is_new)
            for (auto const* const one : layers_.entries(collection))
                left->second.insert(one);
        return !left->second.contains(&entry);
    }

    site_draft& draft_;
    iis_layers const& layers_;
    std::map<std::string, std::set<xml_element const*>> left_;  ///< of each collection that was met
};

}  // namespace

void leave_out_the_rest(site_draft& draft) {
    leftover_walk(draft).walk();
}

}  // namespace ftpsgate::config
