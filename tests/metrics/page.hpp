// Reading the exposed page: the value of one series, the families with their types.
#pragma once

#include <map>
#include <optional>
#include <sstream>
#include <string>

namespace ftpsgate::metrics::test {

/// series as the page spells it, labels in alphabetic order: name{a="x",b="y"}
inline std::optional<double> value_of(std::string const& page, std::string const& series) {
    std::istringstream lines(page);
    for (std::string line; std::getline(lines, line);)
        if (line.rfind(series + " ", 0) == 0) return std::stod(line.substr(series.size() + 1));
    return std::nullopt;
}

inline std::size_t series_count(std::string const& page) {
    std::istringstream lines(page);
    std::size_t count = 0;
    for (std::string line; std::getline(lines, line);)
        count += !line.empty() && line.front() != '#';
    return count;
}

/// Comment lines "# TYPE name rest" or "# HELP name rest" as name -> rest.
inline std::map<std::string, std::string> comments(std::string const& page, std::string const& word) {
    std::map<std::string, std::string> found;
    std::istringstream lines(page);
    for (std::string line; std::getline(lines, line);) {
        auto const start = "# " + word + " ";
        if (line.rfind(start, 0) != 0) continue;
        auto const space = line.find(' ', start.size());
        found[line.substr(start.size(), space - start.size())] = line.substr(space + 1);
    }
    return found;
}

}  // namespace ftpsgate::metrics::test
