#include "metrics/spoken.hpp"

#include <array>
#include <cmath>
#include <cstdio>
#include <ctime>
#include <string_view>

namespace ftpsgate::metrics {

namespace {

using namespace std::chrono_literals;

template <typename... Values>
std::string printed(char const* format, Values... values) {
    std::array<char, 48> buffer{};
    std::snprintf(buffer.data(), buffer.size(), format, values...);
    return buffer.data();
}

std::string in_utc(wall_time when, char const* format) {
    auto const seconds = std::chrono::system_clock::to_time_t(when);
    std::tm parts{};
    std::array<char, 48> buffer{};
    if (gmtime_r(&seconds, &parts) == nullptr) return "?";
    std::strftime(buffer.data(), buffer.size(), format, &parts);
    return buffer.data();
}

}  // namespace

std::string spoken(std::chrono::seconds span) {
    long long const total = span.count() < 0 ? 0 : span.count();
    if (total < 60) return printed("%lld s", total);
    if (total < 3600) return printed("%lld min %lld s", total / 60, total % 60);
    if (total < 86400) return printed("%lld h %lld min", total / 3600, total % 3600 / 60);
    return printed("%lld d %lld h", total / 86400, total % 86400 / 3600);
}

std::string spoken_bytes(double count) {
    static constexpr std::array units{"B", "KiB", "MiB", "GiB", "TiB", "PiB"};
    std::size_t unit = 0;
    while (count >= 1024 && unit + 1 < units.size()) {
        count /= 1024;
        ++unit;
    }
    return printed(unit == 0 || count >= 100 ? "%.0f %s" : "%.1f %s", count, units.at(unit));
}

std::string spoken_rate(double per_second) {
    if (per_second <= 0) return "0";
    if (per_second < 0.005) return "under 0.01";
    return printed(per_second < 1 ? "%.2f" : per_second < 100 ? "%.1f" : "%.0f", per_second);
}

std::string spoken_date(wall_time when) {
    return in_utc(when, "%Y-%m-%d %H:%M UTC");
}

std::string spoken_time_of_day(wall_time when) {
    return in_utc(when, "%H:%M:%S UTC");
}

std::string spoken_distance(std::chrono::seconds from_now) {
    auto const span = from_now < 0s ? -from_now : from_now;
    auto const days = span / 24h;
    auto const amount = days >= 2 ? printed("%lld days", static_cast<long long>(days)) : spoken(span);
    return from_now < 0s ? amount + " ago" : "in " + amount;
}

}  // namespace ftpsgate::metrics
