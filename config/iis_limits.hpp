// The rest of an FTP site that has a counterpart: listeners, banner, backend, data connections, limits and commands.
#pragma once

#include "config/iis_draft.hpp"

namespace ftpsgate::config {

/// Where passive ports may not be.
struct taken_ports {
    std::vector<std::uint16_t> sorted;
};

/// [[site]] itself.
void write_iis_site(site_draft& draft);

/// [site.backend], [site.data], [site.limits], [site.commands].
void write_iis_limits(site_draft& draft, taken_ports const& taken);

}  // namespace ftpsgate::config
