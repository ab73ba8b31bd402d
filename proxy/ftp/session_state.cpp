#include "proxy/ftp/session_state.hpp"

#include "proxy/ftp/rewrite.hpp"

namespace ftpsgate::ftp {

void session_state::forget_login() {
    login = login_phase::none;
    user.clear();
    plan.reset();
    epsv_all = false;
    setup = data_setup::none;
    type = representation::ascii;
    backend_features.reset();
}

void session_context::show(reply shown) {
    if (!may_be_shown(shown.code)) return answer(451, "The server gave an answer that cannot be passed on.");
    hide_addresses(shown, state.backend_names, state.connection.gate.text());
    if (state.mapped()) hide_addresses(shown, {state.plan->user()}, "user");
    act(send_client{render(shown)});
}

void session_context::show_path(reply shown) {
    if (!may_be_shown(shown.code)) return answer(451, "The server gave an answer that cannot be passed on.");
    hide_addresses_around_path(shown, state.backend_names, state.connection.gate.text());
    if (state.mapped()) hide_addresses_around_path(shown, {state.plan->user()}, "user");
    act(send_client{render(shown)});
}

void session_context::show_value(reply const& shown) {
    act(send_client{render(shown)});
}

void session_context::ask_backend(std::string bytes, sensitivity content, urgency how) {
    ++state.finals_due;
    act(send_backend{std::move(bytes), content, how});
    arm(deadline_kind::reply, state.rules().reply_timeout);
}

void session_context::drop_setup() {
    if (state.setup != data_setup::none || state.now == activity::setup) act(abort_data{});
    state.setup = data_setup::none;
}

void session_context::drop_backend() {
    if (!state.backend_connected) return;
    state.backend_connected = false;
    state.finals_due = 0;
    cancel(deadline_kind::reply);
    cancel(deadline_kind::rest);
    cancel(deadline_kind::settle);
    act(ftp::drop_backend{});
}

void session_context::pass_over_backend() {
    state.backend_connected = false;
    state.finals_due = 0;
    cancel(deadline_kind::reply);
    cancel(deadline_kind::rest);
    act(ftp::pass_over_backend{});
}

void session_context::log_out() {
    drop_setup();
    drop_backend();
    state.forget_login();
}

void session_context::end(end_reason reason) {
    if (state.now == activity::over) return;
    act(abort_data{});
    drop_backend();
    act(finish{reason});
    state.now = activity::over;
}

void session_context::note_login(login_end how, std::string reason) {
    ftp::note_login note{state.user, how == login_end::accepted, std::move(reason), state.mapped(), {}};
    if (state.mapped()) note.mapped_user = state.plan->user();
    note.wrong_credentials = how == login_end::credentials_refused && !state.mapped();
    act(std::move(note));
}

void session_context::count_failed_login() {
    if (++state.failed_logins >= state.rules().failed_logins)
        refuse_service("Too many failed logins.", end_reason::failed_logins);
}

void session_context::refuse_service(std::string_view text, end_reason reason) {
    if (state.now != activity::securing) answer(421, text);  // not into a handshake (B-040)
    end(reason);
}

}  // namespace ftpsgate::ftp
