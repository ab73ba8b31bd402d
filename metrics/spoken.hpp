// Amounts as people say them: "3 d 4 h", "1.5 MiB", "2026-11-28 08:55:05 UTC".
#pragma once

#include "metrics/status.hpp"

#include <chrono>
#include <cstdint>
#include <string>

namespace ftpsgate::metrics {

std::string spoken(std::chrono::seconds span);   ///< the two largest units: "41 s", "3 min 20 s", "2 d 7 h"
std::string spoken_bytes(double count);          ///< "0 B", "999 B", "1.5 MiB"
std::string spoken_rate(double per_second);      ///< "0", "0.02", "4.1", "230"
std::string spoken_date(wall_time when);         ///< "2026-11-28 08:55 UTC"
std::string spoken_time_of_day(wall_time when);  ///< "08:55:05 UTC"
/// "in 12 days", "in 5 h", "3 days ago"
std::string spoken_distance(std::chrono::seconds from_now);

}  // namespace ftpsgate::metrics
