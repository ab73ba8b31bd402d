// The part of control_core that decides, per command, who answers it: first the rules that hold for every verb (clear
// text, login, policy), then one line per verb.
#include "proxy/ftp/control_core.hpp"

#include <algorithm>
#include <array>
#include <string_view>

namespace ftpsgate::ftp {

namespace {

constexpr unsigned bad_lines_limit = 3;          // B-007
constexpr unsigned unknown_commands_limit = 10;

// Another protocol's request, sent here by a confused or abused client (ALPACA, A-011).
bool is_http(std::string_view verb_name) {
    constexpr std::array<std::string_view, 8> words{"GET",     "POST",    "PUT",   "HEAD",
                                                    "OPTIONS", "CONNECT", "PATCH", "HOST:"};
    return std::find(words.begin(), words.end(), verb_name) != words.end();
}

bool is_security_verb(verb id) {
    switch (id) {
        case verb::auth:
        case verb::adat:
        case verb::pbsz:
        case verb::prot:
        case verb::ccc:
        case verb::mic:
        case verb::conf:
        case verb::enc: return true;
        default: return false;
    }
}

}  // namespace

void control_core::bad_line(line_fault fault) {
    context_.answer(fault == line_fault::too_long ? 500 : 501,
                    fault == line_fault::too_long ? "Command line too long." : "Illegal character in command.");
    if (++bad_lines_ >= bad_lines_limit) context_.refuse_service("Too many bad commands.", end_reason::protocol);
}

void control_core::malformed(command const& what) {
    if (state_.login != login_phase::in && is_http(what.name)) {
        context_.attack(attack_kind::cross_protocol);
        return context_.end(end_reason::protocol);
    }
    context_.answer(500, "Command not understood.");
    count_unknown();
}

void control_core::count_unknown() {
    if (state_.login != login_phase::in && ++unknown_commands_ >= unknown_commands_limit)
        context_.refuse_service("Too many unknown commands.", end_reason::protocol);
}

void control_core::unknown(command const& what) {
    bool const logged_in = state_.login == login_phase::in;
    if (!logged_in) return malformed(what);
    if (state_.rules().pass_unknown) return relay_.forward(what);
    context_.answer(500, "Command not understood.");
}

// Before TLS, where the site requires it (B-172, B-174); after CCC credentials stay forbidden (B-175, A-005).
bool control_core::refuse_in_clear(command const& what) {
    control_rule const rule = state_.rules().control;
    bool const cleared = state_.control == control_channel::cleared;
    if (state_.control == control_channel::tls || (rule == control_rule::allow && !cleared)) return false;
    bool const credentials = what.id() == verb::user || what.id() == verb::pass || what.id() == verb::acct;
    if (cleared || rule == control_rule::require_credentials_only) {
        if (!credentials) return false;
    } else if (what.row->in_clear || is_security_verb(what.id())) {
        return false;
    }
    context_.answer(534, "Policy requires SSL.");
    return true;
}

bool control_core::refuse_by_state(command const& what) {
    if (refuse_in_clear(what)) return true;
    if (state_.login != login_phase::in && !what.row->before_login && what.id() != verb::unknown) {  // B-093
        context_.answer(530, "Log in with USER and PASS first.");
        return true;
    }
    bool const session_verb =
        what.id() == verb::user || what.id() == verb::pass || what.id() == verb::quit || is_security_verb(what.id());
    if (!session_verb && what.id() != verb::unknown && state_.rules().denies(*what.row)) {
        context_.act(note_denied{for_log(what)});
        context_.answer(502, "Command denied by policy.");
        return true;
    }
    if (what.row->how == treatment::refuse && what.id() != verb::unknown) {  // B-148, A-031
        context_.answer(502, "Command not implemented.");
        return true;
    }
    if (what.row->arg == argument::required && what.argument.empty()) {
        context_.answer(501, "Syntax error: command needs an argument.");
        return true;
    }
    if (what.row->arg == argument::none && !what.argument.empty()) {
        context_.answer(501, "Syntax error: command does not accept arguments.");
        return true;
    }
    return false;
}

void control_core::dispatch(command& what) {
    if (what.id() == verb::unknown && state_.login != login_phase::in && is_http(what.name)) return malformed(what);
    if (refuse_by_state(what)) {
        if (what.id() == verb::unknown) count_unknown();
        return;
    }
    if (what.id() == verb::unknown) return unknown(what);
    dispatch_session(what);
}

void control_core::dispatch_session(command& what) {
    bool const logged_in = state_.login == login_phase::in;
    switch (what.id()) {
        case verb::auth:
            front_.auth(what, waiting_.empty() && lines_.empty() ? pipelined::nothing : pipelined::something);
            return forget_login_under_way();
        case verb::pbsz: return front_.pbsz(what);
        case verb::prot: return front_.prot(what);
        case verb::ccc: return front_.ccc();
        case verb::adat:
        case verb::mic:
        case verb::conf:
        case verb::enc:
        case verb::rein: return front_.other_security(what);
        case verb::host: front_.host(what); return forget_login_under_way();
        case verb::user: login_.reset(); return front_.user(what);
        case verb::pass: return password(what);
        case verb::acct:
            if (login_.wants_account()) return login_.account(what);
            return context_.answer(503, logged_in ? "User already authenticated." : "Login with USER first.");
        case verb::quit: return front_.quit();
        case verb::noop: return context_.answer(200, "OK.");
        case verb::help: return front_.help(what);
        case verb::stat:
            if (what.argument.empty()) return front_.status();
            return logged_in ? relay_.status_of(what) : context_.answer(530, "Log in with USER and PASS first.");
        case verb::feat:
            // Asked anew each time: OPTS MLST changes what the backend lists.
            return logged_in ? relay_.feat() : front_.features();
        case verb::opts: return logged_in ? relay_.opts(what) : front_.opts_before_login(what);
        case verb::lang: return logged_in ? relay_.forward(what) : front_.lang_before_login(what);
        case verb::syst: return logged_in ? relay_.forward(what) : context_.answer(215, "UNIX Type: L8");
        case verb::clnt: return logged_in ? relay_.forward(what) : context_.answer(200, "Noted.");
        default: return dispatch_logged_in(what);
    }
}

// AUTH and HOST end a login that waits for ACCT only when they are accepted (B-037, D-09).
void control_core::forget_login_under_way() {
    if (state_.login == login_phase::none) login_.reset();
}

void control_core::dispatch_logged_in(command& what) {
    switch (what.id()) {
        case verb::pasv: return setup_.pasv();
        case verb::epsv: return setup_.epsv(what);
        case verb::port: return setup_.port(what);
        case verb::eprt: return setup_.eprt(what);
        case verb::type: return relay_.type(what);
        case verb::mode: return relay_.mode(what);
        case verb::stru: return relay_.structure(what);
        case verb::rest: return relay_.rest(what);
        case verb::site: return relay_.site(what);
        case verb::pret: return relay_.pret(what);
        case verb::abor: return relay_.abor();
        default:
            if (what.row->how == treatment::transfer) return transfer_.start(what);
            return relay_.forward(what);
    }
}

void control_core::password(command& what) {
    // Clients that take 232 for a question send one all the same (D-04, B-070); it goes nowhere.
    if (state_.login == login_phase::in && state_.mapped()) return context_.answer(230, "User logged in.");
    if (state_.login == login_phase::in) return context_.answer(503, "User already authenticated.");
    if (state_.login != login_phase::user_given || login_.wants_account())
        return context_.answer(503, "Login with USER first.");
    login_.start(secret_string(what.argument));
}

}  // namespace ftpsgate::ftp
