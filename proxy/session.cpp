#include "proxy/session.hpp"

#include <algorithm>
#include <sys/socket.h>
#include <utility>

namespace ftpsgate::proxy {

namespace {

using namespace std::chrono_literals;
constexpr std::size_t client_backlog_limit = 64 * 1024;  // unread replies: then nothing more is read for it
constexpr std::size_t backend_backlog_limit = 64 * 1024;
// For all that is fetched in one handshake, as Windows has it (B-260); cut by the handshake's own limit, with time left
// to tell the client why (D-13).
constexpr auto longest_verification = 20s;
constexpr auto answer_margin = 250ms;

address_pair ends_of(net::socket const& socket, boost::asio::ip::address const& peer) {
    return {data::unmapped(socket.local_endpoint().address()), data::unmapped(peer)};
}

data::connection_ends ends_of(net::socket const& socket, boost::asio::ip::tcp::endpoint const& peer,
                              std::optional<data::connection_ends> const& proxied) {
    return proxied ? *proxied : data::connection_ends{peer, socket.local_endpoint()};
}

tls::site_choice choice_of(site_runtime const& site) {
    using enum config::certificate_policy;
    tls::site_choice choice{site.tls.contexts};
    if (!site.verifier) return choice;
    choice.request =
        site.verifier->policy() == require ? tls::certificate_request::required : tls::certificate_request::optional;
    choice.ca_names = site.ca_names.list();
    return choice;
}

// INTERFACE.md data_session_reuse. A certificate that the site requires holds for data connections too (B-184), and one
// that was shown must not become another (IIS sub-status 49).
data::proof proof_of(config::site_settings const& site, policy::verified_peer const* peer) {
    bool const reuse = site.ssl.data_session_reuse == config::session_reuse::require;
    if (peer == nullptr) return reuse ? data::proof::resumption : data::proof::none;
    bool const certificate = site.client_certificates.policy == config::certificate_policy::require;
    return reuse || certificate ? data::proof::resumption_or_certificate : data::proof::same_certificate_if_any;
}

std::string text_of(boost::asio::ip::tcp::endpoint const& peer) {
    std::string const address = data::unmapped(peer.address()).to_string();
    std::string const port = std::to_string(peer.port());
    return peer.address().is_v6() && address.find(':') != std::string::npos ? "[" + address + "]:" + port
                                                                            : address + ":" + port;
}

}  // namespace

session::session(surroundings around, net::socket socket, boost::asio::ip::tcp::endpoint const& peer)
    : home_(around.home),
      group_(std::move(around.group)),
      place_(std::move(around.place)),
      handshakes_(around.handshakes),
      on_over_(std::move(around.on_over)),
      ends_(ends_of(socket, peer, around.proxied)),
      client_addresses_(ends_of(socket, ends_.source.address())),
      deadlines_(home_.loop.get_executor(),
                 [this](unsigned kind) { deliver(ftp::deadline_passed{static_cast<ftp::deadline_kind>(kind)}); }),
      data_(home_, data_handlers()),
      core_(core_settings()),
      journal_(around.logs, text_of(ends_.source), around.proxied ? text_of(peer) : std::string()) {
    keep_alive(socket.native_handle());
    // A byte that a client sends as urgent data belongs where it stands, in a TLS record as in Telnet (B-231).
    boost::system::error_code ignored;
    socket.set_option(SOL_SOCKET, SO_OOBINLINE, 1, ignored);
    client_ = std::make_shared<control_channel>(std::move(socket), home_, client_handlers());
    data_.client_addresses(client_addresses_);
}

session::~session() {
    if (client_) client_->close(0s);
    if (backend_) backend_->close(0s);
}

ftp::core_settings session::core_settings() {
    ftp::core_settings settings;
    settings.sites = group_->rules;
    settings.tls =
        group_->tls == config::tls_mode::implicit_tls ? ftp::tls_start::implicit_tls : ftp::tls_start::explicit_tls;
    settings.client = to_core(data::unmapped(ends_.source.address()));
    settings.gate = to_core(data::unmapped(ends_.destination.address()));
    settings.may_secure = [this](std::size_t site) { return may_secure(site); };
    return settings;
}

void session::start() {
    journal_.opened(site());
    performing_ = true;
    perform(core_.start());
    performing_ = false;
    client_->start();
    after_events();
}

void session::deliver(ftp::event const& what) {
    if (over_) return;
    if (performing_) {
        inbox_.push_back(what);
        return;
    }
    performing_ = true;
    perform(core_.handle(what));
    while (!inbox_.empty() && !over_) {
        ftp::event const next = std::move(inbox_.front());
        inbox_.pop_front();
        perform(core_.handle(next));
    }
    performing_ = false;
    after_events();
}

void session::perform(ftp::actions todo) {
    for (auto& action : todo)
        std::visit([this](auto& one) { perform(one); }, action);
}

// What the core holds back may go on now.
void session::after_events() {
    if (over_) return;
    client_->resume();
    if (backend_) backend_->resume();
}

control_channel::handlers session::client_handlers() {
    control_channel::handlers calls;
    calls.on_bytes = [this](std::string_view bytes) { heard_from_client(bytes); };
    calls.on_end = [this] { deliver(ftp::client_gone{}); };
    calls.on_secured = [this](tls::session_facts const& facts) { secured(facts); };
    calls.on_peer_certificates = [this](std::vector<std::string> chain) { check_peer(std::move(chain)); };
    calls.on_secure_failed = [this](tls::failure const& why) { secure_failed(why); };
    calls.on_cleared = [this] { deliver(ftp::client_cleared{}); };
    calls.wants_bytes = [this] {
        return core_.wants_client_bytes() && client_->backlog() < client_backlog_limit &&
               (!backend_ || backend_->backlog() < backend_backlog_limit);
    };
    calls.on_drained = [this] { after_events(); };
    return calls;
}

// A header that nobody asked for is a bad command like any other, but whoever runs the gate wants to know: most likely
// proxy_from lacks a balancer.
void session::heard_from_client(std::string_view bytes) {
    if (!std::exchange(heard_, true) && data::begins_like_proxy_header(bytes))
        journal_.attack(ftp::attack_kind::proxy_header, "the peer is not in proxy_from, or sent two");
    deliver(ftp::client_bytes{bytes});
}

control_channel::handlers session::backend_handlers() {
    control_channel::handlers calls;
    calls.on_bytes = [this](std::string_view bytes) { deliver(ftp::backend_bytes{bytes}); };
    calls.on_end = [this] { deliver(ftp::backend_gone{}); };
    calls.wants_bytes = [this] { return client_->backlog() < client_backlog_limit; };
    calls.on_drained = [this] { after_events(); };
    return calls;
}

data_connection::handlers session::data_handlers() {
    data_connection::handlers calls;
    calls.on_event = [this](ftp::event const& what) { deliver(what); };
    calls.on_secured = [this](tls::session_facts const& facts, std::chrono::steady_clock::duration took) {
        journal_.tls_established(tls::channel_kind::data, facts, took);
    };
    calls.on_failure = [this](data::leg_failure failure, std::string const& why) {
        journal_.data_failed(failure, why);
    };
    calls.on_intruder = [this](ftp::attack_kind kind, std::string const& why) { journal_.attack(kind, why); };
    return calls;
}

data_connection::settings session::data_settings() {
    auto const& wanted = site().settings;
    data_connection::settings values;
    values.connect_timeout = wanted.data.connect_timeout;
    values.handshake_timeout = wanted.ssl.handshake_timeout;
    values.idle_timeout = wanted.data.idle_timeout;
    values.proof = proof_of(wanted, peer_.get());
    if (peer_) values.certificate = peer_->sha256();
    if (peer_) values.certificate_end = peer_->facts().not_after;
    values.ports = site().ports;
    values.tls = [this] { return data_tls_options(); };
    if (!group_->proxy_from.empty())
        values.sends_proxy_header = [group = group_](auto const& from) { return expects_proxy_header(*group, from); };
    if (wanted.backend.proxy_protocol_data) values.backend_preamble = header_for_backend();
    return values;
}

std::string session::header_for_backend() const {
    using enum config::proxy_header;
    auto const wanted = site().settings.backend.proxy_protocol;
    if (wanted == none) return {};
    return data::format_proxy_header(wanted == v1 ? data::proxy_version::v1 : data::proxy_version::v2, ends_);
}

tls::server_options session::tls_options(ftp::start_tls const& action) {
    binding_ = tls::session_binding();  // nothing made before may be resumed (A-034, B-164)
    peer_.reset();
    sni_site_ = action.site;
    tls::server_options options;
    options.context = group_->tickets;
    options.channel = tls::channel_kind::control;
    options.binding = &binding_;
    // HOST before AUTH decides; else SNI; an unknown name gets the site it would get without one (B-043, B-085).
    options.choose_context = [this, fixed = action.fixed](std::string_view name) -> tls::site_choice {
        for (std::size_t i = 0; !fixed && i < group_->rules->size(); ++i) {
            auto const& hosts = (*group_->rules)[i].hosts;
            bool const named = std::find(hosts.begin(), hosts.end(), name) != hosts.end();
            if (!named || group_->sites[i]->tls.contexts.empty()) continue;
            sni_site_ = i;
            break;
        }
        return choice_of(*group_->sites[sni_site_]);
    };
    return options;
}

tls::server_options session::data_tls_options() {
    tls::server_options options;
    options.context = group_->tickets;
    options.channel = tls::channel_kind::data;
    options.binding = &binding_;
    // Whoever has shown a certificate may show it again; nobody else is asked for one (B-159).
    auto choice = choice_of(site());
    choice.request = peer_ ? tls::certificate_request::optional : tls::certificate_request::none;
    options.choose_context = [choice](std::string_view) { return choice; };
    return options;
}

void session::check_peer(std::vector<std::string> chain) {
    auto& wanted = *group_->sites[sni_site_];
    journal_.moved_to(wanted);
    if (auto const known = wanted.verifier->recall(chain)) return peer_checked(*known);
    auto const until = std::min(handshake_began_ + wanted.settings.ssl.handshake_timeout,
                                began_ + wanted.settings.limits.login_timeout) -
                       answer_margin;
    verification_ = wanted.verifier->verify(std::move(chain), std::min(until, handshake_began_ + longest_verification),
                                            home_.loop.get_executor(),
                                            [this](policy::verdict_ptr const& verdict) { peer_checked(*verdict); });
}

void session::peer_checked(policy::peer_verdict const& verdict) {
    journal_.peer_checked(verdict);
    peer_ = verdict.peer;
    peer_refused_ = !peer_;
    client_->answer_peer(peer_ ? std::uint8_t{0} : policy::alert_of(verdict.reason));
}

void session::secure_failed(tls::failure const& why) {
    handshake_place_.release();
    verification_.reset();
    peer_.reset();
    journal_.moved_to(*group_->sites[sni_site_]);
    if (why.kind == tls::failure_kind::certificate_absent) journal_.certificate_absent();
    if (why.kind == tls::failure_kind::certificate_malformed) journal_.certificate_malformed(why.text);
    // The library has a check of its own, of the key usage, which no flag lifts (B-187).
    if (why.kind == tls::failure_kind::certificate_refused && !peer_refused_) journal_.certificate_unusable(why.text);
    journal_.tls_failed(tls::channel_kind::control, tls::to_string(why.kind), why.text);
    deliver(ftp::client_gone{});
}

void session::secured(tls::session_facts const& facts) {
    handshake_place_.release();
    verification_.reset();
    journal_.moved_to(*group_->sites[sni_site_]);
    if (group_->sites[sni_site_]->verifier) journal_.peer_admitted(peer_.get());
    journal_.tls_established(tls::channel_kind::control, facts, std::chrono::steady_clock::now() - handshake_began_);
    deliver(ftp::client_secured{sni_site_, facts.server_name, facts.version});
}

void session::backend_decided(backend_outcome outcome) {
    for (auto const& failure : outcome.failures) {
        auto const& name = site().backends->name(failure.server);
        journal_.backend_failed(name, word_of(failure.fault), failure.words);
        journal_.backend_changed(name, failure.change);
    }
    if (!outcome.connection) {
        connector_.reset();
        return deliver(ftp::backend_unreachable{});
    }
    auto& connection = *outcome.connection;
    backend_place_ = std::move(connection.lease);
    journal_.backend_connected(backend_name());
    address_pair const addresses = ends_of(connection.socket, connection.address.address());
    data_.backend_addresses(addresses);
    backend_ = std::make_shared<control_channel>(std::move(connection.socket), home_, backend_handlers());
    if (auto header = header_for_backend(); !header.empty()) backend_->send(std::move(header));
    bool const refuses_epsv = site().backends->learned(backend_place_.server()).epsv_refused;
    deliver(ftp::backend_connected{to_core(addresses.peer), to_core(addresses.local), refuses_epsv,
                                   connection.greeting_limit});
    if (backend_) backend_->start();
}

}  // namespace ftpsgate::proxy
