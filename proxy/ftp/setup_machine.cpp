#include "proxy/ftp/setup_machine.hpp"

#include "proxy/ftp/text.hpp"

namespace ftpsgate::ftp {

namespace {
constexpr std::uint16_t first_unprivileged = 1024;
}

void setup_machine::pasv() {
    context_.drop_setup();  // the last set-up wins (B-116)
    if (state_.epsv_all) return context_.answer(503, "Only EPSV is allowed after EPSV ALL.");
    if (!state_.connection.gate.is_v4()) return context_.answer(502, "PASV is for IPv4; use EPSV.");  // B-111
    start(wish::pasv);
}

void setup_machine::epsv(command const& what) {
    std::string const wanted = upper(what.argument);
    if (wanted == "ALL") {
        state_.epsv_all = true;  // B-114; the gate's own leg is not bound by it
        return context_.answer(200, "EPSV ALL command successful.");
    }
    context_.drop_setup();
    std::string const own = state_.connection.gate.is_v4() ? "1" : "2";
    if (wanted.empty() || wanted == own) return start(wish::epsv);
    bool const number = wanted.find_first_not_of("0123456789") == std::string::npos;
    if (!number) return context_.answer(501, "EPSV takes 1, 2 or ALL.");        // B-115
    context_.answer(522, "Network protocol not supported, use (" + own + ")");  // B-113
}

void setup_machine::port(command const& what) {
    active(wish::port, parse_port(what.argument));
}
void setup_machine::eprt(command const& what) {
    active(wish::eprt, parse_eprt(what.argument));
}

void setup_machine::active(wish what, host_port_result const& parsed) {
    context_.drop_setup();  // also when this one fails (B-131)
    if (!state_.rules().allow_active) return context_.answer(502, "Active mode is switched off; use EPSV or PASV.");
    if (state_.epsv_all) return context_.answer(503, "Only EPSV is allowed after EPSV ALL.");
    if (auto const* fault = std::get_if<host_port_fault>(&parsed)) {
        if (*fault == host_port_fault::family) return context_.answer(522, "Network protocol not supported, use (1,2)");
        return context_.answer(501, what == wish::port ? "Invalid PORT format." : "Invalid EPRT format.");
    }
    auto const& target = std::get<ip_endpoint>(parsed);
    if (what == wish::port && !state_.connection.client.is_v4())
        return context_.answer(501, "PORT is for IPv4; use EPRT.");  // B-132
    if (!(target.address == state_.connection.client)) {
        context_.attack(attack_kind::bounce);  // B-127, A-018
        return context_.answer(500, what == wish::port ? "Illegal PORT command." : "Illegal EPRT command.");
    }
    if (target.port < first_unprivileged)
        return context_.answer(504, "Ports below 1024 are not used.");  // B-128, A-019
    target_ = target;
    start(what);
}

bool setup_machine::backend_is_active() const {
    backend_mode const mode = state_.rules().data_mode;
    bool const client_is_active = wish_ == wish::port || wish_ == wish::eprt;
    return mode == backend_mode::active || (mode == backend_mode::client && client_is_active);
}

void setup_machine::start(wish what) {
    wish_ = what;
    state_.now = activity::setup;
    if (backend_is_active()) {
        step_ = step::listening;
        return context_.act(listen_backend{});
    }
    if (state_.backend_refuses_epsv && state_.backend_address.is_v4()) return ask_pasv();
    step_ = step::epsv;
    context_.ask_backend("EPSV\r\n");
}

void setup_machine::ask_pasv() {
    step_ = step::pasv;
    context_.ask_backend("PASV\r\n");
}

void setup_machine::on_reply(reply const& answer) {
    if (answer.is_preliminary()) return;
    switch (step_) {
        case step::epsv: return on_epsv_reply(answer);
        case step::pasv: return on_pasv_reply(answer);
        case step::port: return answer.is_completion() ? open_client_side() : failed();
        default: return;
    }
}

void setup_machine::on_epsv_reply(reply const& answer) {
    if (answer.code == 227) return on_pasv_reply(answer);  // some answer EPSV like PASV (B-138)
    if (answer.code / 100 == 5 && state_.backend_address.is_v4()) {
        state_.backend_refuses_epsv = true;  // B-137
        context_.act(learn_backend_refuses_epsv{});
        return ask_pasv();
    }
    if (answer.code != 229) return failed();
    for (auto const& line : answer.lines)  // any line may hold it (B-025)
        if (auto const port = parse_229(line)) return use_backend(state_.backend_address, *port);
    failed();
}

void setup_machine::on_pasv_reply(reply const& answer) {
    if (answer.code != 227) return failed();
    for (auto const& line : answer.lines)
        if (auto const where = parse_227(line)) return use_backend(where->address, where->port);
    failed();  // B-141
}

// The address that the backend names is not believed: private, wrong and hostile ones are common (B-140, A-071).
void setup_machine::use_backend(ip_address const& named, std::uint16_t port) {
    if (port < first_unprivileged) return failed();  // B-143, A-072
    ip_address const& address = state_.rules().trust_backend_address ? named : state_.backend_address;
    context_.act(target_backend{{address, port}});
    open_client_side();
}

void setup_machine::on_backend_listening(backend_listening const& happened) {
    if (state_.now != activity::setup || step_ != step::listening) return;
    step_ = step::port;
    bool const v4 = happened.where.address.is_v4();
    context_.ask_backend(v4 ? to_wire("PORT", format_port(happened.where))
                            : to_wire("EPRT", format_eprt(happened.where)));
}

void setup_machine::on_backend_listen_failed() {
    if (state_.now == activity::setup && step_ == step::listening) failed();
}

void setup_machine::open_client_side() {
    protection const level = state_.protect_data ? protection::tls : protection::clear;
    if (wish_ == wish::pasv || wish_ == wish::epsv) {
        step_ = step::client;
        return context_.act(listen_client{level});
    }
    context_.act(target_client{target_, level});
    state_.setup = data_setup::client_active;
    state_.now = activity::idle;
    context_.answer(200, wish_ == wish::port ? "PORT command successful." : "EPRT command successful.");
}

void setup_machine::on_client_listening(client_listening const& happened) {
    if (state_.now != activity::setup || step_ != step::client) return;
    state_.setup = data_setup::client_passive;
    state_.now = activity::idle;
    if (wish_ == wish::epsv) return context_.answer(229, format_229(happened.port));
    auto const& rules = state_.rules();
    ip_address const announced = rules.passive_address ? *rules.passive_address : state_.connection.gate;
    context_.answer(227, format_227({announced, happened.port}));
}

void setup_machine::on_client_listen_failed() {
    if (state_.now == activity::setup && step_ == step::client) failed();  // B-118
}

void setup_machine::failed() {
    step_ = step::none;
    context_.drop_setup();
    state_.now = activity::idle;
    context_.answer(425, "Can't open data connection.");
}

}  // namespace ftpsgate::ftp
