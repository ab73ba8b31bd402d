// One session's protocol logic, without any I/O: events in, actions out (DESIGN.md section 4). It owns the state, the
// line reader, the reply parser and the machines, and routes between them; the behaviour itself is in the machines.
//
// Invariants: handle() never throws for anything a peer can send; after `finish` it returns nothing any more; at most
// one command is outstanding at the backend (plus an ABOR); nothing follows start_tls in a batch; a password appears in
// one send_backend and nowhere else.
#pragma once

#include "proxy/ftp/actions.hpp"
#include "proxy/ftp/events.hpp"
#include "proxy/ftp/front_machine.hpp"
#include "proxy/ftp/line_reader.hpp"
#include "proxy/ftp/login_machine.hpp"
#include "proxy/ftp/relay_machine.hpp"
#include "proxy/ftp/reply.hpp"
#include "proxy/ftp/session_state.hpp"
#include "proxy/ftp/setup_machine.hpp"
#include "proxy/ftp/transfer_machine.hpp"

#include <cstddef>
#include <deque>

namespace ftpsgate::ftp {

class control_core {
public:
    explicit control_core(core_settings settings);
    control_core(control_core const&) = delete;
    control_core& operator=(control_core const&) = delete;

    /// The first actions of a new connection.
    actions start();
    actions handle(event const& what);

    /// False: stop reading from the client (B-013, A-061). True again after a later handle().
    bool wants_client_bytes() const;
    session_state const& state() const { return state_; }

private:
    struct waiting_command {
        command what;
        line_fault fault = line_fault::none;
        bool carried_out = false;  // an ABOR that took effect when it was read: only its reply is left (B-226)
    };

    void on(client_bytes const& happened);
    void on(client_secured const& happened);
    void on(client_cleared const&);
    void on(client_gone const&);
    void on(access_decided const& happened);
    void on(backend_connected const& happened);
    void on(backend_unreachable const&);
    void on(backend_bytes const& happened);
    void on(backend_gone const&);
    void on(client_listening const& happened);
    void on(client_listen_failed const&);
    void on(backend_listening const& happened);
    void on(backend_listen_failed const&);
    void on(client_data_handshaking const&);
    void on(client_data_up const&);
    void on(client_data_failed const& happened);
    void on(backend_data_up const&);
    void on(backend_data_failed const&);
    void on(relay_done const& happened);
    void on(client_data_finished const& happened);
    void on(progress const& happened);
    void on(deadline_passed const& happened);
    void on(shutdown const& happened);

    bool transferring() const { return state_.now == activity::transfer; }
    void take_line(line&& text);
    bool answer_during_transfer(waiting_command& next);
    void run_waiting();
    void run(waiting_command& next);
    void bad_line(line_fault fault);
    void malformed(command const& what);
    bool refuse_by_state(command const& what);
    bool refuse_in_clear(command const& what);
    void unknown(command const& what);
    void count_unknown();
    void dispatch(command& what);
    void dispatch_session(command& what);
    void dispatch_logged_in(command& what);
    void password(command& what);
    void forget_login_under_way();
    void deliver(reply const& answer);
    bool client_waits() const;
    void give_login_up(std::string reason);
    void desynchronised();
    void desynchronised(std::string_view answer);

    session_state state_;
    session_context context_;
    line_reader lines_;
    reply_parser replies_;
    std::deque<waiting_command> waiting_;
    std::size_t waiting_bytes_ = 0;
    unsigned bad_lines_ = 0;
    unsigned unknown_commands_ = 0;
    bool first_bytes_ = true;

    front_machine front_;
    login_machine login_;
    relay_machine relay_;
    setup_machine setup_;
    transfer_machine transfer_;
};

}  // namespace ftpsgate::ftp
