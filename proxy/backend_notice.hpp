// How a backend's change of state is written down, whoever noticed it.
#pragma once

#include "proxy/backend_health.hpp"
#include "proxy/log.hpp"

#include <optional>
#include <string_view>

namespace ftpsgate::proxy {

inline void log_change(event_log& log, std::string_view site, std::string_view backend,
                       std::optional<backend_health::change> const& change) {
    if (!change) return;
    log_line(log, change->up ? level::info : level::error, change->up ? "backend_up" : "backend_down")
        .field("site", site)
        .field("backend", backend)
        .field("reason", change->reason);
}

}  // namespace ftpsgate::proxy
