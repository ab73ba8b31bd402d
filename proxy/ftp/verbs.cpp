#include "proxy/ftp/verbs.hpp"

#include <array>
#include <cstddef>

namespace ftpsgate::ftp {
namespace {

constexpr auto gate = treatment::gate;
constexpr auto forward = treatment::forward;
constexpr auto transfer = treatment::transfer;
constexpr auto refuse = treatment::refuse;
constexpr auto none = argument::none;
constexpr auto optional = argument::optional;
constexpr auto required = argument::required;

// A row's words, set by the functions below so that the table reads like a sentence.
struct entry : verb_row {
    // CCC, ADAT, MIC, CONF and ENC are here although B-093 does not name them: they have answers of their own that do
    // not depend on the login (B-062, B-065, B-066), and none of them reaches a backend.
    constexpr entry early() const {
        entry copy = *this;
        copy.before_login = true;
        return copy;
    }
    constexpr entry clear() const {  // B-172
        entry copy = *this;
        copy.in_clear = true;
        return copy;
    }
    constexpr entry hidden() const {
        entry copy = *this;
        copy.secret = true;
        return copy;
    }
    constexpr entry with(verb leader) const {
        entry copy = *this;
        copy.group = leader;
        return copy;
    }
    constexpr entry moves(direction which) const {
        entry copy = *this;
        copy.data = which;
        return copy;
    }
};

constexpr entry row(verb id, std::string_view name, treatment how, argument arg) {
    entry made;
    made.id = id;
    made.name = name;
    made.how = how;
    made.arg = arg;
    made.group = id;
    return made;
}

// In the order of the enumeration. Refused verbs take any argument: 502 is the answer, not 501. MIC, CONF and ENC are
// hidden because a MIC is a readable PASS in base64 (RFC 2228 section 3).
constexpr entry table[] = {
    row(verb::unknown, "", refuse, optional),

    row(verb::auth, "AUTH", gate, required).early().clear(),
    row(verb::adat, "ADAT", gate, required).early().hidden(),
    row(verb::pbsz, "PBSZ", gate, required).early(),
    row(verb::prot, "PROT", gate, required).early(),
    row(verb::ccc, "CCC", gate, none).early(),
    row(verb::mic, "MIC", gate, required).early().hidden(),
    row(verb::conf, "CONF", gate, required).early().hidden(),
    row(verb::enc, "ENC", gate, required).early().hidden(),

    row(verb::user, "USER", gate, required).early(),
    row(verb::pass, "PASS", gate, optional).early().hidden(),  // an empty password is one
    row(verb::acct, "ACCT", gate, required).early().hidden(),
    row(verb::host, "HOST", gate, required).early().clear(),
    row(verb::rein, "REIN", gate, none).early(),
    row(verb::quit, "QUIT", gate, none).early().clear(),
    row(verb::feat, "FEAT", gate, none).early().clear(),
    row(verb::opts, "OPTS", gate, required).early().clear(),
    row(verb::help, "HELP", gate, optional).early().clear(),
    row(verb::noop, "NOOP", gate, none).early().clear(),
    row(verb::syst, "SYST", gate, none).early().clear(),
    row(verb::stat, "STAT", gate, optional).early(),  // with a path only after login: the machine's business
    row(verb::lang, "LANG", gate, optional).early(),
    row(verb::clnt, "CLNT", gate, required).early(),
    row(verb::csid, "CSID", forward, required),
    row(verb::abor, "ABOR", gate, none),

    row(verb::pasv, "PASV", gate, none),
    row(verb::epsv, "EPSV", gate, optional),
    row(verb::port, "PORT", gate, required),
    row(verb::eprt, "EPRT", gate, required),
    row(verb::pret, "PRET", gate, required),
    row(verb::p_at_sw, "P@SW", refuse, optional),
    row(verb::lpsv, "LPSV", refuse, optional),
    row(verb::lprt, "LPRT", refuse, optional),
    row(verb::spsv, "SPSV", refuse, optional),
    row(verb::xpsv, "XPSV", refuse, optional),
    row(verb::xprt, "XPRT", refuse, optional),
    row(verb::sscn, "SSCN", refuse, optional),
    row(verb::cpsv, "CPSV", refuse, optional),

    row(verb::retr, "RETR", transfer, required).moves(direction::download),
    row(verb::stor, "STOR", transfer, required).moves(direction::upload),
    row(verb::appe, "APPE", transfer, required).moves(direction::upload).with(verb::stor),
    row(verb::stou, "STOU", transfer, optional).moves(direction::upload).with(verb::stor),
    row(verb::list, "LIST", transfer, optional).moves(direction::listing),
    row(verb::nlst, "NLST", transfer, optional).moves(direction::listing).with(verb::list),
    row(verb::mlsd, "MLSD", transfer, optional).moves(direction::listing).with(verb::list),

    row(verb::type, "TYPE", forward, required),
    row(verb::mode, "MODE", gate, required),
    row(verb::stru, "STRU", gate, required),
    row(verb::rest, "REST", gate, required),
    row(verb::allo, "ALLO", forward, required),
    row(verb::rnfr, "RNFR", forward, required),
    row(verb::rnto, "RNTO", forward, required),
    row(verb::dele, "DELE", forward, required),
    row(verb::cwd, "CWD", forward, optional),  // without a path it is "home" on several servers
    row(verb::xcwd, "XCWD", forward, optional).with(verb::cwd),
    row(verb::cdup, "CDUP", forward, none),
    row(verb::xcup, "XCUP", forward, none).with(verb::cdup),
    row(verb::mkd, "MKD", forward, required),
    row(verb::xmkd, "XMKD", forward, required).with(verb::mkd),
    row(verb::rmd, "RMD", forward, required),
    row(verb::xrmd, "XRMD", forward, required).with(verb::rmd),
    row(verb::pwd, "PWD", forward, none),
    row(verb::xpwd, "XPWD", forward, none).with(verb::pwd),
    row(verb::size, "SIZE", forward, required),
    row(verb::mdtm, "MDTM", forward, required),
    row(verb::mfmt, "MFMT", forward, required),
    row(verb::mfct, "MFCT", forward, required),
    row(verb::mff, "MFF", forward, required),
    row(verb::mlst, "MLST", forward, optional).with(verb::list),
    row(verb::site, "SITE", gate, required),
    row(verb::smnt, "SMNT", forward, required),
    row(verb::avbl, "AVBL", forward, optional),
    row(verb::comb, "COMB", forward, required),
    row(verb::dsiz, "DSIZ", forward, optional),
    row(verb::hash, "HASH", forward, required),
    row(verb::rang, "RANG", forward, required),
    row(verb::thmb, "THMB", forward, required),
    row(verb::xcrc, "XCRC", forward, required),
    row(verb::xmd5, "XMD5", forward, required),
    row(verb::xsha, "XSHA", forward, required),
    row(verb::xsha1, "XSHA1", forward, required),
    row(verb::xsha256, "XSHA256", forward, required),
    row(verb::xsha512, "XSHA512", forward, required),
    row(verb::md5, "MD5", forward, required),
    row(verb::mmd5, "MMD5", forward, required),
};
constexpr std::size_t row_count = std::size(table);

constexpr bool in_order() {
    for (std::size_t i = 0; i < row_count; ++i) {
        if (static_cast<std::size_t>(table[i].id) != i) return false;
    }
    return table[row_count - 1].id == verb::mmd5;
}
static_assert(in_order(), "row_of() indexes the table by enumerator");

// A name of up to eight bytes is one integer, so a look-up is one multiplication and mostly one comparison.
constexpr std::size_t longest_name = 8;

constexpr std::uint64_t packed(std::string_view name) {
    std::uint64_t key = 0;
    for (char const byte : name) {
        bool const lower = byte >= 'a' && byte <= 'z';
        key = key << 8 | static_cast<unsigned char>(lower ? byte - 'a' + 'A' : byte);
    }
    return key;
}

constexpr std::size_t slot_count = 256;

constexpr std::size_t slot_of(std::uint64_t key) {
    return static_cast<std::size_t>(key * 0x9E3779B97F4A7C15U >> 56);
}

struct slot {
    std::uint64_t key = 0;
    std::uint8_t index = 0;  // 0 = the row of verb::unknown = free
};

constexpr std::array<slot, slot_count> fill_slots() {
    std::array<slot, slot_count> slots{};
    for (std::size_t i = 1; i < row_count; ++i) {
        std::uint64_t const key = packed(table[i].name);
        std::size_t at = slot_of(key);
        while (slots[at].index != 0)
            at = (at + 1) % slot_count;
        slots[at] = {key, static_cast<std::uint8_t>(i)};
    }
    return slots;
}
constexpr auto slots = fill_slots();

// What HELP lists: not what is always refused, whoever refuses it (B-065, B-066, D-05).
constexpr bool is_accepted(verb_row const& what) {
    if (what.how == treatment::refuse) return false;
    switch (what.id) {
        case verb::adat:
        case verb::mic:
        case verb::conf:
        case verb::enc:
        case verb::rein: return false;
        default: return true;
    }
}

constexpr std::size_t count_accepted() {
    std::size_t count = 0;
    for (auto const& each : table)
        count += is_accepted(each) ? 1 : 0;
    return count;
}

constexpr auto list_accepted() {
    std::array<std::string_view, count_accepted()> names{};
    std::size_t next = 0;
    for (auto const& each : table) {
        if (is_accepted(each)) names[next++] = each.name;
    }
    return names;
}
constexpr auto accepted = list_accepted();

}  // namespace

verb_row const& find_verb(std::string_view name) {
    if (name.empty() || name.size() > longest_name) return table[0];
    std::uint64_t const key = packed(name);
    for (std::size_t at = slot_of(key); slots[at].index != 0; at = (at + 1) % slot_count) {
        if (slots[at].key != key) continue;
        verb_row const& found = table[slots[at].index];
        return found.name.size() == name.size() ? found : table[0];  // leading NULs pack to nothing
    }
    return table[0];
}

verb_row const& row_of(verb id) {
    auto const index = static_cast<std::size_t>(id);
    return table[index < row_count ? index : 0];
}

std::string_view const* accepted_verbs(std::size_t& count) {
    count = accepted.size();
    return accepted.data();
}

}  // namespace ftpsgate::ftp
