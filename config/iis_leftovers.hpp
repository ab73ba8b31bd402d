// Every section, element and attribute of IIS' FTP service that there is, and what becomes of it. What the gate has no
// counterpart for is left out, unless the gate does the same anyway; what is unknown here too.
#pragma once

#include "config/iis_draft.hpp"

namespace ftpsgate::config {

void leave_out_the_rest(site_draft& draft);

}  // namespace ftpsgate::config
