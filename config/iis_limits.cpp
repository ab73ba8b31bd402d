#include "config/iis_limits.hpp"

#include "config/iis_tls.hpp"
#include "config/unicode.hpp"
#include "config/units.hpp"
#include "config/words.hpp"

#include <algorithm>
#include <utility>

namespace ftpsgate::config {

namespace {

using place = toml_place;

constexpr char connections[] = "connections";
constexpr char firewall[] = "firewallSupport";
constexpr char commands[] = "security/commandFiltering";
constexpr char messages[] = "messages";

constexpr std::uint64_t unlimited = 4294967295;  // IIS' own default
constexpr std::uint64_t most_sessions = 1'000'000;
constexpr std::size_t longest_banner = 512;

// ---- [[site]]

void write_listeners(site_draft& draft) {
    std::string list;
    bool all_addresses = false;
    for (auto const& one : draft.from().listeners) {
        auto const mode = one.address.port == implicit_port ? "implicit" : "explicit";
        list += "    { address = " + toml_string(to_text(one.address)) + ", tls = \"" + mode + "\" },\n";
        all_addresses = all_addresses || one.address.host == "0.0.0.0";
    }
    if (all_addresses)
        draft[place::site].comment(R"("*" of IIS is IPv6 as well: add "[::]" where clients come with it.)");
    draft[place::site].set("listen", "[\n" + list + "]");
}

/// IIS' banner may have several lines and variables.
void write_banner(site_draft& draft) {
    auto banner = draft.text({messages, "bannerMessage"});
    if (banner.empty()) return;
    bool const expands = draft.flag(place::site, {messages, "expandVariables"}, false);
    if (expands && banner.find('%') != banner.npos)
        draft.leave_out(place::site, messages, "bannerMessage: the gate has no variables in its banner");
    auto const written = std::exchange(banner, fit_on_line(banner, longest_banner));
    if (banner != written)
        draft.leave_out(place::site, messages, "bannerMessage: the gate's banner is one line of at most 512 bytes");
    draft[place::site].set("banner", toml_string(banner));
}

// ---- [site.backend]

void write_folders(site_draft& draft) {
    for (auto const& application : draft.from().element->children) {
        if (application.name != "application") continue;
        for (auto const& folder : application.children) {
            if (folder.name != "virtualDirectory") continue;
            auto const at = application.value("path"), below = folder.value("path");
            auto const files = shown(folder.value("physicalPath"));
            if ((at == "/" || at.empty()) && (below == "/" || below.empty()))
                draft[place::backend].comment("IIS served the files in " + files + ".");
            else
                draft.leave_out(place::backend, folder.where,
                                "the virtual directory " + shown(at == "/" ? below : at + below) + " from " + files +
                                    ": the backend has to have it");
        }
    }
}

void write_backend(site_draft& draft) {
    write_folders(draft);
    draft[place::backend].comment("FILL IN: the FTP server behind the gate; it hears no TLS.");
    draft[place::backend].set("servers", R"(["fill-in.invalid:21"])");
}

// ---- [site.data]

/// The longest part of the range that has none of the ports in it.
port_range longest_part(port_range const& range, taken_ports const& taken) {
    port_range best;
    unsigned begin = range.first;
    auto const consider = [&](unsigned end) {
        if (end <= begin || end - begin <= (best.first == 0 ? 0U : best.last - best.first + 1U)) return;
        best = {static_cast<std::uint16_t>(begin), static_cast<std::uint16_t>(end - 1)};
    };
    for (auto const port : taken.sorted) {
        if (port < range.first || port > range.last) continue;
        consider(port);
        begin = port + 1U;
    }
    consider(range.last + 1U);
    return best;
}

std::string range_text(port_range const& range) {
    return std::to_string(range.first) + "-" + std::to_string(range.last);
}

void write_passive_ports(site_draft& draft, taken_ports const& taken) {
    auto const low = draft.number(place::data, {firewall, "lowDataChannelPort"}, 0);
    auto const high = draft.number(place::data, {firewall, "highDataChannelPort"}, 0);
    if (low == 0 && high == 0) return;
    auto const written = std::to_string(low) + "-" + std::to_string(high);
    auto const wanted = parse_port_range(written);
    if (!wanted)
        return draft.leave_out(place::data, firewall,
                               "the data channel ports " + written + ": " + wanted.fault().message);
    auto const ports = longest_part(*wanted, taken);
    if (ports.first == 0)
        return draft.leave_out(
            place::data, firewall,
            "the data channel ports " + written + ": the gate listens on all of them for something else");
    if (ports != *wanted)
        draft.leave_out(place::data, firewall,
                        "of the data channel ports " + written + " only a part: the gate listens on others of them");
    draft[place::data].set("passive_ports", toml_string(range_text(ports)));
}

void write_passive_address(site_draft& draft) {
    auto const written = draft.text({firewall, "externalIp4Address"});
    if (written.empty()) return;
    auto const address = parse_ipv4(written);
    auto const first_octet = address ? std::stoi(*address) : 0;
    if (first_octet == 0 || first_octet >= 224)
        return draft.leave_out(place::data, firewall,
                               "externalIp4Address=" + shown(written) + " is no address that clients could connect to");
    draft[place::data].set("passive_address", toml_string(*address));
}

// ---- time-outs and limits

/// Always written: IIS' defaults are not the gate's.
void write_timeout(site_draft& draft, place where, std::string_view name, std::string_view key, milliseconds missing) {
    auto const value = draft.duration(where, {connections, name}, missing);
    auto const fit = value == 0ms ? missing : std::min<milliseconds>(value, 24h);
    if (fit != value)
        draft.leave_out(
            where, connections,
            std::string(name) + ": the gate's " + std::string(key) + " is 1ms to 24h, here " + to_text(fit));
    draft[where].set(key, toml_string(to_text(fit)));
}

void write_sessions(site_draft& draft) {
    auto const wanted = draft.number(place::limits, {connections, "maxConnections"}, unlimited);
    auto const fit = std::clamp<std::uint64_t>(wanted, 1, most_sessions);
    if (wanted == unlimited)
        draft[place::limits].comment("Unlimited in IIS; so many at most here.");
    else if (fit != wanted)
        draft.leave_out(place::limits, connections, "maxConnections: the gate's sessions are 1 to 1000000");
    draft[place::limits].set("sessions", std::to_string(fit));
}

void write_command_line(site_draft& draft) {
    constexpr std::uint64_t missing = 4096, least = 128, most = 65536;
    auto const wanted = draft.number(place::limits, {commands, "maxCommandLine"}, missing);
    auto const fit = std::clamp(wanted, least, most);
    if (fit != wanted)
        draft.leave_out(place::limits, commands, "maxCommandLine: the gate's command_line is 128 to 65536");
    if (fit != missing) draft[place::limits].set("command_line", std::to_string(fit));
}

/// IIS closes out for as long as it counts. Where it says nothing, the gate's own bans are left alone.
void write_bans(site_draft& draft) {
    constexpr char bans[] = "security/authentication/denyByFailure";
    bool const is_said = draft.from().layers.attribute(bans, "enabled") != nullptr;
    if (!is_said) return;
    bool const bans_someone = draft.flag(place::limits, {bans, "enabled"}, false) &&
                              !draft.flag(place::limits, {bans, "loggingOnlyMode"}, false);
    if (!bans_someone) return draft[place::limits].set("ban_after", "0");
    constexpr std::uint64_t least = 1, most = 1000;
    auto const failures = draft.number(place::limits, {bans, "maxFailure"}, 4);
    auto const period = draft.duration(place::limits, {bans, "entryExpiration"}, 30s);
    auto const fit = std::clamp<milliseconds>(period, 1ms, 24h);
    if (failures < least || failures > most || fit != period)
        draft.leave_out(place::limits, bans, "the gate's ban_after is 1 to 1000, its ban_time 1ms to 24h");
    draft[place::limits].set("ban_after", std::to_string(std::clamp(failures, least, most)));
    draft[place::limits].set("ban_window", toml_string(to_text(fit)));
    draft[place::limits].set("ban_time", toml_string(to_text(fit)));
}

// ---- [site.commands]

/// The verbs that are listed with `allowed` as asked for; of one that is listed twice the last counts.
std::vector<std::string> listed_verbs(site_draft& draft, bool allowed) {
    std::map<std::string, bool> rules;
    for (auto const* const one : draft.from().layers.entries(commands)) {
        auto const verb = parse_verb(one->value("command"));
        if (!verb && allowed) draft.leave_out(place::commands, one->where, "the command " + verb.fault().message);
        if (verb)
            rules.insert_or_assign(*verb, parse_iis_bool(one->value("allowed")).value_or(!one->attribute("allowed")));
    }
    std::vector<std::string> found;
    for (auto const& [verb, is_allowed] : rules)
        if (is_allowed == allowed) found.push_back(verb);
    return found;
}

void write_commands(site_draft& draft) {
    bool const allows_others = draft.flag(place::commands, {commands, "allowUnlisted"}, true);
    auto allowed = listed_verbs(draft, true);
    auto const denied = listed_verbs(draft, false);
    if (allows_others) {
        if (!denied.empty()) draft[place::commands].set("deny", toml_list(denied));
        return;
    }
    if (allowed.empty()) allowed.emplace_back("QUIT");  // an empty list would mean all
    draft[place::commands].comment("USER, PASS, QUIT and the commands of TLS always pass.");
    draft[place::commands].set("allow", toml_list(allowed));
}

}  // namespace

void write_iis_site(site_draft& draft) {
    auto& section = draft[place::site];
    section.set("name", toml_string(draft.from().name));
    section.set("hosts", toml_list(draft.from().hosts));
    write_listeners(draft);
    write_banner(draft);
}

void write_iis_limits(site_draft& draft, taken_ports const& taken) {
    write_backend(draft);
    write_passive_ports(draft, taken);
    write_passive_address(draft);
    write_timeout(draft, place::data, "dataChannelTimeout", "idle_timeout", 30s);
    write_sessions(draft);
    write_timeout(draft, place::limits, "unauthenticatedTimeout", "login_timeout", 30s);
    write_timeout(draft, place::limits, "controlChannelTimeout", "idle_timeout", 2min);
    write_command_line(draft);
    write_bans(draft);
    write_commands(draft);
}

}  // namespace ftpsgate::config
