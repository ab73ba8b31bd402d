#include "proxy/server.hpp"

#include "proxy/privileges.hpp"

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/write.hpp>

#include <algorithm>
#include <csignal>
#include <sstream>

namespace ftpsgate::proxy {

namespace {

using boost::asio::ip::tcp;

constexpr std::chrono::seconds crl_watch_pause{5};

std::size_t worker_count(unsigned wanted) {
    if (wanted > 0) return wanted;
    return std::max(1U, std::thread::hardware_concurrency());
}

std::string text_of(tcp::endpoint const& where) {
    std::ostringstream text;
    text << where;
    return text.str();
}

// A name is resolved once, at start.
std::optional<tcp::endpoint> resolve(boost::asio::io_context& loop, config::endpoint const& wanted,
                                     boost::system::error_code& error) {
    auto const literal = boost::asio::ip::make_address(wanted.host, error);
    if (!error) return tcp::endpoint(literal, wanted.port);
    tcp::resolver resolver(loop);
    auto const found = resolver.resolve(wanted.host, std::to_string(wanted.port), error);
    if (error || found.empty()) return std::nullopt;
    return found.begin()->endpoint();
}

template <class Places>
std::vector<boost::asio::any_io_executor> loops_of(Places const& places) {
    std::vector<boost::asio::any_io_executor> loops;
    for (auto const& one : places)
        loops.push_back(one->home.loop.get_executor());
    return loops;
}

}  // namespace

server::server(std::shared_ptr<runtime const> snapshot, surroundings around)
    : snapshot_(std::move(snapshot)),
      counters_(around.counters),
      log_(around.log),
      transfers_(around.transfers),
      places_([this] {
          std::vector<std::unique_ptr<place>> made(worker_count(snapshot_->settings.server.threads));
          for (auto& one : made)
              one = std::make_unique<place>();
          return made;
      }()),
      signals_(places_.front()->home.loop, SIGTERM, SIGINT, SIGUSR1),
      drain_timer_(places_.front()->home.loop),
      crl_watch_(log_),
      crl_timer_(places_.front()->home.loop),
      backend_watch_(places_.front()->home.loop.get_executor(), log_),
      heartbeat_(places_.front()->home.loop.get_executor(), loops_of(places_), service_manager::alive),
      reloader_({places_.front()->home.loop.get_executor(), counters_, std::move(around.verification),
                 [this] { return snapshot_; }, [this](runtime_result result) { reloaded(std::move(result)); }}) {
    signals_.add(SIGHUP);
}

server::~server() = default;

int server::run() {
    descriptors_ = raise_descriptor_limit();
    if (!open_listeners() || !open_metrics() || !give_up_root()) return 1;
    wait_for_signal();
    backend_watch_.watch(*snapshot_);
    for (std::size_t i = 1; i < places_.size(); ++i)
        places_[i]->thread = std::thread([this, i] { run_place(*places_[i]); });
    for (auto& one : listeners_)
        one.socket->start();
    announce();
    watch_lists();
    if (auto const limit = service_manager::watchdog()) heartbeat_.start(*limit / 2);
    run_place(*places_.front());
    for (std::size_t i = 1; i < places_.size(); ++i)
        places_[i]->thread.join();
    log_line(log_, level::info, "stopped").field("status", exit_status_);
    return exit_status_;
}

void server::run_place(place& where) {
    where.home.loop.run();
}

bool server::open_listeners() {
    for (auto const& group : snapshot_->listeners) {
        auto opened = open(group);
        if (!opened) return false;
        listeners_.push_back(std::move(*opened));
    }
    return true;
}

std::optional<server::open_listener> server::open(std::shared_ptr<listener_group const> const& group) {
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
    if (!error) return open_listener{serves, std::move(opened)};
    log_line(log_, level::error, "listen_failed")
        .field("address", group->address.host + ":" + std::to_string(group->address.port))
        .field("reason", error.message());
    return std::nullopt;
}

bool server::open_metrics() {
    auto const& wanted = snapshot_->settings.metrics;
    if (!wanted.listen) return true;
    auto& loop = places_.front()->home.loop;
    monitoring_ = std::make_unique<monitoring>(what_monitoring_sees());
    boost::system::error_code error;
    auto const where = resolve(loop, *wanted.listen, error);
    if (where) error = monitoring_->open(*where);
    if (!error) return true;
    monitoring_.reset();
    // Two gates on one machine with the default address are common; nobody asked for this port by name.
    log_line(log_, wanted.listen_given ? level::error : level::warning, "metrics_listen_failed")
        .field("address", wanted.listen->host + ":" + std::to_string(wanted.listen->port))
        .field("reason", error.message());
    return !wanted.listen_given;
}

bool server::give_up_root() {
    for (auto const& where : inherited_.left())
        log_line(log_, level::warning, "inherited_socket_unused").field("address", text_of(where));
    auto const& account = snapshot_->settings.server.user;
    if (!account) return true;
    log_.hand_over(*account);
    transfers_.hand_over(*account);
    auto const error = become(*account);
    if (error)
        log_line(log_, level::error, "user_change_failed")
            .field("user", account->name)
            .field("reason", error.message());
    return !error;
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

void server::announce() {
    std::string listeners;  // SITE=ADDRESS:PORT/explicit,...
    for (auto const& one : listening())
        listeners += (listeners.empty() ? "" : ",") + one.site + "=" + one.address + "/" + one.mode;
    log_line entry(log_, level::info, "ready");
    entry.field("listeners", listeners).field("sites", snapshot_->sites.size()).field("threads", places_.size());
    if (monitoring_) entry.field("metrics", text_of(monitoring_->local()));
    entry.field("descriptors", descriptors_);
    service_manager::ready();
    service_manager::status("serving " + std::to_string(snapshot_->sites.size()) + " sites");
}

// Nothing is told of a CRL that was fetched for a session: so it is looked for, now and then.
void server::watch_lists() {
    bool const needed = std::any_of(snapshot_->sites.begin(), snapshot_->sites.end(),
                                    [](auto const& site) { return site->verifier != nullptr; });
    if (!needed) return;
    crl_watch_.look(*snapshot_, std::chrono::system_clock::now());
    crl_timer_.expires_after(crl_watch_pause);
    crl_timer_.async_wait([this](boost::system::error_code error) {
        if (!error) watch_lists();
    });
}

void server::wait_for_signal() {
    signals_.async_wait([this](boost::system::error_code error, int number) {
        if (error) return;
        wait_for_signal();  // first: the end of the last session cancels it
        signalled(number);
    });
}

void server::signalled(int number) {
    if (number == SIGUSR1) {
        return reopen_logs();
    }
    if (number == SIGHUP) return reload();
    if (!draining_) return drain();
    exit_status_ = 1;  // asked twice: at once
    log_line(log_, level::warning, "stopped").field("status", exit_status_);
    std::_Exit(exit_status_);
}

void server::reopen_logs() {
    for (auto const& error : {log_.reopen(), transfers_.reopen()})
        if (error) log_line(log_, level::error, "log_reopen_failed").field("reason", error.message());
}

void server::reload() {
    if (draining_) return;
    service_manager::reloading();
    reloader_.start();
}

boost::system::error_code server::reconfigure_logs(config::log_settings const& wanted) {
    if (auto const error = transfers_.configure(wanted.transfer_log)) return error;
    auto const error = log_.configure(wanted);
    if (error) transfers_.configure(snapshot_->settings.log.transfer_log);
    return error;
}

void server::reloaded(runtime_result result) {
    for (auto const& fault : result.faults)
        log_line(log_, level::error, "reload_fault").field("detail", config::render(fault));
    bool const ok = !draining_ && result.value && take_over(result.value);
    counters_.reloaded(ok ? "ok" : "refused");
    log_line(log_, ok ? level::info : level::error, "reload")
        .field("result", ok ? "ok" : "refused")
        .field("faults", result.faults.size());
    service_manager::ready();
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
        } else if (auto opened = open(group)) {
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

void server::drain() {
    draining_ = true;
    service_manager::stopping();
    log_line(log_, level::info, "draining").field("sessions", live_sessions_.load());
    for (auto& one : listeners_)
        one.socket->stop_after_backlog();
    tell_sessions(ftp::shutdown_kind::drain);
    drain_timer_.expires_after(snapshot_->settings.server.drain_timeout);
    drain_timer_.async_wait([this](boost::system::error_code error) {
        if (!error) tell_sessions(ftp::shutdown_kind::now);
    });
    finish_if_empty();
}

// The loops end by themselves once the last connection has said its last words.
void server::finish_if_empty() {
    if (!draining_ || live_sessions_ > 0) return;
    drain_timer_.cancel();
    crl_timer_.cancel();
    backend_watch_.stop();
    heartbeat_.stop();
    signals_.cancel();
    if (monitoring_) monitoring_->stop();
    for (auto& one : places_)
        one->keeps_running.reset();
}

}  // namespace ftpsgate::proxy
