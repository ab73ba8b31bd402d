#include "proxy/ftp/login_machine.hpp"

#include <algorithm>

namespace ftpsgate::ftp {

using login_end = session_context::login_end;

namespace {

std::string quoted(reply const& answer) {
    return '"' + std::to_string(answer.code) + ' ' + answer.lines.front() + '"';
}

}  // namespace

void login_machine::start(secret_string password) {
    password_ = std::move(password);
    state_.now = activity::login;
    step_ = step::connecting;
    context_.act(connect_backend{});
}

void login_machine::start_mapped() {
    start(state_.plan->mapped()->password.clone());
}

void login_machine::reset() {
    step_ = step::none;
    password_ = secret_string();
    if (state_.plan) state_.plan->forget_secrets();
}

void login_machine::on_connected(backend_connected const& backend) {
    if (step_ != step::connecting) return;
    state_.backend_connected = true;
    state_.backend_address = backend.address;
    state_.backend_refuses_epsv = backend.refuses_epsv;
    hide_names(backend.address);
    state_.finals_due = 1;  // the greeting
    step_ = step::greeting;
    has_another_ = backend.greeting_limit.has_value();
    context_.arm(deadline_kind::reply, backend.greeting_limit.value_or(state_.rules().reply_timeout));
}

// Before the login was sent nothing has happened that another backend would not know of (INTERFACE.md, retries).
bool login_machine::greeting_failed(greeting how, std::string words) {
    if (step_ != step::greeting) return false;
    context_.act(note_greeting{how, std::move(words)});
    if (!has_another_) return false;
    context_.pass_over_backend();
    step_ = step::connecting;
    return true;
}

void login_machine::greeting_is_late() {
    if (step_ == step::greeting)
        context_.act(note_greeting{greeting::missing, "no greeting before the login timed out"});
}

// In both spellings: "10.0.0.5", and "10,0,0,5" as in 227.
void login_machine::hide_names(ip_address const& connected_to) {
    auto& names = state_.backend_names;
    names = state_.rules().backend_names;
    names.push_back(connected_to.text());
    for (std::size_t i = 0, count = names.size(); i < count; ++i) {
        auto const address = ip_address::parse(names[i]);
        if (!address || !address->is_v4()) continue;
        std::string in_commas = names[i];
        std::replace(in_commas.begin(), in_commas.end(), '.', ',');
        names.push_back(std::move(in_commas));
    }
}

void login_machine::on_unreachable() {
    if (step_ != step::connecting) return;
    reset();
    context_.note_login(login_end::refused, "backend unreachable");
    context_.refuse_service("Service not available.", end_reason::backend_unreachable);
}

bool login_machine::on_gone() {
    if (greeting_failed(greeting::missing, "closed the connection before its greeting")) return true;
    reset();
    context_.note_login(login_end::refused, "backend closed the connection");
    return false;
}

void login_machine::on_reply(reply const& answer) {
    if (is_no_welcome(answer) && greeting_failed(greeting::bad, "greeted with " + quoted(answer))) return;
    if (answer.is_preliminary()) return;
    if (answer.code == 421) {
        reset();
        context_.note_login(login_end::refused, "backend closed the service");
        // Its text may name the mapped user.
        if (state_.mapped()) return context_.refuse_service("Service not available.", end_reason::backend_gone);
        context_.show(answer);
        return context_.end(end_reason::backend_gone);
    }
    switch (step_) {
        case step::greeting: return on_greeting(answer);
        case step::user: return on_user_reply(answer);
        case step::password: return on_password_reply(answer);
        case step::account: return answer.is_completion() ? accepted(answer) : refused(answer);
        case step::options: return finish_login();
        default: return;
    }
}

// 120 "ready in a minute" is waited for where there is no other (B-248); other 1yz mean nothing here.
bool login_machine::is_no_welcome(reply const& answer) const {
    if (step_ != step::greeting || answer.is_completion()) return false;
    return answer.is_final() || (answer.code == 120 && has_another_);
}

void login_machine::on_greeting(reply const& answer) {
    if (answer.is_completion()) context_.act(note_greeting{});
    if (answer.code == 230) return accepted(answer);  // no login needed (B-248)
    if (!answer.is_completion()) {
        reset();
        context_.note_login(login_end::refused, "backend refused the connection");
        return context_.refuse_service("Service not available.", end_reason::backend_unreachable);
    }
    step_ = step::user;
    context_.ask_backend(to_wire("USER", state_.plan->user()));
}

void login_machine::on_user_reply(reply const& answer) {
    if (answer.code == 230 || answer.code == 232) return accepted(answer);  // no password wanted (B-249)
    if (answer.code == 332) return ask_account(answer);
    if (!answer.is_intermediate()) return refused(answer);
    step_ = step::password;
    context_.ask_backend(to_wire("PASS", password_.reveal()), sensitivity::secret);
    password_ = secret_string();
}

void login_machine::on_password_reply(reply const& answer) {
    if (answer.code == 332) return ask_account(answer);
    if (answer.is_completion()) return accepted(answer);
    refused(answer);
}

void login_machine::ask_account(reply const& answer) {
    if (state_.mapped()) return answer_account(answer);
    step_ = step::client_account;
    state_.now = activity::idle;
    context_.show(answer);
}

void login_machine::answer_account(reply const& asked) {
    auto const& account = state_.plan->mapped()->account;
    if (!account) return refused(asked);  // B-072
    step_ = step::account;
    context_.ask_backend(to_wire("ACCT", account->reveal()), sensitivity::secret);
}

void login_machine::account(command const& what) {
    step_ = step::account;
    state_.now = activity::login;
    context_.ask_backend(to_wire("ACCT", what.argument), sensitivity::secret);
}

void login_machine::accepted(reply const& answer) {
    welcome_ = answer;
    welcome_.code = 230;  // 202 and 232 included (B-249)
    if (state_.mapped()) welcome_ = reply(state_.plan->mapped()->reply, "User logged in.");  // D-04, A-032
    if (!state_.wants_utf8) return finish_login();
    step_ = step::options;
    context_.ask_backend(to_wire("OPTS", "UTF8 ON"));
}

void login_machine::finish_login() {
    reset();
    state_.login = login_phase::in;
    state_.now = activity::idle;
    context_.cancel(deadline_kind::login);
    context_.note_login(login_end::accepted, {});
    if (state_.mapped()) return context_.act(send_client{render(welcome_)});
    context_.show(std::move(welcome_));
}

void login_machine::refused(reply const& answer) {
    reset();
    context_.note_login(login_end::credentials_refused, "refused by the backend");
    bool const mapped = state_.mapped();
    state_.login = login_phase::none;
    state_.now = activity::idle;
    reply shown = answer;
    // Codes that would make the client go on are no refusal that it understands; what is said of a mapped user is not
    // for the client's eyes (B-071).
    if (!shown.is_negative() || mapped) shown = reply(530, "User cannot log in.");
    context_.drop_backend();  // the next try starts on a fresh connection
    context_.show(std::move(shown));
    context_.count_failed_login();
}

}  // namespace ftpsgate::ftp
