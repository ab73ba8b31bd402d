// <bindings> of IIS: addresses, ports and host names, "*:21:ftp.example.com", and what has to be settled where sites
// share an address.
#pragma once

#include "config/iis_sites.hpp"

namespace ftpsgate::config {

/// Into `listeners` and `hosts` of the site; what is no address becomes a note. False: there is no FTP binding.
bool read_iis_bindings(xml_element const* bindings, iis_site& site);

/// Order of sites and host names, among all sites. A site without host names gets one.
void settle_iis_addresses(std::vector<iis_site>& sites);

}  // namespace ftpsgate::config
