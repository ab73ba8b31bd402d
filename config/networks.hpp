// Address blocks, and where URLs may lead: "10.0.0.0/8", "crl.plant.example:8080" -> the values of settings.hpp, which
// also has ip_network::contains. Pure.
#pragma once

#include "config/settings.hpp"
#include "config/units.hpp"

#include <string_view>

namespace ftpsgate::config {

/// "10.0.0.0/8", "fd00::/8", or an address alone, which is a network of one. Bits behind the prefix must be zero.
parsed<ip_network> parse_network(std::string_view text);

/// NETWORK, NAME, "NETWORK:PORT", "NAME:PORT" or "[NETWORK]:PORT" (IPv6, as "[fd00::/8]:80" or "[fd00::]/8:80").
parsed<url_permission> parse_url_permission(std::string_view text);

}  // namespace ftpsgate::config
