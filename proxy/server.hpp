// The process while it serves: worker threads with one event loop each, the listeners, signals, and the way out.
//
// Signals: SIGTERM and SIGINT drain (no new connections, running transfers may finish until server.drain_timeout); a
// second one ends at once. SIGHUP reads the configuration and all its files again: new sessions get the new settings,
// running ones keep theirs; a faulty file changes nothing. SIGUSR1 reopens the log file.
#pragma once

#include "metrics/metrics.hpp"
#include "proxy/backend_watch.hpp"
#include "proxy/crl_watch.hpp"
#include "proxy/data/proxy_header_wait.hpp"
#include "proxy/handshake_limits.hpp"
#include "proxy/heartbeat.hpp"
#include "proxy/listener.hpp"
#include "proxy/log.hpp"
#include "proxy/monitoring.hpp"
#include "proxy/refusals.hpp"
#include "proxy/reloader.hpp"
#include "proxy/runtime.hpp"
#include "proxy/service_manager.hpp"
#include "proxy/session.hpp"
#include "proxy/worker.hpp"

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <variant>
#include <vector>

namespace ftpsgate::proxy {

class server {
public:
    struct surroundings {
        metrics::registry& counters;
        event_log& log;
        transfer_log& transfers;
        std::shared_ptr<policy::verification_service> verification;
    };

    server(std::shared_ptr<runtime const> snapshot, surroundings around);
    ~server();

    /// Serves until a signal. 0 after a clean drain, 1 when something could not be bound or a second signal came.
    int run();

private:
    // One worker and what runs on it. The sessions are touched from its thread only.
    struct place {
        worker home;
        /// Makes the loop open its descriptors now, not when there may be none left.
        boost::asio::steady_timer descriptors_opened{home.loop};
        boost::asio::executor_work_guard<boost::asio::io_context::executor_type> keeps_running{
            home.loop.get_executor()};
        session_table sessions;
        /// Connections of balancers that are no sessions yet; they count as live.
        std::map<std::uint64_t, std::weak_ptr<data::proxy_header_wait>> header_waits;
        std::uint64_t next_wait = 0;
        std::thread thread;  // not for the first, which runs in run()
    };

    // A listening socket and whom it serves; the latter changes with a reload.
    struct open_listener {
        std::shared_ptr<std::shared_ptr<listener_group const>> group;
        std::unique_ptr<listener> socket;
    };

    // Where a connection comes from.
    struct arrival {
        boost::asio::ip::tcp::endpoint peer;           // the socket's
        std::optional<data::connection_ends> proxied;  // what its PROXY header says

        boost::asio::ip::tcp::endpoint const& client() const { return proxied ? proxied->source : peer; }
    };

    bool open_listeners();
    std::optional<open_listener> open(std::shared_ptr<listener_group const> const& group,
                                      std::vector<open_listener> const& opened_before);
    bool make_room(boost::asio::ip::tcp::endpoint const& where, std::vector<open_listener> const& opened_before);
    bool take_over(std::shared_ptr<runtime const> const& fresh);
    void reloaded(runtime_result result);
    bool open_metrics();
    bool give_up_root();
    monitoring::surroundings what_monitoring_sees();
    std::vector<monitoring::listening> listening() const;
    std::vector<std::string> reasons_not_ready() const;
    void announce();
    void warn_of_few_descriptors();
    void accepted(std::shared_ptr<listener_group const> const& group, boost::asio::ip::tcp::socket socket,
                  boost::asio::ip::tcp::endpoint const& peer, std::size_t worker_index);
    void welcome(place& where, std::shared_ptr<listener_group const> const& group, boost::asio::ip::tcp::socket socket,
                 boost::asio::ip::tcp::endpoint const& peer);
    void header_came(place& where, std::shared_ptr<listener_group const> const& group, net::socket socket,
                     boost::asio::ip::tcp::endpoint const& balancer, data::proxy_header_outcome const& outcome);
    std::string_view reason_to_refuse(listener_group const& group, boost::asio::ip::address const& client,
                                      std::variant<session_limits::slot, limit_reason> const& admitted) const;
    void begin_session(place& where, std::shared_ptr<listener_group const> const& group, net::socket socket,
                       arrival const& from);
    void session_over(place& where, session* which);
    void one_less();
    void drop_header_waits(place& where);
    void watch_lists();
    void wait_for_signal();
    void signalled(int number);
    void reload();
    void reopen_logs();
    boost::system::error_code reconfigure_logs(config::log_settings const& wanted);
    void drain();
    void tell_sessions(ftp::shutdown_kind kind);
    void finish_if_empty();
    void run_place(place& where);

    std::shared_ptr<runtime const> snapshot_;
    metrics::registry& counters_;
    event_log& log_;
    transfer_log& transfers_;
    recent_refusals refusals_;
    handshake_limits handshakes_;
    std::vector<std::unique_ptr<place>> places_;
    inherited_sockets inherited_;
    std::vector<open_listener> listeners_;
    std::unique_ptr<monitoring> monitoring_;
    boost::asio::signal_set signals_;
    boost::asio::steady_timer drain_timer_;
    crl_watch crl_watch_;
    boost::asio::steady_timer crl_timer_;
    backend_watch backend_watch_;
    heartbeat heartbeat_;
    reloader reloader_;
    std::size_t next_place_ = 0;
    std::atomic<std::size_t> live_sessions_{0};
    std::atomic<bool> draining_{false};
    std::size_t descriptors_ = 0;  // that the process may have
    std::size_t room_ = 0;         // sessions that they suffice for
    int exit_status_ = 0;
};

}  // namespace ftpsgate::proxy
