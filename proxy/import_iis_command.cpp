#include "proxy/import_iis_command.hpp"

#include "config/iis_import.hpp"
#include "config/iis_xml.hpp"
#include "config/read_file.hpp"

namespace ftpsgate::proxy {

namespace {

constexpr int carried_over = 0;
constexpr int unreadable = 2;
constexpr int left_out = 3;

std::string lines(config::problems const& problems, std::string_view severity) {
    std::string text;
    for (auto const& one : problems)
        text += config::render(one, severity) + "\n";
    return text;
}

}  // namespace

import_answer import_iis_file(std::string const& file) {
    auto const content = config::read_file(file, config::largest_iis_file);
    if (!content) return {unreadable, "", lines({{{file, 0, 0}, "", content.fault().message, ""}}, "error")};
    auto const result = config::import_iis(*content, file);
    if (!result.faults.empty()) return {unreadable, "", lines(result.faults, "error")};
    int const status = result.left_out.empty() ? carried_over : left_out;
    return {status, result.toml, lines(result.left_out, "warning")};
}

}  // namespace ftpsgate::proxy
