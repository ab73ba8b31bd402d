// The sections of a site that say who logs in at the backend; load.cpp has the others.
#pragma once

#include "config/toml_reader.hpp"

namespace ftpsgate::config {

void read_authentication(section& in, authentication_settings& out);
void read_identity_rule(section& in, identity_rule_settings& out);
void read_active_directory(section& in, active_directory_settings& out);

}  // namespace ftpsgate::config
