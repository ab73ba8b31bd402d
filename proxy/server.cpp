#include "proxy/server.hpp"

#include "proxy/addresses.hpp"
#include "proxy/privileges.hpp"

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>

#include <algorithm>
#include <csignal>

namespace ftpsgate::proxy {

namespace {

using boost::asio::ip::tcp;

constexpr std::chrono::seconds crl_watch_pause{5};
constexpr std::size_t own_descriptors = 64;  // listeners, logs, event loops, look-ups and some transfers
constexpr std::size_t descriptors_of_session = 2;

// Who is let in must be able to log in: more sessions than have a descriptor for each side are refused at once.
std::size_t sessions_for(std::size_t descriptors) {
    std::size_t const least = own_descriptors + descriptors_of_session;
    return (std::max(descriptors, least) - own_descriptors) / descriptors_of_session;
}

std::size_t worker_count(unsigned wanted) {
    if (wanted > 0) return wanted;
    return std::max(1U, std::thread::hardware_concurrency());
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
    room_ = sessions_for(descriptors_);
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

// Told at the start, not when the sessions come.
void server::warn_of_few_descriptors() {
    std::size_t wanted = 0;
    for (auto const& site : snapshot_->sites)
        wanted += site->settings.limits.sessions;
    if (wanted <= room_) return;
    log_line(log_, level::warning, "few_descriptors")
        .field("descriptors", descriptors_)
        .field("sessions", room_)
        .field("wanted", wanted);
}

void server::announce() {
    warn_of_few_descriptors();
    std::string listeners;  // SITE=ADDRESS:PORT/explicit,...
    for (auto const& one : listening())
        listeners += (listeners.empty() ? "" : ",") + one.site + "=" + one.address + "/" + one.mode;
    log_line entry(log_, level::info, "ready");
    entry.field("listeners", listeners).field("sites", snapshot_->sites.size()).field("threads", places_.size());
    if (monitoring_) entry.field("metrics", text_of(monitoring_->local()));
    entry.field("descriptors", descriptors_);
    log_.started();
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
