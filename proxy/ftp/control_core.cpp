#include "proxy/ftp/control_core.hpp"

#include <algorithm>

namespace ftpsgate::ftp {

namespace {
constexpr std::size_t waiting_commands_limit = 32;  // B-013
constexpr std::size_t waiting_bytes_limit = 64 * 1024;
}  // namespace

control_core::control_core(core_settings settings)
    : state_(std::move(settings)),
      context_(state_),
      lines_(state_.rules().command_line),
      front_(context_),
      login_(context_),
      relay_(context_),
      setup_(context_),
      transfer_(context_) {
}

actions control_core::start() {
    context_.arm(deadline_kind::login, state_.rules().login_timeout);
    if (state_.connection.tls == tls_start::explicit_tls) {
        front_.greet();
    } else if (!state_.may_secure()) {
        context_.end(end_reason::refused);  // nothing can be said before TLS (B-031)
    } else {
        context_.act(start_tls{state_.site, false});  // not a byte before the handshake (B-031)
        context_.arm(deadline_kind::handshake, state_.rules().handshake_timeout);
        state_.now = activity::securing;
    }
    return std::exchange(context_.out, {});
}

actions control_core::handle(event const& what) {
    if (state_.now == activity::over) return {};
    bool const was_transferring = transferring();
    std::visit([this](auto const& happened) { on(happened); }, what);
    run_waiting();
    if (state_.draining && was_transferring && !transferring()) context_.arm(deadline_kind::drain, waits::drain);
    return std::exchange(context_.out, {});
}

bool control_core::wants_client_bytes() const {
    return state_.now != activity::over && state_.now != activity::securing && state_.now != activity::clearing &&
           waiting_.size() < waiting_commands_limit && waiting_bytes_ < waiting_bytes_limit;
}

// --- the client

void control_core::on(client_bytes const& happened) {
    if (happened.bytes.empty() || state_.now == activity::securing) return;  // in a handshake they are no text (B-283)
    if (std::exchange(first_bytes_, false) && state_.control == control_channel::clear && happened.bytes[0] == '\x16') {
        return context_.end(end_reason::protocol);  // a TLS ClientHello on the explicit port
    }
    if (state_.draining) context_.arm(deadline_kind::drain, waits::drain);
    lines_.feed(happened.bytes);
    while (auto text = lines_.next())
        take_line(std::move(*text));
}

void control_core::on(client_secured const& happened) {
    if (state_.now != activity::securing) return;
    lines_ = line_reader((*state_.connection.sites)[happened.site].command_line);
    replies_.reset();
    login_.reset();
    front_.on_secured(happened);
}

void control_core::on(client_cleared const&) {
    if (state_.now != activity::clearing) return;
    context_.cancel(deadline_kind::handshake);
    front_.on_cleared();
}

void control_core::on(client_gone const&) {
    bool const handshake = state_.now == activity::securing;
    give_login_up("the client left");
    if (transferring()) transfer_.cut(transfer_result::client_failed);
    context_.end(handshake ? end_reason::handshake : end_reason::client_gone);  // both legs are reset (B-221)
}

void control_core::take_line(line&& text) {
    waiting_command next{text.fault == line_fault::none ? parse_command(text.text) : command{}, text.fault};
    if (transferring() && next.fault == line_fault::none && answer_during_transfer(next)) return;
    waiting_bytes_ += next.what.name.size() + next.what.argument.size();
    waiting_.push_back(std::move(next));
}

// What cannot wait for the transfer's end: ABOR takes effect at once and is answered in its turn, NOOP and STAT are
// answered at once unless something waits before them (B-226, B-232 .. B-235).
bool control_core::answer_during_transfer(waiting_command& next) {
    command const& what = next.what;
    if (what.malformed || !what.argument.empty() || state_.rules().denies(*what.row)) return false;
    if (what.id() == verb::abor) next.carried_out = transfer_.request_abort();
    if (!waiting_.empty() || what.id() == verb::abor) return false;
    if (what.id() == verb::noop) {
        context_.act(note_command{what.row});
        context_.answer(200, "Transfer in progress.");
        return true;
    }
    if (what.id() == verb::stat) {
        context_.act(note_command{what.row});
        transfer_.status();
        return true;
    }
    return false;
}

void control_core::run_waiting() {
    while (state_.now == activity::idle && !waiting_.empty()) {
        waiting_command next = std::move(waiting_.front());
        waiting_.pop_front();
        waiting_bytes_ -= next.what.name.size() + next.what.argument.size();
        run(next);
    }
}

void control_core::run(waiting_command& next) {
    context_.arm(deadline_kind::idle, state_.rules().idle_timeout);
    if (next.fault != line_fault::none) return bad_line(next.fault);
    if (next.what.malformed) return malformed(next.what);
    context_.act(note_command{next.what.row});
    if (next.carried_out) return context_.answer(226, "Abort successful.");
    dispatch(next.what);
    if (next.what.row->secret) std::fill(next.what.argument.begin(), next.what.argument.end(), '\0');
}

// --- the backend

void control_core::on(access_decided const& happened) {
    if (state_.now != activity::deciding) return;
    access_decided decision = happened;
    front_.on_access(decision);
    if (state_.now == activity::idle && state_.login == login_phase::user_given && state_.mapped())
        login_.start_mapped();
}

void control_core::on(backend_connected const& happened) {
    if (state_.now != activity::login) return;
    replies_.reset();
    login_.on_connected(happened);
}

void control_core::on(backend_unreachable const&) {
    if (state_.now == activity::login) login_.on_unreachable();
}

// Replies can only be answers to what was sent before these bytes came: more of them than that are an attempt to answer
// commands that were not given yet, and everything after would be shifted.
void control_core::on(backend_bytes const& happened) {
    if (!state_.backend_connected) return;
    unsigned answers_allowed = state_.finals_due;
    replies_.feed(happened.bytes);
    while (state_.backend_connected && state_.now != activity::over) {
        auto next = replies_.next();
        if (std::holds_alternative<std::monostate>(next)) break;
        if (std::holds_alternative<reply_fault>(next)) {
            if (login_.greeting_failed(greeting::bad, "greeted with what is no FTP reply")) return;
            return desynchronised("The server gave an answer that makes no sense.");  // B-020, B-023
        }
        auto const& answer = std::get<reply>(next);
        if (answer.code == 421 && answers_allowed == 0) {  // its idle time-out (B-237)
            if (transferring()) {
                transfer_.on_backend_gone(&answer);
                continue;
            }
            context_.show(answer);
            return context_.end(end_reason::backend_gone);
        }
        if (answers_allowed == 0) return desynchronised();
        if (answer.is_final()) --answers_allowed;
        deliver(answer);
    }
    if (!state_.backend_connected || state_.now == activity::over) return;
    if (replies_.mid_reply())
        context_.arm(deadline_kind::rest, waits::rest);  // B-018
    else
        context_.cancel(deadline_kind::rest);
}

void control_core::deliver(reply const& answer) {
    if (answer.is_final()) {
        --state_.finals_due;
        if (state_.finals_due == 0) context_.cancel(deadline_kind::reply);
    }
    if (answer.code == 421 && state_.now == activity::transfer) return transfer_.on_backend_gone(&answer);
    if (answer.code == 421 && state_.now != activity::login) {  // B-219
        context_.show(answer);
        return context_.end(end_reason::backend_gone);
    }
    switch (state_.now) {
        case activity::login: return login_.on_reply(answer);
        case activity::relay: return relay_.on_reply(answer);
        case activity::setup: return setup_.on_reply(answer);
        case activity::transfer: return transfer_.on_reply(answer);
        default: return desynchronised();
    }
}

// A command whose final reply the client does not have yet; one that has it must not get a second (B-281).
bool control_core::client_waits() const {
    switch (state_.now) {
        case activity::login:
        case activity::setup: return true;
        case activity::relay: return !relay_.is_answered();
        case activity::transfer: return !transfer_.is_answered();
        default: return false;
    }
}

void control_core::desynchronised(std::string_view answer) {
    if (client_waits()) context_.answer(451, answer);
    desynchronised();
}

void control_core::desynchronised() {
    if (transferring()) transfer_.cut(transfer_result::backend_failed);
    give_login_up("the backend's answer makes no sense");
    context_.attack(attack_kind::reply_injection);
    context_.refuse_service("Service not available.", end_reason::backend_desync);
}

// The session ends while the backend is being logged in to: no login goes without a word about its end.
void control_core::give_login_up(std::string reason) {
    if (state_.now == activity::login) context_.note_login(session_context::login_end::refused, std::move(reason));
}

void control_core::on(backend_gone const&) {
    if (!state_.backend_connected) return;
    state_.backend_connected = false;
    if (state_.now == activity::login && login_.on_gone()) return;
    if (transferring()) return transfer_.on_backend_gone(nullptr);
    context_.refuse_service("Service not available.", end_reason::backend_gone);
}

// --- data connections

void control_core::on(client_listening const& happened) {
    setup_.on_client_listening(happened);
}
void control_core::on(client_listen_failed const&) {
    setup_.on_client_listen_failed();
}
void control_core::on(backend_listening const& happened) {
    setup_.on_backend_listening(happened);
}
void control_core::on(backend_listen_failed const&) {
    setup_.on_backend_listen_failed();
}

void control_core::on(client_data_handshaking const&) {
    if (transferring()) transfer_.on_client_handshaking();
}
void control_core::on(client_data_up const&) {
    if (transferring()) transfer_.on_client_up();
}
void control_core::on(client_data_failed const& happened) {
    if (transferring()) transfer_.on_client_failed(happened.fault);
}
void control_core::on(backend_data_up const&) {
    if (transferring()) transfer_.on_backend_up();
}
void control_core::on(backend_data_failed const&) {
    if (transferring()) transfer_.on_backend_failed();
}
void control_core::on(relay_done const& happened) {
    if (transferring()) transfer_.on_relay_done(happened.result);
}
void control_core::on(client_data_finished const& happened) {
    if (transferring()) transfer_.on_client_finished(happened.sent);
}
void control_core::on(progress const& happened) {
    if (transferring()) transfer_.on_progress(happened);
}

// --- time and operator

void control_core::on(deadline_passed const& happened) {
    switch (happened.kind) {
        case deadline_kind::login:
            if (state_.login == login_phase::in) return;
            login_.greeting_is_late();
            give_login_up("timed out");
            return context_.refuse_service("Login timed out.", end_reason::login_timeout);
        case deadline_kind::handshake:
            if (state_.now == activity::securing || state_.now == activity::clearing)
                context_.end(end_reason::handshake);
            return;
        case deadline_kind::idle:
            if (!transferring()) context_.refuse_service("Idle for too long.", end_reason::idle_timeout);
            return;
        case deadline_kind::drain:
            if (transferring()) return;  // armed again at its end
            if (state_.now != activity::idle) return context_.arm(deadline_kind::drain, waits::drain);
            return context_.refuse_service("Service is shutting down.", end_reason::shutdown);
        case deadline_kind::rest:
            if (login_.greeting_failed(greeting::missing, "its greeting was cut short")) return;
            return desynchronised("The server's answer was cut short.");
        case deadline_kind::reply:
            if (transferring()) return transfer_.on_deadline(happened.kind);
            if (state_.finals_due == 0) return;
            if (login_.greeting_failed(greeting::missing, "no greeting in time")) return;
            if (client_waits()) context_.answer(451, "The server does not answer.");
            give_login_up("the backend does not answer");
            return context_.refuse_service("Service not available.", end_reason::backend_gone);
        default:
            if (transferring()) transfer_.on_deadline(happened.kind);
    }
}

void control_core::on(shutdown const& happened) {
    state_.draining = true;
    // A client that is in the middle of something is not cut off from it: who comes for one file gets it (B-222).
    if (happened.kind == shutdown_kind::drain)
        return transferring() ? void() : context_.arm(deadline_kind::drain, waits::drain);
    if (transferring()) transfer_.cut(transfer_result::aborted);
    give_login_up("the gate shuts down");
    context_.refuse_service("Service is shutting down.", end_reason::shutdown);
}

}  // namespace ftpsgate::ftp
