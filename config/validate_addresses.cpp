#include "config/units.hpp"
#include "config/validate.hpp"

#include <algorithm>

namespace ftpsgate::config {

namespace {

bool is_wildcard(std::string_view host) {
    return host == "0.0.0.0" || host == "::";
}

bool is_ipv6(std::string_view host) {
    return host.find(':') != std::string_view::npos;
}
bool is_ipv4(std::string_view host) {
    return host.find_first_not_of("0123456789.") == std::string_view::npos;
}

/// Port 0 is another port at each listener.
bool is_same(endpoint const& a, endpoint const& b) {
    return a.port != 0 && a == b;
}

/// Both cannot be bound by two sockets of different kinds.
bool overlaps(endpoint const& a, endpoint const& b) {
    return a.port != 0 && a.port == b.port && (a.host == b.host || is_wildcard(a.host) || is_wildcard(b.host));
}

/// A connection to `target` would end at `listening`. Only what is certain: names and foreign networks are not.
bool leads_to(endpoint const& target, endpoint const& listening) {
    if (is_same(target, listening)) return true;
    if (target.port != listening.port) return false;
    if (listening.host == "0.0.0.0") return target.host.starts_with("127.") || target.host == "localhost";
    return listening.host == "::" && (target.host == "::1" || target.host == "localhost");
}

bool contains(port_range const& range, std::uint16_t port) {
    return range.first != 0 && port >= range.first && port <= range.last;
}

/// One listener with its site and its place in the file.
struct bound {
    endpoint const& address;
    listener_settings const& wanted;
    std::size_t site;
    std::string path;
};

class address_rules {
public:
    address_rules(settings const& values, key_index const& keys) : values_(values), keys_(keys) {
        for (std::size_t site = 0; site < values.sites.size(); ++site)
            collect(site);
    }

    problems check() {
        check_listeners();
        check_metrics();
        for (std::size_t site = 0; site < values_.sites.size(); ++site) {
            check_hosts(site);
            check_passive_ports(site);
            check_servers(site);
            check_source_address(site);
        }
        return std::move(faults_);
    }

private:
    void collect(std::size_t site) {
        auto const& listeners = values_.sites[site].listen;
        for (std::size_t at = 0; at < listeners.size(); ++at) {
            auto path = element(key_of(site, "listen"), at);
            if (!keys_.is_sound(path)) continue;
            listeners_.push_back({listeners[at].address, listeners[at], site, std::move(path)});
        }
    }

    static std::string key_of(std::size_t site, std::string_view key) { return join(element("site", site), key); }

    void blame(std::string const& path, complaint const& fault) {
        faults_.push_back({keys_.where(path), path, fault.message, fault.hint});
    }

    std::string name_of(std::size_t site) const { return "site " + shown(values_.sites[site].name); }

    void check_listeners() {
        for (auto second = listeners_.begin(); second != listeners_.end(); ++second) {
            auto const shares = [&](bound const& first) { return is_same(first.address, second->address); };
            auto const first = std::find_if(listeners_.begin(), second, shares);
            if (first != second) check_shared(*first, *second);
        }
    }

    /// Sites may share an address, but a PROXY header comes and TLS starts, or not, before anything tells which site is
    /// meant.
    void check_shared(bound const& first, bound const& second) {
        auto const address = to_text(second.address);
        if (first.site == second.site) return blame(second.path + ".address", {address + " is listened on twice"});
        if (first.wanted.tls != second.wanted.tls)
            blame(second.path + ".tls", {name_of(first.site) + " listens on " + address + " with another tls mode",
                                         "sites that share an address must agree on explicit or implicit"});
        if (first.wanted.proxy_from != second.wanted.proxy_from)
            blame(second.path + ".proxy_from", {name_of(first.site) + " listens on " + address + " with other networks",
                                                "sites that share an address must agree on who sends a PROXY header"});
    }

    void check_metrics() {
        auto const& metrics = values_.metrics.listen;
        if (!metrics || !keys_.is_sound("metrics.listen")) return;
        auto const clashes = [&](bound const& one) { return overlaps(one.address, *metrics); };
        auto const found = std::find_if(listeners_.begin(), listeners_.end(), clashes);
        if (found == listeners_.end()) return;
        bool const is_given = keys_.has("metrics.listen");
        blame(is_given ? "metrics.listen" : found->path + ".address",
              {to_text(*metrics) + " is wanted by the metrics and by " + name_of(found->site),
               "set metrics.listen to another port, or to \"\""});
    }

