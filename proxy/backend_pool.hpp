// The servers of one site: what is known of them, which of them the next session goes to, and where they are found.
// Shared by all worker threads; each question takes short locks, once or twice a session. What a server is known by
// (health, sessions, what was learned, addresses) survives a reload that leaves the server in the list.
//
// Flow of a session: take() a server; when it could not be used, failed(), and take() the next one; when it greeted,
// succeeded(). The lease is kept for as long as the connection. Checks report by checked().
#pragma once

#include "config/settings.hpp"
#include "proxy/backend_health.hpp"
#include "proxy/balancer.hpp"
#include "proxy/ftp/secret.hpp"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/ip/tcp.hpp>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

namespace ftpsgate::proxy {

/// Whom checks log in as.
struct health_login {
    std::string user;
    ftp::secret_string password;
};

/// Asks for the addresses of a server's name. `done` is called once, later, on the executor. Injected by tests.
using address_list = std::vector<boost::asio::ip::tcp::endpoint>;
using look_up_handler = std::function<void(boost::system::error_code, address_list)>;
using look_up = std::function<void(boost::asio::any_io_executor const&, config::endpoint const&, look_up_handler done)>;
/// By getaddrinfo on the executor's resolver thread: it never blocks a loop.
void ask_system(boost::asio::any_io_executor const& executor, config::endpoint const& where, look_up_handler done);

class backend_pool : public std::enable_shared_from_this<backend_pool> {
    struct member;

public:
    /// What sessions found out and the next ones need not find out again.
    struct facts {
        std::atomic<bool> epsv_refused{false};  ///< EPSV was answered 500/501/502/504/522: begin with PASV (B-137)
    };

    /// One session on one server, from when it was chosen; counts for `least-sessions`. May outlive the pool.
    class lease {
    public:
        lease() = default;
        lease(lease&& other) noexcept;
        lease& operator=(lease&& other) noexcept;
        ~lease() { release(); }
        void release() noexcept;
        explicit operator bool() const { return member_ != nullptr; }
        std::size_t server() const { return server_; }  ///< index in the pool

    private:
        friend class backend_pool;
        lease(std::shared_ptr<member> of, std::size_t server, bool trial);

        std::shared_ptr<member> member_;
        std::size_t server_ = 0;
        bool trial_ = false;  // and has not reported yet
    };

    /// Servers that a session has had enough of, by index.
    using server_set = std::vector<bool>;

    /// At least one server, as the configuration was validated. `login` may be null.
    explicit backend_pool(config::backend_settings settings, std::shared_ptr<health_login const> login = nullptr,
                          look_up names = ask_system);

    /// Servers of the same name stay who they were. Before anybody else has this pool.
    void carry_over(backend_pool const& previous);
    /// Called on any thread when a session failed on a server, so that a check looks at it. Before anybody else has
    /// this pool.
    void when_in_doubt(std::function<void(std::size_t server)> call) { in_doubt_ = std::move(call); }

    config::backend_settings const& settings() const { return settings_; }
    std::shared_ptr<health_login const> const& login() const { return login_; }
    std::size_t size() const { return settings_.servers.size(); }
    config::endpoint const& server(std::size_t index) const { return settings_.servers[index].address; }
    /// "host:port" as in the configuration, IPv6 in brackets; the label in logs and metrics.
    std::string const& name(std::size_t index) const { return names_[index]; }
    facts& learned(std::size_t index);

    /// A server for the session, none of those passed over. Empty: there is none that could be used now. `key` as
    /// balancer::choose() has it.
    lease take(std::uint64_t key, server_set const& passed_over);
    /// The same server, whatever is known of it.
    lease take_again(std::size_t index);
    /// take() would find one.
    bool has_another(server_set const& passed_over) const;

    std::optional<backend_health::change> failed(lease& on, std::string const& words);
    std::optional<backend_health::change> succeeded(lease& on);
    /// What a check found; no `words`: it is well.
    std::optional<backend_health::change> checked(std::size_t index, std::optional<std::string> const& words);

    bool is_checked() const { return settings_.health_interval.count() > 0; }
    backend_health health(std::size_t index) const;  ///< as it is now
    std::size_t sessions(std::size_t index) const;
    /// Some server is up, or due for a trial.
    bool is_hopeful() const;

    /// How long one server may take for its greeting, from the beginning of the connection: where there is another, a
    /// client does not wait longer than for one that cannot be connected to.
    std::chrono::milliseconds greeting_limit() const {
        return size() > 1 ? settings_.connect_timeout : settings_.reply_timeout;
    }

    /// Empty: not known yet. The one that answered last comes first.
    address_list addresses(std::size_t index) const;
    void answered(std::size_t index, boost::asio::ip::tcp::endpoint const& address);
    /// Asks for them, and keeps what was found; a look-up that fails or finds nothing leaves what is known.
    void find_addresses(std::size_t index, boost::asio::any_io_executor const& executor, look_up_handler done);
    /// The same in the background, unless the addresses are younger than `age`, or are being looked for already.
    void refresh_addresses(std::size_t index, boost::asio::any_io_executor const& executor, std::chrono::seconds age);

private:
    std::vector<server_standing> standings(server_set const& passed_over, backend_health::clock::time_point now) const;
    void keep_addresses(std::size_t index, address_list found);

    config::backend_settings settings_;
    std::shared_ptr<health_login const> login_;
    look_up look_up_;
    backend_health::rules rules_;
    std::vector<std::string> names_;
    std::vector<std::shared_ptr<member>> members_;
    std::function<void(std::size_t)> in_doubt_;
    std::mutex balancer_mutex_;
    balancer balancer_;
};

}  // namespace ftpsgate::proxy
