// Which sockets the server listens on, at the start and after a reload.
#include "proxy/addresses.hpp"
#include "proxy/server.hpp"

#include <utility>

namespace ftpsgate::proxy {

using boost::asio::ip::tcp;

bool server::open_listeners() {
    for (auto const& group : snapshot_->listeners) {
        auto opened = open(group, {});
        if (!opened) return false;
        listeners_.push_back(std::move(*opened));
    }
    return true;
}

std::optional<server::open_listener> server::open(std::shared_ptr<listener_group const> const& group,
                                                  std::vector<open_listener> const& opened_before) {
    auto const serves = std::make_shared<std::shared_ptr<listener_group const>>(group);
    listener::handlers calls;
    auto const chosen = std::make_shared<std::size_t>(0);  // whose loop the next socket of this listener is bound to
    calls.next_executor = [this, chosen] {
        *chosen = next_place_++ % places_.size();
        return boost::asio::any_io_executor(places_[*chosen]->home.loop.get_executor());
    };
    calls.on_accept = [this, serves, chosen](tcp::socket socket, tcp::endpoint const& peer) {
        accepted(*serves, std::move(socket), peer, *chosen);
    };
    calls.on_error = [this](boost::system::error_code error, std::chrono::milliseconds pause) {
        log_line(log_, level::error, "accept_failed").field("reason", error.message()).field("pause", pause);
    };
    auto& loop = places_.front()->home.loop;
    auto opened = std::make_unique<listener>(loop.get_executor(), std::move(calls));
    boost::system::error_code error;
    auto const where = resolve(loop, group->address, error);
    auto const given = where ? inherited_.take(*where) : std::nullopt;
    if (where) error = given ? opened->adopt(*given, *where) : opened->open(*where);
    if (where && error == boost::asio::error::address_in_use && make_room(*where, opened_before))
        error = opened->open(*where, listener::overlap::allowed);
    if (!error) return open_listener{serves, std::move(opened)};
    log_line(log_, level::error, "listen_failed")
        .field("address", group->address.host + ":" + std::to_string(group->address.port))
        .field("reason", error.message());
    return std::nullopt;
}

// "0.0.0.0:21" and "192.0.2.1:21" go together, as in IIS: the more specific address wins. Only where both are the
// gate's own, so that what another process has is still in use.
bool server::make_room(boost::asio::ip::tcp::endpoint const& where, std::vector<open_listener> const& opened_before) {
    bool found = false;
    for (auto const* const several : {&std::as_const(listeners_), &opened_before}) {
        for (auto const& one : *several) {
            if (!overlap(one.socket->where(), where)) continue;
            one.socket->allow_overlap();
            found = true;
        }
    }
    return found;
}

std::vector<monitoring::listening> server::listening() const {
    std::vector<monitoring::listening> found;
    for (auto const& one : listeners_) {
        char const* const mode = (*one.group)->tls == config::tls_mode::implicit_tls ? "implicit" : "explicit";
        for (auto const& site : (*one.group)->sites)
            found.push_back({site->settings.name, text_of(one.socket->where()), mode});
    }
    return found;
}

// All or nothing: the new listeners are opened before anything that serves is touched.
bool server::take_over(std::shared_ptr<runtime const> const& fresh) {
    std::vector<open_listener> kept;
    std::vector<std::pair<std::size_t, std::shared_ptr<listener_group const>>> handed_on;
    std::vector<bool> taken(listeners_.size(), false);
    for (auto const& group : fresh->listeners) {
        std::size_t same = 0;
        while (same < listeners_.size() && (taken[same] || !((*listeners_[same].group)->address == group->address)))
            ++same;
        if (same < listeners_.size()) {
            taken[same] = true;
            handed_on.emplace_back(same, group);
        } else if (auto opened = open(group, kept)) {
            kept.push_back(std::move(*opened));
        } else {
            return false;
        }
    }
    if (auto const error = reconfigure_logs(fresh->settings.log)) {
        log_line(log_, level::error, "log_reopen_failed").field("reason", error.message());
        return false;
    }
    for (auto& one : kept)
        one.socket->start();
    for (auto const& [index, group] : handed_on) {
        *listeners_[index].group = group;
        kept.push_back(std::move(listeners_[index]));
    }
    for (auto& one : listeners_)
        if (one.socket) one.socket->stop();
    listeners_ = std::move(kept);
    snapshot_ = fresh;
    backend_watch_.watch(*snapshot_);
    crl_timer_.cancel();
    watch_lists();
    return true;
}

}  // namespace ftpsgate::proxy
