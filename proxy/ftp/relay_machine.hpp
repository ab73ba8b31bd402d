// Logged in, one command at a time: what goes to the backend as it is, what is looked at first (MODE, STRU, REST, SITE,
// OPTS, FEAT, PRET, STAT with a path, ABOR without a transfer) and how the answers come back. PROTOCOL.md 3.4, B-224,
// B-225, A-046, A-052, A-053.
#pragma once

#include "proxy/ftp/session_state.hpp"

namespace ftpsgate::ftp {

class relay_machine {
public:
    explicit relay_machine(session_context& context) : context_(context), state_(context.state) {}

    void forward(command const& what);
    void feat();
    void opts(command const& what);
    void type(command const& what);
    void mode(command const& what);
    void structure(command const& what);
    void rest(command const& what);
    void site(command const& what);
    void pret(command const& what);
    void status_of(command const& what);  ///< STAT path
    void abor();

    void on_reply(reply const& answer);
    /// The client was told already; only the backend's final reply is waited for.
    bool is_answered() const { return answered_; }

private:
    enum class kind { plain, path, value, type, features, abort };

    void send(command const& what, kind answer);

    session_context& context_;
    session_state& state_;
    kind kind_ = kind::plain;
    representation asked_type_ = representation::ascii;
    bool answered_ = false;  // the client was told; the backend's final reply is only waited for
};

}  // namespace ftpsgate::ftp
