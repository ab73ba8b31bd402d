// The catalogue of FTP verbs: one row each, saying what the gate does with it. Everything that depends on the
// verb alone is read from here; what depends on the state is in the machines.
#pragma once

#include <cstdint>
#include <string_view>

namespace ftpsgate::ftp {

enum class verb : std::uint8_t {
    unknown,
    // security (RFC 2228, RFC 4217)
    auth,
    adat,
    pbsz,
    prot,
    ccc,
    mic,
    conf,
    enc,
    // session (RFC 959, 2389, 7151)
    user,
    pass,
    acct,
    host,
    rein,
    quit,
    feat,
    opts,
    help,
    noop,
    syst,
    stat,
    lang,
    clnt,
    csid,
    abor,
    // data connections (RFC 959, 2428) and those that are never let through (B-148, B-067)
    pasv,
    epsv,
    port,
    eprt,
    pret,
    p_at_sw,
    lpsv,
    lprt,
    spsv,
    xpsv,
    xprt,
    sscn,
    cpsv,
    // transfers
    retr,
    stor,
    appe,
    stou,
    list,
    nlst,
    mlsd,
    // the rest, forwarded
    type,
    mode,
    stru,
    rest,
    allo,
    rnfr,
    rnto,
    dele,
    cwd,
    xcwd,
    cdup,
    xcup,
    mkd,
    xmkd,
    rmd,
    xrmd,
    pwd,
    xpwd,
    size,
    mdtm,
    mfmt,
    mfct,
    mff,
    mlst,
    site,
    smnt,
    avbl,
    comb,
    dsiz,
    hash,
    rang,
    thmb,
    xcrc,
    xmd5,
    xsha,
    xsha1,
    xsha256,
    xsha512,
    md5,
    mmd5,
};

enum class treatment : std::uint8_t {
    gate,      ///< a machine answers it, perhaps after asking the backend
    forward,   ///< goes to the backend as it is and its reply comes back
    transfer,  ///< needs a data connection
    refuse,    ///< 502, never reaches the backend
};

enum class argument : std::uint8_t { none, optional, required };

/// Seen from the client; `none` for all but transfers.
enum class direction : std::uint8_t { none, download, upload, listing };

struct verb_row {
    verb id = verb::unknown;
    std::string_view name;  ///< upper case
    treatment how = treatment::refuse;
    argument arg = argument::optional;
    bool before_login = false;  ///< B-093
    bool in_clear = false;      ///< B-172: allowed before TLS where TLS is required
    direction data = direction::none;
    verb group = verb::unknown;  ///< aliases share a leader (A-052): denying one denies all; itself where alone
    bool secret = false;         ///< the argument never appears in a log
};

/// Any case; the row of verb::unknown when it is not in the table.
verb_row const& find_verb(std::string_view name);
verb_row const& row_of(verb id);

/// The names the gate accepts, in table order, for HELP (B-102).
std::string_view const* accepted_verbs(std::size_t& count);

}  // namespace ftpsgate::ftp
