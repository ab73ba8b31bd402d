// What the gate answers itself, without the backend: TLS (AUTH, PBSZ, PROT, CCC), site selection (HOST), the capture of
// USER, and the small talk that clients want before the login. PROTOCOL.md 3.1 - 3.4.
#pragma once

#include "proxy/ftp/events.hpp"
#include "proxy/ftp/session_state.hpp"

#include <optional>
#include <string_view>

namespace ftpsgate::ftp {

/// Bytes or commands that came behind the one at hand.
enum class pipelined { nothing, something };

class front_machine {
public:
    explicit front_machine(session_context& context) : context_(context), state_(context.state) {}

    void greet();
    void auth(command const& what, pipelined behind);
    void on_secured(client_secured const& how);
    void on_cleared();

    void pbsz(command const& what);
    void prot(command const& what);
    void ccc();
    void other_security(command const& what);  ///< ADAT, MIC, CONF, ENC, REIN

    void host(command const& what);
    void user(command const& what);
    void on_access(access_decided& decision);

    /// FEAT: the gate's own lines and those of the backend that are known by now (B-094, B-096).
    void features();
    void opts_before_login(command const& what);
    void lang_before_login(command const& what);
    void help(command const& what);
    void status();  ///< STAT without argument (B-104)
    void quit();

private:
    std::optional<std::size_t> find_site(std::string_view name) const;
    bool may_change_to(std::size_t site) const;
    void change_site(std::size_t site);
    bool split_host(std::string& name);
    void refuse_user(access_decided const& decision);

    session_context& context_;
    session_state& state_;
    bool private_after_auth_ = false;  // AUTH TLS-P: PROT P is implied (B-032)
};

}  // namespace ftpsgate::ftp