    bool share_an_address(std::size_t a, std::size_t b) const {
        auto const is_shared = [&](bound const& one) {
            return one.site == a && std::any_of(listeners_.begin(), listeners_.end(), [&](bound const& other) {
                       return other.site == b && is_same(one.address, other.address);
                   });
        };
        return std::any_of(listeners_.begin(), listeners_.end(), is_shared);
    }

    /// HOST and SNI must mean one site. Hosts that were not written are the name.
    void check_hosts(std::size_t site) {
        auto const& hosts = values_.sites[site].hosts;
        for (std::size_t at = 0; at < hosts.size(); ++at) {
            bool const is_given = keys_.has(key_of(site, "hosts"));
            auto const path = is_given ? element(key_of(site, "hosts"), at) : key_of(site, "name");
            if (!keys_.is_sound(path)) continue;
            auto const end = hosts.begin() + static_cast<std::ptrdiff_t>(at);
            if (std::find(hosts.begin(), end, hosts[at]) != end)
                blame(path, {shown(hosts[at]) + " is named twice"});
            else
                check_host_elsewhere(site, hosts[at], path);
        }
    }

    void check_host_elsewhere(std::size_t site, std::string const& host, std::string const& path) {
        for (std::size_t other = 0; other < site; ++other) {
            auto const& theirs = values_.sites[other];
            bool const is_theirs = std::find(theirs.hosts.begin(), theirs.hosts.end(), host) != theirs.hosts.end();
            // Two sites of the same name are one fault, and it is the name's.
            if (!is_theirs || theirs.name == values_.sites[site].name || !share_an_address(other, site)) continue;
            return blame(path, {shown(host) + " already belongs to " + name_of(other) + " on the same address"});
        }
    }

    void check_passive_ports(std::size_t site) {
        auto const path = key_of(site, "data.passive_ports");
        auto const& range = values_.sites[site].data.passive_ports;
        if (!keys_.is_sound(path)) return;
        auto const& metrics = values_.metrics.listen;
        if (metrics && keys_.is_sound("metrics.listen") && contains(range, metrics->port))
            blame(path, {"the range contains metrics.listen, " + to_text(*metrics)});
        for (auto const& one : listeners_)
            if (contains(range, one.address.port))
                blame(path, {"the range contains " + one.path + ", " + to_text(one.address)});
    }

    /// Where the address of a server stands: the element itself, or in its table.
    std::string path_of_server(std::size_t site, std::size_t at) const {
        auto path = element(key_of(site, "backend.servers"), at);
        auto const inside = join(path, "address");
        return keys_.has(inside) ? inside : path;
    }

    void check_servers(std::size_t site) {
        auto const& servers = values_.sites[site].backend.servers;
        for (std::size_t at = 0; at < servers.size(); ++at) {
            auto const path = path_of_server(site, at);
            if (!keys_.is_sound(path)) continue;
            auto const& wanted = servers[at].address;
            auto const end = servers.begin() + static_cast<std::ptrdiff_t>(at);
            if (std::any_of(servers.begin(), end, [&](auto const& other) { return other.address == wanted; }))
                blame(path, {to_text(wanted) + " is named twice"});
            auto const is_reached = [&](bound const& one) { return leads_to(wanted, one.address); };
            auto const loop = std::find_if(listeners_.begin(), listeners_.end(), is_reached);
            if (loop != listeners_.end()) blame(path, {"the gate would connect to itself, " + loop->path});
        }
    }

    void check_source_address(std::size_t site) {
        auto const& backend = values_.sites[site].backend;
        auto const& source = backend.source_address;
        if (source.empty() || !keys_.is_sound(key_of(site, "backend.source_address"))) return;
        for (std::size_t at = 0; at < backend.servers.size(); ++at) {
            auto const& host = backend.servers[at].address.host;
            auto const path = path_of_server(site, at);
            bool const differs = is_ipv6(source) ? is_ipv4(host) : is_ipv6(host);
            if (keys_.is_sound(path) && differs)
                blame(path, {to_text(backend.servers[at].address) + " cannot be reached from source_address " + source,
                             "one is IPv4, the other IPv6"});
        }
    }

    settings const& values_;
    key_index const& keys_;
    std::vector<bound> listeners_;
    problems faults_;
};

}  // namespace

problems validate_addresses(settings const& values, key_index const& keys) {
    return address_rules(values, keys).check();
}

}  // namespace ftpsgate::config
