// The FTP sites of an applicationHost.config: their settings in layers, and what must be unique among them: names, host
// names, addresses. Nothing here knows what the settings mean.
#pragma once

#include "config/iis_layers.hpp"
#include "config/settings.hpp"

#include <string>
#include <vector>

namespace ftpsgate::config {

/// Where in the TOML something belongs; in the order of the file.
enum class toml_place {
    head,
    log,
    metrics,
    site,
    ssl,
    client_certificates,
    authentication,
    identity,
    active_directory,
    backend,
    data,
    limits,
    commands
};

/// What is left out or changed, in words.
struct iis_note {
    toml_place place;
    text_place where;
    std::string message;
};

struct iis_listener {
    endpoint address;
    bool takes_any_host;  ///< a binding without host name
    text_place where;
};

struct iis_site {
    xml_element const* element;
    iis_layers layers;
    std::string name;                     ///< unique, fit for `name`
    std::string stem;                     ///< unique, a host name; for names of files
    std::vector<iis_listener> listeners;  ///< no address twice
    std::vector<std::string> hosts;       ///< at least one; none belongs to another site on the same address
    std::vector<iis_note> notes;
};

/// In an order in which the first of those that share an address is the one that IIS would give a client to that names
/// no host. `root` must outlive them.
std::vector<iis_site> read_iis_sites(xml_element const& root);

/// <configuration>, or a part of it as appcmd prints it: <system.applicationHost>, <sites>, <site>.
bool is_iis_root(std::string_view name);

}  // namespace ftpsgate::config
