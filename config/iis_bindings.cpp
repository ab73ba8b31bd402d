#include "config/iis_bindings.hpp"

#include "config/iis_values.hpp"
#include "config/units.hpp"
#include "config/words.hpp"

#include <algorithm>
#include <map>
#include <optional>

namespace ftpsgate::config {

namespace {

/// As written: "*:21:host", "[::1]:21:host"; the last colon is sometimes left out.
struct written_binding {
    std::string_view address, port, host;
};

std::optional<written_binding> split(std::string_view text) {
    auto const bracket = text.starts_with('[') ? text.find(']') : 0;
    auto const first = text.find(':', std::min(bracket, text.size()));
    if (first == text.npos) return std::nullopt;
    auto const second = std::min(text.find(':', first + 1), text.size());
    return written_binding{text.substr(0, first), text.substr(first + 1, second - first - 1),
                           text.substr(std::min(second + 1, text.size()))};
}

std::optional<endpoint> address_of(written_binding const& written) {
    auto const port = parse_port(written.port, zero_port::refused);
    if (!port) return std::nullopt;
    auto const& address = written.address;
    // "*" is IPv6 as well, but a host without IPv6 could not listen on "[::]".
    if (address.empty() || address == "*") return endpoint{"0.0.0.0", *port, {}};
    bool const is_bracketed = address.starts_with('[') && address.ends_with(']');
    auto const host = is_bracketed ? parse_ipv6(address.substr(1, address.size() - 2)) : parse_ip(address);
    if (!host) return std::nullopt;
    return endpoint{*host, *port, {}};
}

void add_listener(iis_listener const& added, iis_site& site) {
    auto const is_same = [&](iis_listener const& one) { return one.address == added.address; };
    auto const found = std::find_if(site.listeners.begin(), site.listeners.end(), is_same);
    if (found == site.listeners.end())
        site.listeners.push_back(added);
    else
        found->takes_any_host = found->takes_any_host || added.takes_any_host;
}

void add_host(std::string_view written, text_place where, iis_site& site) {
    auto const host = parse_host_name(written);
    if (!host)
        site.notes.push_back({toml_place::site, where, "the host name " + host.fault().message + ", and is left out"});
    else if (std::find(site.hosts.begin(), site.hosts.end(), *host) == site.hosts.end())
        site.hosts.push_back(*host);
}

void read_binding(xml_element const& binding, iis_site& site) {
    auto const text = binding.value("bindingInformation");
    auto const written = split(text);
    auto const address = written ? address_of(*written) : std::nullopt;
    if (!address) {
        site.notes.push_back(
            {toml_place::site, binding.where, "the binding " + shown(text) + " is no address, and is left out"});
        return;
    }
    add_listener({*address, written->host.empty(), binding.where}, site);
    if (!written->host.empty()) add_host(written->host, binding.where, site);
}

iis_listener const* shared(iis_site const& site, endpoint const& address) {
    auto const is_same = [&](iis_listener const& one) { return one.address == address; };
    auto const found = std::find_if(site.listeners.begin(), site.listeners.end(), is_same);
    return found == site.listeners.end() ? nullptr : &*found;
}

bool share_an_address(iis_site const& a, iis_site const& b) {
    auto const is_shared = [&](iis_listener const& one) { return shared(b, one.address) != nullptr; };
    return std::any_of(a.listeners.begin(), a.listeners.end(), is_shared);
}

bool takes_any_host(iis_site const& site) {
    auto const takes = [](iis_listener const& one) { return one.takes_any_host; };
    return std::any_of(site.listeners.begin(), site.listeners.end(), takes);
}

class address_settler {
public:
    explicit address_settler(std::vector<iis_site>& sites) : sites_(sites) {}

    void settle() {
        std::stable_partition(sites_.begin(), sites_.end(), takes_any_host);
        for (auto& site : sites_)
            for (auto const& one : site.listeners)
                first_at_.try_emplace(to_text(one.address), &site);
        for (auto& site : sites_)
            settle_hosts(site);
        for (auto& site : sites_)
            if (site.hosts.empty()) name_host(site);
        for (auto& site : sites_)
            for (auto const& one : site.listeners)
                check_listener(site, one);
    }

private:
    /// False when it is another's on the same address.
    bool claim(std::string const& host, iis_site& site) {
        auto& owners = owners_of_[host];
        auto const is_rival = [&](iis_site const* other) { return share_an_address(*other, site); };
        if (std::any_of(owners.begin(), owners.end(), is_rival)) return false;
        owners.push_back(&site);
        site.hosts.push_back(host);
        return true;
    }

    void settle_hosts(iis_site& site) {
        auto const wanted = std::move(site.hosts);
        site.hosts.clear();
        for (auto const& host : wanted)
            if (!claim(host, site))
                site.notes.push_back({toml_place::site, site.element->where,
                                      "the host name " + shown(host) + " belongs to another site on the same address"});
    }

    void name_host(iis_site& site) {
        auto const name = parse_host_name(site.name);
        if ((name && claim(*name, site)) || claim(site.stem, site)) return;
        for (unsigned count = 2; !claim(site.stem + "-" + std::to_string(count), site);)
            ++count;
    }

    void check_listener(iis_site& site, iis_listener const& listener) {
        auto const address = to_text(listener.address);
        auto const& first = *first_at_.at(address);
        if (&first == &site && !listener.takes_any_host)
            note(site, listener,
                 address + ": IIS refuses clients that name no host, the gate gives them to " + shown(site.name));
        if (&first != &site && listener.takes_any_host)
            note(site, listener,
                 address + ": clients that name no host get to " + shown(first.name) + ", in IIS to " +
                     shown(site.name));
    }

    static void note(iis_site& site, iis_listener const& listener, std::string message) {
        site.notes.push_back({toml_place::site, listener.where, std::move(message)});
    }

    std::vector<iis_site>& sites_;
    std::map<std::string, iis_site const*> first_at_;
    std::map<std::string, std::vector<iis_site const*>> owners_of_;
};

}  // namespace

bool read_iis_bindings(xml_element const* bindings, iis_site& site) {
    if (bindings == nullptr) return false;
    bool is_ftp = false;
    for (auto const& binding : bindings->children) {
        if (binding.name != "binding" || !is_same_word(binding.value("protocol"), "ftp")) continue;
        is_ftp = true;
        read_binding(binding, site);
    }
    return is_ftp;
}

void settle_iis_addresses(std::vector<iis_site>& sites) {
    address_settler(sites).settle();
}

}  // namespace ftpsgate::config
