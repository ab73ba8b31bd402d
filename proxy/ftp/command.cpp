#include "proxy/ftp/command.hpp"

#include "proxy/ftp/text.hpp"

#include <algorithm>
#include <iterator>

namespace ftpsgate::ftp {
namespace {

constexpr std::size_t longest_name = 16;
constexpr std::size_t longest_log = 256;
constexpr std::string_view hidden = " ****";

bool is_printable(char byte) {
    return byte > ' ' && byte <= '~';
}

command malformed() {
    command made;
    made.row = &row_of(verb::unknown);
    made.malformed = true;
    return made;
}

// One letter too much, too few, wrong, or two exchanged.
bool is_mistyped(std::string_view name, std::string_view meant) {
    while (!name.empty() && !meant.empty() && name.front() == meant.front()) {
        name.remove_prefix(1);
        meant.remove_prefix(1);
    }
    while (!name.empty() && !meant.empty() && name.back() == meant.back()) {
        name.remove_suffix(1);
        meant.remove_suffix(1);
    }
    if (name.size() == 2 && meant.size() == 2) return name[0] == meant[1] && name[1] == meant[0];
    return name.size() <= 1 && meant.size() <= 1;
}

// Secrets hide behind slips of the fingers, too: "PAS x", "PSAS x", "PASSx".
bool resembles_secret(std::string_view name) {
    return name.substr(0, 3) == "PAS" || is_mistyped(name, "PASS") || is_mistyped(name, "ACCT");
}

// SITE PSWD, CPWD, GPASS, CHPASS and whatever else servers call it, and SITE AUTH, curl's alternative to USER.
bool is_secret_site(command const& what) {
    std::size_t const begin = std::min(what.argument.find_first_not_of(" \t"), what.argument.size());
    std::string const word = upper(what.argument.substr(begin, what.argument.find_first_of(" \t", begin) - begin));
    static constexpr std::string_view parts[] = {"PSW", "PASS", "PWD", "AUTH"};
    return std::any_of(std::begin(parts), std::end(parts),
                       [&](std::string_view part) { return word.find(part) != std::string::npos; });
}

bool hides_argument(command const& what) {
    if (what.row->secret) return true;
    if (what.id() == verb::site) return is_secret_site(what);
    return what.id() == verb::unknown && resembles_secret(what.name);
}

// All but printable ASCII as \xHH: a terminal takes 0x9b for an escape sequence, and cut UTF-8 spoils a JSON log.
std::string escaped(char byte) {
    static constexpr char digits[] = "0123456789abcdef";
    if (byte == '\\') return "\\\\";
    if (byte == ' ' || is_printable(byte)) return {byte};
    auto const value = static_cast<unsigned char>(byte);
    return {'\\', 'x', digits[value >> 4], digits[value & 15]};
}

std::string capped(std::string out, std::string_view text) {
    static constexpr std::string_view more = "...";
    std::size_t cut = out.size();  // the last whole character behind which `more` fits
    for (char const byte : text) {
        if (out.size() + more.size() <= longest_log) cut = out.size();
        out += escaped(byte);
        if (out.size() > longest_log) return out.replace(cut, out.npos, more);
    }
    return out;
}

// Some clients send the bytes of a Telnet synch in an order that leaves some of them before the verb; RFC 959 section
// 4.1.3 names the commands that a synch may precede.
std::string_view without_synch(std::string_view text) {
    std::string_view rest = text;
    while (!rest.empty() && static_cast<unsigned char>(rest.front()) >= 0xF0)
        rest.remove_prefix(1);
    std::string const name = upper(rest.substr(0, rest.find(' ')));
    return name == "ABOR" || name == "STAT" || name == "QUIT" ? rest : text;
}

}  // namespace

command parse_command(std::string_view text) {
    text = without_synch(text);
    std::string_view const name = text.substr(0, text.find(' '));
    bool const usable = !name.empty() && name.size() <= longest_name;
    if (!usable || !std::all_of(name.begin(), name.end(), is_printable)) return malformed();
    command made;
    made.name = upper(name);
    made.row = &find_verb(made.name);
    if (name.size() < text.size()) made.argument = text.substr(name.size() + 1);
    return made;
}

std::string to_wire(std::string_view verb, std::string_view argument) {
    // Who calls this with such bytes has let a smuggled command through: rather nothing than two commands.
    static constexpr std::string_view cutting("\r\n\0", 3);
    if (verb.find_first_of(cutting) != std::string_view::npos) return {};
    if (argument.find_first_of(cutting) != std::string_view::npos) return {};

    std::string out;
    out.reserve(verb.size() + argument.size() + 3);
    out += verb;
    if (!argument.empty()) out += ' ';
    for (char const byte : argument) {
        if (byte == '\xff') out += byte;
        out += byte;
    }
    out += "\r\n";
    return out;  // moved: a copy of PASS would stay behind unwiped
}

std::string for_log(command const& what) {
    if (what.malformed) return "(malformed)";
    bool const may_hold_secret = what.id() == verb::unknown && what.name.substr(0, 4) == "PASS";
    std::string const name = may_hold_secret ? "PASS" : what.name;  // "PASSsecret"
    if (hides_argument(what)) return name + std::string(what.argument.empty() && !may_hold_secret ? "" : hidden);
    if (what.argument.empty()) return name;
    return capped(name + ' ', what.argument);
}

}  // namespace ftpsgate::ftp
