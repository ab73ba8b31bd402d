// One short function per action of the core: starts the I/O, writes down what is to be written down, never waits.
#include "proxy/plan.hpp"
#include "proxy/session.hpp"

#include <boost/asio/post.hpp>

namespace ftpsgate::proxy {

namespace {
using namespace std::chrono_literals;
constexpr auto last_words_limit = 5s;  // for the client to take its final reply and close
constexpr auto quit_limit = 1s;        // for the backend to answer QUIT

ftp::access_decided refused(std::string why, ftp::login_method method = ftp::login_method::password) {
    return {std::nullopt, std::move(why), method};
}

unsigned index_of(ftp::deadline_kind kind) {
    return static_cast<unsigned>(kind);
}
}  // namespace

void session::perform(ftp::send_client& action) {
    client_->send(std::move(action.bytes));
}

void session::perform(ftp::start_tls const& action) {
    handshake_began_ = std::chrono::steady_clock::now();
    client_->start_tls(tls_options(action), key_of(client_addresses_.peer));
}

void session::perform(ftp::stop_tls const&) {
    client_->stop_tls();
}

void session::perform(ftp::decide_access const& action) {
    auto& wanted = *group_->sites[action.site];
    if (!has_place_on(action.site)) return deliver(refused("the site has no place left"));
    // Checked with the handshake; a session may outlive it and say USER again.
    if (peer_ && peer_->facts().not_after < std::chrono::system_clock::now())
        return deliver(refused("the client's certificate has expired meanwhile", ftp::login_method::certificate));
    if (!peer_ || !wanted.identities) return deliver(decide_password(action));
    identification_ = wanted.identities->resolve(peer_, home_.loop.get_executor(),
                                                 [this, action](policy::identity_ptr const& identity) {
                                                     journal_.identified(*identity);
                                                     deliver(decide_mapped(action, *identity));
                                                 });
}

// IIS.md d.5: with a mapped identity the typed user is ignored; without one, what was typed counts if the site says so.
ftp::access_decided session::decide_mapped(ftp::decide_access const& action,
                                           policy::identity_decision const& identity) {
    auto const& rules = group_->sites[action.site]->settings.authentication;
    using outcome = policy::identity_outcome;
    if (identity.outcome == outcome::denied)
        return refused("denied by rule " + identity.rule, ftp::login_method::certificate);
    if (identity.outcome == outcome::refused) return refused(identity.detail, ftp::login_method::certificate);
    if (identity.outcome == outcome::not_mapped) return decide_password(action);
    if (rules.user_must_match && action.user != identity.login->user)
        return refused("USER names another user than the certificate", ftp::login_method::certificate);
    ftp::access_decided decision;
    decision.method = ftp::login_method::certificate;
    if (auto const granted = policy::decide_mapped_session(*peer_, identity))
        decision.plan = plan_maker::make(*granted, rules.reply);
    return decision;
}

ftp::access_decided session::decide_password(ftp::decide_access const& action) const {
    auto const& wanted = *group_->sites[action.site];
    if (wanted.bans.is_banned(client_addresses_.peer, login_bans::clock::now())) return refused("the client is banned");
    if (!wanted.settings.authentication.basic)
        return refused("no identity for the client's certificate, and basic = false", ftp::login_method::certificate);
    std::optional<policy::grant> granted;
    if (peer_)
        granted = policy::decide_session(*peer_, action.user);
    else if (wanted.password_only)
        granted = wanted.password_only->decide_session(action.user);
    if (!granted) return refused("the name cannot be passed on, or a certificate is required");
    ftp::access_decided decision;
    decision.plan = plan_maker::make(*granted, wanted.settings.authentication.reply);
    return decision;
}

// A client that is turned away has not begun to cost anything: no key was used for it.
bool session::may_secure(std::size_t index) {
    auto admitted = handshakes_.admit(group_->sites[index]->settings.limits, client_addresses_.peer);
    if (auto const* const full = std::get_if<limit_reason>(&admitted)) {
        journal_.handshake_refused(*full);
        return false;
    }
    handshake_place_ = std::move(std::get<session_limits::slot>(admitted));
    return true;
}

// The client was admitted on the listener's first site; SNI, HOST or host|user may have chosen another (B-077).
bool session::has_place_on(std::size_t index) {
    if (index == place_site_) return true;
    site_runtime& wanted = *group_->sites[index];
    auto admitted = wanted.limits.admit(wanted.settings.limits, client_addresses_.peer);
    if (!std::holds_alternative<session_limits::slot>(admitted)) return false;
    place_ = std::move(std::get<session_limits::slot>(admitted));
    place_site_ = index;
    journal_.moved_to(wanted);
    return true;
}

void session::perform(ftp::connect_backend const&) {
    data_.configure(data_settings());
    data_.limit_rate(site().settings.data.rate_limit);
    connector_ = std::make_unique<backend_connector>(home_.loop.get_executor(), site().backends, balance_key());
    connector_->start([this](backend_outcome outcome) { backend_decided(std::move(outcome)); });
}

// Only the methods that look at it pay for it.
std::uint64_t session::balance_key() const {
    using enum config::balance_method;
    auto const method = site().settings.backend.balance;
    if (method == per_user) return stable_hash(user());
    if (method != per_client) return 0;
    auto const client = key_of(client_addresses_.peer);
    return stable_hash({reinterpret_cast<char const*>(&client), sizeof client});
}

void session::perform(ftp::pass_over_backend const&) {
    leave_backend(0ms);
    connector_->next([this](backend_outcome outcome) { backend_decided(std::move(outcome)); });
}

void session::perform(ftp::note_greeting const& action) {
    auto& pool = *site().backends;
    auto const& name = backend_name();
    if (action.how == ftp::greeting::good) {
        connector_.reset();
        journal_.backend_greeted(name);
        return journal_.backend_changed(name, pool.succeeded(backend_place_));
    }
    auto const fault = action.how == ftp::greeting::bad ? backend_fault::bad_greeting : backend_fault::no_greeting;
    journal_.backend_failed(name, word_of(fault), name + ": " + action.words);
    journal_.backend_changed(name, pool.failed(backend_place_, action.words));
}

void session::perform(ftp::send_backend& action) {
    if (!backend_) return;
    if (action.how == ftp::urgency::telnet_synch) return backend_->send_synch(std::move(action.bytes));
    backend_->send(std::move(action.bytes), action.content == ftp::sensitivity::secret
                                                ? control_channel::after_sending::wipe
                                                : control_channel::after_sending::keep);
}

void session::perform(ftp::drop_backend const&) {
    connector_.reset();
    if (!backend_) return;
    backend_->send("QUIT\r\n");
    leave_backend(quit_limit);
}

void session::leave_backend(std::chrono::milliseconds limit) {
    backend_->close(limit);
    backend_.reset();
    backend_place_.release();
    journal_.backend_left();
}

void session::perform(ftp::learn_backend_refuses_epsv const&) {
    site().backends->learned(backend_place_.server()).epsv_refused = true;
}

void session::perform(ftp::listen_client const& action) {
    data_.listen_client(action.level);
}

void session::perform(ftp::target_client const& action) {
    data_.target_client(action.where, action.level);
}
void session::perform(ftp::protect_client const& action) {
    data_.protect_client(action.level);
}
void session::perform(ftp::listen_backend const&) {
    data_.listen_backend();
}
void session::perform(ftp::target_backend const& action) {
    data_.target_backend(action.where);
}
void session::perform(ftp::begin_data const& action) {
    data_.begin(action.way);
}
void session::perform(ftp::start_relay const&) {
    data_.start_relay();
}
void session::perform(ftp::finish_client_data const&) {
    data_.finish_client();
}
void session::perform(ftp::finish_backend_data const&) {
    data_.finish_backend();
}

void session::perform(ftp::abort_data const&) {
    data_.abort();
}

void session::perform(ftp::ask_progress const&) {
    data_.ask_progress();
}
void session::perform(ftp::arm_deadline const& action) {
    deadlines_.arm(index_of(action.kind), action.after);
}
void session::perform(ftp::cancel_deadline const& action) {
    deadlines_.cancel(index_of(action.kind));
}
void session::perform(ftp::note_command const& action) {
    journal_.command(action);
}
void session::perform(ftp::note_denied const& action) {
    journal_.command_denied(action, user());
}

void session::perform(ftp::note_login const& action) {
    journal_.login(action, backend_ ? std::string_view(backend_name()) : std::string_view());
    if (!action.wrong_credentials) return;
    auto& at = site();
    if (at.bans.failed(at.settings.limits, client_addresses_.peer, login_bans::clock::now()))
        journal_.banned(at.settings.limits.ban_time);
}

void session::perform(ftp::note_transfer const& action) {
    auto const took = std::chrono::steady_clock::now() - data_.begun();
    journal_.transfer(action, data_.bytes(), took);
}

void session::perform(ftp::note_attack const& action) {
    journal_.attack(action.kind, {});
}

void session::perform(ftp::finish const& action) {
    over_ = true;
    // One that was under way: what ended it otherwise was told in secure_failed().
    bool const timed_out =
        action.reason == ftp::end_reason::handshake || action.reason == ftp::end_reason::login_timeout;
    if (handshake_place_ && timed_out)
        journal_.tls_failed(tls::channel_kind::control, "timeout", "the client did not finish the handshake in time");
    handshake_place_.release();
    verification_.reset();
    identification_.reset();
    deadlines_.cancel_all();
    client_->stream().forget_session();  // its id must not fill the cache for the rest of its days
    bool const nobody_listens =
        action.reason == ftp::end_reason::client_gone || action.reason == ftp::end_reason::refused;
    client_->close(nobody_listens ? 0ms : std::chrono::milliseconds(last_words_limit));
    journal_.closed(action.reason);
    boost::asio::post(home_.loop, [call = std::move(on_over_), this] { call(this); });
}

}  // namespace ftpsgate::proxy
