#include "proxy/transfer_log.hpp"

#include "proxy/log_escape.hpp"

#include <ctime>

namespace ftpsgate::proxy {

namespace {

// "Sat Nov 28 10:21:07 2026", with English names whatever the locale is.
std::string local_time(std::chrono::system_clock::time_point at) {
    static constexpr char const* days[]{"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
    static constexpr char const* months[]{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                          "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    std::time_t const seconds = std::chrono::system_clock::to_time_t(at);
    std::tm parts{};
    ::localtime_r(&seconds, &parts);
    char rest[32];
    std::strftime(rest, sizeof rest, "%d %H:%M:%S %Y", &parts);
    return std::string(days[parts.tm_wday]) + ' ' + months[parts.tm_mon] + ' ' + rest;
}

}  // namespace

std::string render(transfer_record const& record) {
    auto const seconds = std::chrono::ceil<std::chrono::seconds>(record.took).count();
    std::string line = local_time(record.at) + ' ' + std::to_string(seconds) + ' ';
    append_name(line, record.client);
    line += ' ' + std::to_string(record.bytes) + ' ';
    append_name(line, record.path);
    line += record.as == transfer_record::form::ascii ? " a _ " : " b _ ";
    line += record.direction == transfer_record::way::upload ? "i r " : "o r ";
    append_name(line, record.user);
    line += record.ended == transfer_record::end::complete ? " ftp 0 * c\n" : " ftp 0 * i\n";
    return line;
}

void transfer_log::write(transfer_record const& record) noexcept try {
    if (is_wanted()) file_.write(render(record));
} catch (...) {  // no memory for one line of a log is no reason to end anything
}

}  // namespace ftpsgate::proxy
