// Choosing a backend and connecting to it. The pool is what all sessions of a site share; a connector makes one
// connection. Nothing of FTP is known here: the greeting is the core's business.
//
// Addresses and words found here are for the log, never for the client.
#pragma once

#include "config/settings.hpp"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/ip/tcp.hpp>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace ftpsgate::proxy {

/// TCP keep-alive for control connections of either side (B-236): a probe after 30 s without traffic, every 30 s, dead
/// after three without an answer. Failure is of no consequence.
void keep_alive(boost::asio::ip::tcp::socket& socket);

/// The servers of one site and what was learned about them. Shared by all worker threads.
class backend_pool {
public:
    /// What sessions found out and the next ones need not find out again.
    struct facts {
        std::atomic<bool> epsv_refused{false};  ///< EPSV was answered 500/501/502/504/522: begin with PASV (B-137)
    };

    /// How the last try to connect ended.
    struct last_try {
        bool connected = false;
        std::chrono::system_clock::time_point when;
        std::string words;  ///< why not
    };

    /// At least one server, as the configuration was validated.
    explicit backend_pool(config::backend_settings settings);

    config::backend_settings const& settings() const { return settings_; }
    std::size_t size() const { return settings_.servers.size(); }
    config::endpoint const& server(std::size_t index) const { return settings_.servers[index]; }
    /// "host:port" as in the configuration, IPv6 in brackets; the label in logs and metrics.
    std::string const& name(std::size_t index) const { return names_[index]; }
    facts& learned(std::size_t index) { return facts_[index]; }
    void note_connected(std::size_t index) { note(index, {true, std::chrono::system_clock::now(), {}}); }
    void note_failed(std::size_t index, std::string words) {
        note(index, {false, std::chrono::system_clock::now(), std::move(words)});
    }
    /// Nothing: nobody has tried.
    std::optional<last_try> last(std::size_t index) const;
    /// The server with which the next session begins: each in turn.
    std::size_t next_server() { return turn_.fetch_add(1, std::memory_order_relaxed) % size(); }

private:
    void note(std::size_t index, last_try outcome);

    config::backend_settings settings_;
    std::vector<std::string> names_;
    std::vector<facts> facts_;
    mutable std::mutex tries_mutex_;  // once a session
    std::vector<std::optional<last_try>> tries_;
    std::atomic<std::size_t> turn_{0};
};

enum class backend_fault { unresolved, refused, unreachable, timed_out, other };
/// One word, for metrics and logs: "unresolved", "refused", ...
char const* word_of(backend_fault fault);

/// A try that failed.
struct backend_attempt {
    std::size_t server = 0;
    backend_fault fault = backend_fault::other;
    std::string words;  ///< "ftp1:21 [10.0.0.5:21]: Connection refused"
};

struct backend_connection {
    boost::asio::ip::tcp::socket socket;
    std::size_t server = 0;                  ///< index in the pool
    boost::asio::ip::tcp::endpoint address;  ///< the address that answered
};

/// `connection` is empty when every try failed; `failures` holds the tries before a success, too.
struct backend_outcome {
    std::optional<backend_connection> connection;
    std::vector<backend_attempt> failures;
};

/// All failures in one line, in the order of the tries.
std::string describe(std::vector<backend_attempt> const& failures);

/// Tries 1 + retries times: the servers of the pool in turn, beginning with the next one of the pool, in each round
/// another address of a server that has several (the system lists unreachable ones last). connect_timeout bounds each
/// try, its name look-up included. A short pause comes before the same address is tried again.
///
/// To be used and destroyed on the executor's thread. `done` is called once, never from within start() and never after
/// destruction. Destroying it from within `done` is allowed.
class backend_connector {
public:
    using handler = std::function<void(backend_outcome)>;

    backend_connector(boost::asio::any_io_executor executor, std::shared_ptr<backend_pool> pool);
    ~backend_connector();
    backend_connector(backend_connector const&) = delete;
    backend_connector& operator=(backend_connector const&) = delete;

    void start(handler done);

private:
    struct state;  // outlives the connector while an operation is being cancelled
    std::shared_ptr<state> state_;
};

}  // namespace ftpsgate::proxy
