// Input: a byte of options, a name to hide and the text for it, each up to a NUL, then what the backend says to FEAT.
#include "proxy/ftp/rewrite.hpp"
#include "tests/fuzz/input.hpp"

#include <set>

using namespace ftpsgate;

namespace {

ftp::own_features own_from(std::uint8_t bits) {
    ftp::own_features own;
    own.tls = (bits & 1) != 0;
    own.ccc = (bits & 2) != 0;
    own.host = (bits & 4) != 0;
    own.active = (bits & 8) != 0;
    return own;
}

void check_merged(ftp::reply const& merged) {
    static std::set<std::string> const never{"SSCN", "CPSV", "ADAT", "MIC", "CONF", "ENC", "LPRT", "LPSV", "SPSV"};
    fuzz::require(merged.code == 211 && merged.lines.size() <= 66, "at most 64 features");
    std::set<std::string> seen;
    for (std::size_t i = 1; i + 1 < merged.lines.size(); ++i) {
        auto const& line = merged.lines[i];
        fuzz::require(line.size() <= 129 && line.size() > 1 && line[0] == ' ' && line[1] != ' ',
                      "one space, a feature");
        fuzz::require(ftp::without_controls(line) == line, "a feature holds no controls");
        fuzz::require(seen.insert(line).second, "no feature twice");
        fuzz::require(never.count(line.substr(1, line.find(' ', 1) - 1)) == 0, "no feature of B-094");
    }
}

void check_hidden(ftp::reply answer, std::string const& name, std::string_view instead) {
    std::size_t const count = answer.lines.size();
    ftp::hide_addresses(answer, {name}, instead);
    fuzz::require(answer.lines.size() == count, "no line is lost or won");
    if (name.empty() || !instead.empty()) return;
    for (auto const& line : answer.lines)
        fuzz::require(line != name, "a line that is the name is not left");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
    fuzz::input in(data, size);
    auto const own = own_from(in.byte());
    std::string const name(in.text());
    std::string_view const instead = in.text();
    ftp::reply_parser parser;
    parser.feed(in.rest());
    for (auto next = parser.next(); !std::holds_alternative<std::monostate>(next); next = parser.next()) {
        auto const* answer = std::get_if<ftp::reply>(&next);
        if (answer == nullptr) continue;
        check_merged(ftp::merge_features(ftp::features_of(*answer), own));
        check_merged(ftp::merge_features(answer->lines, own));  // lines that no parser has cleaned up
        check_hidden(*answer, name, instead);
        ftp::may_be_shown(answer->code);
    }
    check_merged(ftp::merge_features({std::string(in.rest())}, own));
    return 0;
}
