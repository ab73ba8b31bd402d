#include "proxy/monitoring.hpp"

#include "metrics/session_digest.hpp"
#include "metrics/sessions_json.hpp"
#include "metrics/status_page.hpp"
#include "proxy/status_report.hpp"
#include "proxy/version.hpp"

#include <boost/asio/ip/host_name.hpp>

#include <utility>

namespace ftpsgate::proxy {

namespace {

using namespace std::chrono_literals;

constexpr auto measuring_pause = 5s;
constexpr auto patience = 2s;  // with workers that do not answer: then the page shows what there is

}  // namespace

/// The status page while the workers are asked for their sessions. Lives as long as one of its two handlers waits.
class monitoring::page_in_work : public std::enable_shared_from_this<page_in_work> {
public:
    page_in_work(metrics::status overview, metrics::refreshing mode, metrics::html_handler done)
        : page_(std::move(overview)), mode_(mode), done_(std::move(done)) {}

    void start(boost::asio::any_io_executor const& executor, std::vector<session_shelf> shelves) {
        sessions_ = all_sessions(executor, std::move(shelves));
        timer_.emplace(executor);
        timer_->expires_after(patience);
        timer_->async_wait([self = shared_from_this()](boost::system::error_code) { self->finish(true); });
        ask();
    }

private:
    // The walk belongs to this object, so it must not own it; the timer does, until it is cancelled or runs out.
    void ask() {
        sessions_([this](std::vector<metrics::session_row> portion) {
            if (portion.empty()) return finish(false);
            digest_.add(std::move(portion));
            ask();
        });
    }

    void finish(bool incomplete) {
        if (!done_) return;
        page_.incomplete = incomplete;
        digest_.into(page_);
        std::exchange(done_, nullptr)(metrics::render_status(page_, mode_));
        timer_->cancel();
    }

    metrics::status page_;
    metrics::refreshing mode_;
    metrics::html_handler done_;
    metrics::row_source sessions_;
    metrics::session_digest digest_;
    std::optional<boost::asio::steady_timer> timer_;
};

monitoring::monitoring(surroundings around)
    : around_(std::move(around)), exposer_(around_.executor, pages()), measuring_(around_.executor) {
}

boost::system::error_code monitoring::open(boost::asio::ip::tcp::endpoint const& where) {
    auto const error = exposer_.open(where);
    if (!error) measure();
    return error;
}

void monitoring::stop() {
    exposer_.stop();
    measuring_.cancel();
}

metrics::exposer_pages monitoring::pages() {
    metrics::exposer_pages pages;
    pages.metrics = [this] { return around_.counters.text(present_state_of(*around_.present())); };
    pages.reasons_not_ready = around_.reasons_not_ready;
    pages.sessions = [this] { return metrics::sessions_as_json(all_sessions(around_.executor, around_.shelves)); };
    pages.status = [this](metrics::refreshing mode, metrics::html_handler done) { status_page(mode, std::move(done)); };
    return pages;
}

void monitoring::status_page(metrics::refreshing mode, metrics::html_handler done) {
    std::make_shared<page_in_work>(overview(), mode, std::move(done))->start(around_.executor, around_.shelves);
}

metrics::status monitoring::overview() const {
    auto const snapshot = around_.present();
    metrics::status page;
    boost::system::error_code ignored;
    page.host = boost::asio::ip::host_name(ignored);
    page.version = version();
    page.now = std::chrono::system_clock::now();
    page.uptime = std::chrono::floor<std::chrono::seconds>(std::chrono::steady_clock::now() - began_);
    page.draining = around_.draining();
    page.not_ready = around_.reasons_not_ready();
    page.sites = sites_of(*snapshot, page.now);
    for (auto const& one : around_.listeners())
        for (auto& site : page.sites)
            if (site.name == one.site) site.listeners.push_back(one.address + " " + one.mode);
    for (auto& site : page.sites) {
        auto const found = rates_.find(site.name);
        if (found == rates_.end()) continue;
        auto const rates = found->second.rates();
        site.transfers = rates[0];
        site.uploaded = rates[1];
        site.downloaded = rates[2];
    }
    page.expiries = expiries_of(*snapshot);
    page.refusals = around_.refusals.latest();
    page.lost_log_lines = around_.lost_log_lines();
    return page;
}

void monitoring::measure() {
    auto const now = std::chrono::steady_clock::now();
    std::map<std::string, metrics::rate_meter> of_present_sites;
    for (auto const& site : around_.present()->sites) {
        auto& meter = of_present_sites[site->settings.name] = std::move(rates_[site->settings.name]);
        auto const counted = site->counters->counts();
        meter.sample(now, {counted.transfers, counted.uploaded, counted.downloaded});
    }
    rates_ = std::move(of_present_sites);
    measuring_.expires_after(measuring_pause);
    measuring_.async_wait([this](boost::system::error_code error) {
        if (!error) measure();
    });
}

}  // namespace ftpsgate::proxy
