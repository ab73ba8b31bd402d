#include "proxy/backend_watch.hpp"

#include "proxy/backend_check.hpp"
#include "proxy/backend_notice.hpp"

#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>

#include <algorithm>
#include <chrono>
#include <optional>
#include <random>
#include <string>
#include <utility>

namespace ftpsgate::proxy {

namespace {

using clock = std::chrono::steady_clock;
using milliseconds = std::chrono::milliseconds;

constexpr milliseconds pause_in_doubt{1000};
constexpr std::chrono::seconds any_age{0};

milliseconds between(milliseconds least, milliseconds most) {
    static thread_local std::minstd_rand random{std::random_device{}()};
    return milliseconds(std::uniform_int_distribution<milliseconds::rep>(least.count(), most.count())(random));
}

}  // namespace

/// One server's turn, again and again.
class backend_watch::checker : public std::enable_shared_from_this<checker> {
public:
    checker(boost::asio::any_io_executor const& executor, event_log& log, std::string site,
            std::shared_ptr<backend_pool> pool, std::size_t server)
        : executor_(executor),
          log_(log),
          site_(std::move(site)),
          pool_(std::move(pool)),
          server_(server),
          timer_(executor) {}

    void start() {
        if (pool_->health(server_).state() == health_state::untried) return check();
        wait(between(milliseconds(0), interval()));
    }

    void stop() {
        stopped_ = true;
        timer_.cancel();
        check_.reset();
    }

    // A check that runs already began before the session failed, but its end is near.
    void hurry() {
        if (stopped_ || check_) return;
        auto const rest = std::chrono::ceil<milliseconds>(began_ + pause() - clock::now());
        wait(std::max(rest, milliseconds(0)));
    }

private:
    milliseconds interval() const { return pool_->settings().health_interval; }
    milliseconds pause() const { return std::min(interval(), pause_in_doubt); }

    void wait(milliseconds time) {
        timer_.expires_after(time);
        timer_.async_wait([self = shared_from_this()](boost::system::error_code error) {
            if (!error && !self->stopped_) self->check();
        });
    }

    void check() {
        began_ = clock::now();
        pool_->refresh_addresses(server_, executor_, any_age);
        check_.emplace(executor_, pool_, server_);
        check_->start([self = shared_from_this()](std::optional<std::string> const& fault) { self->checked(fault); });
    }

    void checked(std::optional<std::string> const& fault) {
        check_.reset();
        log_change(log_, site_, pool_->name(server_), pool_->checked(server_, fault));
        if (fault)
            log_line(log_, level::debug, "backend_check_failed")
                .field("site", site_)
                .field("backend", pool_->name(server_))
                .field("reason", *fault);
        auto const usual = pool_->health(server_).is_in_doubt() ? pause() : interval();
        wait(between(usual - usual / 10, usual + usual / 10));
    }

    boost::asio::any_io_executor executor_;
    event_log& log_;
    std::string site_;
    std::shared_ptr<backend_pool> pool_;
    std::size_t server_;
    boost::asio::steady_timer timer_;
    std::optional<backend_check> check_;
    clock::time_point began_{};
    bool stopped_ = false;
};

backend_watch::backend_watch(boost::asio::any_io_executor executor, event_log& log)
    : executor_(std::move(executor)), log_(log) {
}

backend_watch::~backend_watch() {
    stop();
}

void backend_watch::watch(runtime const& snapshot) {
    stop();
    for (auto const& site : snapshot.sites) {
        auto const& pool = site->backends;
        if (!pool->is_checked()) continue;
        std::vector<std::weak_ptr<checker>> of_site;
        for (std::size_t i = 0; i < pool->size(); ++i) {
            checkers_.push_back(std::make_shared<checker>(executor_, log_, site->settings.name, pool, i));
            of_site.push_back(checkers_.back());
        }
        pool->when_in_doubt([executor = executor_, of_site](std::size_t server) {
            boost::asio::post(executor, [weak = of_site[server]] {
                if (auto const one = weak.lock()) one->hurry();
            });
        });
    }
    for (auto const& one : checkers_)
        one->start();
}

void backend_watch::stop() {
    for (auto const& one : checkers_)
        one->stop();
    checkers_.clear();
}

}  // namespace ftpsgate::proxy
