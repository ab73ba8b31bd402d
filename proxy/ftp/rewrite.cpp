#include "proxy/ftp/rewrite.hpp"

#include <algorithm>
#include <iterator>
#include <optional>
#include <utility>

namespace ftpsgate::ftp {
namespace {

constexpr std::size_t longest_feature = 128;
constexpr std::size_t most_features = 64;
constexpr std::string_view blanks = " \t";

char upper(char byte) {
    return byte >= 'a' && byte <= 'z' ? static_cast<char>(byte - 'a' + 'A') : byte;
}

char lower(char byte) {
    return byte >= 'A' && byte <= 'Z' ? static_cast<char>(byte - 'A' + 'a') : byte;
}

bool same_letter(char left, char right) {
    return upper(left) == upper(right);
}

bool same_text(std::string_view left, std::string_view right) {
    return std::equal(left.begin(), left.end(), right.begin(), right.end(), same_letter);
}

std::string_view trimmed(std::string_view text) {
    std::size_t const begin = text.find_first_not_of(blanks);
    if (begin == std::string_view::npos) return {};
    return text.substr(begin, text.find_last_not_of(blanks) - begin + 1);
}

std::string_view first_word(std::string_view text) {
    return text.substr(0, text.find_first_of(blanks));
}

std::string_view behind_first_word(std::string_view text) {
    return trimmed(text.substr(first_word(text).size()));
}

template <std::size_t Count>
bool is_one_of(std::string_view word, std::string_view const (&list)[Count]) {
    return std::any_of(std::begin(list), std::end(list), [&](std::string_view each) { return same_text(each, word); });
}

// What a backend may offer through the gate: verbs of the table and words that are no verbs. EPSV, EPRT, PASV, AUTH,
// PBSZ, PROT, CCC and HOST are absent because the gate offers its own or none (B-094); whatever is not known may open
// a data connection or change the login.
constexpr std::string_view harmless[] = {
    "SIZE", "MDTM", "MLST", "MLSD", "REST", "TVFS", "UTF8", "MFMT",  "MFCT",    "MFF",     "LANG",
    "HASH", "RANG", "XCRC", "XMD5", "XSHA", "MD5",  "MMD5", "XSHA1", "XSHA256", "XSHA512", "AVBL",
    "CLNT", "CSID", "DSIZ", "THMB", "COMB", "PRET", "STAT", "SMNT",  "MODE",    "SITE",
};

// Commands that copy or run what the client's own verbs could not reach, or change a password (B-106).
constexpr std::string_view denied_site[] = {"EXEC", "CPFR", "CPTO", "PSWD"};

// "SITE MKDIR;SITE CPFR" without what the gate denies; nothing when nothing is left.
std::optional<std::string> allowed_site(std::string_view line) {
    std::string kept;
    std::string_view rest = behind_first_word(line);
    while (!rest.empty()) {
        std::size_t const end = std::min(rest.find(';'), rest.size());
        std::string_view const element = trimmed(rest.substr(0, end));
        rest.remove_prefix(std::min(end + 1, rest.size()));
        std::string_view word = first_word(element);
        if (same_text(word, "SITE")) word = first_word(behind_first_word(element));
        if (word.empty() || is_one_of(word, denied_site)) continue;
        kept += kept.empty() ? "" : ";";
        kept += element;
    }
    if (kept.empty()) return std::nullopt;
    return "SITE " + kept;
}

// Lists of facts are cut between two of them, so that no half name is offered.
std::string shortened(std::string line) {
    if (line.size() <= longest_feature) return line;
    std::size_t const end = line.rfind(';', longest_feature - 1);
    line.resize(end == std::string::npos ? longest_feature : end + 1);
    return line;
}

std::optional<std::string> offered(std::string_view backend_line) {
    std::string const line = without_controls(trimmed(backend_line));
    std::string_view const word = first_word(line);
    if (!is_one_of(word, harmless)) return std::nullopt;
    if (same_text(word, "SITE")) return allowed_site(line);
    // Other modes keep the data connection open and mark its end in band (B-107).
    if (same_text(word, "MODE") && !same_text(behind_first_word(line), "Z")) return std::nullopt;
    return line;
}

class feature_list {
public:
    void add(std::string_view feature) {
        bool const known = std::any_of(features_.begin(), features_.end(),
                                       [&](std::string const& each) { return same_text(each, feature); });
        if (!known && features_.size() < most_features) features_.emplace_back(feature);
    }
    void add_if(bool wanted, std::string_view feature) {
        if (wanted) add(feature);
    }
    reply as_reply() const {
        reply made(211, "Features:");
        for (auto const& each : features_)
            made.lines.push_back(' ' + each);  // exactly one space (RFC 2389)
        made.lines.emplace_back("End");
        return made;
    }

private:
    std::vector<std::string> features_;
};

// Which bytes next to a match make it a part of another address or name.
struct neighbours {
    enum class kind { decimal, hexadecimal, name };

    kind part = kind::name;
    char joint = '.';  ///< continues the address when a part follows it

    explicit neighbours(std::string_view name) {
        if (name.find(':') != std::string_view::npos) {
            part = kind::hexadecimal;
            joint = ':';
        } else if (name.find_first_not_of("0123456789.,") == std::string_view::npos) {
            // "10,0,0,5,7,229" holds the address 10.0.0.5: a comma joins nothing.
            part = kind::decimal;
        }
    }

