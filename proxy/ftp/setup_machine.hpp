// PASV, EPSV, PORT, EPRT: the client's wish and the backend's answer to the gate's own set-up, which is asked for at
// once (B-144), so that a refusal is the reply to this command and nothing is put between REST and its partner later.
// PROTOCOL.md 3.5 - 3.7.
#pragma once

#include "proxy/ftp/events.hpp"
#include "proxy/ftp/session_state.hpp"

namespace ftpsgate::ftp {

class setup_machine {
public:
    explicit setup_machine(session_context& context) : context_(context), state_(context.state) {}

    void pasv();
    void epsv(command const& what);
    void port(command const& what);
    void eprt(command const& what);

    void on_reply(reply const& answer);
    void on_backend_listening(backend_listening const& happened);
    void on_backend_listen_failed();
    void on_client_listening(client_listening const& happened);
    void on_client_listen_failed();

private:
    enum class wish { pasv, epsv, port, eprt };
    enum class step { none, epsv, pasv, listening, port, client };

    void active(wish what, host_port_result const& parsed);
    void start(wish what);
    bool backend_is_active() const;
    void ask_pasv();
    void on_epsv_reply(reply const& answer);
    void on_pasv_reply(reply const& answer);
    void use_backend(ip_address const& named, std::uint16_t port);
    void open_client_side();
    void failed();

    session_context& context_;
    session_state& state_;
    wish wish_ = wish::pasv;
    step step_ = step::none;
    ip_endpoint target_;  // of PORT and EPRT
};

}  // namespace ftpsgate::ftp
