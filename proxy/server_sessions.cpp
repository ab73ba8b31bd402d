// Who comes in: from an accepted socket to a session, by way of a PROXY header where one is due; and the end of them
// all.
#include "proxy/addresses.hpp"
#include "proxy/ftp/reply.hpp"
#include "proxy/server.hpp"

#include <boost/asio/post.hpp>

#include <algorithm>

namespace ftpsgate::proxy {

namespace {

using boost::asio::ip::tcp;

std::string_view text_for_client(std::string_view reason) {
    return reason == "banned" ? "Too many failed logins: try again later." : "Too many sessions.";
}

// Before TLS on an implicit port nothing can be said (B-031).
void refuse(net::socket& socket, config::tls_mode mode, std::string_view text) {
    boost::system::error_code ignored;
    auto const reply = ftp::render(421, text);
    if (mode == config::tls_mode::explicit_tls)
        socket.send({reinterpret_cast<std::uint8_t const*>(reply.data()), reply.size()}, 0, ignored);
    socket.shutdown_send(ignored);
    socket.close();
}

}  // namespace

void server::accepted(std::shared_ptr<listener_group const> const& group, tcp::socket socket, tcp::endpoint const& peer,
                      std::size_t worker_index) {
    place& where = *places_[worker_index];
    ++live_sessions_;  // on its way: a drain waits for it
    if (worker_index == 0) {
        welcome(where, group, std::move(socket), peer);
        return one_less();
    }
    boost::asio::post(where.home.loop, [this, &where, group, peer, moved = std::move(socket)]() mutable {
        welcome(where, group, std::move(moved), peer);
        one_less();
    });
}

void server::welcome(place& where, std::shared_ptr<listener_group const> const& group, tcp::socket socket,
                     tcp::endpoint const& peer) {
    if (!expects_proxy_header(*group, peer.address()))
        return begin_session(where, group, std::move(socket), {peer, std::nullopt});
    ++live_sessions_;
    auto const id = where.next_wait++;
    auto const wait = std::make_shared<data::proxy_header_wait>(
        std::move(socket),
        [this, &where, group, peer, id](net::socket with_header, data::proxy_header_outcome const& outcome) {
            where.header_waits.erase(id);
            header_came(where, group, std::move(with_header), peer, outcome);
            one_less();
        });
    where.header_waits.emplace(id, wait);
    auto const& site = group->sites.front()->settings;
    wait->start(std::min(site.ssl.handshake_timeout, site.limits.login_timeout));
}

void server::header_came(place& where, std::shared_ptr<listener_group const> const& group, net::socket socket,
                         tcp::endpoint const& balancer, data::proxy_header_outcome const& outcome) {
    using kind = data::proxy_header_outcome::kind;
    if (outcome.what == kind::header) return begin_session(where, group, std::move(socket), {balancer, outcome.ends});
    site_runtime& site = *group->sites.front();
    if (outcome.what == kind::no_bytes) {
        // Balancers look like that whether the port is open: nothing to be alarmed at, every few seconds.
        log_line entry(log_, level::debug, "probe");
        entry.field("site", site.settings.name).field("client", text_of(balancer));
        return;
    }
    constexpr auto attack = ftp::attack_kind::proxy_header;
    site.counters->attack(to_string(attack));
    log_line(log_, level::warning, "attack")
        .field("site", site.settings.name)
        .field("client", text_of(balancer))
        .field("kind", to_string(attack))
        .field("detail", outcome.fault);
    refusals_.note({"attack", site.settings.name, text_of(balancer), {}, words_of(attack) + ": " + outcome.fault});
}

std::string_view server::reason_to_refuse(listener_group const& group, boost::asio::ip::address const& client,
                                          std::variant<session_limits::slot, limit_reason> const& admitted) const {
    if (live_sessions_ > room_) return "descriptors";  // it is counted already
    if (auto const* const limit = std::get_if<limit_reason>(&admitted))
        return *limit == limit_reason::site_full ? "sessions" : "sessions_per_client";
    // Which of several sites it will be is not known yet; each asks again at USER.
    bool const banned = std::all_of(group.sites.begin(), group.sites.end(), [&](auto const& site) {
        return !site->certificates_log_in() && site->bans.is_banned(client, login_bans::clock::now());
    });
    return banned ? "banned" : "";
}

void server::begin_session(place& where, std::shared_ptr<listener_group const> const& group, net::socket socket,
                           arrival const& from) {
    site_runtime& site = *group->sites.front();
    auto const client = from.client();
    auto admitted = site.limits.admit(site.settings.limits, client.address());
    auto const why = reason_to_refuse(*group, client.address(), admitted);
    if (!why.empty()) {
        site.counters->session_refused(why == "banned" ? "banned" : "refused");
        log_line(log_, level::warning, "session_refused")
            .field("site", site.settings.name)
            .field("client", text_of(client))
            .field("reason", why);
        refusals_.note({"session refused", site.settings.name, text_of(client), {}, words_of_session_refusal(why)});
        return refuse(socket, group->tls, text_for_client(why));
    }
    ++live_sessions_;
    session::surroundings around{where.home,
                                 {log_, transfers_, refusals_},
                                 group,
                                 std::move(std::get<session_limits::slot>(admitted)),
                                 handshakes_,
                                 from.proxied,
                                 [this, &where](session* which) { session_over(where, which); }};
    auto fresh = std::make_unique<session>(std::move(around), std::move(socket), from.peer);
    session& started = *fresh;
    where.sessions.emplace(&started, std::move(fresh));
    started.start();
    if (draining_) started.shut_down(ftp::shutdown_kind::drain);  // accepted before it began: it is served
}

void server::session_over(place& where, session* which) {
    where.sessions.erase(which);
    one_less();
}

void server::one_less() {
    --live_sessions_;
    if (draining_) boost::asio::post(places_.front()->home.loop, [this] { finish_if_empty(); });
}

void server::tell_sessions(ftp::shutdown_kind kind) {
    for (auto& one : places_) {
        boost::asio::post(one->home.loop, [this, &where = *one, kind] {
            std::vector<session*> present;
            for (auto const& [which, owned] : where.sessions)
                present.push_back(which);
            for (session* which : present)
                which->shut_down(kind);
            // Who was accepted is served, until time is up.
            if (kind == ftp::shutdown_kind::now) drop_header_waits(where);
        });
    }
}

void server::drop_header_waits(place& where) {
    for (auto const& [id, wait] : std::exchange(where.header_waits, {})) {
        if (auto const pending = wait.lock()) pending->cancel();
        one_less();
    }
}

}  // namespace ftpsgate::proxy