    bool is_part(char byte) const {
        bool const digit = byte >= '0' && byte <= '9';
        char const letter = upper(byte);
        switch (part) {
            case kind::decimal: return digit;
            case kind::hexadecimal: return digit || (letter >= 'A' && letter <= 'F');
            case kind::name: return digit || (letter >= 'A' && letter <= 'Z') || byte == '-' || byte == '_';
        }
        return false;
    }

    /// `outwards` are the one or two bytes next to the match, the nearer first.
    bool continue_it(char nearer, char farther) const {
        // "10,0,0,5,7,229": the port that follows in this form does not make it another address.
        return is_part(nearer) || (joint != ',' && nearer == joint && is_part(farther));
    }
};

char byte_at(std::string_view text, std::size_t at) {
    return at < text.size() ? text[at] : '\0';
}

bool is_whole(std::string_view text, std::size_t at, std::size_t length, neighbours const& around) {
    std::size_t const end = at + length;
    // at - 1 and at - 2 wrap to positions beyond the text, which byte_at takes for its end.
    return !around.continue_it(byte_at(text, at - 1), byte_at(text, at - 2)) &&
           !around.continue_it(byte_at(text, end), byte_at(text, end + 1));
}

// Where a name may begin, one place after the other: most replies have none, and are looked through as fast as memory.
class beginnings {
public:
    beginnings(std::string_view text, char first)
        : text_(text), upper_{upper(first), text.find(upper(first))}, lower_{lower(first), text.find(lower(first))} {}

    /// The first one at `from` or behind it; npos = none. `from` never goes back.
    std::size_t next(std::size_t from) {
        for (auto* const one : {&upper_, &lower_})
            if (one->at < from) one->at = text_.find(one->letter, from);
        return std::min(upper_.at, lower_.at);
    }

private:
    struct occurrence {
        char letter;
        std::size_t at;
    };

    std::string_view text_;
    occurrence upper_, lower_;
};

std::string replaced(std::string text, std::string_view name, std::string_view instead) {
    neighbours const around(name);
    beginnings places(text, name.front());
    std::string out;
    std::size_t copied = 0;
    for (std::size_t at = places.next(0); at != std::string::npos;) {
        bool const is_it =
            same_text(std::string_view(text).substr(at, name.size()), name) && is_whole(text, at, name.size(), around);
        if (is_it) {
            out.append(text, copied, at - copied).append(instead);
            copied = at + name.size();
        }
        at = places.next(is_it ? copied : at + 1);
    }
    return copied == 0 ? std::move(text) : out.append(text, copied, std::string::npos);
}

// Behind the quote that ends what begins at `at`; a quote within is doubled (RFC 959 appendix II).
std::size_t end_of_quoted(std::string_view line, std::size_t at) {
    if (at >= line.size()) return line.size();
    for (++at; at < line.size(); ++at) {
        if (line[at] != '"') continue;
        if (at + 1 == line.size() || line[at + 1] != '"') return at + 1;
        ++at;
    }
    return line.size();
}

std::string without(std::string line, std::vector<std::string> const& names, std::string_view instead) {
    for (auto const& name : names)
        if (!name.empty() && name.size() <= line.size()) line = replaced(std::move(line), name, instead);
    return line;
}

}  // namespace

std::vector<std::string> features_of(reply const& feat) {
    std::vector<std::string> features;
    if (feat.code != 211) return features;
    for (std::size_t i = 1; i + 1 < feat.lines.size(); ++i) {
        std::string_view line = feat.lines[i];
        if (line.substr(0, 4) == "211-") line.remove_prefix(4);  // servers that prefix every line
        line = trimmed(line);
        if (!line.empty() && line != "211") features.emplace_back(line);
    }
    return features;
}

reply merge_features(std::vector<std::string> const& backend, own_features const& own) {
    feature_list features;  // the gate's own first: they are never what the limit cuts off
    features.add_if(own.tls, "AUTH TLS");
    features.add_if(own.tls && own.ccc, "CCC");
    features.add_if(own.active, "EPRT");
    features.add("EPSV");
    features.add_if(own.host, "HOST");
    features.add("PASV");
    features.add_if(own.tls, "PBSZ");
    features.add_if(own.tls, "PROT");
    for (auto const& line : backend) {
        if (auto const feature = offered(line)) features.add(shortened(*feature));
    }
    return features.as_reply();
}

void hide_addresses(reply& answer, std::vector<std::string> const& names, std::string_view instead) {
    for (auto& line : answer.lines)
        line = without(std::move(line), names, instead);
}

void hide_addresses_around_path(reply& answer, std::vector<std::string> const& names, std::string_view instead) {
    // Facts and listings between the first and the last line are the backend's, byte for byte (B-241).
    for (std::size_t i = 0; i < answer.lines.size(); ++i) {
        if (i != 0 && i + 1 != answer.lines.size()) continue;
        auto& line = answer.lines[i];
        auto const begin = answer.code == 257 ? std::min(line.find('"'), line.size()) : line.size();
        auto const end = end_of_quoted(line, begin);
        line = without(line.substr(0, begin), names, instead) + line.substr(begin, end - begin) +
               without(line.substr(end), names, instead);
    }
}

bool may_be_shown(int code) {
    if (code < 100 || code > 599) return false;  // 63x among them
    switch (code) {
        case 232:
        case 234:
        case 235:
        case 334:
        case 335:
        case 336: return false;
        default: return true;
    }
}

}  // namespace ftpsgate::ftp
