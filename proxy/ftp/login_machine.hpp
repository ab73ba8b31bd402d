// The login at the backend: connect, greeting, USER, PASS, ACCT, until it is in or refused. The backend is not
// contacted before the client offered a password or has a mapped certificate. PROTOCOL.md 3.3, B-248 .. B-250.
#pragma once

#include "proxy/ftp/events.hpp"
#include "proxy/ftp/secret.hpp"
#include "proxy/ftp/session_state.hpp"

namespace ftpsgate::ftp {

class login_machine {
public:
    explicit login_machine(session_context& context) : context_(context), state_(context.state) {}

    /// PASS came after USER: state.plan is set.
    void start(secret_string password);
    /// USER came, and the certificate stands for who it is (B-069).
    void start_mapped();
    void on_connected(backend_connected const& backend);
    void on_unreachable();
    /// True: another backend is asked.
    bool on_gone();
    void on_reply(reply const& answer);

    /// True: no greeting had come that would do, and another backend is asked. False when one had, or there is no
    /// other.
    bool greeting_failed(greeting how, std::string words);
    /// Nobody waits for the greeting any longer.
    void greeting_is_late();

    /// The backend asked for an account (332) and waits for the client's ACCT (B-092).
    bool wants_account() const { return step_ == step::client_account; }
    void account(command const& what);

    /// USER again, or the backend is gone: nothing is under way any more.
    void reset();

private:
    enum class step { none, connecting, greeting, user, password, client_account, account, options };

    void hide_names(ip_address const& connected_to);
    bool is_no_welcome(reply const& answer) const;
    void on_greeting(reply const& answer);
    void on_user_reply(reply const& answer);
    void on_password_reply(reply const& answer);
    void ask_account(reply const& answer);
    void answer_account(reply const& asked);
    void accepted(reply const& answer);
    void finish_login();
    void refused(reply const& answer);

    session_context& context_;
    session_state& state_;
    step step_ = step::none;
    bool has_another_ = false;  // backend to be asked
    secret_string password_;
    reply welcome_;  // the backend's 230, shown when everything is set up
};

}  // namespace ftpsgate::ftp
