#include "proxy/ftp/front_machine.hpp"

#include "proxy/ftp/rewrite.hpp"
#include "proxy/ftp/text.hpp"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <limits>
#include <utility>

namespace ftpsgate::ftp {

namespace {

bool is_number(std::string_view text, std::uint64_t limit) {
    std::uint64_t value = 0;
    auto const [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    return error == std::errc{} && end == text.data() + text.size() && value <= limit;
}

}  // namespace

void front_machine::greet() {
    context_.answer(220, state_.rules().banner);
}

void front_machine::auth(command const& what, pipelined behind) {
    std::string const mechanism = upper(what.argument);
    bool const known = mechanism == "TLS" || mechanism == "TLS-C" || mechanism == "SSL" || mechanism == "TLS-P";
    if (state_.control == control_channel::tls) return context_.answer(503, "TLS is already in use.");
    if (state_.control == control_channel::cleared) return context_.answer(534, "Policy forbids TLS after CCC.");
    if (!known) return context_.answer(504, "Unknown security mechanism.");
    if (state_.rules().tls_id.empty())
        return context_.answer(534, "Local policy on server does not allow TLS secure connections.");
    if (mechanism == "TLS-P" && state_.rules().data == data_rule::deny)
        return context_.answer(504, "Policy forbids protected data connections.");
    if (behind == pipelined::something) {
        // Whoever put these bytes there wants them to be taken for the client's own, inside TLS (A-001, B-042).
        context_.attack(attack_kind::starttls_injection);
        return context_.end(end_reason::protocol);
    }
    if (!state_.may_secure()) return context_.answer(431, "Too many TLS handshakes are under way: try again later.");
    if (state_.login == login_phase::in) context_.arm(deadline_kind::login, state_.rules().login_timeout);
    context_.log_out();  // a login in clear ends here: the user must log in again (B-039)
    private_after_auth_ = mechanism == "TLS-P";
    context_.answer(234, "AUTH command ok. Expecting TLS Negotiation.");
    context_.act(start_tls{state_.site, state_.host_given});
    context_.arm(deadline_kind::handshake, state_.rules().handshake_timeout);
    state_.now = activity::securing;
}

void front_machine::on_secured(client_secured const& how) {
    context_.cancel(deadline_kind::handshake);
    bool const is_implicit = state_.connection.tls == tls_start::implicit_tls;
    state_.forget_login();
    state_.wants_utf8 = false;
    state_.now = activity::idle;
    state_.control = control_channel::tls;
    state_.site = how.site;
    state_.server_name = how.server_name;
    state_.tls_version = how.version;
    bool const private_data = (is_implicit || private_after_auth_) && state_.rules().data != data_rule::deny;
    state_.pbsz = is_implicit || private_after_auth_;
    state_.protect_data = private_data;  // else Clear (B-057)
    if (is_implicit) greet();            // not a byte before the handshake (B-031)
}

void front_machine::on_cleared() {
    state_.control = control_channel::cleared;
    state_.now = activity::idle;
}

void front_machine::pbsz(command const& what) {
    if (state_.control != control_channel::tls) return context_.answer(503, "PBSZ needs TLS: send AUTH TLS first.");
    if (!is_number(what.argument, std::numeric_limits<std::uint32_t>::max()))
        return context_.answer(501, "PBSZ takes a number.");
    state_.pbsz = true;
    context_.answer(200, "PBSZ=0");
}

void front_machine::prot(command const& what) {
    if (state_.control != control_channel::tls) return context_.answer(503, "PROT needs TLS: send AUTH TLS first.");
    if (!state_.pbsz) return context_.answer(503, "Send PBSZ first.");
    std::string const level = upper(what.argument);
    if (level == "S" || level == "E") return context_.answer(536, "This protection level is not supported by TLS.");
    if (level != "C" && level != "P") return context_.answer(504, "Unknown protection level.");
    data_rule const forbidden_by = level == "C" ? data_rule::require : data_rule::deny;
    if (state_.rules().data == forbidden_by) return context_.answer(534, "Policy forbids this protection level.");
    state_.protect_data = level == "P";
    if (state_.setup != data_setup::none)
        context_.act(protect_client{state_.protect_data ? protection::tls : protection::clear});
    context_.answer(200, state_.protect_data ? "Data connections are private." : "Data connections are clear.");
}

void front_machine::ccc() {
    if (state_.control != control_channel::tls) return context_.answer(533, "The control connection is not protected.");
    if (state_.rules().control == control_rule::require || state_.login != login_phase::in)
        return context_.answer(534, "Policy requires SSL.");
    context_.answer(200, "The control connection is clear from now on.");
    context_.act(stop_tls{});
    context_.arm(deadline_kind::handshake, state_.rules().handshake_timeout);
    state_.now = activity::clearing;
}

void front_machine::other_security(command const& what) {
    if (what.id() == verb::adat) return context_.answer(503, "No security data exchange is in progress.");
    context_.answer(502, "Command not implemented.");
}

std::optional<std::size_t> front_machine::find_site(std::string_view name) const {
    std::string const wanted = lower(name);
    auto const& sites = *state_.connection.sites;
    for (std::size_t i = 0; i < sites.size(); ++i)
        if (std::find(sites[i].hosts.begin(), sites[i].hosts.end(), wanted) != sites[i].hosts.end()) return i;
    return std::nullopt;
}

// A site with another certificate cannot be entered under the TLS session of this one (B-085, A-013).
bool front_machine::may_change_to(std::size_t site) const {
    return state_.control == control_channel::clear || (*state_.connection.sites)[site].tls_id == state_.rules().tls_id;
}

void front_machine::change_site(std::size_t site) {
    context_.log_out();
    state_.wants_utf8 = false;
    state_.site = site;
    state_.host_given = true;
    if (state_.rules().data == data_rule::deny) state_.protect_data = false;  // B-154
}

void front_machine::host(command const& what) {
    if (state_.login == login_phase::in) return context_.answer(503, "HOST comes before the login.");
    std::string name = lower(what.argument);
    bool const bracketed = name.size() > 2 && name.front() == '[' && name.back() == ']';
    if (bracketed) name = name.substr(1, name.size() - 2);
    bool const literal = ip_address::parse(name).has_value();
    if (name.find(':') != std::string::npos && !(bracketed && literal))
        return context_.answer(501, "HOST takes a name, or an address in brackets, without a port.");
    std::optional<std::size_t> site = find_site(name);
    if (literal && !site && *ip_address::parse(name) == state_.connection.gate) site = 0;  // B-083
    bool const other_name = !state_.server_name.empty() && state_.server_name != name;     // RFC 7151 3.2.2, D-09
    if (!site || other_name || !may_change_to(*site)) return context_.answer(504, "Unknown host.");
    change_site(*site);
    greet();
}

// "host|user" (IIS virtual host names, B-076). False: the host is known and may not be entered.
bool front_machine::split_host(std::string& name) {
    std::size_t const bar = name.find('|');
    if (bar == std::string::npos) return true;
    auto const site = find_site(std::string_view(name).substr(0, bar));
    if (!site) return true;
    bool const other_name = !state_.server_name.empty() && state_.server_name != lower(name.substr(0, bar));
    if (*site != state_.site && (other_name || !may_change_to(*site))) return false;
    if (*site != state_.site) change_site(*site);
    name.erase(0, bar + 1);
    return true;
}

void front_machine::user(command const& what) {
    if (state_.login == login_phase::in) context_.arm(deadline_kind::login, state_.rules().login_timeout);
    context_.log_out();  // nothing of an earlier user may stay (RFC 959, B-075)
    std::string name = what.argument;
    if (!split_host(name)) return context_.answer(530, "User cannot log in.");
    // The site that host|user names may be stricter than the one that let USER through.
    if (state_.control != control_channel::tls && state_.rules().control != control_rule::allow)
        return context_.answer(534, "Policy requires SSL.");
    if (name.empty()) return context_.answer(501, "USER takes a name.");
    state_.user = name;
    state_.now = activity::deciding;
    context_.act(decide_access{state_.site, std::move(name)});
}

void front_machine::on_access(access_decided& decision) {
    state_.now = activity::idle;
    if (!decision.plan) return refuse_user(decision);
    state_.plan = std::move(decision.plan);
    state_.login = login_phase::user_given;
    if (!state_.mapped()) context_.answer(331, "Password required.");  // the same for every name
}

// One text for all reasons: which it was is for the log.
void front_machine::refuse_user(access_decided const& decision) {
    note_login note{state_.user, false, decision.refusal, decision.method == login_method::certificate, {}};
    context_.act(std::move(note));
    context_.answer(530, "User cannot log in.");
    context_.count_failed_login();
}

void front_machine::features() {
    own_features own;
    own.tls = !state_.rules().tls_id.empty();
    own.ccc = state_.rules().control != control_rule::require;
    own.host = state_.several_sites();
    own.active = state_.rules().allow_active;
    static std::vector<std::string> const none;
    context_.act(send_client{render(merge_features(state_.backend_features ? *state_.backend_features : none, own))});
}

void front_machine::opts_before_login(command const& what) {
    std::string const argument = upper(what.argument);
    if (argument == "UTF8 ON" || argument == "UTF-8 ON" || argument == "UTF8" || argument == "UTF-8") {
        state_.wants_utf8 = true;  // told to the backend after the login (B-099)
        return context_.answer(200, "UTF8 is on.");
    }
    context_.answer(501, "Option not understood.");
}

void front_machine::lang_before_login(command const& what) {
    std::string const language = upper(what.argument);
    if (language.empty() || language.rfind("EN", 0) == 0) return context_.answer(200, "Responses are in English.");
    context_.answer(504, "Language not available.");
}

void front_machine::help(command const& what) {
    if (!what.argument.empty()) {
        verb_row const& row = find_verb(what.argument);
        bool const known = row.id != verb::unknown && row.how != treatment::refuse;
        return known ? context_.answer(214, "Understood: " + std::string(row.name))
                     : context_.answer(501, "Unrecognized command.");
    }
    std::size_t count = 0;
    std::string_view const* const names = accepted_verbs(count);
    reply answer(214, "The following commands are understood:");
    std::string row;
    for (std::size_t i = 0; i < count; ++i) {
        row += ' ';
        row += names[i];
        if ((i + 1) % 8 == 0 || i + 1 == count) answer.lines.push_back(std::exchange(row, {}));
    }
    answer.lines.emplace_back("End of list.");
    context_.act(send_client{render(answer)});
}

void front_machine::status() {
    reply answer(211, "FTP server status:");
    answer.lines.emplace_back(" Control connection: " +
                              (state_.control == control_channel::tls ? state_.tls_version : "clear"));
    answer.lines.emplace_back(state_.protect_data ? " Data connections: private" : " Data connections: clear");
    answer.lines.emplace_back(state_.login == login_phase::in ? " Logged in" : " Not logged in");
    answer.lines.emplace_back("End of status.");
    context_.act(send_client{render(answer)});
}

void front_machine::quit() {
    context_.answer(221, "Goodbye.");
    context_.end(end_reason::closed);
}

}  // namespace ftpsgate::ftp
