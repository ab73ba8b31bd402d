// What the status page shows of the snapshot in force: sites, backends, certificates, CRLs. Sessions come from the
// workers (session_walk), refusals from recent_refusals.
#pragma once

#include "metrics/metrics.hpp"
#include "metrics/status.hpp"
#include "proxy/runtime.hpp"

#include <vector>

namespace ftpsgate::proxy {

/// Without listeners and rates, which are the server's.
std::vector<metrics::site_row> sites_of(runtime const& snapshot, metrics::wall_time now);
/// What expires first comes first.
std::vector<metrics::expiry_row> expiries_of(runtime const& snapshot);
metrics::present_state present_state_of(runtime const& snapshot);

}  // namespace ftpsgate::proxy
