// RFC 4514 section 3, with what RFC 2253 section 4 allows: quotes, spaces around separators, "OID." in front of types.
#include "policy/attribute_types.hpp"
#include "policy/certificate_text.hpp"
#include "policy/name_pattern.hpp"

#include <algorithm>
#include <optional>

namespace ftpsgate::policy {

namespace {

constexpr std::string_view escapable = " \"#+,;<=>\\*";

std::optional<std::uint8_t> hex_digit(char c) {
    if (c >= '0' && c <= '9') return static_cast<std::uint8_t>(c - '0');
    if (c >= 'a' && c <= 'f') return static_cast<std::uint8_t>(c - 'a' + 10);
    if (c >= 'A' && c <= 'F') return static_cast<std::uint8_t>(c - 'A' + 10);
    return std::nullopt;
}

/// Each take_...() reads one piece and says whether it was sound; the first fault stays.
class pattern_parser {
public:
    explicit pattern_parser(std::string_view text) : text_(text) {}

    bool take_name(std::vector<name_pattern::rdn>& into) {
        skip_spaces();
        if (at_end()) return blame("it is empty", at_);
        do {
            name_pattern::rdn rdn;
            do {
                if (!take_attribute(rdn)) return false;
            } while (take('+'));
            into.push_back(std::move(rdn));
        } while (take(','));
        return at_end() || blame(misplaced(), at_);
    }
    config::complaint const& fault() const { return fault_; }

private:
    bool at_end() const { return at_ == text_.size(); }
    char here() const { return at_end() ? '\0' : text_[at_]; }
    bool take(char wanted) {
        if (at_end() || here() != wanted) return false;
        ++at_;
        return true;
    }
    void skip_spaces() {
        while (!at_end() && here() == ' ')
            ++at_;
    }
    bool blame(std::string const& what, std::size_t where, std::string hint = {}) {
        fault_ = {what + ", at character " + std::to_string(where + 1), std::move(hint)};
        return false;
    }
    // What may not stand in a value as it is.
    std::string misplaced() const {
        return config::shown(text_.substr(at_, 1)) + " has to be written with a backslash before it";
    }

    bool take_attribute(name_pattern::rdn& into) {
        std::string type;
        if (!take_type(type)) return false;
        auto const start = at_;
        std::vector<std::string> literals{""};
        if (!take_value(literals)) return false;
        if (!check_value(literals, start)) return false;
        if (std::any_of(into.begin(), into.end(), [&](auto const& each) { return each.type == type; }))
            return blame("an RDN has each type only once", start);
        auto written = text_.substr(start, at_ - start);
        while (written.ends_with(' ') && !written.ends_with("\\ "))
            written.remove_suffix(1);
        into.push_back({std::move(type), std::string(written), wildcard(literals)});
        return true;
    }

    bool take_type(std::string& type) {
        skip_spaces();
        auto const start = at_;
        at_ = std::min(text_.find_first_of("=,+ ", at_), text_.size());
        auto const name = text_.substr(start, at_ - start);
        skip_spaces();
        if (name.empty()) return blame("an attribute like CN=name is missing", start);
        if (!take('=')) return blame("there is no '=' behind " + config::shown(name), at_);
        skip_spaces();
        auto const oid = parse_attribute_type(name);
        if (!oid) return blame(oid.fault().message, start, oid.fault().hint);
        type = *oid;
        return true;
    }

    bool take_value(std::vector<std::string>& literals) {
        bool const is_special = here() == '#' || here() == '"';
        if (!is_special) return take_string(literals);
        bool const taken = take('#') ? take_hex(literals.back()) : take_quoted(literals);
        if (!taken) return false;
        skip_spaces();
        bool const is_whole = at_end() || here() == ',' || here() == '+';
        return is_whole || blame("there is more behind the value", at_);
    }

    bool take_string(std::vector<std::string>& literals) {
        std::size_t spaces = 0;  // at the end, not escaped
        while (!at_end() && here() != ',' && here() != '+') {
            if (std::string_view("\";<>").find(here()) != std::string_view::npos) return blame(misplaced(), at_);
            spaces = here() == ' ' ? spaces + 1 : 0;
            if (!take_character(literals)) return false;
        }
        literals.back().resize(literals.back().size() - spaces);
        return true;
    }

    bool take_quoted(std::vector<std::string>& literals) {
        auto const start = at_;
        ++at_;
        while (!take('"')) {
            if (at_end()) return blame("the quotes are not closed", start);
            if (!take_character(literals)) return false;
        }
        return true;
    }

    // A byte, an escaped one, or a star.
    bool take_character(std::vector<std::string>& literals) {
        if (take('*')) {
            literals.emplace_back();
            return true;
        }
        if (here() == '\\') return take_escaped(literals.back());
        literals.back() += text_[at_++];
        return true;
    }

    bool take_escaped(std::string& into) {
        auto const start = at_++;
        if (take_hex_pair(into)) return true;
        if (at_end() || escapable.find(here()) == std::string_view::npos)
            return blame("behind a backslash there are two hex digits or one of " + std::string(escapable.substr(1)),
                         start);
        into += text_[at_++];
        return true;
    }

    bool take_hex_pair(std::string& into) {
        if (text_.size() - at_ < 2) return false;
        auto const high = hex_digit(text_[at_]), low = hex_digit(text_[at_ + 1]);
        if (!high || !low) return false;
        into += static_cast<char>(*high * 16 + *low);
        at_ += 2;
        return true;
    }

    // "#0C04616E6E61" is the DER of a string: no wildcards in it.
    bool take_hex(std::string& value) {
        auto const start = at_ - 1;
        std::string der;
        while (take_hex_pair(der)) {
        }
        CBS all, content;
        unsigned tag = 0;
        CBS_init(&all, reinterpret_cast<std::uint8_t const*>(der.data()), der.size());
        if (CBS_get_any_asn1(&all, &content, &tag) != 1 || CBS_len(&all) != 0)
            return blame("'#' begins a value in DER, and this is none", start);
        auto decoded = decode_text(tag, {CBS_data(&content), CBS_len(&content)});
        if (!decoded.flaw.empty())
            return blame("the value in DER " + std::string(decoded.flaw) + ", and only strings are compared", start);
        value = std::move(decoded.text);
        return true;
    }

    // What no certificate that is accepted can have in it would never match.
    bool check_value(std::vector<std::string> const& literals, std::size_t start) {
        std::string shortest = literals.front();
        for (std::size_t i = 1; i < literals.size(); ++i)
            shortest += "*" + literals[i];
        if (shortest.empty()) return blame("the value is empty", start, "'*' is any");
        auto const flaw = flaw_of(shortest);
        return flaw.empty() || blame("no certificate would match, as the value " + std::string(flaw), start);
    }

    std::string_view text_;
    std::size_t at_ = 0;
    config::complaint fault_;
};

}  // namespace

config::parsed<name_pattern> name_pattern::parse(std::string_view text) {
    pattern_parser parser(text);
    std::vector<rdn> rdns;
    if (!parser.take_name(rdns)) return parser.fault();
    return name_pattern(std::move(rdns));
}

}  // namespace ftpsgate::policy
