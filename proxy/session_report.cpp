// What a session tells of itself to /sessions and the status page.
#include "proxy/session.hpp"

namespace ftpsgate::proxy {

namespace {

std::string_view word_of(ftp::session_state const& state) {
    switch (state.now) {
        case ftp::activity::securing: return "handshake";
        case ftp::activity::clearing: return "clearing";
        case ftp::activity::deciding:
        case ftp::activity::login: return "login";
        case ftp::activity::relay: return "command";
        case ftp::activity::setup: return "data_setup";
        case ftp::activity::transfer: return "transfer";
        case ftp::activity::over: return "over";
        case ftp::activity::idle: break;
    }
    return state.login == ftp::login_phase::in ? "idle" : "not_logged_in";
}

}  // namespace

/// As the log has it: who it is at the backend; before that is decided, what the client typed.
std::string const& session::user() const {
    auto const& state = core_.state();
    return state.plan ? state.plan->user() : state.user;
}

metrics::session_row session::report() const {
    auto const& state = core_.state();
    auto row = journal_.report();
    row.user = user();
    if (backend_) row.backend = backend_name();
    if (state.control == ftp::control_channel::tls && client_->stream().secured()) {
        row.tls_version = state.tls_version;
        row.tls_cipher = client_->stream().facts().cipher;
    }
    row.state = word_of(state);
    if (state.now == ftp::activity::transfer) row.bytes += data_.bytes();
    return row;
}

}  // namespace ftpsgate::proxy
