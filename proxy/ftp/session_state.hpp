// The facts that the machines of one session share, and the few ways in which they speak. Small on purpose: what only
// one machine needs lives in that machine.
#pragma once

#include "proxy/ftp/actions.hpp"
#include "proxy/ftp/command.hpp"
#include "proxy/ftp/reply.hpp"
#include "proxy/ftp/session_plan.hpp"
#include "proxy/ftp/site_rules.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace ftpsgate::ftp {

enum class control_channel { clear, tls, cleared };  ///< cleared: after CCC
enum class login_phase { none, user_given, in };

/// Who gets the next event; while not `idle` no further command is started (one outstanding command, B-013).
enum class activity {
    idle,
    securing,  ///< 234 sent, handshake running
    clearing,  ///< CCC accepted
    deciding,  ///< may this user log in?
    login,     ///< login machine
    relay,     ///< one forwarded command
    setup,     ///< PASV, EPSV, PORT, EPRT
    transfer,
    over,  ///< finish was issued: nothing follows
};

/// What the client's PASV, EPSV, PORT or EPRT left behind; serves one transfer (B-124).
enum class data_setup { none, client_passive, client_active };

struct session_state {
    explicit session_state(core_settings settings) : connection(std::move(settings)) {}

    core_settings connection;
    std::size_t site = 0;
    bool host_given = false;  ///< the site was chosen by HOST or host|user
    std::string server_name;  ///< SNI
    std::string tls_version;  ///< "TLSv1.3", for STAT

    activity now = activity::idle;
    control_channel control = control_channel::clear;
    bool pbsz = false;          ///< PBSZ was given (B-052)
    bool protect_data = false;  ///< PROT P
    bool epsv_all = false;      ///< B-114
    data_setup setup = data_setup::none;
    representation type = representation::ascii;  ///< for the transfer log; the backend's counts (B-238)

    login_phase login = login_phase::none;
    std::string user;  ///< as the client gave it
    std::optional<session_plan> plan;
    bool wants_utf8 = false;  ///< OPTS UTF8 ON before the login
    unsigned failed_logins = 0;
    bool mapped() const { return plan && plan->mapped() != nullptr; }  ///< the certificate logs in
    bool draining = false;

    std::vector<std::string> backend_names;  ///< to be hidden from the client (A-032)
    ip_address backend_address;
    bool backend_connected = false;
    bool backend_refuses_epsv = false;
    std::optional<std::vector<std::string>> backend_features;  ///< of FEAT, once asked
    unsigned finals_due = 0;                                   ///< final replies that the backend owes

    site_rules const& rules() const { return (*connection.sites)[site]; }
    bool several_sites() const { return connection.sites->size() > 1; }
    bool may_secure() const { return !connection.may_secure || connection.may_secure(site); }
    /// As a new connection, apart from TLS and the site (B-028, B-077).
    void forget_login();
};

/// What a machine uses to act: the shared state and the list of actions that handle() returns.
class session_context {
public:
    explicit session_context(session_state& shared) : state(shared) {}

    session_state& state;
    actions out;

    template <class Action>
    void act(Action what) {
        if (state.now != activity::over) out.emplace_back(std::move(what));
    }
    void answer(int code, std::string_view text) { act(send_client{render(code, text)}); }
    /// A backend's reply for the client: addresses hidden, codes that would change its state replaced.
    void show(reply shown);
    /// The same for replies that hold a path, which stays as it is (B-242).
    void show_path(reply shown);
    /// For replies that machines read, such as a size or a digest: nothing in them is a name.
    void show_value(reply const& shown);

    /// One command for the backend; its final reply is then due within reply_timeout.
    void ask_backend(std::string bytes, sensitivity content = sensitivity::plain, urgency how = urgency::normal);
    void arm(deadline_kind kind, milliseconds after) { act(arm_deadline{kind, after}); }
    void cancel(deadline_kind kind) { act(cancel_deadline{kind}); }
    void attack(attack_kind kind) { act(note_attack{kind}); }

    /// Closes what a set-up opened (B-116, B-122).
    void drop_setup();
    void drop_backend();
    /// This one is of no use: the next event tells of another, or that there is none.
    void pass_over_backend();
    /// Back to before USER: what a new user, site or TLS session must not inherit (B-028, B-075, B-077).
    void log_out();
    void end(end_reason reason);
    /// For the log and the counters.
    enum class login_end { accepted, refused, credentials_refused };
    void note_login(login_end how, std::string reason);
    /// One more; 421 and the end after too many.
    void count_failed_login();
    /// 421 and the end; the text is the gate's own.
    void refuse_service(std::string_view text, end_reason reason);
};

}  // namespace ftpsgate::ftp
