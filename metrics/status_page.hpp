// The status page: one HTML document that needs nothing else, for whoever is woken at night, on whatever screen. What
// is wrong comes first, in words; marks and colours only repeat it.
//
// No script. The style is allowed by a nonce, everything else is forbidden by the Content-Security-Policy.
#pragma once

#include "metrics/exposer.hpp"
#include "metrics/status.hpp"

#include <chrono>

namespace ftpsgate::metrics {

inline constexpr std::chrono::seconds refresh_pause{5};
/// A certificate that has less than this is something to see to; a CRL is made anew far more often.
inline constexpr std::chrono::hours certificate_notice{14 * 24};
inline constexpr std::chrono::hours crl_notice{1};

html_page render_status(status const& what, refreshing mode);

}  // namespace ftpsgate::metrics
